//! The connection manager: links and nothing else.
//!
//! [`Cm`] holds the links, takes an SM's answers and hints for them, and sees to time. A link is
//! any protocol's [`Session`](anser_domain::Session) over any [`Io`], pumped by one driver;
//! its feed turns hints into gapless streams. [`Listener`], [`Door`] and [`WebSockets`] are how
//! links come in.
//!
//! ```text
//!            ┌────────────── link/driver ──────────────┐
//!  socket ──►│ read ─► Session::receive ─► asks ───────┼──► SessionManager::submit
//!  socket ◄──│ write ◄─ outbox ◄─ Session::handle ◄────┼─── Replies::replies
//!            └──────────────────────▲── feed ◄─────────┼─── Links::deliver, beat
//! ```

mod cm;
mod drain;
mod feed;
mod io;
mod limits;
mod link;
mod listen;
mod registry;
mod stats;
mod stream;
mod wheel;
mod ws;

pub use cm::{Cm, SessionFactory};
pub use io::{Duplex, Io};
pub use limits::{Limits, TICK};
pub use listen::{Arrival, Door, Listener, Tls};
pub use stats::{Counter, Stats};
pub use ws::{MessageKind, WebSocketProtocol, WebSockets};
