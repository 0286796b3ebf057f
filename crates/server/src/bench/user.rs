//! One user's task: it sends in a window or to a schedule, as the stages say, and everything that
//! arrived in one read is answered in one write.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anser_client::Connection;
use anser_wire::{codec, frame};
use tokio::time::{Instant, sleep_until};

use super::{
    link::Opened,
    load::{Run, SHARDS, Seen, Stage, Stream},
    traffic::Traffic,
};

/// Entries of one link that may wait for their acknowledgement.
const ACK_AFTER: usize = 64;
/// How long they wait at most.
const ACK_DELAY: Duration = Duration::from_millis(50);
/// Silence of the user after which a PING is sent, below any server's interval.
const PING_AFTER: Duration = Duration::from_secs(20);

/// One user of a run.
pub(super) struct User {
    link: Connection,
    run: Arc<Run>,
    shard: usize,
    /// This user's part of an open loop's schedule: the first send comes so much later.
    offset: Duration,
    traffic: Traffic,
}

impl User {
    /// A user who sends on `streams` (none: only receives).
    pub(super) fn new(
        opened: Opened,
        run: Arc<Run>,
        index: usize,
        streams: Vec<Stream>,
        offset: Duration,
    ) -> Self {
        let Opened { link, delivered } = opened;
        let traffic = Traffic::new(&run, index, streams, delivered);
        Self { link, run, shard: index % SHARDS, offset, traffic }
    }

    /// Does what the stages say until it is over.
    pub(super) async fn drive(mut self) -> io::Result<Seen> {
        let mut stages = self.run.stage.clone();
        let mut stage = *stages.borrow_and_update();
        let mut scheduled = 0_u32;
        let mut acks_at: Option<Instant> = None;
        let mut spoke = Instant::now();
        while stage != Stage::Stop {
            let now = Instant::now();
            let due = self.fill(stage, now, &mut scheduled);
            if self.traffic.unacked >= ACK_AFTER || acks_at.is_some_and(|at| at <= now) {
                self.traffic.write_acks(self.link.out());
            }
            acks_at = self.traffic.cursors.is_due().then(|| acks_at.unwrap_or(now + ACK_DELAY));
            if spoke + PING_AFTER <= now {
                let ping = frame::Ping { nonce: 0, heartbeat_ms: 0 };
                codec::write(&ping.into(), self.link.out());
            }
            if self.link.backlog() > 0 {
                spoke = now;
            }
            self.traffic.publish(&self.run, self.shard);
            // A hold that has passed waits for answers, not for the clock.
            let held = self.traffic.held_until.filter(|until| *until > now);
            let wake =
                [due, acks_at, held].into_iter().flatten().fold(spoke + PING_AFTER, Instant::min);
            let (run, traffic) = (&*self.run, &mut self.traffic);
            let mut take = |bytes: &[u8], out: &mut Vec<u8>| traffic.take(run, bytes, out);
            tokio::select! {
                biased;
                // Cancel-safe: what has arrived and was not taken stays in the connection.
                turned = self.link.turn(&mut take) => turned?,
                // Cancel-safe: a watch.
                changed = stages.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    stage = *stages.borrow_and_update();
                    scheduled = 0;
                }
                () = sleep_until(wake) => {}
            }
        }
        // What was received is acknowledged, so that the next run has nothing to catch up with.
        self.traffic.write_acks(self.link.out());
        self.traffic.publish(&self.run, self.shard);
        let _ = self.link.close().await;
        Ok(self.traffic.seen())
    }

    /// Writes what may be sent now; when the schedule asks for more.
    fn fill(&mut self, stage: Stage, now: Instant, scheduled: &mut u32) -> Option<Instant> {
        let out = self.link.out();
        if !self.traffic.try_again(&self.run, now, out) {
            return None;
        }
        loop {
            let mut due = now;
            if let Stage::Open { from, every } = stage {
                due = from + self.offset + every * *scheduled;
                if due > now {
                    return Some(due);
                }
            } else if !matches!(stage, Stage::Fill | Stage::Closed) {
                return None;
            }
            let slot = self.traffic.free.pop()?;
            if self.traffic.streams.is_empty()
                || self.run.budget.fetch_sub(1, Ordering::Relaxed) <= 0
            {
                self.traffic.free.push(slot);
                return None;
            }
            *scheduled += 1;
            self.traffic.write_new(&self.run, slot, stage == Stage::Fill, due, out);
        }
    }
}
