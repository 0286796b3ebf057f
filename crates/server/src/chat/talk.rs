//! What is known of one conversation, and what has become of the last own message in it.

use std::collections::BTreeSet;

use anser_domain::{Seq, UserName};

/// What is known of a conversation.
#[derive(Default)]
pub(super) struct Talk {
    /// Where the last own message stands.
    pub(super) mine: Option<Seq>,
    /// The newest message, and the newest own one: what commands without a number mean.
    pub(super) newest: Option<Seq>,
    pub(super) own: Option<Seq>,
    pub(super) peer_delivered: Seq,
    pub(super) peer_read: Seq,
    /// In groups: who has read the last own message.
    pub(super) readers: BTreeSet<UserName>,
    /// Own messages that are not stored yet.
    pub(super) sending: usize,
    /// What scripts have been told of `mine`.
    pub(super) told: Option<(Seq, Mark)>,
}

/// What has become of an own message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Sent,
    Delivered,
    Read,
}

impl Talk {
    /// Where the last own message stands, and what has become of it.
    pub(super) fn mark(&self) -> Option<(Seq, Mark)> {
        let mine = self.mine?;
        let mark = if self.peer_read >= mine || !self.readers.is_empty() {
            Mark::Read
        } else if self.peer_delivered >= mine {
            Mark::Delivered
        } else {
            Mark::Sent
        };
        Some((mine, mark))
    }

    /// A message stands here.
    pub(super) fn saw(&mut self, seq: Seq, own: bool) {
        self.newest = self.newest.max(Some(seq));
        if own {
            self.own = self.own.max(Some(seq));
        }
    }

    /// An own message is stored.
    pub(super) fn sent(&mut self, seq: Seq) {
        if self.mine.is_none_or(|mine| mine < seq) {
            self.mine = Some(seq);
            self.readers.clear();
        }
    }

    /// What the prompt says of the last own message.
    pub(super) fn state(&self) -> Option<String> {
        if self.sending > 0 {
            return Some("…".to_owned());
        }
        Some(match self.mark()?.1 {
            Mark::Sent => "✓".to_owned(),
            Mark::Delivered => "✓✓".to_owned(),
            Mark::Read if self.readers.len() > 1 => format!("✓✓ read by {}", self.readers.len()),
            Mark::Read => "✓✓ read".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_the_last_own_message() {
        let mut talk = Talk::default();
        assert_eq!(talk.state(), None);
        talk.sending = 1;
        assert_eq!(talk.state().as_deref(), Some("…"));
        talk.sending = 0;
        talk.sent(Seq(5));
        assert_eq!(talk.state().as_deref(), Some("✓"));
        talk.peer_delivered = Seq(5);
        assert_eq!(talk.state().as_deref(), Some("✓✓"));
        talk.peer_read = Seq(5);
        assert_eq!(talk.state().as_deref(), Some("✓✓ read"));
        talk.sent(Seq(6));
        assert_eq!(talk.state().as_deref(), Some("✓"), "a new message has its own fate");
        talk.sent(Seq(4));
        assert_eq!(talk.mine, Some(Seq(6)));
    }
}
