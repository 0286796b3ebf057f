//! The encoded form of everything that crosses between a CM or a Web and an SM.
//!
//! `proto/anser.proto` is the contract; [`ToSm`] and [`FromSm`] are its two directions in the
//! domain's words. Conversion is total both ways: every variant has a form, and bytes that are
//! no form are a [`Malformed`], never a panic.

mod convert;
mod malformed;
mod packet;

pub use malformed::Malformed;
pub use packet::{FromSm, ToSm};

/// The contract's own types, generated.
#[expect(clippy::doc_markdown, clippy::large_enum_variant, unreachable_pub, reason = "generated")]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/anser.rpc.v1.rs"));
}
