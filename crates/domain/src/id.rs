//! Identifiers: small, copyable, and impossible to mix up.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A user's key inside the server. Clients see the name only.
    UserId(u64)
}
id! {
    /// A device's key inside the server, unique over all users and never reused.
    DeviceId(u64)
}
id! {
    /// A conversation's key inside the server. Clients see an [`Address`](crate::Address).
    ConvId(u64)
}
id! {
    /// A message's global id: 64 bits, time-ordered, given by the store. A string in JSON.
    MessageId(u64)
}
id! {
    /// A place in a conversation's log: 1, 2, 3 … without a gap. 0 is "before the first".
    Seq(u64)
}
id! {
    /// A place among a conversation's *messages*: events take a [`Seq`] but leave this as it was,
    /// so that unread counts are differences of it.
    Ord64(u64)
}
id! {
    /// How often a device has logged in or resumed. Kept in its durable row; the highest wins.
    Epoch(u64)
}
id! {
    /// A link within one CM process.
    LinkId(u64)
}
id! {
    /// One life of a process that asks the SM: a CM or a Web, new at every start.
    PeerId(u64)
}
id! {
    /// A file, given by the store like a message's id. A string in JSON. Knowing one gives no
    /// right to the file.
    FileId(u64)
}
id! {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Millis(i64)
}
id! {
    /// The store's stable watermark: every change at or below it is committed and visible.
    /// Opaque to clients; a page that spans conversations ends at one.
    SyncToken(u64)
}

impl Seq {
    /// Before the first entry of a log.
    pub const ZERO: Self = Self(0);

    /// The place right after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::str::FromStr for Seq {
    type Err = SeqError;

    /// Digits only, within the 63 bits that stores count in.
    fn from_str(text: &str) -> Result<Self, SeqError> {
        let number: i64 = text.parse().map_err(|_| SeqError)?;
        match text.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(Self(number.cast_unsigned())),
            false => Err(SeqError),
        }
    }
}

/// A text that is no seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a seq is a number")]
pub struct SeqError;

impl std::str::FromStr for FileId {
    type Err = FileIdError;

    /// Digits only, within the 63 bits that stores count in.
    fn from_str(text: &str) -> Result<Self, FileIdError> {
        let number: i64 = text.parse().map_err(|_| FileIdError)?;
        match text.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(Self(number.cast_unsigned())),
            false => Err(FileIdError),
        }
    }
}

/// A text that is no file's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file's id is a number")]
pub struct FileIdError;

impl SyncToken {
    /// Later than everything: nothing can be concluded from it.
    pub const NEVER: Self = Self(u64::MAX);
}

impl Millis {
    /// This time moved by `millis`, which may be negative.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// A link as the rest of the cluster knows it, fenced by the device's epoch (DESIGN promise 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkRef {
    /// The CM process that holds the link.
    pub cm: PeerId,
    /// The link within that CM.
    pub link: LinkId,
    /// The login that made it.
    pub epoch: Epoch,
}

/// A hint's place in the numbered stream from one SM to one CM. A CM that sees a gap, or a new
/// `sm`, knows that hints were lost and compares heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPos {
    /// One life of the sending SM.
    pub sm: PeerId,
    /// 1, 2, 3 … within that life and to that CM.
    pub number: u64,
}

/// The id a client chose for a send. The key of exactly-once: the same id from the same device
/// in the same conversation is the same message.
///
/// UUIDv7 is what the store likes best, since equal times land on the same page; ids of other
/// protocols are arbitrary strings and become a UUIDv8 made of their SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub [u8; 16]);

impl ClientId {
    /// A client id from whatever text a client sent: a UUID stays itself, anything else is hashed.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if let Ok(uuid) = uuid::Uuid::try_parse(text) {
            return Self(uuid.into_bytes());
        }
        let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(digest) {
            *to = from;
        }
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes())
    }

    /// The time inside, if this is a UUIDv7 (RFC 9562 §5.7).
    #[must_use]
    pub fn time(&self) -> Option<Millis> {
        let uuid = uuid::Uuid::from_bytes(self.0);
        if uuid.get_version_num() != 7 {
            return None;
        }
        let [a, b, c, d, e, f, ..] = self.0;
        Some(Millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f])))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_stays_itself_and_other_text_is_hashed_to_a_v8() {
        let v7 = "0198c0de-0000-7000-8000-000000000001";
        assert_eq!(ClientId::from_text(v7).to_string(), v7);
        assert_eq!(ClientId::from_text(v7).time(), Some(Millis(0x0198_c0de_0000)));
        let other = ClientId::from_text("order-17");
        assert_eq!(other, ClientId::from_text("order-17"));
        assert_ne!(other, ClientId::from_text("order-18"));
        assert_eq!(other.time(), None);
        assert_eq!(uuid::Uuid::from_bytes(other.0).get_version_num(), 8);
    }
}
