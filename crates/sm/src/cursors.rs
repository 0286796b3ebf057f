//! Delivered cursors: gathered in memory, written every few seconds, shown only once durable.

use std::sync::Arc;

use anser_domain::{Actor, Address, ConvId, DeviceId, Event, Receipt, Seq};
use anser_store::{ConversationKind, Store};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::fanout::Fanout;

/// At most so many cursors are written in one transaction: a few milliseconds that sends wait.
const SLICE: usize = 2000;
/// Most conversations of one device in which a cursor may wait to be written.
const MAX_MOVED: usize = 8192;

/// Cursors that have moved. They stay here until they are durable, so that whoever asks where a
/// device stands is never told an older place than it has acknowledged.
pub(crate) struct Cursors {
    store: Arc<dyn Store>,
    fanout: Arc<Fanout>,
    moved: Mutex<FxHashMap<DeviceId, Device>>,
}

struct Device {
    actor: Actor,
    cursors: FxHashMap<ConvId, Seq>,
}

impl Device {
    fn cursors(&self) -> impl Iterator<Item = (Actor, ConvId, Seq)> {
        self.cursors.iter().map(|(conv, seq)| (self.actor, *conv, *seq))
    }
}

impl Cursors {
    pub(crate) fn new(store: Arc<dyn Store>, fanout: Arc<Fanout>) -> Self {
        Self { store, fanout, moved: Mutex::default() }
    }

    /// Takes note that the device has everything up to `seq`.
    pub(crate) fn note(&self, actor: Actor, conv: ConvId, seq: Seq) {
        let mut moved = self.moved.lock();
        let device = moved
            .entry(actor.device)
            .or_insert_with(|| Device { actor, cursors: FxHashMap::default() });
        // A CM passes on only what it has handed over; this bounds what a broken one costs.
        if device.cursors.len() >= MAX_MOVED && !device.cursors.contains_key(&conv) {
            return;
        }
        let cursor = device.cursors.entry(conv).or_default();
        *cursor = seq.max(*cursor);
    }

    /// Where the device stands, if that may not be durable yet.
    pub(crate) fn pending(&self, device: DeviceId, conv: ConvId) -> Option<Seq> {
        self.moved.lock().get(&device)?.cursors.get(&conv).copied()
    }

    /// Writes one device's cursors: it is leaving, or about to read where it stands.
    pub(crate) async fn flush_device(&self, device: DeviceId) {
        let batch: Vec<_> =
            self.moved.lock().get(&device).into_iter().flat_map(Device::cursors).collect();
        self.write(&batch).await;
    }

    /// Writes all cursors.
    pub(crate) async fn flush(&self) {
        let batch: Vec<_> = self.moved.lock().values().flat_map(Device::cursors).collect();
        self.write(&batch).await;
    }

    async fn write(&self, batch: &[(Actor, ConvId, Seq)]) {
        for slice in batch.chunks(SLICE) {
            match self.store.delivered(slice.to_vec()).await {
                Ok(moved) => {
                    self.forget(slice);
                    moved.into_iter().for_each(|it| self.show(it));
                }
                // They stay, and are tried again with the next flush.
                Err(error) => tracing::warn!(%error, "delivered cursors could not be written"),
            }
        }
    }

    /// Forgets what has become durable, unless it has moved on since.
    fn forget(&self, written: &[(Actor, ConvId, Seq)]) {
        let mut moved = self.moved.lock();
        for (actor, conv, seq) in written {
            let Some(device) = moved.get_mut(&actor.device) else { continue };
            if device.cursors.get(conv) == Some(seq) {
                device.cursors.remove(conv);
            }
            if device.cursors.is_empty() {
                moved.remove(&actor.device);
            }
        }
    }

    /// Tells the other side of a direct conversation how far its messages have come. Groups
    /// have no per-member receipts of delivery.
    fn show(&self, moved: anser_store::ReceiptMoved) {
        if moved.acl.kind != ConversationKind::Direct || !moved.acl.bond.blockers.is_empty() {
            return;
        }
        let others = moved.acl.members.keys().copied().filter(|user| *user != moved.user).collect();
        let (conv, name, seq) = (moved.acl.conv, moved.name, moved.seq);
        self.fanout.event(others, None, move |_| {
            Some(Event::Receipt(Arc::new(Receipt {
                conv,
                at: Address::User(name.clone()),
                user: name.clone(),
                read: false,
                seq,
            })))
        });
    }
}
