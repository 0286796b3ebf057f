//! Anser's native protocol: MQTT's economy with IM's verbs. Pure: no IO, no clock, no task.
//!
//! * [`frame`]: one file and one row per frame.
//! * [`codec`]: frames to bytes and back, for both ends; compression.
//! * [`Session`]: the server's end of one link, as a value.
//! * [`ErrorCode`]: why something was refused, as numbers.
//! * [`Limits`]: every bound.
//!
//! `docs/src/protocol.md` specifies the protocol; its tables are made from the ones here.

mod code;
pub mod codec;
mod convert;
pub mod frame;
mod limits;
mod session;

pub use self::{
    code::{CODES, CodeRow, ErrorCode},
    convert::{REQUEST_STATES, ROLES, SUBJECTS},
    limits::{
        DEFAULT_PAGE, Limits, MAX_BODY, MAX_CAPABILITIES, MAX_CLIENT, MAX_CREDENTIAL, MAX_MEMBERS,
        MAX_MENTIONS, MAX_PAGE, MAX_PAYLOAD, MAX_READS, MAX_TITLE, READ_AGAIN, TYPING_SECONDS,
    },
    session::Session,
};

/// The protocol version that this crate speaks, and the lowest that it still understands.
pub const VERSION: u32 = 1;
/// The lowest protocol version that this crate still understands.
pub const MIN_VERSION: u32 = 1;
/// The WebSocket subprotocol (RFC 6455 §1.9) under which the frames travel.
pub const SUBPROTOCOL: &str = "anser";
