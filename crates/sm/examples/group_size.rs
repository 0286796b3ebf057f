//! What a group's size costs: `cargo run --release -p anser-sm --example group_size [MEMBERS
//! [ROUNDS]]`.
//!
//! Joining, posting, paging members and leaving, one at a time, in a group of 100 and in one of
//! MEMBERS (whom ROUNDS more join, up to the 100,000 that there may be), with the same 50 linked in
//! both. Prints the median time to the answer (and, of a post, to its delivery), the CPU time of
//! the whole process, and the ratios. Commits are durable, so that the time holds a disk's flush;
//! CPU time does not.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement is a program of its own, and ends where it cannot go on"
)]

use std::{
    fs,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use anser_domain::{
    Act, Actor, Address, Ask, Beat, Caller, Change, ClientId, Command, Content, DeviceId, Epoch,
    GroupChange, GroupKind, GroupName, GroupRole, Hint, JoinPolicy, LinkId, LinkRef, Links,
    MemberChange, NewGroup, Outgoing, Peer, PeerId, PolicyPatch, Refusal, Replies, Reply, ReplyTo,
    Role, SessionManager, StreamPos, SystemClock, Tag, UserId, UserName, Via,
};
use anser_sm::{Config, Outside, Sm};
use anser_store::{NewUserRow, Registration, Route, Routes, ScramKeys, Store};

const SMALL: usize = 100;
const LINKED: usize = 50;
const BATCH: usize = 1000;
const CM: PeerId = PeerId(1);

struct Ears {
    replies: mpsc::Sender<Reply>,
    delivered: mpsc::Sender<usize>,
}

impl Replies for Ears {
    fn replies(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        for (_, _, reply) in batch {
            let _ = self.replies.send(reply);
        }
    }
}

impl Links for Ears {
    fn deliver(&self, _: StreamPos, batch: Vec<Hint>) {
        let _ = self.delivered.send(batch.iter().map(|hint| hint.links.len()).sum());
    }
    fn evict(&self, _: Vec<(LinkId, Refusal)>) {}
    fn beat(&self, _: Beat) {}
}

struct Bench {
    sm: Arc<Sm>,
    users: Vec<UserId>,
    replies: mpsc::Receiver<Reply>,
    delivered: mpsc::Receiver<usize>,
    ids: u64,
}

fn name(number: usize) -> UserName {
    UserName::new(&format!("user{number:06}")).unwrap()
}

fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat.rsplit(") ").next().map_or(0, |rest| {
        rest.split(' ').skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
    });
    Duration::from_millis(ticks * 10)
}

impl Bench {
    fn id(&mut self) -> ClientId {
        self.ids += 1;
        ClientId::from_text(&format!("bench {}", self.ids))
    }

    fn ask(&self, user: usize, command: Command) -> Reply {
        let user = *self.users.get(user).unwrap();
        let actor = Actor { user, device: DeviceId(user.0), epoch: Epoch(1) };
        let from = ReplyTo { peer: CM, link: LinkId(user.0), tag: Tag(1), via: Via::default() };
        self.sm.submit(vec![Ask { from, caller: Caller::Link(actor), command }]);
        let reply = self.replies.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
        reply
    }

    fn change(&mut self, user: usize, group: &GroupName, act: Act) {
        let (client_id, at) = (self.id(), Address::Group(group.clone()));
        self.ask(user, Command::Change(Box::new(Change { client_id, at, act })));
    }

    fn found(&mut self, group: &GroupName, size: usize) {
        let members = (1..size.min(BATCH)).map(name).collect();
        let (client_id, kind) = (self.id(), GroupKind::Group);
        let new = NewGroup { client_id, name: group.clone(), kind, title: "".into(), members };
        self.ask(0, Command::CreateGroup(Box::new(new)));
        for from in (BATCH..size).step_by(BATCH) {
            let users = (from..size.min(from + BATCH)).map(name).collect();
            let role = GroupRole::Member;
            self.change(0, group, Act::Members(MemberChange::Put { users, role }));
        }
        let (join, hidden) = (Some(JoinPolicy::Open), Some(false));
        let patch = PolicyPatch { join, hidden, ..PolicyPatch::default() };
        self.change(0, group, Act::Group(GroupChange::Policy(patch)));
        while self.delivered.recv_timeout(Duration::from_millis(200)).is_ok() {}
    }

    /// The median time of one, and the CPU time of one.
    fn measure(&mut self, rounds: usize, mut one: impl FnMut(&mut Self, usize)) -> (f64, f64) {
        let (mut times, before) = (Vec::with_capacity(rounds), cpu());
        for round in 0..rounds {
            let start = Instant::now();
            one(self, round);
            times.push(start.elapsed());
        }
        let cpu = (cpu() - before).as_secs_f64() * 1e6 / rounds as f64;
        times.sort_unstable();
        (times.get(rounds / 2).unwrap().as_secs_f64() * 1e6, cpu)
    }

    fn run(&mut self, group: &GroupName, size: usize, rounds: usize) -> [(f64, f64); 4] {
        // Strangers, of whom one joins and leaves in each round.
        let stranger = self.users.len() - rounds;
        let join = self.measure(rounds, |bench, round| {
            bench.change(stranger + round, group, Act::Group(GroupChange::Join));
        });
        let post = self.measure(rounds, |bench, _| {
            while bench.delivered.try_recv().is_ok() {}
            let out = Outgoing {
                to: Address::Group(group.clone()),
                client_id: bench.id(),
                content: Content::Text("honk".into()),
                reply_to: None,
                mentions: Vec::new(),
                payload: None,
                mentions_all: false,
                forward: None,
            };
            bench.ask(0, Command::Send(Box::new(out)));
            assert_eq!(bench.delivered.recv_timeout(Duration::from_secs(60)), Ok(LINKED));
        });
        let page = self.measure(rounds, |bench, round| {
            let after = Some(name(round * 7919 % size));
            let (group, limit) = (group.clone(), 50);
            bench.ask(0, Command::Members { group, after, limit });
        });
        let leave = self.measure(rounds, |bench, round| {
            bench.change(stranger + round, group, Act::Group(GroupChange::Leave));
        });
        [join, post, page, leave]
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().unwrap());
    let (members, rounds) = (args.next().unwrap_or(99_700), args.next().unwrap_or(300));
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock);
    let url = format!("sqlite:{}", dir.path().join("anser.db").display());
    let store = anser_store::open(&url, clock.clone()).await.unwrap();
    let routes: Arc<dyn Routes> = anser_store::open_routes("memory").await.unwrap();
    let users = people(&store, members + rounds).await;
    for user in users.iter().skip(1).take(LINKED) {
        let link = LinkRef { cm: CM, link: LinkId(user.0), epoch: Epoch(1) };
        let route = Route { device: DeviceId(user.0), link };
        routes.register(vec![Registration { user: *user, route }]).await.unwrap();
    }
    let (config, outside) = (Config::default(), Outside::default());
    let sm = Sm::stepped(store, routes, clock, config, outside).await.unwrap();
    let (tell, replies) = mpsc::channel();
    let (told, delivered) = mpsc::channel();
    let ears = Arc::new(Ears { replies: tell, delivered: told });
    sm.attach(Peer { id: CM, via: Via::default(), replies: ears.clone(), links: Some(ears) });
    let bench = Bench { sm, users, replies, delivered, ids: 0 };
    tokio::task::spawn_blocking(move || measured(bench, members, rounds)).await.unwrap();
}

async fn people(store: &Arc<dyn Store>, count: usize) -> Vec<UserId> {
    let keys =
        ScramKeys { salt: vec![0; 16], iterations: 4096, stored_key: [0; 32], server_key: [0; 32] };
    let mut users = Vec::with_capacity(count);
    for from in (0..count).step_by(BATCH) {
        let rows = (from..count.min(from + BATCH)).map(|number| NewUserRow {
            name: name(number),
            display_name: "".into(),
            role: Role::User,
            keys: keys.clone(),
        });
        let made = store.create_users(rows.collect()).await.unwrap();
        users.extend(made.into_iter().map(Result::unwrap));
    }
    users
}

fn measured(mut bench: Bench, members: usize, rounds: usize) {
    let (small, large) = (GroupName::trusted("small"), GroupName::trusted("large"));
    bench.found(&small, SMALL);
    let start = Instant::now();
    bench.found(&large, members);
    println!("a group of {members} made in {:.1} s", start.elapsed().as_secs_f64());
    // Each once, for what is read once.
    bench.run(&small, SMALL, 3);
    bench.run(&large, members, 3);
    let few = bench.run(&small, SMALL, rounds);
    let many = bench.run(&large, members, rounds);
    println!("         {SMALL:>9} members    {members:>9} members    ratio");
    println!("           µs  CPU µs         µs  CPU µs       µs   CPU");
    let names = ["join", "post", "members", "leave"];
    for ((what, a), b) in names.into_iter().zip(few).zip(many) {
        let (wall, cpu) = (b.0 / a.0, b.1 / a.1);
        println!(
            "{what:8}{:>7.0} {:>7.0}    {:>7.0} {:>7.0}   {wall:>6.2} {cpu:>5.2}",
            a.0, a.1, b.0, b.1
        );
    }
    let start = Instant::now();
    bench.change(0, &large, Act::Group(GroupChange::Dissolve));
    println!("dissolved in {:.2} s", start.elapsed().as_secs_f64());
}
