//! What crosses between a CM or a Web and an SM, and both ends of the streams that carry it.
//!
//! `proto/anser.proto` is the contract; [`ToSm`] and [`FromSm`] are its two directions in the
//! domain's words. Conversion is total both ways: every variant has a form, and bytes that are
//! no form are a [`Malformed`], never a panic.
//!
//! Releases may differ while a cluster is renewed. Between processes a packet is therefore read as
//! far as this release knows it: fields that it does not know are skipped, a question or an answer
//! that it does not know is refused by itself, and everything else in the packet counts.
//!
//! A peer has one long-lived stream to each SM. [`Mesh`] is its end: a `SessionManager` that
//! knows which SM to ask. [`serve()`] is the SM's.

mod convert;
mod dial;
mod lease;
mod limits;
mod malformed;
pub mod mesh;
mod packet;
mod serve;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod skew;
mod stats;

pub use dial::{Credentials, Dial, DialError};
pub use malformed::Malformed;
pub use mesh::Mesh;
pub use packet::{FromSm, ToSm};
pub use serve::serve;
pub use stats::{MeshStats, Served};

/// The contract's own types, generated.
#[expect(
    clippy::allow_attributes,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    unreachable_pub,
    reason = "generated"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/anser.rpc.v1.rs"));
}
