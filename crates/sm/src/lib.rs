//! The brain: it authenticates, authorises, stores and routes, and never sees a byte of any
//! wire protocol.
//!
//! Services, each using only those above it:
//!
//! | Service | What it does |
//! |---|---|
//! | [`rule`] | who may do what: pure functions of values |
//! | `peers` | the processes that ask, their numbered hint streams |
//! | `fanout` | one event to the links of many users: one lookup, one hint per CM |
//! | `paces` | how fast a user may send and ask, and a conversation may grow |
//! | `held` | keeps a device's order after a retriable refusal |
//! | `gate` | admits appends inside the transaction; after the commit answers, then fans out |
//! | `vetting` | has the filter and the app look at new words before they go to the log |
//! | `token`, `password` | what credentials are made of |
//! | `throttle` | each wrong password makes the next try wait longer |
//! | `credentials` | checks passwords, tokens and tickets; begins sessions |
//! | `cursors` | delivered cursors, gathered and flushed |
//! | `links` | login, takeover, eviction |
//! | `presence` | who came, who went |
//! | `people` | friends, requests, blocks, profiles, items |
//! | `account` | sign-in, sessions, users, administration |
//! | `files` | who may store how much, and see what |
//! | `push` | notifications for those who have no link |
//! | `groups` | what is asked about groups beside their logs: invitations, requests, lists |
//! | `webhooks` | tells apps what happened, from the log |
//! | `moving` | everything that is kept, out to lines and in from them |
//! | `admin` | what administrators and API keys see and change |
//! | `messages` | how users keep conversations, who reacted and read, search |
//! | `notices` | writes to many in the server's own name |
//! | `chores` | what is done every so often: beats, flushes, revocations, pruning |
//! | `services` | takes every command to the service that answers it |
//! | [`Sm`] | wires them together and takes in what is asked |

mod account;
mod admin;
mod chores;
mod config;
mod credentials;
mod cursors;
mod fanout;
mod files;
mod gate;
mod groups;
mod held;
mod links;
mod messages;
mod moving;
mod notices;
mod outside;
mod paces;
mod password;
mod peers;
mod people;
mod planted;
mod presence;
mod provision;
mod push;
pub mod rule;
mod services;
mod sm;
mod throttle;
mod token;
mod vetting;
mod webhooks;

pub use config::{BeforeSendPolicy, Config, FilePolicy, PushPolicy, Unanswered};
pub use moving::{ExportPart, Movers};
pub use outside::Outside;
pub use paces::Rates;
pub use provision::{Provisioned, create_user, provision, set_password};
pub use rule::{BadList, OnWord, WordFilter};
pub use sm::{Sm, Stats};
pub use vetting::{BUCKETS_MS, BeforeSendStats, Words};
