//! The offline checker: given what a run left behind, says which promises were broken.
//!
//! A [`History`] is what clients saw (sends with their answers, what each device applied and in
//! which order, cursors and receipts) and what the server shows in the end (each conversation's
//! log, unread counts). [`check`] is a pure function of it, so that planted histories test it.

mod changes;
mod cursors;
mod devices;
mod logs;
mod membership;
mod sends;
mod unread;
mod violation;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

pub use membership::Membership;
pub use violation::Violation;

/// A conversation, the same for all its members: `u:alice+bob`, `g:geese`.
pub type Conv = Arc<str>;
/// A user's name.
pub type User = Arc<str>;

/// The one name of a conversation that its members address differently.
#[must_use]
pub fn conv(viewer: &str, at: &str) -> Conv {
    match at.strip_prefix("u:") {
        Some(peer) if viewer <= peer => format!("u:{viewer}+{peer}").into(),
        Some(peer) => format!("u:{peer}+{viewer}").into(),
        None => at.into(),
    }
}

/// What is kept of a text: all of a short one, enough of a long one to tell it from others.
#[must_use]
pub fn digest(text: &str) -> Arc<str> {
    let Some(front) = text.get(..64).filter(|_| text.len() > 128) else { return text.into() };
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{front}… {} bytes, {:016x}", text.len(), hasher.finish()).into()
}

/// One device of one user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// Whose.
    pub user: User,
    /// Its name.
    pub name: Arc<str>,
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.user, self.name)
    }
}

/// One message that a device wanted stored, over all its attempts.
#[derive(Clone, Debug)]
pub struct Send {
    /// Who sent it.
    pub device: Device,
    /// Where.
    pub conv: Conv,
    /// Its text, which no other send has.
    pub body: Arc<str>,
    /// What came of it.
    pub result: SendResult,
    /// Whether it had to be taken.
    pub due: Due,
}

/// What whoever made a send knows of whether it may be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// Nothing bars it: it may not be refused for good (the invariant 12).
    Stored,
    /// A change of who may was under way.
    #[default]
    Either,
    /// It was begun after a block or a removal that was acknowledged and stands: it may not be
    /// stored (invariant 7).
    Refused,
}

/// A recall or an edit that a device asked for.
#[derive(Clone, Debug)]
pub struct Alteration {
    /// Who asked.
    pub device: Device,
    /// Where.
    pub conv: Conv,
    /// Of which entry.
    pub of: u64,
    /// What it says from now on; `None`: nothing.
    pub to: Option<Arc<str>>,
    /// The place of the event that says so, once that was acknowledged.
    pub at: Option<u64>,
}

/// What a sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendResult {
    /// Stored; every answer it got, over all attempts, in the order in which they came.
    Acked(Vec<Ack>),
    /// Refused for good.
    Failed,
    /// No answer came.
    Unknown,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The place.
    pub seq: u64,
    /// The message's id.
    pub id: u64,
}

/// One entry of a log as the server shows it in the end.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place.
    pub seq: u64,
    /// Its global id.
    pub id: u64,
    /// Who sent it.
    pub sender: User,
    /// What it is.
    pub body: Body,
    /// The place of the entry that it answers.
    pub quotes: Option<u64>,
}

/// What a log entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A message's text.
    Text(Arc<str>),
    /// These came in (or were there from the beginning, or changed their standing).
    In(Vec<User>),
    /// These were taken out.
    Out(Vec<User>),
    /// Nothing any more: it was taken back.
    Gone,
    /// The message at this place was taken back.
    Recalled(u64),
    /// The message at this place says something else.
    Edited(u64),
}

/// Something a device learned, in the order in which it did.
#[derive(Clone, Debug)]
pub enum Learned {
    /// An entry was delivered.
    Delivered {
        /// Where.
        conv: Conv,
        /// Its place.
        seq: u64,
        /// What it is.
        body: Body,
    },
    /// Its own send was answered: it has that entry too.
    Own {
        /// Where.
        conv: Conv,
        /// Its place.
        seq: u64,
        /// Its text.
        body: Arc<str>,
    },
    /// It told the server that it has everything up to here.
    Acknowledged {
        /// Where.
        conv: Conv,
        /// Cumulative.
        seq: u64,
    },
    /// It saw a cursor.
    Cursor {
        /// Where.
        conv: Conv,
        /// Whose: its own delivered cursor, or someone's.
        of: Cursor,
        /// Where it stands.
        seq: u64,
    },
}

/// Which cursor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cursor {
    /// How far the server believes this device to have everything.
    Delivered,
    /// How far this user has it on some device.
    Receipt(User),
    /// How far this user has read.
    Read(User),
}

/// Where a device stood when the run began: above it, everything is owed.
#[derive(Clone, Debug, Default)]
pub struct DeviceLog {
    /// Per conversation, what it had before; absent: nothing.
    pub from: BTreeMap<Conv, u64>,
    /// What it learned.
    pub learned: Vec<Learned>,
    /// Whether it was given the time to catch up, so that nothing may be missing.
    pub complete: bool,
    /// What it was sent that was not the protocol.
    pub broken: Option<String>,
}

/// A user's row of a conversation in the end.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose.
    pub user: User,
    /// Where.
    pub conv: Conv,
    /// How far they have read.
    pub read: u64,
    /// Messages above that.
    pub unread: u64,
    /// The highest they asked to have read, and which was answered; 0 for never.
    pub asked: u64,
}

/// What a run left behind.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every send, each device's in the order in which it made them.
    pub sends: Vec<Send>,
    /// Every recall and edit.
    pub alterations: Vec<Alteration>,
    /// Every log, whole.
    pub logs: BTreeMap<Conv, Vec<Entry>>,
    /// Every device.
    pub devices: BTreeMap<Device, DeviceLog>,
    /// Every row of every user's list.
    pub rows: Vec<Row>,
    /// Whether hints could overtake each other, because they came from several SMs or over
    /// streams with faults. Receipts are cumulative: a late one says nothing, and is no fault.
    pub hints_overtake: bool,
}

/// Whether a device of `user` that `knows` these entries lacks none that is owed to it.
#[must_use]
pub fn is_whole(history: &History, user: &str, knows: impl Fn(&Conv, u64) -> bool) -> bool {
    history.logs.iter().all(|(conv, log)| {
        let membership = Membership::of(conv, log);
        let mut owed = log.iter().rev().filter(|entry| membership.sees(user, entry.seq));
        owed.all(|entry| knows(conv, entry.seq))
    })
}

/// Everything that is wrong with a history; nothing if all promises were kept.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    logs::check(history, &mut found);
    sends::check(history, &mut found);
    changes::check(history, &mut found);
    devices::check(history, &mut found);
    cursors::check(history, &mut found);
    unread::check(history, &mut found);
    found
}

#[cfg(test)]
mod planted;
