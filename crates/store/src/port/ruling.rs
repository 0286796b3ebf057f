//! What was decided about an entry before it came to the log: by an app that is asked, or by a
//! filter of words.

use anser_domain::{Content, Payload, Protocol, Refusal};
use sha2::{Digest as _, Sha256};

/// What was decided. Nearly all entries come without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It says something else than its client sent, which was this. A retry is known by it. What
    /// is forwarded says what stands in the entry, and not what its source says by now.
    Reworded(Words),
    /// It may not stand: the gate refuses with this. What stands already still gets its answer.
    Barred(Refusal),
}

/// What someone sent, by its digest: enough to know it again, and nothing to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words(pub [u8; 32]);

impl Words {
    /// The digest of a content and what only clients of one protocol understand of it.
    #[must_use]
    pub fn of(content: &Content, payload: Option<&Payload>) -> Self {
        let body = content.body().unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update([content.kind().number()]);
        // The length keeps a body and a payload from being taken for another pair.
        hash.update((body.len() as u64).to_be_bytes());
        hash.update(body);
        if let Some(payload) = payload {
            // Kept in stores: the numbers stay.
            hash.update([match payload.protocol {
                Protocol::Native => 1,
                Protocol::Mqtt3 => 2,
                Protocol::Mqtt5 => 3,
                Protocol::Xmpp => 4,
            }]);
            hash.update(&payload.bytes);
        }
        Self(hash.finalize().into())
    }
}

/// Short words can be guessed from their digest: it never reaches a log.
impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words")
    }
}
