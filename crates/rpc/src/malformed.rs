//! What can be wrong with bytes that should be a packet.

use anser_domain::NameError;

/// Bytes that are no packet of this contract. The peer is another version, or broken: its
/// stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not protobuf, or cut short.
    #[error("not a packet: {0}")]
    Bytes(#[from] prost::DecodeError),
    /// A field or variant that must be there is not, or is one that this version does not know.
    #[error("{0} is missing or unknown")]
    Missing(&'static str),
    /// A number or length outside its range.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// Text that is no name.
    #[error("not a name: {0}")]
    Name(#[from] NameError),
}
