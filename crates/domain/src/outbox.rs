//! Where a session writes: one arena per link, emptied by one write per batch.

use bytes::Bytes;

/// Bytes at least this long are shared rather than copied into the arena. Below it, copying
/// costs less than counting references (measured at 150 bytes: sharing cost 13–25 % more).
pub const SHARE_FROM: usize = 4096;

/// Bytes waiting to be written to one link, in order.
///
/// Empty outboxes own no memory: the driver takes the arena away when it writes, and an idle
/// link keeps none.
#[derive(Debug, Default)]
pub struct Outbox {
    arena: Vec<u8>,
    /// Large payloads, each standing before the arena byte at its offset.
    shared: Vec<(usize, Bytes)>,
    shared_len: usize,
    /// Total lengths at which a transport message ends (XMPP over WebSocket sends one stanza
    /// a message). Empty: the whole batch is one message.
    ends: Vec<usize>,
}

/// One contiguous piece of an [`Outbox`].
pub type Segment<'a> = &'a [u8];

impl Outbox {
    /// Bytes waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arena.len() + self.shared_len
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The arena, to append to. Appending is the only thing a session may do with it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.arena
    }

    /// Appends a copy of `bytes`.
    pub fn put(&mut self, bytes: &[u8]) {
        self.arena.extend_from_slice(bytes);
    }

    /// Appends `bytes` by reference if they are large, by copy if they are not.
    pub fn share(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARE_FROM {
            self.put(bytes);
        } else {
            self.shared.push((self.arena.len(), bytes.clone()));
            self.shared_len += bytes.len();
        }
    }

    /// Marks the end of a transport message, for protocols whose WebSocket messages mean
    /// something. Native and MQTT never call it: a batch is a message.
    pub fn end_message(&mut self) {
        self.ends.push(self.len());
    }

    /// Where transport messages end, as total lengths from the front; empty for "at the end".
    #[must_use]
    pub fn message_ends(&self) -> &[usize] {
        &self.ends
    }

    /// The pieces in the order in which they go out.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let mut from = 0;
        let tail_from = self.shared.last().map_or(0, |(at, _)| *at);
        self.shared
            .iter()
            .flat_map(move |(at, bytes)| {
                let before = self.arena.get(from..*at).unwrap_or_default();
                from = *at;
                [before, &bytes[..]]
            })
            .chain([self.arena.get(tail_from..).unwrap_or_default()])
            .filter(|piece| !piece.is_empty())
    }

    /// Empties the outbox and keeps the arena's memory, for a driver that recycles arenas.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.shared.clear();
        self.shared_len = 0;
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_payloads_keep_their_place_among_copied_bytes() {
        let large = Bytes::from(vec![7; SHARE_FROM]);
        let mut out = Outbox::default();
        out.put(b"head");
        out.share(&large);
        out.put(b"mid");
        out.share(&Bytes::from_static(b"small"));
        out.share(&large);
        let whole: Vec<u8> = out.segments().flatten().copied().collect();
        let expect = [b"head", &large[..], b"midsmall", &large[..]].concat();
        assert_eq!(whole, expect);
        assert_eq!(out.len(), expect.len());
        assert_eq!(out.segments().count(), 4);
        out.clear();
        assert!(out.is_empty());
    }
}
