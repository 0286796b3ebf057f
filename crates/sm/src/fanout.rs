//! One event to the links of many users: one route lookup, one hint per CM, whatever the number
//! of members.

use std::sync::Arc;

use anser_domain::{
    Address, Changed, Delivery, Encoded, Event, Hint, LinkId, Message, PeerId, ReplyTo, Subject,
    SyncToken, UserId,
};
use anser_store::{Acl, Appended, ConversationKind, Members, RouteTable, Routes};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::{
    peers::{Peers, bin},
    planted::{Plant, believed, ex_members, planted},
};

/// From so many members on a look at who is linked at all saves more than it costs.
const MANY: usize = 256;

/// Sends events where their readers are linked.
pub(crate) struct Fanout {
    peers: Arc<Peers>,
    routes: Arc<dyn Routes>,
}

/// A committed entry and whom it goes to: a stretch of the batch's list of viewers.
struct Going {
    from: ReplyTo,
    message: Arc<Message>,
    prev: SyncToken,
    acl: Arc<Acl>,
    viewers: SmallVec<[std::ops::Range<usize>; 2]>,
}

impl Fanout {
    pub(crate) fn new(peers: Arc<Peers>, routes: Arc<dyn Routes>) -> Self {
        Self { peers, routes }
    }

    /// Delivers a committed batch, in order. The link that sent an entry is left out: its answer
    /// tells it. Its user's other links are not.
    pub(crate) fn entries(&self, batch: Vec<(ReplyTo, Appended)>) {
        if batch.is_empty() {
            return;
        }
        let mut viewers: Vec<UserId> = Vec::new();
        // Members of one version of one conversation are looked up once per batch.
        let mut known: FxHashMap<*const Acl, std::ops::Range<usize>> = FxHashMap::default();
        let mut going = Vec::with_capacity(batch.len());
        for (from, appended) in batch {
            let range = known.entry(Arc::as_ptr(&appended.acl)).or_insert_with(|| {
                let (start, members) = (viewers.len(), &appended.acl.members);
                // Of many members only those who are linked are asked for, where that is known.
                let linked = (members.len() > MANY).then(|| self.routes.linked_among(members));
                match linked.flatten() {
                    Some(linked) => viewers.extend(linked),
                    None => viewers.extend(members.keys()),
                }
                start..viewers.len()
            });
            let mut ranges = SmallVec::from_iter([range.clone()]);
            if planted(Plant::ExMemberTold) {
                let start = viewers.len();
                viewers.extend(ex_members(&appended.acl));
                ranges.push(start..viewers.len());
            }
            if !appended.removed.is_empty() {
                let start = viewers.len();
                let removed = appended.removed.iter().map(|member| member.user);
                if appended.removed.len() > MANY {
                    // A group was dissolved.
                    let members: Members = appended.removed.iter().cloned().collect();
                    match self.routes.linked_among(&members) {
                        Some(linked) => viewers.extend(linked),
                        None => viewers.extend(removed),
                    }
                } else {
                    viewers.extend(removed);
                }
                ranges.push(start..viewers.len());
            }
            let Appended { sent, message, acl, .. } = appended;
            going.push(Going { from, message, prev: sent.prev, acl, viewers: ranges });
        }
        let peers = self.peers.clone();
        self.routes.lookup(
            viewers.clone(),
            Box::new(move |table| {
                deliver_entries(&peers, &going, &viewers, &believed(&viewers, table));
            }),
        );
    }

    /// Tells users' links, but `skip`, that something of their own has changed.
    pub(crate) fn changed(
        &self,
        users: Vec<(UserId, SyncToken)>,
        subject: Subject,
        skip: Option<ReplyTo>,
    ) {
        let of = users.iter().map(|(user, _)| *user).collect();
        self.event(of, skip, move |viewer| {
            let (_, at) = users.iter().find(|(user, _)| *user == viewer)?;
            Some(Event::Changed(Arc::new(Changed { subject, at: *at })))
        });
    }

    /// Tells users' links, but `skip`, of one change that is a change of something of each of them.
    pub(crate) fn changed_for_all(
        &self,
        users: Vec<UserId>,
        subject: Subject,
        at: SyncToken,
        skip: Option<ReplyTo>,
    ) {
        let changed = Arc::new(Changed { subject, at });
        self.event(users, skip, move |_| Some(Event::Changed(changed.clone())));
    }

    /// Sends each user the event that `make` says, at all their links but `skip`.
    pub(crate) fn event(
        &self,
        users: Vec<UserId>,
        skip: Option<ReplyTo>,
        make: impl Fn(UserId) -> Option<Event> + Send + 'static,
    ) {
        let peers = self.peers.clone();
        let viewers = users.clone();
        self.routes.lookup(
            users,
            Box::new(move |table| {
                let mut hints = SmallVec::new();
                for (user, routes) in viewers.iter().zip(table) {
                    if routes.is_empty() {
                        continue;
                    }
                    let Some(event) = make(*user) else { continue };
                    let mut links: SmallVec<[(PeerId, Vec<LinkId>); 2]> = SmallVec::new();
                    for route in routes {
                        if !is_at(skip, route.link.cm, route.link.link) {
                            bin(&mut links, route.link.cm).push(route.link.link);
                        }
                    }
                    for (cm, links) in links {
                        bin(&mut hints, cm).push(Hint { event: event.clone(), links });
                    }
                }
                for (cm, hints) in hints {
                    peers.deliver(cm, hints);
                }
            }),
        );
    }
}

fn is_at(at: Option<ReplyTo>, cm: PeerId, link: LinkId) -> bool {
    at.is_some_and(|at| at.peer == cm && at.link == link)
}

fn deliver_entries(peers: &Peers, going: &[Going], viewers: &[UserId], table: &RouteTable) {
    let mut hints = SmallVec::new();
    for entry in going {
        let indices = entry.viewers.iter().cloned().flatten();
        match &entry.acl.kind {
            // Every member sees the group under the same address: one delivery for all.
            ConversationKind::Group(name) => {
                let at = Address::Group(name.clone());
                hint(&mut hints, entry, at, indices.filter_map(|index| table.get(index)));
            }
            ConversationKind::Direct => {
                for index in indices {
                    let (Some(viewer), Some(routes)) = (viewers.get(index), table.get(index))
                    else {
                        continue;
                    };
                    if routes.is_empty() {
                        continue;
                    }
                    if let Some(at) = entry.acl.address_for(*viewer) {
                        hint(&mut hints, entry, at, std::iter::once(routes));
                    }
                }
            }
        }
    }
    for (cm, hints) in hints {
        peers.deliver(cm, hints);
    }
}

/// Adds one delivery to the hints of every CM that holds one of `routes`.
fn hint<'a>(
    hints: &mut SmallVec<[(PeerId, Vec<Hint>); 2]>,
    entry: &Going,
    at: Address,
    routes: impl Iterator<Item = &'a SmallVec<[anser_store::Route; 1]>>,
) {
    let mut links: SmallVec<[(PeerId, Vec<LinkId>); 2]> = SmallVec::new();
    for route in routes.flatten() {
        if !is_at(Some(entry.from), route.link.cm, route.link.link) {
            bin(&mut links, route.link.cm).push(route.link.link);
        }
    }
    let total = links.iter().map(|(_, links)| links.len()).sum::<usize>();
    if total == 0 {
        return;
    }
    let delivery = Arc::new(Delivery {
        at,
        message: entry.message.clone(),
        prev: entry.prev,
        links: u32::try_from(total).unwrap_or(u32::MAX),
        encoded: Encoded::default(),
    });
    for (cm, links) in links {
        bin(hints, cm).push(Hint { event: Event::Message(delivery.clone()), links });
    }
}
