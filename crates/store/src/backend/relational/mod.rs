//! The durable store on a relational database: one thread that writes it, a few that read.
//!
//! ```text
//!  append ──► queue ──► writer: BEGIN · dedupe · admit · seq · insert · … · COMMIT ──► Gate::committed
//!  read   ──────────► readers: BEGIN · select · COMMIT ──► answer
//! ```
//!
//! It is written once for all [engines](engine): SQLite, which is embedded, and MySQL, which
//! several processes share. What an engine has of its own is beside it, in `backend/sqlite` and
//! `backend/mysql`; what sharing asks for is in [`shared`].

mod acls;
mod admin;
mod anonymise;
mod append;
mod cache;
mod change;
mod convert;
mod cursors;
mod desk;
mod devices;
mod directory;
mod door;
mod dress;
pub(crate) mod engine;
mod entry;
mod extra;
mod files;
mod follow;
mod friend_lists;
mod friends;
mod governing;
mod group;
mod groups;
mod head;
mod hot;
mod items;
mod keep;
mod list;
mod log;
mod many;
mod mention;
mod messages;
mod moving_in;
mod moving_log;
mod moving_out;
mod policy;
mod profiles;
mod push;
mod queue;
mod reader;
mod requests;
mod reworded;
mod search;
mod search_index;
mod shared;
mod special;
mod upkeep;
mod users;
mod view;
mod writer;

use std::sync::{Arc, OnceLock};

use anser_domain::{
    Actor, Address, Changes, Clock, ConvId, DeviceId, DeviceName, Group, GroupName, HistoryRange,
    MemberPage, Millis, Page, Refusal, Seq, SyncToken, UserId, UserName,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::{
    acls::Acls,
    append::lost,
    desk::Desk,
    engine::Engine,
    queue::{Finish, Queue, Work},
    reader::Readers,
    writer::{Writer, refused},
};
use crate::{
    open::OpenError,
    port::{
        Acl, Append, Device, DeviceSession, Gate, ListPage, NewDevice, NewUserRow, PullFor,
        ReadMoved, ReceiptMoved, Revocation, SigningKey, Store, StoreError, StoreStats, UserChange,
        UserRow,
    },
};

/// So many pulls are one read: a page is about 100 µs, and read transactions are to be short.
const PULLS_AT_ONCE: usize = 32;

/// The store.
pub struct Relational {
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    gate: Arc<OnceLock<Arc<dyn Gate>>>,
    done: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Relational {
    /// Opens the database behind `engine`.
    pub(crate) async fn open(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let queue = Arc::new(Queue::new());
        let gate = Arc::new(OnceLock::new());
        let acls = Arc::new(Acls::new());
        let writer = Writer {
            queue: Arc::clone(&queue),
            gate: Arc::clone(&gate),
            clock,
            acls: Arc::clone(&acls),
            engine: Arc::clone(&engine),
        };
        let (opened, is_open) = oneshot::channel();
        let (finished, done) = oneshot::channel();
        let run = move || writer.run(opened, finished);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(run)
            .map_err(|error| engine.failed(&error))?;
        is_open.await.map_err(|_| engine.failed(&"the writer failed"))??;
        let readers = Readers::start(&engine, &acls).await.inspect_err(|_| queue.close())?;
        Ok(Self { queue, readers, gate, done: Mutex::new(Some(done)) })
    }

    /// Runs `write` in the writer's transaction; returns after the commit. `write` refuses only
    /// before it has changed anything.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.push(true, write).await
    }

    /// As [`write`](Self::write), for what looks only at rows under heads that it locks: it
    /// keeps nobody else from writing.
    async fn write_beside<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.push(false, write).await
    }

    async fn push<T: Send + 'static>(
        &self,
        alone: bool,
        write: impl FnOnce(&mut Desk<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let answer = Arc::new(Mutex::new(Some(answer)));
        let mut write = Some(write);
        let run = Box::new(move |desk: &mut Desk<'_>| -> Finish {
            // Where nobody else writes, once is enough.
            let again = if desk.is_shared() { write.clone() } else { None };
            let result = match std::mem::replace(&mut write, again) {
                Some(write) => desk.guarded(write),
                None => Err(lost("a write cannot be done twice")),
            };
            let answer = Arc::clone(&answer);
            Box::new(move || drop(answer.lock().take().map(|answer| answer.send(result))))
        });
        self.queue.push_work(Work { alone, run })?;
        answered.await.unwrap_or_else(|_| Err(lost("the transaction could not be committed")))
    }
}

impl Drop for Relational {
    fn drop(&mut self) {
        self.queue.close();
        self.readers.close();
    }
}

#[async_trait]
impl Store for Relational {
    fn bind(&self, gate: Arc<dyn Gate>) {
        let _ = self.gate.set(gate);
    }

    fn append(&self, batch: Vec<Append>) {
        if let Some((rest, refusal)) = self.queue.push(batch)
            && let Some(gate) = self.gate.get()
        {
            gate.committed(refused(rest, &refusal));
        }
    }

    async fn pull(&self, mut batch: Vec<PullFor>) -> Vec<Result<Page, StoreError>> {
        let mut pages = Vec::with_capacity(batch.len());
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(PULLS_AT_ONCE));
            let wishes = std::mem::replace(&mut batch, rest);
            let count = wishes.len();
            let read = self.readers.call(move |reader| {
                Ok(wishes.into_iter().map(|wish| reader.pull(wish)).collect::<Vec<_>>())
            });
            match read.await {
                Ok(read) => pages.extend(read),
                Err(StoreError::Refused(refusal)) => {
                    pages.extend((0..count).map(|_| Err(refusal.clone().into())));
                }
                Err(StoreError::Failed(text)) => {
                    pages.extend((0..count).map(|_| Err(StoreError::Failed(text.clone()))));
                }
            }
        }
        pages
    }

    async fn history(
        &self,
        viewer: UserId,
        at: &Address,
        range: HistoryRange,
    ) -> Result<Page, StoreError> {
        let at = at.clone();
        let read = self.readers.call(move |reader| {
            let conv = reader.find(viewer, &at)?;
            reader.history(viewer, conv, range)
        });
        read.await
    }

    async fn conversations(
        &self,
        actor: Actor,
        page: ListPage,
        limit: u16,
    ) -> Result<Changes, StoreError> {
        self.readers.call(move |reader| reader.conversations(actor, page, limit)).await
    }

    async fn acl(&self, viewer: UserId, at: &Address) -> Result<Arc<Acl>, StoreError> {
        let at = at.clone();
        self.readers.call(move |reader| reader.acl_for(viewer, &at)).await
    }

    async fn watermark(&self) -> Result<SyncToken, StoreError> {
        self.readers.call(|reader| reader.watermark()).await
    }

    async fn delivered(
        &self,
        batch: Vec<(Actor, ConvId, Seq)>,
    ) -> Result<Vec<ReceiptMoved>, StoreError> {
        self.write_beside(move |desk| cursors::delivered(desk, batch)).await
    }

    async fn read(&self, user: UserId, at: &Address, seq: Seq) -> Result<ReadMoved, StoreError> {
        let at = at.clone();
        self.write_beside(move |desk| cursors::read(desk, user, &at, seq)).await
    }

    async fn group(
        &self,
        viewer: UserId,
        name: &GroupName,
        now: Millis,
    ) -> Result<Group, StoreError> {
        let name = name.clone();
        self.readers.call(move |reader| reader.group(viewer, &name, now)).await
    }

    async fn members(
        &self,
        viewer: UserId,
        name: &GroupName,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<MemberPage, StoreError> {
        let (name, after) = (name.clone(), after.cloned());
        let read =
            self.readers.call(move |reader| reader.members(viewer, &name, after.as_ref(), limit));
        read.await
    }

    async fn create_users(
        &self,
        batch: Vec<NewUserRow>,
    ) -> Result<Vec<Result<UserId, Refusal>>, StoreError> {
        self.write(move |desk| users::create(desk, batch)).await
    }

    async fn user(&self, name: &UserName) -> Result<Option<UserRow>, StoreError> {
        let name = name.clone();
        self.readers.call(move |reader| reader.user(&name)).await
    }

    async fn users(
        &self,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<UserRow>, StoreError> {
        let after = after.cloned();
        self.readers.call(move |reader| reader.users(after.as_ref(), limit)).await
    }

    async fn change_user(&self, user: UserId, change: UserChange) -> Result<(), StoreError> {
        self.write(move |desk| users::change(desk, user, change)).await
    }

    async fn sign_in(&self, device: NewDevice) -> Result<Device, StoreError> {
        self.write(move |desk| devices::sign_in(desk, device)).await
    }

    async fn refresh(&self, old: [u8; 32], new: [u8; 32]) -> Result<DeviceSession, StoreError> {
        Ok(self.write(move |desk| devices::refresh(desk, old, new)).await??)
    }

    async fn device(&self, device: DeviceId) -> Result<Option<DeviceSession>, StoreError> {
        self.readers.call(move |reader| reader.device(device)).await
    }

    async fn raise_epochs(
        &self,
        batch: Vec<DeviceId>,
        now: Millis,
    ) -> Result<Vec<Device>, StoreError> {
        self.write(move |desk| devices::raise_epochs(desk, batch, now)).await
    }

    async fn devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        self.readers.call(move |reader| reader.devices(user)).await
    }

    async fn end_device(&self, user: UserId, device: &DeviceName) -> Result<DeviceId, StoreError> {
        let device = device.clone();
        self.write(move |desk| devices::end_named(desk, user, &device)).await
    }

    async fn revocations(&self, after: u64) -> Result<Vec<Revocation>, StoreError> {
        self.readers.call(move |reader| reader.revocations(after)).await
    }

    async fn signing_keys(
        &self,
        now: Millis,
        rotate_before: Millis,
        forget_before: Millis,
    ) -> Result<Vec<SigningKey>, StoreError> {
        self.write(move |desk| upkeep::signing_keys(desk, now, rotate_before, forget_before)).await
    }

    async fn prune(&self, now: Millis) -> Result<bool, StoreError> {
        self.write(move |desk| upkeep::prune(desk, now)).await
    }

    fn stats(&self) -> StoreStats {
        self.queue.stats()
    }

    async fn close(&self) {
        self.readers.close();
        self.readers.ended().await;
        self.queue.close();
        let done = self.done.lock().take();
        if let Some(done) = done {
            let _ = done.await;
        }
    }
}
