//! Who came and who went, told to those they share a direct conversation with. Never stored.

use std::sync::Arc;

use anser_domain::{Event, Hint, LinkRef, Presence as Seen, UserId, UserName};
use anser_store::{Routes, Store};

use crate::{fanout::Fanout, peers::Peers};

/// Tells people about people.
pub(crate) struct Presence {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) fanout: Arc<Fanout>,
    /// How many peers see someone come and go.
    pub(crate) limit: u16,
}

impl Presence {
    /// A user has a link now: their peers learn of it if it is the only one, and the link
    /// learns which peers are online.
    pub(crate) async fn came(&self, user: UserId, name: UserName, link: LinkRef, first: bool) {
        let peers = self.known_to(user).await;
        if peers.is_empty() {
            return;
        }
        let (ids, names): (Vec<UserId>, Vec<UserName>) = peers.into_iter().unzip();
        if first {
            self.tell(ids.clone(), name, true);
        }
        let to = self.peers.clone();
        self.routes.lookup(
            ids,
            Box::new(move |table| {
                let online = names.into_iter().zip(table).filter(|(_, routes)| !routes.is_empty());
                let hints: Vec<Hint> = online
                    .map(|(user, _)| Hint {
                        event: Event::Presence(Arc::new(Seen { user, online: true })),
                        links: vec![link.link],
                    })
                    .collect();
                if !hints.is_empty() {
                    to.deliver(link.cm, hints);
                }
            }),
        );
    }

    /// A user's last link has gone.
    pub(crate) async fn went(&self, user: UserId, name: UserName) {
        let peers = self.known_to(user).await;
        self.tell(peers.into_iter().map(|(id, _)| id).collect(), name, false);
    }

    fn tell(&self, users: Vec<UserId>, name: UserName, online: bool) {
        let seen = Arc::new(Seen { user: name, online });
        self.fanout.event(users, None, move |_| Some(Event::Presence(seen.clone())));
    }

    async fn known_to(&self, user: UserId) -> Vec<(UserId, UserName)> {
        match self.store.peers(user, self.limit).await {
            Ok(peers) => peers.into_iter().filter(|(id, _)| *id != user).collect(),
            Err(error) => {
                tracing::debug!(%error, "presence could not be told");
                Vec::new()
            }
        }
    }
}
