//! The one thread that writes: takes what waits, writes it in one transaction, and only then
//! says so.

use std::{
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use anser_domain::{Actor, Address, ClientId, Clock, DeviceId, Refusal, ReplyTo, UserId};
use tokio::sync::oneshot;

use super::{
    acls::Acls,
    append::append,
    desk::Desk,
    engine::{Engine, Keeper},
    queue::{Finish, Queue, Waiting, Work},
};
use crate::{
    open::OpenError,
    planted::{Plant, dawdle, planted},
    port::{Append, Appended, Gate, Outcome, StoreError},
};

/// The largest transaction. Beyond this a commit's flush costs each message next to nothing.
const MAX_BATCH: usize = 2_048;
/// So often a process that shares the database and has nothing to write says that it is there: the
/// stable watermark is behind by no more than this.
const BEAT: Duration = Duration::from_millis(200);
/// So often a batch is tried that meets others in the database.
const TRIES: usize = 5;
/// So often are other writes tried. Each may wait 2 s for a lock, and entries wait behind it.
const WORK_TRIES: usize = 3;

/// What the writer's thread is made of.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) gate: Arc<OnceLock<Arc<dyn Gate>>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) acls: Arc<Acls>,
    pub(super) engine: Arc<dyn Engine>,
}

/// Where an outcome goes, kept aside while its append is consumed.
struct Ticket {
    from: ReplyTo,
    actor: Actor,
    order: u64,
    at: Address,
    client_id: ClientId,
}

/// What of an entry is looked for before its transaction looks at any.
struct Ahead {
    user: UserId,
    at: Address,
    device: DeviceId,
    client_id: ClientId,
}

impl Ahead {
    fn of(append: &Append) -> Self {
        Self {
            user: append.actor.user,
            at: append.entry.address(),
            device: append.actor.device,
            client_id: append.entry.client_id(),
        }
    }
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
        opened: oneshot::Sender<Result<(), OpenError>>,
        done: oneshot::Sender<()>,
    ) {
        let (conn, mut keeper) = match self.engine.writer() {
            Ok(open) => open,
            Err(error) => return drop(opened.send(Err(error))),
        };
        {
            let desk = Desk::new(&conn, Arc::clone(&self.clock), Arc::clone(&self.acls));
            let mut desk = match desk {
                Ok(desk) => desk,
                Err(error) => return drop(opened.send(Err(self.engine.failed(&error)))),
            };
            let _ = opened.send(Ok(()));
            // Whatever ends this thread, those who wait are told.
            let last = LastWords(&self);
            self.work(&mut desk, &mut *keeper);
            drop(last);
        }
        keeper.last(&conn);
        drop(conn);
        let _ = done.send(());
    }

    fn work(&self, desk: &mut Desk<'_>, keeper: &mut dyn Keeper) {
        let patience = desk.is_shared().then_some(BEAT);
        while let Some(Waiting { appends, works, .. }) = self.queue.take(patience) {
            if appends.is_empty() && works.is_empty() {
                beat(desk);
                continue;
            }
            let mut works = Some(works);
            let mut appends = appends.into_iter();
            while appends.len() > 0 || works.is_some() {
                let batch = appends.by_ref().take(MAX_BATCH);
                let mut works = works.take().unwrap_or_default();
                if desk.is_shared() {
                    self.transact_shared(desk, batch.collect(), works);
                } else {
                    self.transact(desk, batch, &mut works, &[], true);
                }
                keeper.between(desk.conn);
            }
        }
        desk.leave();
    }

    /// The same among other processes. Entries lock their heads first and in order, and are tried
    /// again when they met others all the same: nothing was stored then, and the dedupe key tells
    /// if it was. Other writes have locks of their own, and so a transaction of their own; they have
    /// no such key, and are tried again only if what failed was not the commit.
    fn transact_shared(&self, desk: &mut Desk<'_>, batch: Vec<Append>, works: Vec<Work>) {
        if !batch.is_empty() {
            let heads: Vec<_> = batch.iter().map(Ahead::of).collect();
            for _ in 1..TRIES {
                if self.transact(desk, batch.clone().into_iter(), &mut [], &heads, false) {
                    return self.transact_works(desk, works);
                }
            }
            self.transact(desk, batch.into_iter(), &mut [], &heads, true);
        }
        self.transact_works(desk, works);
    }

    fn transact_works(&self, desk: &mut Desk<'_>, mut works: Vec<Work>) {
        let mut left = if works.is_empty() { 0 } else { WORK_TRIES };
        while left > 0 {
            left -= 1;
            if self.transact(desk, std::iter::empty(), &mut works, &[], left == 0) {
                return;
            }
        }
    }

    /// One transaction, from BEGIN to the answers. Answers `false`, having told nobody anything,
    /// when it is not the `last` try and another one may succeed.
    fn transact(
        &self,
        desk: &mut Desk<'_>,
        mut batch: impl ExactSizeIterator<Item = Append>,
        works: &mut [Work],
        heads: &[Ahead],
        last: bool,
    ) -> bool {
        let mut tickets = Vec::with_capacity(batch.len());
        let mut results: Vec<Result<Appended, Refusal>> = Vec::with_capacity(batch.len());
        let mut finishes = Vec::with_capacity(works.len());
        let written = begin(desk, heads, works.iter().any(|work| work.alone)).and_then(|()| {
            self.write(desk, &mut batch, &mut tickets, &mut results, works, &mut finishes)?;
            // One that met others has been told so, but does not have to be.
            let met = !last && !works.is_empty() && may_try_again(desk);
            if met { Err(StoreError::Failed("a write met others".into())) } else { Ok(()) }
        });
        let safe = works.is_empty() || written.is_err();
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
            Err(error) if !last && safe && may_try_again(desk) => {
                tracing::debug!(%error, "a batch is tried again");
                desk.rollback();
                return false;
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
        true
    }

    fn write(
        &self,
        desk: &mut Desk<'_>,
        batch: &mut impl Iterator<Item = Append>,
        tickets: &mut Vec<Ticket>,
        results: &mut Vec<Result<Appended, Refusal>>,
        works: &mut [Work],
        finishes: &mut Vec<Finish>,
    ) -> Result<(), StoreError> {
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
            finishes.push((work.run)(desk));
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

/// Whether something failed, since the transaction began, that may go well the next time.
fn may_try_again(desk: &Desk<'_>) -> bool {
    desk.conn.shared().is_some_and(|conn| conn.may_try_again())
}

/// Begins a transaction, with the locks that it asks for.
fn begin(desk: &mut Desk<'_>, heads: &[Ahead], alone: bool) -> Result<(), StoreError> {
    desk.begin()?;
    if alone {
        desk.write_alone()?;
    }
    let mut keys = Vec::with_capacity(heads.len());
    for Ahead { user, at, device, client_id } in heads {
        keys.extend(desk.find(*user, at)?.map(|conv| (conv, *device, *client_id)));
    }
    desk.lock_heads(keys.iter().map(|key| key.0).collect())?;
    desk.look_for_keys(&keys)
}

/// Says that this process is there, though it has nothing to write.
fn beat(desk: &mut Desk<'_>) {
    if let Err(error) = desk.beat() {
        tracing::warn!(%error, "the database does not answer");
        desk.rollback();
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
