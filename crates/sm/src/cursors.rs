//! Delivered cursors: gathered in memory, written every few seconds, shown only once durable.

use std::sync::Arc;

use anser_domain::{Actor, Address, ConvId, DeviceId, Event, Receipt, Seq};
use anser_store::{ConversationKind, Store};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::fanout::Fanout;

/// At most so many cursors are written in one transaction, so that sends do not wait behind a
/// long one.
const SLICE: usize = 500;

/// Cursors that have moved and are not written yet.
pub(crate) struct Cursors {
    store: Arc<dyn Store>,
    fanout: Arc<Fanout>,
    moved: Mutex<FxHashMap<DeviceId, Device>>,
}

struct Device {
    actor: Actor,
    cursors: FxHashMap<ConvId, Seq>,
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
        let cursor = device.cursors.entry(conv).or_default();
        *cursor = seq.max(*cursor);
    }

    /// Where the device stands, if that is not written yet.
    pub(crate) fn pending(&self, device: DeviceId, conv: ConvId) -> Option<Seq> {
        self.moved.lock().get(&device)?.cursors.get(&conv).copied()
    }

    /// Writes one device's cursors: it is leaving, or about to read where it stands.
    pub(crate) async fn flush_device(&self, device: DeviceId) {
        let Some(device) = self.moved.lock().remove(&device) else { return };
        self.write(vec![device]).await;
    }

    /// Writes all cursors.
    pub(crate) async fn flush(&self) {
        let devices: Vec<Device> = std::mem::take(&mut *self.moved.lock()).into_values().collect();
        self.write(devices).await;
    }

    async fn write(&self, devices: Vec<Device>) {
        let batch: Vec<(Actor, ConvId, Seq)> = devices
            .into_iter()
            .flat_map(|device| {
                let actor = device.actor;
                device.cursors.into_iter().map(move |(conv, seq)| (actor, conv, seq))
            })
            .collect();
        for slice in batch.chunks(SLICE) {
            match self.store.delivered(slice.to_vec()).await {
                Ok(moved) => moved.into_iter().for_each(|it| self.show(it)),
                Err(error) => {
                    tracing::warn!(%error, "delivered cursors could not be written");
                    // Kept for the next flush, unless they have moved on since.
                    slice.iter().for_each(|(actor, conv, seq)| self.note(*actor, *conv, *seq));
                }
            }
        }
    }

    /// Tells the other side of a direct conversation how far its messages have come. Groups
    /// have no per-member receipts of delivery.
    fn show(&self, moved: anser_store::ReceiptMoved) {
        if moved.acl.kind != ConversationKind::Direct {
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
