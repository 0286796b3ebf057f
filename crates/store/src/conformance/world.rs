//! What a test of the store stands in: a store, a clock, a gate that keeps what it is told.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anser_domain::{
    Act, Actor, Address, Change, ClientId, Clock, Content, ConvId, DeviceName, Epoch, GroupChange,
    GroupKind, GroupName, GroupRole, HistoryRange, LinkId, ManualClock, MemberChange, Message,
    Millis, NewGroup, Outgoing, Page, PeerId, Pull, Refusal, ReplyTo, Role, Seq, Tag, UserName,
    Via,
};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{StoreRig, start};
use crate::{
    Acl, Append, Appended, Entry, Gate, NewDevice, NewUserRow, Outcome, PullFor, ScramKeys, Store,
    StoreError,
};

type Rule = Box<dyn Fn(&Acl, Seq, &Append) -> Result<(), Refusal> + Send>;

/// A gate that admits what its rule admits, and hands on what it is told.
pub struct Recorder {
    rule: Mutex<Rule>,
    outcomes: mpsc::UnboundedSender<Vec<Outcome>>,
}

impl Recorder {
    /// Replaces the rule.
    pub fn rule(&self, rule: impl Fn(&Acl, Seq, &Append) -> Result<(), Refusal> + Send + 'static) {
        *self.rule.lock() = Box::new(rule);
    }
}

impl Gate for Recorder {
    fn admit(&self, acl: &Acl, head: Seq, append: &Append) -> Result<(), Refusal> {
        (self.rule.lock())(acl, head, append)
    }

    fn admit_on(
        &self,
        acl: &Acl,
        target: &Message,
        _: Millis,
        append: &Append,
    ) -> Result<(), Refusal> {
        (self.rule.lock())(acl, target.seq, append)
    }

    fn committed(&self, batch: Vec<Outcome>) {
        let _ = self.outcomes.send(batch);
    }
}

/// The world of a test.
pub struct World {
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    pub gate: Arc<Recorder>,
    outcomes: mpsc::UnboundedReceiver<Vec<Outcome>>,
    next: AtomicU64,
}

/// A name.
#[must_use]
pub fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

/// `u:{name}`
#[must_use]
pub fn to(name: &str) -> Address {
    Address::User(user(name))
}

/// A group's name.
#[must_use]
pub fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

/// `g:{name}`
#[must_use]
pub fn at(name: &str) -> Address {
    Address::Group(group(name))
}

/// Keys that no password fits.
#[must_use]
pub fn keys(byte: u8) -> ScramKeys {
    let key = [byte; 32];
    ScramKeys { salt: vec![byte; 16], iterations: 4096, stored_key: key, server_key: key }
}

/// A text to be sent.
#[must_use]
pub fn text(to: &Address, client_id: ClientId, body: &str) -> Entry {
    Entry::Message(Box::new(Outgoing {
        to: to.clone(),
        client_id,
        content: Content::Text(body.into()),
        reply_to: None,
        mentions: Vec::new(),
        payload: None,
        mentions_all: false,
        forward: None,
    }))
}

/// The bodies of a page's messages; events are `*`.
#[must_use]
pub fn bodies(page: &Page) -> Vec<String> {
    let body =
        |message: &Arc<anser_domain::Message>| message.content.body().unwrap_or("*").to_owned();
    page.messages.iter().map(body).collect()
}

/// The seqs of a page's messages.
#[must_use]
pub fn seqs(page: &Page) -> Vec<u64> {
    page.messages.iter().map(|message| message.seq.0).collect()
}

impl World {
    /// Opens the rig's database at the beginning of time.
    pub async fn new(rig: &dyn StoreRig) -> Self {
        Self::with_clock(rig, start()).await
    }

    async fn with_clock(rig: &dyn StoreRig, clock: Arc<ManualClock>) -> Self {
        let store = rig.open(Arc::clone(&clock) as Arc<dyn Clock>).await;
        let (sender, outcomes) = mpsc::unbounded_channel();
        let gate =
            Arc::new(Recorder { rule: Mutex::new(Box::new(|_, _, _| Ok(()))), outcomes: sender });
        store.bind(Arc::clone(&gate) as Arc<dyn Gate>);
        Self { store, clock, gate, outcomes, next: AtomicU64::new(1) }
    }

    /// Goes on with another store.
    pub fn use_store(&mut self, store: Arc<dyn Store>) {
        store.bind(Arc::clone(&self.gate) as Arc<dyn Gate>);
        self.store = store;
    }

    /// Closes the store and opens it again.
    pub async fn reopen(self, rig: &dyn StoreRig) -> Self {
        self.store.close().await;
        drop(self.store);
        let next = self.next.load(Ordering::Relaxed);
        let world = Self::with_clock(rig, self.clock).await;
        world.next.store(next, Ordering::Relaxed);
        world
    }

    /// Makes a user with one device.
    pub async fn actor(&self, name: &str) -> Actor {
        let row = NewUserRow {
            name: user(name),
            display_name: format!("{name}!").into(),
            role: Role::User,
            keys: keys(1),
        };
        let made = self.store.create_users(vec![row]).await.unwrap();
        assert!(made[0].is_ok(), "{name} is new");
        self.device(name, "phone").await
    }

    /// Signs a user's device in.
    pub async fn device(&self, name: &str, device: &str) -> Actor {
        let row = self.store.user(&user(name)).await.unwrap().expect("the user was made");
        let device = self
            .store
            .sign_in(NewDevice {
                user: row.id,
                name: DeviceName::new(device).unwrap(),
                refresh_hash: self.hash(),
                checked: None,
                now: self.clock.wall(),
            })
            .await
            .unwrap();
        Actor { user: row.id, device: device.id, epoch: Epoch(1) }
    }

    /// A hash that was never used.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [7; 32];
        hash[..8].copy_from_slice(&self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        hash
    }

    /// A UUIDv7 of the clock's time.
    pub fn client_id(&self) -> ClientId {
        self.client_id_at(0)
    }

    /// A UUIDv7 of the clock's time and so many milliseconds.
    pub fn client_id_at(&self, offset: i64) -> ClientId {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&self.clock.wall().plus(offset).0.to_be_bytes()[2..]);
        bytes[8..].copy_from_slice(&self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes[6] = 0x70;
        bytes[8] |= 0x80;
        ClientId(bytes)
    }

    /// A wish of an actor.
    pub fn wish(&self, actor: Actor, entry: Entry) -> Append {
        let order = self.next.fetch_add(1, Ordering::Relaxed);
        let from =
            ReplyTo { peer: PeerId(1), link: LinkId(1), tag: Tag(order), via: Via::default() };
        Append { from, actor, order, entry, ruling: None }
    }

    /// Appends entries and waits for all of them; their outcomes in the order of the entries.
    pub async fn append(&mut self, batch: Vec<Append>) -> Vec<Result<Appended, Refusal>> {
        let orders: Vec<u64> = batch.iter().map(|append| append.order).collect();
        self.store.append(batch);
        let mut outcomes = Vec::new();
        while outcomes.len() < orders.len() {
            outcomes.extend(self.outcomes().await);
        }
        assert_eq!(outcomes.len(), orders.len(), "each comes back exactly once");
        outcomes.sort_by_key(|outcome| outcome.order);
        for (outcome, order) in outcomes.iter().zip(&orders) {
            assert_eq!((outcome.order, outcome.from.tag.0), (*order, *order));
        }
        outcomes.into_iter().map(|outcome| outcome.result).collect()
    }

    /// The next batch of outcomes.
    pub async fn outcomes(&mut self) -> Vec<Outcome> {
        let wait = std::time::Duration::from_secs(30);
        tokio::time::timeout(wait, self.outcomes.recv()).await.expect("an answer").unwrap()
    }

    /// Appends one entry.
    pub async fn put(&mut self, actor: Actor, entry: Entry) -> Result<Appended, Refusal> {
        let wish = self.wish(actor, entry);
        self.append(vec![wish]).await.remove(0)
    }

    /// Sends a text.
    pub async fn send(
        &mut self,
        actor: Actor,
        to: &Address,
        body: &str,
    ) -> Result<Appended, Refusal> {
        let entry = text(to, self.client_id(), body);
        self.put(actor, entry).await
    }

    /// Makes a group.
    pub async fn found(
        &mut self,
        actor: Actor,
        name: &str,
        members: &[&str],
    ) -> Result<Appended, Refusal> {
        let entry = self.new_group(name, members);
        self.put(actor, entry).await
    }

    /// A group to be made.
    pub fn new_group(&self, name: &str, members: &[&str]) -> Entry {
        Entry::NewGroup(Box::new(NewGroup {
            kind: GroupKind::Group,
            client_id: self.client_id(),
            name: group(name),
            title: format!("{name}!").into(),
            members: members.iter().map(|name| user(name)).collect(),
        }))
    }

    /// Lets users into a group, or changes their standing.
    pub async fn invite(
        &mut self,
        actor: Actor,
        name: &str,
        users: &[&str],
        role: GroupRole,
    ) -> Result<Appended, Refusal> {
        let users = users.iter().map(|name| user(name)).collect();
        let entry = self.change(name, MemberChange::Put { users, role });
        self.put(actor, entry).await
    }

    /// Takes users out of a group.
    pub async fn expel(
        &mut self,
        actor: Actor,
        name: &str,
        users: &[&str],
    ) -> Result<Appended, Refusal> {
        let users = users.iter().map(|name| user(name)).collect();
        let entry = self.change(name, MemberChange::Remove { users });
        self.put(actor, entry).await
    }

    /// A channel to be made.
    pub fn new_channel(&self, name: &str, members: &[&str]) -> Entry {
        let Entry::NewGroup(mut new) = self.new_group(name, members) else { unreachable!() };
        new.kind = GroupKind::Channel;
        Entry::NewGroup(new)
    }

    /// A wish to change a group.
    pub fn wish_of(&self, actor: Actor, name: &str, change: GroupChange) -> Append {
        let (client_id, act) = (self.client_id(), Act::Group(change));
        self.wish(actor, Entry::Change(Box::new(Change { client_id, at: at(name), act })))
    }

    /// Changes a group.
    pub async fn govern(
        &mut self,
        actor: Actor,
        name: &str,
        change: GroupChange,
    ) -> Result<Appended, Refusal> {
        let wish = self.wish_of(actor, name, change);
        self.append(vec![wish]).await.remove(0)
    }

    /// Comes into a group of one's own accord.
    pub async fn join(&mut self, actor: Actor, name: &str) -> Result<Appended, Refusal> {
        self.govern(actor, name, GroupChange::Join).await
    }

    /// A change of members.
    pub fn change(&self, name: &str, change: MemberChange) -> Entry {
        let client_id = self.client_id();
        Entry::Change(Box::new(Change { client_id, at: at(name), act: Act::Members(change) }))
    }

    /// Pulls a page.
    pub async fn pull(
        &self,
        actor: Actor,
        conv: ConvId,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        let pull = Pull { conv, after: after.map(Seq), limit };
        self.store.pull(vec![PullFor { actor, pull }]).await.remove(0)
    }

    /// The whole log, as far as the viewer may see it and up to a thousand entries.
    pub async fn log(&self, viewer: Actor, at: &Address) -> Vec<String> {
        let range = HistoryRange::After { seq: Seq::ZERO, limit: 1000 };
        match self.store.history(viewer.user, at, range).await {
            Ok(page) => bodies(&page),
            Err(error) => vec![error.to_string()],
        }
    }
}
