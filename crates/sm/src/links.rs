//! Logins, takeovers and evictions: which link is a device's link.

use std::{sync::Arc, time::Duration};

use anser_domain::{
    Actor, Caller, Credential, DeviceId, LinkRef, Login, Refusal, Reply, ReplyTo, SyncToken,
    UserId, Welcome,
};
use anser_store::{
    DeviceSession, ListPage, Registered, Registration, Revocation, Route, RouteTable, Routes, Store,
};
use tokio::sync::oneshot;

use crate::{
    credentials::Credentials,
    cursors::Cursors,
    held::Held,
    peers::Peers,
    planted::{Plant, planted},
    token::Purpose,
};

/// Rows of the first page of changes: what fits a WELCOME without making it wait.
pub(crate) const CHANGES_PAGE: u16 = 100;

/// How often an end that waits for links to close looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Keeps the link map true.
pub(crate) struct Links {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) held: Arc<Held>,
    pub(crate) cursors: Arc<Cursors>,
    pub(crate) credentials: Arc<Credentials>,
}

/// A link that has become its device's link.
pub(crate) struct Linked {
    pub(crate) welcome: Welcome,
    pub(crate) link: LinkRef,
    /// Whether the user has just come online.
    pub(crate) first: bool,
}

impl Links {
    /// Makes the asking link the device's link.
    ///
    /// The order is part of the promise: epoch first (durable), then the route, then the heads;
    /// whatever is committed after the route stands is hinted to this link, and whatever was
    /// committed before it is in the page.
    pub(crate) async fn login(
        &self,
        from: ReplyTo,
        caller: &Caller,
        login: Login,
    ) -> Result<Linked, Refusal> {
        let session = self.authenticate(login.credential).await?;
        // A link may show its own device's next credential, and nobody else's.
        if let Caller::Link(actor) = caller
            && actor.device != session.device.id
        {
            return Err(Refusal::Forbidden);
        }
        let device_id = session.device.id;
        // What an earlier link of this device had acknowledged counts before its cursors are
        // read; what it had been refused is resent by the device itself.
        self.cursors.flush_device(device_id).await;
        let now = self.credentials.clock.wall();
        let raised = self.store.raise_epochs(vec![device_id], now).await?;
        let device = raised.into_iter().next().ok_or(Refusal::Revoked)?;
        // The session may have ended since it was checked.
        if device.session != session.device.session {
            return Err(Refusal::Revoked);
        }
        let actor = Actor { user: device.user, device: device.id, epoch: device.epoch };
        let link = LinkRef { cm: from.peer, link: from.link, epoch: device.epoch };
        let first = self.register(actor, link).await?;
        self.held.forget(device_id);
        // Whoever ended the session meanwhile found no route to evict; now there is one, so
        // one of the two sees the other.
        let now = self.store.device(device_id).await?;
        if now.is_none_or(|now| now.disabled || now.device.session != session.device.session) {
            self.unlink(from, actor).await;
            return Err(Refusal::Revoked);
        }

        let since = ListPage::Since(login.since.unwrap_or(SyncToken(0)));
        let changes = self.store.conversations(actor, since, CHANGES_PAGE).await?;
        let personal = self.store.personal(actor.user).await?;
        let (ticket, until) = self.credentials.ticket(&session)?;
        let (user, device) = (session.user_name, device.name);
        let welcome = Welcome { actor, user, device, ticket, until, changes, personal };
        Ok(Linked { welcome, link, first })
    }

    async fn authenticate(&self, credential: Credential) -> Result<DeviceSession, Refusal> {
        match credential {
            Credential::Token(token) => self.credentials.check(Purpose::Access, &token).await,
            Credential::Ticket(ticket) => self.credentials.check(Purpose::Ticket, &ticket).await,
            Credential::Password { user, password, device } => {
                self.credentials.open_session(user, password, device).await.map(|(it, _)| it)
            }
        }
    }

    /// Puts a link into the map and evicts the one it replaces. Answers whether the user has
    /// just come online.
    async fn register(&self, actor: Actor, link: LinkRef) -> Result<bool, Refusal> {
        let route = Route { device: actor.device, link };
        let registered =
            self.routes.register(vec![Registration { user: actor.user, route }]).await.map_err(
                |error| {
                    tracing::warn!(%error, "a link could not be registered");
                    Refusal::Unavailable
                },
            )?;
        match registered.first() {
            Some(Registered::Fresh { first }) => Ok(*first),
            // A link that shows its next credential takes over from itself.
            Some(Registered::Replaced(old)) if (old.cm, old.link) == (link.cm, link.link) => {
                Ok(false)
            }
            Some(Registered::Replaced(_)) if planted(Plant::TakeoverIgnored) => Ok(false),
            Some(Registered::Replaced(old)) => {
                self.peers.evict(old.cm, vec![(old.link, Refusal::TakenOver)]);
                Ok(false)
            }
            Some(Registered::Outranked) => Err(Refusal::TakenOver),
            None => Err(Refusal::Unavailable),
        }
    }

    /// Puts a link back into a map that was lost, at its old epoch.
    pub(crate) async fn relink(&self, from: ReplyTo, actor: Actor) -> Result<Reply, Refusal> {
        let link = LinkRef { cm: from.peer, link: from.link, epoch: actor.epoch };
        let registered = self.register(actor, link).await;
        if registered == Err(Refusal::TakenOver) {
            self.peers.evict(from.peer, vec![(from.link, Refusal::TakenOver)]);
        }
        registered.map(|_| Reply::Done)
    }

    /// Takes a closed link out of the map. Answers whether it was the user's last.
    pub(crate) async fn unlink(&self, from: ReplyTo, actor: Actor) -> bool {
        let link = LinkRef { cm: from.peer, link: from.link, epoch: actor.epoch };
        let route = Route { device: actor.device, link };
        let closed = vec![Registration { user: actor.user, route }];
        let was_last = if planted(Plant::UnlinkForgotten) {
            Ok(Vec::new())
        } else {
            self.routes.unregister(closed).await
        };
        self.cursors.flush_device(actor.device).await;
        match was_last.as_deref() {
            Ok([last]) => *last,
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(%error, "a closed link stays in the map for now");
                false
            }
        }
    }

    /// Closes the links of ended sessions, telling each why.
    pub(crate) fn evict(&self, ended: &Revocation) {
        let (peers, ended) = (self.peers.clone(), ended.clone());
        self.routes.lookup(
            vec![ended.user],
            Box::new(move |table| {
                for route in concerned(&table, &ended) {
                    peers.evict(route.link.cm, vec![(route.link.link, reason(&ended))]);
                }
            }),
        );
    }

    /// Closes those of these links whose sessions are ended still: the devices may have signed in
    /// again since.
    pub(crate) async fn evict_ended(&self, ended: &Revocation) {
        for route in concerned(&self.table(ended.user).await, ended) {
            match self.store.device(route.device).await {
                Ok(Some(it)) if it.device.session != 0 && !it.disabled => {}
                Ok(_) => {
                    let evicted = vec![(route.link.link, reason(ended))];
                    self.peers.evict(route.link.cm, evicted);
                }
                Err(error) => tracing::warn!(%error, "an ended session's link stays for now"),
            }
        }
    }

    /// Evicts, then waits until the links have gone, at most as long as a revocation may take.
    pub(crate) async fn evict_and_wait(&self, ended: Revocation, at_most: Duration) {
        self.evict(&ended);
        let gone = async {
            while !concerned(&self.table(ended.user).await, &ended).is_empty() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(at_most, gone).await.is_err() {
            tracing::warn!(user = %ended.user, "links of an ended session took too long to close");
        }
    }

    async fn table(&self, user: UserId) -> RouteTable {
        let (found, table) = oneshot::channel();
        self.routes.lookup(
            vec![user],
            Box::new(move |table| {
                // Whoever asked may have stopped waiting.
                let _ = found.send(table);
            }),
        );
        table.await.unwrap_or_default()
    }

    /// Which of the user's devices are linked now.
    pub(crate) async fn online(&self, user: UserId) -> Vec<DeviceId> {
        self.table(user).await.into_iter().flatten().map(|route| route.device).collect()
    }
}

fn reason(ended: &Revocation) -> Refusal {
    if ended.disabled { Refusal::Disabled } else { Refusal::Revoked }
}

/// The links that the end of these sessions closes.
fn concerned(table: &RouteTable, ended: &Revocation) -> Vec<Route> {
    let hit = |route: &&Route| match ended.device {
        Some(device) => route.device == device,
        None => Some(route.device) != ended.keep,
    };
    table.iter().flatten().filter(hit).copied().collect()
}

/// The device that a CM vouches for.
pub(crate) fn linked(caller: &Caller) -> Result<Actor, Refusal> {
    match caller {
        Caller::Link(actor) => Ok(*actor),
        Caller::Nobody | Caller::Bearer(_) => Err(Refusal::Forbidden),
    }
}
