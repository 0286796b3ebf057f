//! Has new words looked at before they go to the log.
//!
//! Who may write is not decided here but by the gate, inside the transaction, as ever. What was
//! decided goes with the append as its [`Ruling`], so that one path recognises retries, keeps a
//! device's order and refuses.
//!
//! What one link sends to one conversation stands in a lane in the order in which it was sent.
//! Some of a lane are looked at at a time; they leave it in order.

mod app;
mod judge;
mod words;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anser_domain::{Address, BeforeSend, Clock, DeviceId, Refusal, UserId};
use anser_store::{Append, Entry, Ruling, Store};
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
};

pub use self::{
    app::{BUCKETS_MS, BeforeSendStats},
    words::Words,
};
use crate::{config::Config, peers::Peers};

/// So many of one lane are looked at at a time: a device that catches up after a tunnel does not
/// pay a round trip for each message.
const LANE_AT_ONCE: usize = 8;
/// So many entries may wait for all verdicts together, and take so many bytes: some seconds'
/// worth for an app that answers, and all there is to lose for one that does not.
const MAX_WAITING: usize = 8_192;
const MAX_BYTES: usize = 32 << 20;
/// So many of one user: nobody's flood keeps others from being heard.
const MAX_OF_USER: usize = 256;
/// When to try again what found no room.
const BUSY: Refusal = Refusal::Busy(Duration::from_secs(1));

/// Has words looked at. There is none where nothing is to be looked at.
pub(crate) struct Vetting {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) runtime: Handle,
    pub(crate) app: Option<Arc<dyn BeforeSend>>,
    pub(crate) words: Option<Arc<Words>>,
    pub(crate) record: app::Record,
    /// As many questions as the app is asked at a time.
    pub(crate) room: Semaphore,
    pub(crate) lanes: Mutex<Lanes>,
}

/// A device and a conversation; the number tells apart what has no order to keep.
type Key = (DeviceId, Address, u64);

/// What waits.
#[derive(Default)]
pub(crate) struct Lanes {
    by_key: FxHashMap<Key, Lane>,
    of_user: FxHashMap<UserId, usize>,
    waiting: usize,
    bytes: usize,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Append>,
    news: Arc<Notify>,
}

impl Lanes {
    fn has_room(&self, user: UserId) -> bool {
        self.waiting < MAX_WAITING
            && self.bytes < MAX_BYTES
            && self.of_user.get(&user).is_none_or(|count| *count < MAX_OF_USER)
    }

    fn enter(&mut self, user: UserId, bytes: usize) {
        self.waiting += 1;
        self.bytes += bytes;
        *self.of_user.entry(user).or_default() += 1;
    }

    fn leave(&mut self, user: UserId, bytes: usize) {
        self.waiting -= 1;
        self.bytes -= bytes;
        if let Some(count) = self.of_user.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.of_user.remove(&user);
            }
        }
    }
}

impl Vetting {
    /// Takes an append in; it goes to the store when it is its turn. Gives back what nobody has
    /// to look at and nothing stands before. Never blocks.
    pub(crate) fn take(self: &Arc<Self>, mut append: Append) -> Option<Append> {
        // REST callers have no order to keep: each call stands for itself.
        let lane = if self.peers.holds_links(append.from.peer) { 0 } else { append.order };
        let key = (append.actor.device, append.entry.address(), lane);
        let mut lanes = self.lanes.lock();
        if !self.waits(&append.entry) && !lanes.by_key.contains_key(&key) {
            drop(lanes);
            return Some(self.judge_at_once(append));
        }
        let (user, bytes) = (append.actor.user, weight(&append));
        if !lanes.has_room(user) {
            // Past those that wait: the gate refuses it, and what is sent after it until it has
            // been sent again. Those that wait were sent before, and pass.
            append.ruling = Some(Box::new(Ruling::Barred(BUSY)));
            return Some(append);
        }
        lanes.enter(user, bytes);
        let new = !lanes.by_key.contains_key(&key);
        let lane = lanes.by_key.entry(key.clone()).or_default();
        lane.waiting.push_back(append);
        lane.news.notify_one();
        drop(lanes);
        if new {
            self.runtime.spawn(self.clone().run(key));
        }
        None
    }

    /// Sees a lane through until it is empty.
    async fn run(self: Arc<Self>, key: Key) {
        let mut judged = FuturesOrdered::new();
        loop {
            let news = {
                let mut lanes = self.lanes.lock();
                let Some(lane) = lanes.by_key.get_mut(&key) else { return };
                while judged.len() < LANE_AT_ONCE
                    && let Some(append) = lane.waiting.pop_front()
                {
                    let bytes = weight(&append);
                    let judge = &self;
                    judged.push_back(async move { (judge.judge(append).await, bytes) });
                }
                if judged.is_empty() {
                    lanes.by_key.remove(&key);
                    return;
                }
                lane.news.clone()
            };
            // Both may be dropped at any await: what is judged stays in its place, and news that
            // nobody waited for is found at the next look.
            tokio::select! {
                Some((append, bytes)) = judged.next() => {
                    self.lanes.lock().leave(append.actor.user, bytes);
                    self.store.append(vec![append]);
                }
                () = news.notified() => {}
            }
        }
    }
}

fn weight(append: &Append) -> usize {
    let content = judge::content(&append.entry);
    let body = content.and_then(|content| content.body()).map_or(0, str::len);
    let payload = match &append.entry {
        Entry::Message(out) => out.payload.as_ref().map_or(0, |payload| payload.bytes.len()),
        Entry::NewGroup(_) | Entry::Change(_) => 0,
    };
    body + payload
}
