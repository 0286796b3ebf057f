//! What an operator may choose about the SM, with a reason beside each default.

use std::time::Duration;

use crate::rule::WhoMayWrite;
use anser_domain::{MediaRange, UserName};

use crate::paces::Rates;

/// The SM's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long an access token lasts. Short, because REST calls are not closed by a revocation
    /// but checked against the device's session.
    pub access_ttl: Duration,
    /// How long a ticket resumes a link without a password or a token.
    pub ticket_ttl: Duration,
    /// How often PBKDF2 iterates. SCRAM clients spend it too, phones among them; below OWASP's
    /// figure for plain hashes because few are hashed at a time and the keys never leave.
    pub scram_iterations: u32,
    /// Whether anybody may make themselves a user by `POST /v1/users`.
    pub registration_open: bool,
    /// Longest text of a message, in bytes.
    pub max_text: usize,
    /// Longest JSON of an image, file or custom message, in bytes.
    pub max_data: usize,
    /// Most users one message calls by name.
    pub max_mentions: usize,
    /// For so long its sender may take a message back. Long enough to notice a slip, short enough
    /// that a conversation is not taken apart behind those who have read it.
    pub recall_window: Duration,
    /// For so long its sender may change a message.
    pub edit_window: Duration,
    /// In groups of more members only admins call everybody: it rings for each of them.
    pub mention_all_up_to: usize,
    /// Up to so many members a group is told who has read: each read tells everyone.
    pub receipts_up_to: usize,
    /// Most users one change of members names.
    pub max_change: usize,
    /// Whether people come into groups by their own consent only: admins invite, and put nobody
    /// in.
    pub consent: bool,
    /// Above so many members a group has no typing notices: each would wake everyone.
    pub ephemeral_up_to: usize,
    /// Who may write to whom where neither blocks the other.
    pub who_may_write: WhoMayWrite,
    /// Whom notices are from. Nobody can make themselves a user of this name.
    pub notice_sender: UserName,
    /// How many friends see someone come and go.
    pub presence_peers: u16,
    /// Most entries or rows a page may have.
    pub page_limit: u16,
    /// How long delivered cursors are gathered before they are written.
    pub flush_every: Duration,
    /// How often each CM is told that the stream is whole.
    pub beat_every: Duration,
    /// How often the list of ended sessions is read.
    pub revocations_every: Duration,
    /// How long an ended session's links may take to close before the end is acknowledged
    /// all the same.
    pub revocation_wait: Duration,
    /// How long signing keys sign before the next one takes over.
    pub key_rotation: Duration,
    /// How fast one user may send and ask, and one conversation may grow.
    pub rates: Rates,
    /// What files may be stored.
    pub files: FilePolicy,
    /// What is told to devices that have no link.
    pub push: PushPolicy,
    /// How the app is asked whether messages may be sent.
    pub before_send: BeforeSendPolicy,
}

/// How the app is asked whether messages may be sent.
#[derive(Clone, Copy, Debug)]
pub struct BeforeSendPolicy {
    /// For so long its answer is waited for, by everyone who sends.
    pub within: Duration,
    /// What happens to a message that it does not answer about.
    pub unanswered: Unanswered,
    /// So many questions are asked at a time.
    pub at_once: usize,
    /// After so many questions in a row without a verdict the app is let rest; 0: never.
    pub failures: u32,
    /// For so long: messages then meet what `unanswered` says at once, instead of after `within`.
    pub rest: Duration,
}

/// What becomes of a message that the app says nothing about in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It is sent.
    Allow,
    /// It is refused for now.
    Deny,
}

impl Default for BeforeSendPolicy {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(2),
            unanswered: Unanswered::Deny,
            at_once: 64,
            failures: 5,
            rest: Duration::from_secs(10),
        }
    }
}

/// What files may be stored, by whom, and for how long.
#[derive(Clone, Debug)]
pub struct FilePolicy {
    /// Largest file, in bytes.
    pub max_size: u64,
    /// Bytes of one user's files together.
    pub quota: u64,
    /// Files of one user. A row and a blob each, however small.
    pub max_files: u32,
    /// Uploads of one user at a time: a phone sends an album two or three at once.
    pub max_unfinished: u32,
    /// How long an upload may lie before it is given up: a night without a network, and the
    /// morning after.
    pub unfinished: Duration,
    /// How long content is kept, public files aside; `None` for as long as its owner wants.
    pub keep: Option<Duration>,
    /// The media types that are taken.
    pub types: Vec<MediaRange>,
}

impl Default for FilePolicy {
    fn default() -> Self {
        Self {
            max_size: 100 << 20,
            quota: 2 << 30,
            max_files: 100_000,
            max_unfinished: 20,
            unfinished: Duration::from_secs(24 * 3600),
            keep: None,
            types: "*/*".parse().into_iter().collect(),
        }
    }
}

/// What notifications say, and when.
#[derive(Clone, Debug)]
pub struct PushPolicy {
    /// Whether they hold what was written. It passes through the service's hands otherwise than
    /// by Web Push, which is encrypted to the device.
    pub body: bool,
    /// Whether someone who is called by name hears of it in a muted conversation.
    pub mentions_break_mute: bool,
    /// How long messages are gathered into one notification. What someone types in one go
    /// should be one, and nobody should wait for it.
    pub gather: Duration,
    /// After so long a notification is of no use any more.
    pub expire: Duration,
}

impl Default for PushPolicy {
    fn default() -> Self {
        Self {
            body: true,
            mentions_break_mute: true,
            gather: Duration::from_secs(1),
            expire: Duration::from_secs(24 * 3600),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            access_ttl: Duration::from_secs(15 * 60),
            ticket_ttl: Duration::from_secs(7 * 24 * 3600),
            scram_iterations: 100_000,
            registration_open: false,
            max_text: 16 * 1024,
            max_data: 64 * 1024,
            max_mentions: 100,
            recall_window: Duration::from_secs(2 * 60),
            edit_window: Duration::from_secs(24 * 3600),
            mention_all_up_to: 50,
            receipts_up_to: 500,
            max_change: 1000,
            consent: false,
            ephemeral_up_to: 500,
            who_may_write: WhoMayWrite::Anyone,
            notice_sender: UserName::trusted("system"),
            presence_peers: 200,
            page_limit: 200,
            flush_every: Duration::from_secs(2),
            beat_every: Duration::from_secs(5),
            revocations_every: Duration::from_secs(1),
            revocation_wait: Duration::from_secs(5),
            key_rotation: Duration::from_secs(30 * 24 * 3600),
            rates: Rates::default(),
            files: FilePolicy::default(),
            push: PushPolicy::default(),
            before_send: BeforeSendPolicy::default(),
        }
    }
}
