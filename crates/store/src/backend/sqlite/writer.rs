//! The one thread that writes: takes what waits, writes it in one transaction, and only then
//! says so.

use std::{
    cell::Cell,
    path::Path,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use anser_domain::{Actor, Address, ClientId, Clock, Refusal, ReplyTo};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    acls::Acls,
    append::append,
    checkpoint::Checkpointer,
    connection,
    desk::Desk,
    queue::{Finish, Queue, Waiting, Work},
};
use crate::{
    open::OpenError,
    planted::{Plant, dawdle, planted},
    port::{Append, Appended, Gate, Outcome, StoreError},
};

/// The largest transaction. Beyond this a commit's flush costs each message next to nothing.
const MAX_BATCH: usize = 2_048;
/// From so many pages in the journal on (47 MiB) it is folded into the database: seldom, since a
/// page that was written often is folded once.
const FOLD_FRAMES: i32 = 12_000;
/// After so many, the writer starts the journal anew even if nobody has folded it.
const RESTART_FRAMES: i32 = 32_000;
/// So long the writer waits for readers when it starts the journal anew.
const RESTART_PATIENCE: Duration = Duration::from_millis(50);

thread_local! {
    /// Pages in the journal after this thread's last commit.
    static FRAMES: Cell<i32> = const { Cell::new(0) };
}

/// What the writer's thread is made of.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) gate: Arc<OnceLock<Arc<dyn Gate>>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) acls: Arc<Acls>,
    pub(super) max_pages: u32,
}

/// Where an outcome goes, kept aside while its append is consumed.
struct Ticket {
    from: ReplyTo,
    actor: Actor,
    order: u64,
    at: Address,
    client_id: ClientId,
}

impl Ticket {
    fn of(append: &Append) -> Self {
        Self {
            from: append.from,
            actor: append.actor,
            order: append.order,
            at: append.entry.address(),
            client_id: append.entry.client_id(),
        }
    }

    fn outcome(self, result: Result<Appended, Refusal>) -> Outcome {
        let Self { from, actor, order, at, client_id } = self;
        Outcome { from, actor, order, at, client_id, result }
    }
}

/// The outcome of entries that were never tried.
pub(super) fn refused(batch: Vec<Append>, refusal: &Refusal) -> Vec<Outcome> {
    let one = |append: Append| Ticket::of(&append).outcome(Err(refusal.clone()));
    batch.into_iter().map(one).collect()
}

impl Writer {
    /// Opens the database and writes until the queue is closed and empty. Says through `opened`
    /// when it is ready, and through `done` when it has finished.
    pub(super) fn run(
        self,
        path: &Path,
        opened: oneshot::Sender<Result<(), OpenError>>,
        done: oneshot::Sender<()>,
    ) {
        let failed = |error: &dyn std::fmt::Display| OpenError::Failed {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let conn = match connection::open(path) {
            Ok(conn) => conn,
            Err(error) => return drop(opened.send(Err(error))),
        };
        if self.max_pages < u32::MAX
            && let Err(error) =
                conn.query_row(&format!("PRAGMA max_page_count = {}", self.max_pages), [], |_| {
                    Ok(())
                })
        {
            return drop(opened.send(Err(failed(&error))));
        }
        conn.wal_hook(Some(|_, frames| {
            FRAMES.set(frames);
            Ok(())
        }));
        let checkpointer = match Checkpointer::start(path) {
            Ok(checkpointer) => checkpointer,
            Err(error) => return drop(opened.send(Err(error))),
        };
        {
            let desk = Desk::new(&conn, Arc::clone(&self.clock), Arc::clone(&self.acls));
            let mut desk = match desk {
                Ok(desk) => desk,
                Err(error) => return drop(opened.send(Err(failed(&error)))),
            };
            let _ = opened.send(Ok(()));
            // Whatever ends this thread, those who wait are told.
            let last = LastWords(&self);
            self.work(&mut desk, &checkpointer);
            drop(last);
        }
        checkpointer.stop();
        // The last connection to close removes the journal; this makes sure that it is empty.
        fold(&conn, "TRUNCATE");
        drop(conn);
        let _ = done.send(());
    }

    fn work(&self, desk: &mut Desk<'_>, checkpointer: &Checkpointer) {
        let mut next = FOLD_FRAMES;
        while let Some(Waiting { appends, works, .. }) = self.queue.take() {
            let mut works = Some(works);
            let mut appends = appends.into_iter();
            while appends.len() > 0 || works.is_some() {
                let batch = appends.by_ref().take(MAX_BATCH);
                self.transact(desk, batch, works.take().unwrap_or_default());
                mind_journal(desk.conn, checkpointer, &mut next);
            }
        }
    }

    /// One transaction, from BEGIN to the answers.
    fn transact(
        &self,
        desk: &mut Desk<'_>,
        mut batch: impl ExactSizeIterator<Item = Append>,
        works: Vec<Work>,
    ) {
        let mut tickets = Vec::with_capacity(batch.len());
        let mut results: Vec<Result<Appended, Refusal>> = Vec::with_capacity(batch.len());
        let mut finishes = Vec::with_capacity(works.len());
        let written =
            self.write(desk, &mut batch, &mut tickets, &mut results, works, &mut finishes);
        let mut early = false;
        let committed = written.and_then(|()| {
            if planted(Plant::AckBeforeCommit) && !tickets.is_empty() {
                early = true;
                self.tell(tickets.drain(..).zip(results.clone()));
                dawdle();
            }
            commit(desk)
        });
        match committed {
            Ok(()) => {
                self.queue.counts.commits.fetch_add(1, Ordering::Relaxed);
                if !early && !tickets.is_empty() {
                    self.count(&results);
                    self.tell(tickets.into_iter().zip(results));
                }
                for finish in finishes {
                    finish();
                }
            }
            Err(error) => {
                tracing::error!(%error, "nothing of a batch could be stored");
                self.queue.counts.failures.fetch_add(1, Ordering::Relaxed);
                desk.rollback();
                tickets.extend(batch.map(|append| Ticket::of(&append)));
                if !tickets.is_empty() {
                    let refusals = std::iter::repeat_with(|| Err(Refusal::Unavailable));
                    self.tell(tickets.into_iter().zip(refusals));
                }
            }
        }
    }

    fn write(
        &self,
        desk: &mut Desk<'_>,
        batch: &mut impl Iterator<Item = Append>,
        tickets: &mut Vec<Ticket>,
        results: &mut Vec<Result<Appended, Refusal>>,
        works: Vec<Work>,
        finishes: &mut Vec<Finish>,
    ) -> Result<(), StoreError> {
        desk.begin()?;
        for entry in batch {
            tickets.push(Ticket::of(&entry));
            let Some(gate) = self.gate.get() else {
                results.push(Err(Refusal::Unavailable));
                continue;
            };
            match append(desk, &**gate, entry) {
                Ok(appended) => results.push(Ok(appended)),
                Err(StoreError::Refused(refusal)) => results.push(Err(refusal)),
                Err(failed) => return Err(failed),
            }
        }
        for work in works {
            desk.flush()?;
            finishes.push(work(desk));
            if desk.conn.is_autocommit() {
                // A full disk may end a transaction from inside.
                return Err(StoreError::Failed("the transaction was ended by an error".into()));
            }
        }
        Ok(())
    }

    fn count(&self, results: &[Result<Appended, Refusal>]) {
        let stored = results.iter().flatten();
        let duplicates = stored.clone().filter(|it| it.sent.duplicate).count() as u64;
        let counts = &self.queue.counts;
        counts.duplicates.fetch_add(duplicates, Ordering::Relaxed);
        counts.appended.fetch_add(stored.count() as u64 - duplicates, Ordering::Relaxed);
    }

    fn tell(&self, outcomes: impl Iterator<Item = (Ticket, Result<Appended, Refusal>)>) {
        if let Some(gate) = self.gate.get() {
            gate.committed(outcomes.map(|(ticket, result)| ticket.outcome(result)).collect());
        }
    }
}

/// Commits, and when that fails finds out whether it did.
fn commit(desk: &mut Desk<'_>) -> Result<(), StoreError> {
    let (before, last) = desk.ids();
    let Err(error) = desk.commit() else { return Ok(()) };
    desk.rollback();
    // The row of the last id is part of every transaction that stored an entry, so it tells. (A
    // flush that failed after it had reached the disk may bring the entries back at the next
    // start; the senders' retries then find them by their keys.)
    match desk.stored_id() {
        Ok(stored) if last > before && stored >= last => Ok(()),
        _ => Err(error),
    }
}

/// Between transactions: has a long journal folded, and starts it anew once that is done, when
/// only what was written meanwhile is left to fold. Moves on `next`, the length at which to look.
fn mind_journal(conn: &Connection, checkpointer: &Checkpointer, next: &mut i32) {
    let frames = FRAMES.get();
    if frames < FOLD_FRAMES {
        *next = FOLD_FRAMES;
    }
    if frames < *next {
        return;
    }
    if checkpointer.has_folded() || frames >= RESTART_FRAMES {
        let _ = conn.busy_timeout(RESTART_PATIENCE);
        let restarted = fold(conn, "RESTART");
        let _ = conn.busy_timeout(connection::BUSY_TIMEOUT);
        tracing::debug!(frames, restarted, "the journal was to start anew");
        // Until the next commit the count is the old one; and when readers stood in the way, the
        // next try is as many pages away.
        *next = frames.saturating_add(FOLD_FRAMES);
    } else {
        checkpointer.wake();
    }
}

/// Folds the journal into the database. Says whether all of it.
pub(super) fn fold(conn: &Connection, how: &str) -> bool {
    let result =
        conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get::<_, bool>(0));
    match result {
        Ok(busy) => !busy,
        Err(error) => {
            tracing::warn!(%error, "the journal could not be folded into the database");
            false
        }
    }
}

/// Answers what still waits when the writer ends, be it by a panic.
struct LastWords<'a>(&'a Writer);

impl Drop for LastWords<'_> {
    fn drop(&mut self) {
        let Waiting { appends, .. } = self.0.queue.abandon();
        if let (Some(gate), false) = (self.0.gate.get(), appends.is_empty()) {
            gate.committed(refused(appends, &Refusal::Unavailable));
        }
    }
}
