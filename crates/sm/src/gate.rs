//! Where the log meets the rules: admission inside the transaction, answers and deliveries
//! after it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::{Clock, Message, Millis, Refusal, Reply, Seq};
use anser_store::{Acl, Append, Gate, Outcome, Ruling};

use crate::{
    config::Config,
    fanout::Fanout,
    held::Held,
    notices::OWN,
    paces::Paces,
    peers::{Patience, Peers},
    rule::{self, Terms, WhoMayWrite},
};

/// The store's [`Gate`].
pub(crate) struct LogGate {
    pub(crate) peers: Arc<Peers>,
    pub(crate) held: Arc<Held>,
    pub(crate) paces: Arc<Paces>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
}

/// What the gate has seen, for the metrics.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) stored: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Gate for LogGate {
    fn admit(&self, acl: &Acl, head: Seq, append: &Append) -> Result<(), Refusal> {
        // Whoever has turned to another SM meanwhile may have been told something else there. The
        // head is locked by now, so that what that SM decides comes after what is stored here.
        let patience = self.peers.patience(append.from);
        if patience != Patience::Waits {
            // Those behind it may find the peer waiting again.
            if patience == Patience::Unsure && self.peers.holds_links(append.from.peer) {
                self.held.hold(append);
            }
            return Err(Refusal::Unavailable);
        }
        // What the server writes itself needs no friends and keeps no pace; a block counts.
        let own = append.from.peer == OWN;
        let policy = if own { WhoMayWrite::Anyone } else { self.config.who_may_write };
        rule::may_write_to(acl, policy)?;
        let terms = Terms { clock: &*self.clock, config: &self.config };
        rule::may_append(acl, head, append, &terms)?;
        if let Some(Ruling::Barred(refusal)) = append.ruling.as_deref() {
            // REST callers have no order to keep: each call stands for itself.
            if refusal.is_retriable() && self.peers.holds_links(append.from.peer) {
                self.held.hold(append);
            }
            return Err(refusal.clone());
        }
        self.held.admit(append)?;
        if own {
            return Ok(());
        }
        // A refusal from here on is noted by `committed`, so that what the device sends after it
        // waits for it.
        self.paces.send(append.actor.user, acl.conv)
    }

    fn admit_on(
        &self,
        acl: &Acl,
        target: &Message,
        now: Millis,
        append: &Append,
    ) -> Result<(), Refusal> {
        rule::may_change_entry(acl, target, now, append, &self.config)
    }

    /// Order matters: the commit is durable before this is called; the senders are answered
    /// before anything is delivered, so that a device knows its own seqs when those of others
    /// arrive around them.
    fn committed(&self, batch: Vec<Outcome>) {
        let mut replies = Vec::with_capacity(batch.len());
        let mut entries = Vec::with_capacity(batch.len());
        let mut quiet = 0;
        for outcome in batch {
            // REST callers have no order to keep: each call stands for itself.
            if self.held.concerns(&outcome)
                && self.peers.holds_links(outcome.from.peer)
                && self.peers.patience(outcome.from) != Patience::Gone
                && self.held.ended(&outcome)
            {
                let again = Refusal::Busy(Duration::from_secs(1));
                self.peers.evict(outcome.from.peer, vec![(outcome.from.link, again)]);
            }
            match outcome.result {
                Ok(appended) => {
                    replies.push((outcome.from, Reply::Sent(appended.sent)));
                    quiet += u64::from(appended.quiet);
                    if !appended.sent.duplicate && !appended.quiet {
                        entries.push((outcome.from, appended));
                    }
                }
                Err(refusal) => replies.push((outcome.from, Reply::Refused(refusal))),
            }
        }
        let stored = entries.len() as u64;
        let refused =
            replies.iter().filter(|(_, reply)| matches!(reply, Reply::Refused(_))).count() as u64;
        self.counts.stored.fetch_add(stored, Ordering::Relaxed);
        self.counts.refused.fetch_add(refused, Ordering::Relaxed);
        let duplicates = replies.len() as u64 - stored - refused - quiet;
        self.counts.duplicates.fetch_add(duplicates, Ordering::Relaxed);

        self.peers.replies(replies);
        self.fanout.entries(entries);
    }
}
