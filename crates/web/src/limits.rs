//! Every bound of the REST tier, each with its reason (DESIGN promise 8).

use std::time::Duration;

/// Largest request body, in bytes. A message of 64 KiB whose every byte is escaped as `\u00xx`
/// takes 384 KiB; the rest is room for its envelope and for long member lists.
pub const MAX_BODY: usize = 512 * 1024;

/// How long a body may take to arrive: a slow phone uploads 512 KiB in this time, and a peer
/// that drips bytes is not waited for.
pub const BODY_DEADLINE: Duration = Duration::from_secs(15);

/// About so many bytes of a file are gathered before they are stored: what an upload holds in
/// memory, and what a broken request can lose. Larger ones would save a commit each; smaller ones
/// would not be worth it.
pub const PIECE: u32 = 1024 * 1024;

/// Uploads at a time. Each holds a piece and what arrives meanwhile: 100 MiB for all of them.
pub const UPLOADS: usize = 64;

/// Files whose content is held in memory whole at a time, to be looked at: 32 MiB each at most.
pub const LOOKING: usize = 3;

/// Within so long an upload has to bring [`MIN_PROGRESS`]; it may take as long as it likes in all.
pub const PROGRESS_WITHIN: Duration = Duration::from_secs(30);

/// The least that keeps an upload its place: half a KiB a second, what the worst of mobile
/// networks carries.
pub const MIN_PROGRESS: u32 = 16 * 1024;

/// The smallest request of an upload that clients are told to send, the last one aside. Each is a
/// blob and two commits.
pub const MIN_APPEND: u32 = 64 * 1024;

/// How often the bytes of files that are gone are removed.
pub const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// So many are removed between two questions to the SM.
pub const SWEPT_AT_ONCE: u16 = 100;

/// How long the SM may take to answer. Its own longest wait is 2 s for a locked conversation,
/// so an answer that takes five times as long is not coming.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Most calls that may wait for the SM at once. At the rates the store reaches, more than
/// this could not be answered within [`CALL_DEADLINE`] anyway, so they are told at once.
pub const MAX_CALLS: usize = 65_536;

/// Most bytes of a request's line and headers: a bearer token, an origin and what browsers
/// add of their own fit four times over. The accept loop hands this to hyper.
pub const MAX_HEAD: usize = 32 * 1024;

/// Most headers of a request; browsers send about 20.
pub const MAX_HEADERS: usize = 64;

/// Longest bearer token, in bytes. Ours stay below 1 KiB; longer ones are not worth hashing.
pub const MAX_TOKEN: usize = 4 * 1024;

/// Longest `Idempotency-Key`, in bytes: every id format in use fits.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Deepest nesting of arrays and objects in a message's `data`. `serde_json` stops at 128 when
/// it builds values; half of that leaves every reader room to wrap what it was given.
pub const MAX_NESTING: usize = 64;

/// Entries of a page when the caller names no limit: a screenful and a half.
pub const DEFAULT_PAGE: u16 = 50;

/// Most entries of a page; more is taken as this many. 200 messages of full size still encode
/// in one answer of bounded memory.
pub const MAX_PAGE: u16 = 200;

/// Longest text echoed in a problem's `detail`, in bytes, so that what a caller sent wrong is
/// not sent back whole.
pub const MAX_DETAIL: usize = 300;

/// The longest line of an import, in bytes: a message of 64 KiB whose text is escaped, and what
/// stands around it.
pub const IMPORT_LINE: usize = 256 * 1024;

/// Lines of an import that are asked about together, and about how many bytes: a transaction that
/// keeps others waiting for a few milliseconds. Passwords among them are hashed one by one, which
/// has to end before the call's deadline.
pub const IMPORT_LINES: usize = 50;
/// The same, in bytes.
pub const IMPORT_PART: usize = 128 * 1024;

/// Lines that an import's answer names of those that were not taken.
pub const IMPORT_TOLD: usize = 100;
