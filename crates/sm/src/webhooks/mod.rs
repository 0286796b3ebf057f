//! Webhooks: follows everything that happens and posts it, in order per conversation, at least
//! once, under one id per event.
//!
//! A webhook's durable place says up to where everything was taken or given up. Above it stands a
//! bounded window, in memory: conversations in it go on by themselves, so one whose events are
//! not taken holds back only itself. After a crash what was taken above the place is posted
//! again, under the same ids.

mod event;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anser_domain::{
    Clock, DeadLetter, Handed, MessageId, Millis, PutWebhook, UserName, WebhookEvent,
    WebhookTarget, Webhooks,
};
use anser_store::{
    AdminChange, DeadRow, FactKind, Lease, NewFact, Note, Store, StoreError, WebhookRow,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::task::JoinHandle;

use self::event::{Key, event};
use crate::presence::Presence;

/// Events above the place: so many may wait for one that is not taken.
const WINDOW: usize = 1_000;
/// The bodies of a window stop it from growing here.
const WINDOW_BYTES: usize = 8 << 20;
/// Events read at a time.
const READ: u16 = 200;
/// Posts of one webhook at a time; each of another conversation.
const AT_ONCE: usize = 8;
/// The place is written after so many events, at the latest at the end of a round: what is posted
/// again after a crash.
const SAVE_EVERY: usize = 100;
/// After so many tries between which the receiver took other events, an event is given up.
const MAX_TRIES: u32 = 8;
/// The same for an event that a full window waits for: about seven seconds. A receiver that fails
/// now and then takes it by then; one that never takes it holds up the others no longer.
const MAX_TRIES_IN_THE_WAY: u32 = 4;
/// After so long an event is given up whatever the receiver did: a weekend's outage is still
/// caught up with.
const MAX_AGE: Duration = Duration::from_secs(3 * 24 * 3600);
/// The first wait after an event was not taken; it doubles up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(60);
/// After so many events in a row that were not taken, the whole webhook waits.
const DOWN_AFTER: u32 = 5;
/// How long a process follows without saying so again, and how often it does.
const LEASE: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_secs(5);
/// How often the list of webhooks is read.
const LOOK: Duration = Duration::from_secs(1);
/// How often those who were told to be linked are looked up: as long as links may take to be found
/// again after a crash, so that nobody is told to be gone who is coming back.
const LOOK_UP: Duration = Duration::from_secs(20);
/// So many of them at a time.
const LOOKED_UP: u16 = 1_000;
/// Facts that wait to be written, at most: some seconds of everyone logging in at once.
const MAX_FACTS: usize = 100_000;

/// Tells apps what happened.
pub(crate) struct Hooks {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    port: Option<Arc<dyn Webhooks>>,
    owner: u64,
    /// Whether there is a webhook to be told: without one, nothing is gathered.
    listened: AtomicBool,
    facts: Mutex<Vec<NewFact>>,
    looked: Mutex<Millis>,
    presence: Arc<Presence>,
    /// When those who were told to be linked are looked up next.
    look_up_at: Mutex<Millis>,
    following: Mutex<FxHashMap<Box<str>, Arc<tokio::sync::Mutex<Following>>>>,
}

/// How far one webhook is, here.
#[derive(Default)]
struct Following {
    /// Until when this process follows without renewing; 0: it does not.
    renew_at: Millis,
    held_until: Millis,
    /// What is durable.
    place: MessageId,
    /// How far the tail was read.
    read: MessageId,
    window: VecDeque<Waiting>,
    bytes: usize,
    /// Events taken, ever: tells a receiver that is up from one that is down.
    taken: u64,
    failed_in_a_row: u32,
    paused_until: Millis,
}

/// An event in the window.
struct Waiting {
    id: MessageId,
    key: Key,
    kind: &'static str,
    body: Bytes,
    done: bool,
    tries: u32,
    due: Millis,
    /// [`Following::taken`] at the last try that counted.
    taken_then: u64,
    reason: Box<str>,
}

impl Hooks {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        port: Option<Arc<dyn Webhooks>>,
        presence: Arc<Presence>,
    ) -> Self {
        Self {
            look_up_at: Mutex::new(clock.wall().plus(millis(LOOK_UP))),
            store,
            clock,
            port,
            presence,
            // Non-negative: stores keep numbers of 63 bits; 0 is nobody.
            owner: (rand::random::<u64>() >> 1) | 1,
            listened: AtomicBool::new(false),
            facts: Mutex::default(),
            looked: Mutex::default(),
            following: Mutex::default(),
        }
    }

    /// A webhook has been put: who comes and goes is gathered from now on, and not only once the
    /// next round has seen it.
    pub(crate) fn listen(&self) {
        self.listened.store(true, Ordering::Relaxed);
    }

    /// Gathers that a user came or went. Written a few times a second, many at once.
    pub(crate) fn note(&self, user: &UserName, linked: bool) {
        if !self.listened.load(Ordering::Relaxed) {
            return;
        }
        let kind = if linked { FactKind::DeviceLinked } else { FactKind::DeviceUnlinked };
        let mut facts = self.facts.lock();
        if facts.len() < MAX_FACTS {
            facts.push(NewFact { kind, user: user.clone(), data: "{}".into() });
        }
    }

    /// Tells of those gone whose going a crash has swallowed: they were told to be linked, and are
    /// not. Whoever links meanwhile is told to be, after it.
    async fn look_up(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store.told_linked(after.as_ref(), LOOKED_UP).await?;
            let (ids, names): (Vec<_>, Vec<_>) = page.into_iter().unzip();
            after = names.last().cloned();
            if after.is_none() {
                return Ok(());
            }
            let linked = self.presence.online(ids.clone()).await;
            let missing = || names.iter().zip(&linked).filter(|it| !it.1).map(|it| it.0);
            missing().for_each(|name| self.note(name, false));
            if missing().next().is_some() {
                let back = self.presence.online(ids).await;
                let back = names.iter().zip(linked.iter().zip(back)).filter(|it| !it.1.0 && it.1.1);
                back.for_each(|it| self.note(it.0, true));
            }
        }
    }

    /// Why a webhook cannot listen at `url`.
    pub(crate) fn objection(&self, url: &str) -> Option<&'static str> {
        self.port.as_ref()?.objection(url)
    }

    /// Posts one event, once. Answers why it was not taken.
    pub(crate) async fn post_once(
        &self,
        to: &WebhookTarget,
        event: &WebhookEvent,
    ) -> Option<Box<str>> {
        let Some(port) = &self.port else { return Some("webhooks are not wired here".into()) };
        match port.post(to, event).await {
            Handed::Taken => None,
            Handed::Later { reason, .. } | Handed::Refused { reason } | Handed::Gone { reason } => {
                Some(reason)
            }
        }
    }

    /// Writes what was gathered, and lets every webhook go on that is not at it already. One that
    /// is slow does not hold up the others.
    pub(crate) async fn round(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        if self.listened.load(Ordering::Relaxed)
            && self.is_time_to_look_up()
            && let Err(error) = self.look_up().await
        {
            tracing::warn!(%error, "who is linked could not be compared");
        }
        let facts = std::mem::take(&mut *self.facts.lock());
        if !facts.is_empty()
            && let Err(error) = self.store.tell(facts).await
        {
            tracing::warn!(%error, "who came and went could not be written");
        }
        let Some(port) = self.port.clone() else { return Vec::new() };
        let now = self.clock.wall();
        let due = {
            let mut looked = self.looked.lock();
            let due = now >= looked.plus(millis(LOOK));
            if due {
                *looked = now;
            }
            due
        };
        if !due && !self.listened.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let rows = match self.store.webhook_rows().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "webhooks could not be read");
                return Vec::new();
            }
        };
        let rows: Vec<WebhookRow> = rows.into_iter().filter(|row| row.enabled).collect();
        self.listened.store(!rows.is_empty(), Ordering::Relaxed);
        let mut following = self.following.lock();
        following.retain(|name, _| rows.iter().any(|row| row.name == *name));
        let mut tasks = Vec::new();
        for row in rows {
            let one = following.entry(row.name.clone()).or_default().clone();
            // Still busy with the last round.
            let Ok(mut one) = one.try_lock_owned() else { continue };
            let (hooks, port) = (self.clone(), port.clone());
            tasks.push(tokio::spawn(async move {
                if let Err(error) = hooks.step(&mut one, &row, &*port).await {
                    tracing::warn!(%error, webhook = &*row.name, "a webhook waits");
                    *one = Following::default();
                }
            }));
        }
        tasks
    }

    fn is_time_to_look_up(&self) -> bool {
        let now = self.clock.wall();
        let mut at = self.look_up_at.lock();
        let is = now >= *at;
        if is {
            *at = now.plus(millis(LOOK_UP));
        }
        is
    }

    /// Reads on, posts what can be posted, and writes the place.
    async fn step(
        &self,
        following: &mut Following,
        row: &WebhookRow,
        port: &dyn Webhooks,
    ) -> Result<(), StoreError> {
        let name = format!("webhook:{}", row.name);
        let now = self.clock.wall();
        if now < following.paused_until || !self.renew(following, &name, now).await? {
            return Ok(());
        }
        let target = WebhookTarget { url: row.url.clone(), secrets: row.secrets.clone() };
        loop {
            let more = self.read_on(following, row).await?;
            let gone = self.post(following, row, &target, port).await?;
            if !self.save(following, &name).await? {
                // Somebody set it back, or follows in our stead.
                *following = Following::default();
                return Ok(());
            }
            let now = self.clock.wall();
            if gone || !more || now < following.paused_until || now >= following.renew_at {
                return Ok(());
            }
            if following.window.len() >= WINDOW {
                return Ok(());
            }
        }
    }

    async fn renew(
        &self,
        following: &mut Following,
        name: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        if now < following.renew_at {
            return Ok(true);
        }
        let lease = Lease { owner: self.owner, lasts: LEASE };
        let Some(place) = self.store.follower(name, lease, now).await? else {
            *following = Following::default();
            return Ok(false);
        };
        // The window goes on unless the place was moved by someone else: then it begins there.
        if place != following.place {
            let taken = following.taken;
            *following = Following { place, read: place, taken, ..Following::default() };
        }
        following.renew_at = now.plus(millis(RENEW));
        following.held_until = now.plus(millis(LEASE));
        Ok(true)
    }

    /// Fills the window. Answers whether more is there already.
    async fn read_on(
        &self,
        following: &mut Following,
        row: &WebhookRow,
    ) -> Result<bool, StoreError> {
        if following.window.len() >= WINDOW || following.bytes >= WINDOW_BYTES {
            return Ok(true);
        }
        let tail = self.store.tail(following.read, READ).await?;
        for item in &tail.items {
            let Some(told) = event(item).filter(|it| wanted(&row.kinds, it.kind)) else { continue };
            following.bytes += told.body.len();
            following.window.push_back(Waiting {
                id: item.id(),
                key: told.key,
                kind: told.kind,
                body: told.body,
                done: false,
                tries: 0,
                due: Millis(0),
                taken_then: 0,
                reason: Box::default(),
            });
        }
        following.read = tail.up_to;
        Ok(tail.more)
    }

    /// Posts until nothing in the window can be posted now. Answers whether the receiver is no
    /// more.
    async fn post(
        &self,
        following: &mut Following,
        row: &WebhookRow,
        target: &WebhookTarget,
        port: &dyn Webhooks,
    ) -> Result<bool, StoreError> {
        let mut in_flight = FuturesUnordered::new();
        let mut busy: FxHashSet<Key> = FxHashSet::default();
        let mut since_save = 0;
        loop {
            let now = self.clock.wall();
            let going = now >= following.paused_until && now < following.held_until;
            if going && in_flight.len() < AT_ONCE {
                // The first of each conversation that is not done; later ones wait for it.
                let mut seen: FxHashSet<&Key> = FxHashSet::default();
                let mut next = Vec::new();
                for waiting in following.window.iter().filter(|it| !it.done) {
                    let first = seen.insert(&waiting.key);
                    if first && waiting.due <= now && !busy.contains(&waiting.key) {
                        next.push((waiting.id, waiting.key.clone(), waiting.body.clone()));
                    }
                    if next.len() + in_flight.len() >= AT_ONCE {
                        break;
                    }
                }
                for (id, key, body) in next {
                    busy.insert(key);
                    let event = WebhookEvent { id: id.to_string().into(), body };
                    in_flight.push(async move { (id, port.post(target, &event).await) });
                }
            }
            let Some((id, handed)) = in_flight.next().await else { return Ok(false) };
            let gone = self.ended(following, row, id, handed, &mut busy).await?;
            if gone {
                return Ok(true);
            }
            since_save += 1;
            if since_save >= SAVE_EVERY {
                since_save = 0;
                let name = format!("webhook:{}", row.name);
                if !self.save(following, &name).await? {
                    return Err(StoreError::Failed("the webhook is followed elsewhere".into()));
                }
            }
        }
    }

    /// Takes note of how a post ended. Answers whether the receiver is no more.
    async fn ended(
        &self,
        following: &mut Following,
        row: &WebhookRow,
        id: MessageId,
        handed: Handed,
        busy: &mut FxHashSet<Key>,
    ) -> Result<bool, StoreError> {
        let now = self.clock.wall();
        let full = following.window.len() >= WINDOW;
        let taken = following.taken;
        let Some(waiting) = following.window.iter_mut().find(|it| it.id == id) else {
            return Ok(false);
        };
        busy.remove(&waiting.key);
        let (after, reason) = match handed {
            Handed::Taken => {
                waiting.done = true;
                following.taken += 1;
                if std::mem::take(&mut following.failed_in_a_row) >= DOWN_AFTER {
                    tracing::info!(webhook = &*row.name, "a receiver takes events again");
                }
                return Ok(false);
            }
            Handed::Gone { reason } => {
                tracing::warn!(webhook = &*row.name, %reason, "a receiver wants no more");
                self.disable(row).await?;
                return Ok(true);
            }
            Handed::Later { after, reason } => (after, reason),
            Handed::Refused { reason } => (None, reason),
        };
        // A try counts when the receiver took something since the last: then it is up, and the
        // event is what it does not take.
        if waiting.tries == 0 || waiting.taken_then != taken {
            waiting.tries += 1;
            waiting.taken_then = taken;
        }
        waiting.reason = reason;
        let told_at = event::time_of(id);
        let old = now.0.saturating_sub(told_at.0) > millis(MAX_AGE);
        let in_the_way = full && taken > 0 && waiting.tries >= MAX_TRIES_IN_THE_WAY;
        if waiting.tries >= MAX_TRIES || old || in_the_way {
            let letter = DeadLetter {
                event: id,
                kind: waiting.kind.into(),
                attempts: waiting.tries,
                reason: waiting.reason.clone(),
                at: now,
            };
            let body = String::from_utf8_lossy(&waiting.body).into();
            self.store.bury(&row.name, DeadRow { letter, body }).await?;
            waiting.done = true;
            return Ok(false);
        }
        let wait = backoff(waiting.tries).max(after.unwrap_or_default()).min(LAST_WAIT);
        waiting.due = now.plus(millis(wait));
        following.failed_in_a_row += 1;
        if following.failed_in_a_row == DOWN_AFTER {
            let reason = &waiting.reason;
            tracing::warn!(webhook = &*row.name, %reason, "a receiver takes nothing");
        }
        if following.failed_in_a_row >= DOWN_AFTER {
            let wait = backoff(following.failed_in_a_row + 1 - DOWN_AFTER);
            following.paused_until =
                now.plus(millis(wait.max(after.unwrap_or_default()).min(LAST_WAIT)));
        }
        Ok(false)
    }

    /// Moves the durable place up to what is done. Answers whether this process follows still.
    async fn save(&self, following: &mut Following, name: &str) -> Result<bool, StoreError> {
        while let Some(first) = following.window.front().filter(|it| it.done) {
            following.bytes = following.bytes.saturating_sub(first.body.len());
            following.window.pop_front();
        }
        let place = match following.window.front() {
            Some(first) => MessageId(first.id.0 - 1),
            None => following.read,
        };
        if place <= following.place {
            return Ok(true);
        }
        following.place = place;
        self.store.advance(name, self.owner, place).await
    }

    async fn disable(&self, row: &WebhookRow) -> Result<(), StoreError> {
        let put = PutWebhook {
            name: row.name.clone(),
            url: row.url.clone(),
            secrets: None,
            kinds: row.kinds.clone(),
            enabled: false,
        };
        let (who, whom) = ("server".into(), row.name.clone());
        let note = Note { who, what: "webhook.gone", whom, address: None };
        self.store.administer(note, AdminChange::PutWebhook(put)).await.map(drop)
    }
}

/// Whether a webhook of these kinds is told of this one.
fn wanted(kinds: &[Box<str>], kind: &str) -> bool {
    kinds.is_empty()
        || kinds.iter().any(|it| match it.strip_suffix('*') {
            Some(begin) => kind.starts_with(begin),
            None => **it == *kind,
        })
}

fn backoff(tries: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(6)).min(LAST_WAIT)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_names_or_beginnings() {
        let kinds = |all: &[&str]| all.iter().map(|it| (*it).into()).collect::<Vec<Box<str>>>();
        assert!(wanted(&[], "user.created"));
        assert!(wanted(&kinds(&["user.*"]), "user.created"));
        assert!(wanted(&kinds(&["a", "user.created"]), "user.created"));
        assert!(!wanted(&kinds(&["message.*", "user"]), "user.created"));
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<u64> = (1..9).map(|tries| backoff(tries).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
