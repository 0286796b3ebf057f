//! What waits for the writer. Pushing never blocks; the writer takes all there is at once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anser_domain::Refusal;
use parking_lot::{Condvar, Mutex};

use super::desk::Desk;
use crate::port::{Append, Entry, StoreStats};

/// So many entries may wait: about half a second's work. More are refused at once, since waiting
/// longer would only make the sender's retry overlap with the first try.
const MAX_WAITING: usize = 16_384;
/// So many bytes of bodies may wait, so that large messages cannot fill the memory.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// So many other writes may wait.
const MAX_WORKS: usize = 65_536;

/// A write that is no entry of a log. It runs inside the transaction; what it returns runs after
/// the commit, and is dropped unseen when the commit fails. Among other processes it may run again,
/// in another transaction.
pub(super) struct Work {
    /// Whether it looks at more than rows under one head before it writes, so that no other
    /// process may write meanwhile.
    pub(super) alone: bool,
    /// The write.
    pub(super) run: Run,
}

type Run = Box<dyn for<'a, 'c> FnMut(&'a mut Desk<'c>) -> Finish + Send>;
/// The end of a [`Work`].
pub(super) type Finish = Box<dyn FnOnce() + Send>;

/// All that waited.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) appends: Vec<Append>,
    pub(super) works: Vec<Work>,
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Take no more; write what waits and fold the journal.
    Closing,
    /// The writer has gone.
    Gone,
}

/// The queue in front of the writer.
pub(super) struct Queue {
    inner: Mutex<(Waiting, State)>,
    ready: Condvar,
    pub(super) counts: Counts,
}

/// See [`StoreStats`].
#[derive(Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) appended: AtomicU64,
    pub(super) duplicates: AtomicU64,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::new((Waiting::default(), State::Open)),
            ready: Condvar::new(),
            counts: Counts::default(),
        }
    }

    /// Puts entries into the queue, and gives back those that it does not take, with the reason.
    pub(super) fn push(&self, mut batch: Vec<Append>) -> Option<(Vec<Append>, Refusal)> {
        if batch.is_empty() {
            return None;
        }
        let mut inner = self.inner.lock();
        let (waiting, state) = &mut *inner;
        match state {
            State::Open => {}
            State::Closing => return Some((batch, Refusal::Draining)),
            State::Gone => return Some((batch, Refusal::Unavailable)),
        }
        let idle = waiting.appends.is_empty() && waiting.works.is_empty();
        let room = MAX_WAITING.saturating_sub(waiting.appends.len());
        let mut taken = 0;
        for append in batch.iter().take(room) {
            if waiting.bytes >= MAX_WAITING_BYTES {
                break;
            }
            waiting.bytes += weight(append);
            taken += 1;
        }
        let refused = batch.split_off(taken);
        if waiting.appends.is_empty() {
            waiting.appends = batch;
        } else {
            waiting.appends.append(&mut batch);
        }
        drop(inner);
        if idle {
            self.ready.notify_one();
        }
        let busy = Refusal::Busy(Duration::from_millis(250));
        (!refused.is_empty()).then_some((refused, busy))
    }

    /// Puts another write into the queue.
    pub(super) fn push_work(&self, work: Work) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        let (waiting, state) = &mut *inner;
        match state {
            State::Open if waiting.works.len() < MAX_WORKS => waiting.works.push(work),
            State::Open => return Err(Refusal::Busy(Duration::from_millis(250))),
            State::Closing => return Err(Refusal::Draining),
            State::Gone => return Err(Refusal::Unavailable),
        }
        drop(inner);
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for work and takes all of it; `None` once the queue is closed and empty, and nothing
    /// of it after `patience`.
    pub(super) fn take(&self, patience: Option<Duration>) -> Option<Waiting> {
        let mut inner = self.inner.lock();
        loop {
            let (waiting, state) = &mut *inner;
            if !waiting.appends.is_empty() || !waiting.works.is_empty() {
                return Some(std::mem::take(waiting));
            }
            if *state != State::Open {
                return None;
            }
            let Some(patience) = patience else {
                self.ready.wait(&mut inner);
                continue;
            };
            if self.ready.wait_for(&mut inner, patience).timed_out() {
                return (inner.1 == State::Open).then(|| std::mem::take(&mut inner.0));
            }
        }
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        let mut inner = self.inner.lock();
        if inner.1 == State::Open {
            inner.1 = State::Closing;
        }
        self.ready.notify_one();
    }

    /// The writer has gone: nothing will be written any more. What still waited is handed back.
    pub(super) fn abandon(&self) -> Waiting {
        let mut inner = self.inner.lock();
        inner.1 = State::Gone;
        std::mem::take(&mut inner.0)
    }

    pub(super) fn stats(&self) -> StoreStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StoreStats {
            queued: self.inner.lock().0.appends.len() as u64,
            commits: read(&self.counts.commits),
            failures: read(&self.counts.failures),
            appended: read(&self.counts.appended),
            duplicates: read(&self.counts.duplicates),
        }
    }
}

fn weight(append: &Append) -> usize {
    match &append.entry {
        Entry::Message(out) => {
            out.content.body().map_or(0, str::len)
                + out.payload.as_ref().map_or(0, |payload| payload.bytes.len())
        }
        Entry::NewGroup(_) | Entry::Change(_) => 0,
    }
}
