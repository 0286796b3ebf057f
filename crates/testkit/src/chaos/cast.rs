//! Who plays, and what they may do next.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::ClientId;
use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use rand::{RngExt as _, rngs::StdRng};
use tokio::sync::watch;

use super::{
    player::{Deed, Native, Player},
    post::Post,
};
use crate::{
    checker::{Device, Due, User},
    probe::Probe,
    real::{Login, Phone, Rest},
};

/// Linked devices of each. A third device only sends, over REST.
const DEVICES: usize = 2;
/// Sends of one device that wait for their answers.
const WINDOW: usize = 16;
/// What one device says in a hurry: more than [`trial`](fn@super::trial) lets a user say in ten
/// seconds, over more time than it takes until the next may be said.
const BURST: usize = 300;
const BURST_PAUSE: Duration = Duration::from_millis(4);
/// How many hang up in the end, so that somebody is there to be shown as not linked.
const LEAVERS: usize = 2;
/// So many pairs have a block in the course of a run: the later user of each keeps the other out.
pub(super) const BLOCKS: usize = 3;

/// Everybody.
pub(super) struct Cast {
    pub(super) users: Vec<User>,
    pub(super) players: Vec<Box<dyn Player>>,
    /// One device per user that only reads, over REST.
    pub(super) readers: Vec<Login>,
    /// Addresses; the first two are the group that everyone is in, and the one whose members come
    /// and go.
    groups: Vec<String>,
    rest: Arc<Rest>,
    next: AtomicU64,
    /// Texts by whether they have to be stored.
    dues: Mutex<HashMap<String, Due>>,
    /// Blocks that were acknowledged: who, and by whom.
    blocked: Arc<Mutex<BTreeSet<(User, User)>>>,
}

impl Cast {
    /// Makes users, devices and groups, and links the devices to gateways in turn. All names begin
    /// with `tag`: other casts may have been on the same stage.
    pub(super) async fn gather(
        rest: Arc<Rest>,
        tag: &str,
        users: usize,
        gateways: &[watch::Receiver<Option<SocketAddr>>],
    ) -> Result<Self> {
        let users: Vec<User> = (0..users).map(|n| format!("{tag}user{n}").into()).collect();
        let mut players: Vec<Box<dyn Player>> = Vec::new();
        let mut readers = Vec::new();
        for user in &users {
            rest.create_user(user).await?;
            readers.push(rest.login(user, "rest").await?);
            for n in 0..DEVICES {
                let device = Device { user: user.clone(), name: format!("phone{n}").into() };
                let login = rest.login(user, &device.name).await?;
                let gateway = gateways.get(players.len() % gateways.len().max(1));
                let at = gateway.context("no gateway")?.clone();
                let phone = Phone::start(Probe::new(device.clone(), login.token), WINDOW, at);
                players.push(Box::new(Native { device, phone }));
            }
        }
        for user in users.iter().take(users.len() / 2) {
            let device = Device { user: user.clone(), name: "post".into() };
            let login = rest.login(user, &device.name).await?;
            players.push(Box::new(Post::start(device, login, rest.clone())));
        }
        let owner = readers.first().context("a run without users")?;
        let others = users.get(1..).unwrap_or_default();
        let few = |n| others.iter().skip(n).take(2).cloned().collect();
        let mut founded: Vec<(String, Vec<User>)> = vec![
            (format!("{tag}all"), others.to_vec()),
            (format!("{tag}moving"), others.get(..1).unwrap_or_default().to_vec()),
        ];
        founded.extend((0..users.len() / 3).map(|n| (format!("{tag}few{n}"), few(n))));
        let mut groups = Vec::new();
        for (id, members) in founded {
            rest.create_group(owner, &id, &members).await?;
            groups.push(format!("g:{id}"));
        }
        let (dues, blocked) = (Mutex::default(), Arc::default());
        let next = AtomicU64::new(0);
        Ok(Self { users, players, readers, groups, rest, next, dues, blocked })
    }

    /// Lets some devices sleep, chosen anew, and wakes the others.
    pub(super) fn let_sleep(&self, rng: &mut StdRng) {
        for player in &self.players {
            player.stay_awake(rng.random_range(0..5) != 0);
        }
    }

    /// Wakes everybody.
    pub(super) fn wake(&self) {
        self.players.iter().for_each(|it| it.stay_awake(true));
    }

    /// Somebody does something.
    pub(super) fn act(&self, rng: &mut StdRng) {
        let player = rng.random_range(0..self.players.len());
        if rng.random_range(0..40) == 0 {
            // The owner's first phone alone moves members, so that removals and joinings of one
            // user have one order.
            let user =
                self.users.get(rng.random_range(1..self.users.len())).cloned().unwrap_or_default();
            let deed = if rng.random() { Deed::Let(user) } else { Deed::Remove(user) };
            return self.deed(0, self.moving(), &deed);
        }
        let at = if rng.random_range(0..3) == 0 {
            self.groups.get(rng.random_range(0..self.groups.len())).cloned().unwrap_or_default()
        } else {
            let peer = self.users.get(rng.random_range(0..self.users.len()));
            format!("u:{}", peer.cloned().unwrap_or_default())
        };
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let deed = match rng.random_range(0..40) {
            0..5 => Deed::Read(rng.random_range(0..4)),
            5..7 => Deed::Edit(format!("{n} after all")),
            7 => Deed::Recall,
            8..12 => Deed::Answer(format!("{n} in answer")),
            _ => Deed::Text(format!("{n} said")),
        };
        self.deed(player, &at, &deed);
    }

    /// One device says very much, on and on: while what was refused for now waits, there is room
    /// again, and what it says then may not take it.
    pub(super) async fn burst(&self) {
        for n in 0..BURST {
            self.deed(0, self.all(), &Deed::Rush(format!("{n} in a hurry")));
            tokio::time::sleep(BURST_PAUSE).await;
        }
    }

    /// Some hang up for good.
    pub(super) fn leave(&self) {
        self.players
            .iter()
            .skip(1)
            .step_by(DEVICES)
            .take(LEAVERS)
            .for_each(|it| it.stay_awake(false));
    }

    /// Everybody has read everything, and then, as a device that hears of it late, a little less.
    pub(super) fn read(&self) {
        for player in 0..self.players.len() {
            for at in &self.groups {
                self.deed(player, at, &Deed::Read(0));
                self.deed(player, at, &Deed::Read(2));
            }
        }
    }

    fn deed(&self, player: usize, at: &str, deed: &Deed) {
        let Some(player) = self.players.get(player) else { return };
        let client_id = ClientId(*uuid::Uuid::now_v7().as_bytes());
        let due = self.due(&player.device().user, at);
        if let (true, Deed::Text(body) | Deed::Rush(body) | Deed::Answer(body)) =
            (player.act(at, client_id, deed), deed)
        {
            self.dues.lock().insert(body.clone(), due);
        }
    }

    /// What has to come of a text that `user` says now.
    fn due(&self, user: &User, at: &str) -> Due {
        let Some(peer) = at.strip_prefix("u:").map(User::from) else {
            // Everybody writes to the other groups too, member or not.
            return if at == self.all() { Due::Stored } else { Due::Either };
        };
        if self.blocked.lock().contains(&(user.clone(), peer.clone())) {
            return Due::Refused;
        }
        let one_of = |a: &User, b: &User| self.pairs().any(|(blocked, by)| blocked == a && by == b);
        if one_of(user, &peer) || one_of(&peer, user) { Due::Either } else { Due::Stored }
    }

    fn all(&self) -> &str {
        self.groups.first().map_or("", String::as_str)
    }

    fn moving(&self) -> &str {
        self.groups.get(1).map_or("", String::as_str)
    }

    /// Who is kept out in the course of a run, and by whom.
    fn pairs(&self) -> impl Iterator<Item = (&User, &User)> {
        self.users.iter().zip(self.users.iter().skip(1)).take(BLOCKS)
    }

    /// One of the pairs, the `nth`, comes to its block, however long it takes to be heard.
    pub(super) fn block(&self, nth: usize) {
        let Some((user, by)) = self.pairs().nth(nth) else { return };
        let Some(login) = self.readers.iter().find(|it| it.user == *by).cloned() else { return };
        let (rest, blocked) = (self.rest.clone(), self.blocked.clone());
        let pair = (user.clone(), by.clone());
        tokio::spawn(async move {
            while rest.block(&login, &pair.0).await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            blocked.lock().insert(pair);
        });
    }

    /// One last text for every conversation there can be.
    pub(super) fn farewells(&self) {
        for (n, user) in self.users.iter().enumerate() {
            for other in self.users.iter().skip(n) {
                let deed = Deed::Text(format!("{user} takes leave of {other}"));
                self.deed(n * DEVICES, &format!("u:{other}"), &deed);
            }
        }
        for at in &self.groups {
            self.deed(0, at, &Deed::Text(format!("leave of {at}")));
        }
    }

    /// What had to come of a text.
    pub(super) fn due_of(&self, body: &str) -> Due {
        self.dues.lock().get(body).copied().unwrap_or_default()
    }

    /// How much has been done, and how much of it has no final answer.
    pub(super) fn pulse(&self) -> (usize, usize) {
        let done = self.dues.lock().len();
        (done, self.players.iter().map(|it| it.unanswered()).sum())
    }

    /// Whose answers are missing, and how many.
    pub(super) fn waiting(&self) -> String {
        let all = self.players.iter().map(|it| (it.device(), it.unanswered()));
        let some = all.filter(|(_, waits)| *waits > 0);
        some.map(|(device, waits)| format!("{device}: {waits}")).collect::<Vec<_>>().join(", ")
    }

    /// Who owns every group.
    pub(super) fn owner(&self) -> Option<&User> {
        self.users.first()
    }

    /// REST, as the readers use it.
    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }
}
