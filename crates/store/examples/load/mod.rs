//! A load for the store alone: users, direct conversations among them, and batches of messages.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, mpsc},
    time::Instant,
};

use anser_domain::{
    Actor, Address, ClientId, Clock, Content, DeviceId, Epoch, LinkId, Message, Millis, Outgoing,
    PeerId, Refusal, ReplyTo, Role, Seq, SystemClock, Tag, UserId, UserName, Via,
};
use anser_store::{Acl, Append, Entry, Gate, NewUserRow, Outcome, ScramKeys, Store};

/// Messages a batch.
pub(crate) const BATCH: usize = 100;
/// Batches on their way at once.
const UNDER_WAY: usize = 2;
const BODY: usize = 128;

struct Open(mpsc::Sender<usize>);

impl Gate for Open {
    fn admit(&self, acl: &Acl, _: Seq, append: &Append) -> Result<(), Refusal> {
        acl.members.get(&append.actor.user).map(|_| ()).ok_or(Refusal::Forbidden)
    }

    fn admit_on(&self, _: &Acl, _: &Message, _: Millis, _: &Append) -> Result<(), Refusal> {
        Ok(())
    }

    fn committed(&self, batch: Vec<Outcome>) {
        let stored = batch.iter().filter(|outcome| outcome.result.is_ok()).count();
        assert_eq!(stored, batch.len(), "every message is stored");
        self.0.send(stored).unwrap();
    }
}

/// A conversation: who writes, and to whom.
pub(crate) struct Talk {
    pub(crate) users: [UserId; 2],
    /// As each of them calls it.
    pub(crate) addresses: [Address; 2],
}

/// The store, and what is written to it.
pub(crate) struct Load {
    pub(crate) store: Arc<dyn Store>,
    told: mpsc::Receiver<usize>,
    pub(crate) talks: Vec<Talk>,
    random: u64,
    number: u64,
}

impl Load {
    /// A store in `dir` with so many users, and who of them talks to whom.
    pub(crate) async fn new(
        dir: &std::path::Path,
        users: usize,
        pairs: impl Iterator<Item = (usize, usize)>,
    ) -> Self {
        let url = format!("sqlite:{}", dir.join("anser.db").display());
        let store = anser_store::open(&url, Arc::new(SystemClock)).await.unwrap();
        let (tell, told) = mpsc::channel();
        store.bind(Arc::new(Open(tell)));
        let names: Vec<_> =
            (0..users).map(|user| UserName::new(&format!("user{user}")).unwrap()).collect();
        let keys = ScramKeys {
            salt: vec![0; 16],
            iterations: 4096,
            stored_key: [0; 32],
            server_key: [0; 32],
        };
        let rows = names.iter().map(|name| NewUserRow {
            name: name.clone(),
            display_name: "".into(),
            role: Role::User,
            keys: keys.clone(),
        });
        let made = store.create_users(rows.collect()).await.unwrap();
        let ids: Vec<UserId> = made.into_iter().map(Result::unwrap).collect();
        let talks = pairs
            .map(|(a, b)| Talk {
                users: [ids[a], ids[b]],
                addresses: [b, a].map(|peer| Address::User(names[peer].clone())),
            })
            .collect();
        Self { store, told, talks, random: 0x9e37_79b9_7f4a_7c15, number: 0 }
    }

    pub(crate) fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn message(&mut self, talk: usize) -> Append {
        self.number += 1;
        let side = usize::from(self.random() & 1 == 1);
        let mut id = [0; 16];
        id[..6].copy_from_slice(&SystemClock.wall().0.to_be_bytes()[2..]);
        id[8..].copy_from_slice(&self.random().to_be_bytes());
        id[6] = 0x70;
        let talk = &self.talks[talk];
        let user = talk.users[side];
        Append {
            from: ReplyTo {
                peer: PeerId(1),
                link: LinkId(1),
                tag: Tag(self.number),
                via: Via::default(),
            },
            actor: Actor { user, device: DeviceId(user.0), epoch: Epoch(1) },
            order: self.number,
            entry: Entry::Message(Box::new(Outgoing {
                to: talk.addresses[side].clone(),
                client_id: ClientId(id),
                content: Content::Text("x".repeat(BODY).into()),
                reply_to: None,
                mentions: Vec::new(),
                payload: None,
                mentions_all: false,
                forward: None,
            })),
            ruling: None,
        }
    }

    /// Stores so many messages, of conversations that `choose` picks.
    pub(crate) fn run(
        &mut self,
        messages: usize,
        batch: usize,
        mut choose: impl FnMut(&mut Self) -> usize,
    ) {
        let (mut sent, mut stored) = (0, 0);
        while stored < messages {
            while sent < messages && sent - stored < UNDER_WAY * batch {
                let size = batch.min(messages - sent);
                let batch = (0..size)
                    .map(|_| {
                        let talk = choose(self);
                        self.message(talk)
                    })
                    .collect();
                self.store.append(batch);
                sent += size;
            }
            stored += self.told.recv().unwrap();
        }
    }

    /// Stores so many messages; the CPU µs that one took.
    pub(crate) fn measure(
        &mut self,
        name: &str,
        messages: usize,
        choose: impl FnMut(&mut Self) -> usize,
    ) -> f64 {
        let (commits, cpu, start) = (self.store.stats().commits, cpu(), now());
        self.run(messages, BATCH, choose);
        let seconds = start.elapsed().as_secs_f64();
        let commits = self.store.stats().commits - commits;
        println!(
            "{name}: {messages} messages, {:.0} msg/s, {:.0} a commit",
            messages as f64 / seconds,
            messages as f64 / commits as f64
        );
        let mut whole = 0.0;
        for (thread, after) in self::cpu() {
            let used = after - cpu.get(&thread).copied().unwrap_or_default();
            let each = used as f64 / 1000.0 / messages as f64;
            if thread.starts_with("store-") {
                whole += each;
                println!("  {each:6.2} CPU µs a message in {thread}");
            }
        }
        println!("  {whole:6.2} CPU µs a message in all");
        whole
    }
}

/// So many pairs of users, every user in about as many.
pub(crate) fn spread(users: usize, pairs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..pairs).map(move |pair| (pair % users, (pair % users + 1 + pair / users) % users))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds that each kind of thread has run, by its name.
pub(crate) fn cpu() -> BTreeMap<String, u64> {
    let mut used = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        let name = fs::read_to_string(task.join("comm")).unwrap().trim().to_owned();
        let ran = fs::read_to_string(task.join("schedstat")).unwrap();
        let ran: u64 = ran.split(' ').next().unwrap().parse().unwrap();
        *used.entry(name).or_default() += ran;
    }
    used
}
