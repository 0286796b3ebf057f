//! Who came and who went, told to their friends unless they do not want it known. Never stored.

use std::sync::Arc;

use anser_domain::{Event, Hint, LinkRef, Presence as Seen, UserId, UserName};
use anser_store::{RouteTable, Routes, Store, Watcher};
use tokio::sync::oneshot;

use crate::{fanout::Fanout, peers::Peers};

/// Tells people about people.
pub(crate) struct Presence {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) fanout: Arc<Fanout>,
    /// How many friends see someone come and go.
    pub(crate) limit: u16,
}

impl Presence {
    /// A user has a link now: their friends learn of it if it is the only one, and the link
    /// learns which friends are online.
    pub(crate) async fn came(&self, user: UserId, name: UserName, link: LinkRef, first: bool) {
        let (shows, friends) = self.watchers(user).await;
        if friends.is_empty() {
            return;
        }
        if first && shows {
            self.tell(ids(&friends), name, true);
        }
        let shown: Vec<Watcher> = friends.into_iter().filter(|friend| friend.shows).collect();
        let to = self.peers.clone();
        self.routes.lookup(
            ids(&shown),
            Box::new(move |table| {
                let online = shown.into_iter().zip(table).filter(|(_, routes)| !routes.is_empty());
                let hints: Vec<Hint> = online
                    .map(|(friend, _)| Hint {
                        event: Event::Presence(Arc::new(Seen { user: friend.name, online: true })),
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
        let (shows, friends) = self.watchers(user).await;
        if shows {
            self.tell(ids(&friends), name, false);
        }
    }

    /// Those who see someone come and go.
    pub(crate) async fn friends(&self, user: UserId) -> Vec<UserId> {
        ids(&self.watchers(user).await.1)
    }

    /// Someone has gone, and there is no record of them to look into any more.
    pub(crate) fn gone(&self, friends: Vec<UserId>, name: UserName) {
        self.tell(friends, name, false);
    }

    /// Two have become friends: each learns whether the other is there.
    pub(crate) async fn met(&self, one: (UserId, &UserName), other: (UserId, &UserName)) {
        for ((user, name), (friend, _)) in [(one, other), (other, one)] {
            let (shows, _) = self.watchers(user).await;
            if shows && self.online(vec![user]).await == [true] {
                self.tell(vec![friend], name.clone(), true);
            }
        }
    }

    /// Two are friends no more: to each the other has gone.
    pub(crate) fn parted(&self, one: (UserId, &UserName), other: (UserId, &UserName)) {
        for ((_, name), (friend, _)) in [(one, other), (other, one)] {
            self.tell(vec![friend], name.clone(), false);
        }
    }

    /// A user lets friends see when they are there from now on, or not.
    pub(crate) async fn shown(&self, user: UserId, name: UserName, shows: bool) {
        let (_, friends) = self.watchers(user).await;
        let online = shows && self.online(vec![user]).await == [true];
        self.tell(ids(&friends), name, online);
    }

    /// Whether each of these users has a link now.
    pub(crate) async fn online(&self, users: Vec<UserId>) -> Vec<bool> {
        let count = users.len();
        let (found, table) = oneshot::channel();
        self.routes.lookup(
            users,
            Box::new(move |table: RouteTable| {
                // Whoever asked may have stopped waiting.
                let _ = found.send(table);
            }),
        );
        let table = table.await.unwrap_or_default();
        let mut online: Vec<bool> = table.iter().map(|routes| !routes.is_empty()).collect();
        online.resize(count, false);
        online
    }

    fn tell(&self, users: Vec<UserId>, name: UserName, online: bool) {
        let seen = Arc::new(Seen { user: name, online });
        self.fanout.event(users, None, move |_| Some(Event::Presence(seen.clone())));
    }

    async fn watchers(&self, user: UserId) -> (bool, Vec<Watcher>) {
        match self.store.watchers(user, self.limit).await {
            Ok(watchers) => watchers,
            Err(error) => {
                tracing::debug!(%error, "presence could not be told");
                (false, Vec::new())
            }
        }
    }
}

fn ids(watchers: &[Watcher]) -> Vec<UserId> {
    watchers.iter().map(|watcher| watcher.id).collect()
}
