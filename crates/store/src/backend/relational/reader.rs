//! The threads that read: each with a connection of its own, each call one short transaction.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use anser_domain::{ConvId, GroupName, Refusal, SyncToken, UserId, UserName};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{
    acls::Acls,
    append::lost,
    cache::Cache,
    convert::sql,
    engine::{Connection, Engine},
    shared,
};
use crate::{
    open::OpenError,
    port::{Acl, StoreError},
};

/// So many calls may wait.
const MAX_WAITING: usize = 16_384;
/// Names that each reader remembers, at least.
const REMEMBERED: usize = 16_384;

type Call = Box<dyn for<'a, 'c> FnOnce(&'a mut Reader<'c>) + Send>;

/// The readers and what waits for them.
pub(super) struct Readers {
    inner: Mutex<Inner>,
    ready: Condvar,
}

struct Inner {
    calls: VecDeque<Call>,
    open: bool,
    threads: Vec<oneshot::Receiver<()>>,
}

impl Readers {
    /// Starts them, each with a connection that it opens itself.
    pub(super) async fn start(
        engine: &Arc<dyn Engine>,
        acls: &Arc<Acls>,
    ) -> Result<Arc<Self>, OpenError> {
        let inner = Inner { calls: VecDeque::new(), open: true, threads: Vec::new() };
        let readers = Arc::new(Self { inner: Mutex::new(inner), ready: Condvar::new() });
        let mut openings = Vec::new();
        for _ in 0..engine.readers() {
            let (alive, ended) = oneshot::channel();
            let (opened, is_open) = oneshot::channel();
            let (queue, acls) = (Arc::clone(&readers), Arc::clone(acls));
            let opener = Arc::clone(engine);
            let run = move || {
                let conn = match opener.reader() {
                    Ok(conn) => conn,
                    Err(error) => return drop(opened.send(Err(error))),
                };
                let _ = opened.send(Ok(()));
                let mut reader = Reader::new(&conn, acls);
                while let Some(call) = queue.take() {
                    // A call that panics is answered by the end of its channel; the thread goes on.
                    if catch_unwind(AssertUnwindSafe(|| call(&mut reader))).is_err() {
                        reader.start_over();
                    }
                }
                drop(reader);
                drop(conn);
                let _: Result<(), ()> = alive.send(());
            };
            let thread = std::thread::Builder::new().name("store-reader".into()).spawn(run);
            thread.map_err(|error| engine.failed(&error))?;
            openings.push(is_open);
            readers.inner.lock().threads.push(ended);
        }
        for opening in openings {
            let opened = opening.await.unwrap_or_else(|_| Err(engine.failed(&"a reader failed")));
            opened.inspect_err(|_| readers.close())?;
        }
        Ok(readers)
    }

    /// Reads something in a transaction of its own.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.push(Box::new(move |reader| {
            let _ = answer.send(reader.transact(read));
        }))?;
        answered.await.unwrap_or_else(|_| Err(lost("a reader failed")))
    }

    fn push(&self, call: Call) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if !inner.open {
            return Err(Refusal::Draining);
        }
        if inner.calls.len() >= MAX_WAITING {
            return Err(Refusal::Busy(Duration::from_millis(250)));
        }
        inner.calls.push_back(call);
        drop(inner);
        self.ready.notify_one();
        Ok(())
    }

    fn take(&self) -> Option<Call> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(call) = inner.calls.pop_front() {
                return Some(call);
            }
            if !inner.open {
                return None;
            }
            self.ready.wait(&mut inner);
        }
    }

    /// Takes no more; what waits is still read.
    pub(super) fn close(&self) {
        self.inner.lock().open = false;
        self.ready.notify_all();
    }

    /// Waits until all threads have closed their connections.
    pub(super) async fn ended(&self) {
        let threads = std::mem::take(&mut self.inner.lock().threads);
        for thread in threads {
            let _ = thread.await;
        }
    }
}

/// One reader.
pub(super) struct Reader<'c> {
    pub(super) conn: &'c Connection,
    acls: Arc<Acls>,
    /// Names are never reused, and change only when somebody is anonymised: then these go.
    names: Cache<UserId, UserName>,
    names_of: u64,
    groups: Cache<ConvId, GroupName>,
}

impl<'c> Reader<'c> {
    fn new(conn: &'c Connection, acls: Arc<Acls>) -> Self {
        let (names, groups) = (Cache::new(REMEMBERED), Cache::new(REMEMBERED));
        let names_of = acls.names();
        Self { conn, acls, names, names_of, groups }
    }

    fn transact<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Before the snapshot: what is read from an older one is forgotten by the next.
        let names_of = self.acls.names();
        if names_of != self.names_of {
            self.names.clear();
            self.names_of = names_of;
        }
        self.conn.begin_reading()?;
        let result = read(self);
        if self.conn.end_reading().is_err() {
            self.start_over();
        }
        self.names.trim();
        self.groups.trim();
        result
    }

    fn start_over(&mut self) {
        self.conn.roll_back();
        self.names.clear();
        self.groups.clear();
    }

    /// Everything at or below it is committed.
    pub(super) fn watermark(&self) -> Result<SyncToken, StoreError> {
        Ok(SyncToken(shared::watermark(self.conn)?))
    }

    /// The number up to which a list that is numbered as it is written, by several processes
    /// perhaps, has no gaps any more.
    pub(super) fn settled(&self) -> Result<i64, StoreError> {
        match self.conn.shared() {
            None => Ok(i64::MAX),
            Some(_) => Ok(sql(shared::watermark(self.conn)?)),
        }
    }

    /// A user's name.
    pub(super) fn name(&mut self, user: UserId) -> Result<UserName, StoreError> {
        if let Some(name) = self.names.get(&user) {
            return Ok(name.clone());
        }
        let mut query = self.conn.prepare_cached("SELECT name FROM users WHERE id = ?1")?;
        let name = query
            .query_row([sql(user.0)], |row| Ok(UserName::trusted(row.get_ref(0)?.as_str()?)))?;
        self.names.insert(user, name.clone());
        Ok(name)
    }

    /// A group's name.
    pub(super) fn group_name(&mut self, conv: ConvId) -> Result<GroupName, StoreError> {
        if let Some(name) = self.groups.get(&conv) {
            return Ok(name.clone());
        }
        let mut query = self.conn.prepare_cached("SELECT name FROM `groups` WHERE conv = ?1")?;
        let name = query
            .query_row([sql(conv.0)], |row| Ok(GroupName::trusted(row.get_ref(0)?.as_str()?)))?;
        self.groups.insert(conv, name.clone());
        Ok(name)
    }

    /// The members, of the version that this transaction sees, or of a later one.
    pub(super) fn acl(
        &mut self,
        conv: ConvId,
        version: u64,
        kind: i64,
    ) -> Result<Arc<Acl>, StoreError> {
        let acl = self.acls.read(self.conn, conv, version, kind)?;
        self.acls.keep(&acl);
        Ok(acl)
    }
}
