//! Notifications for those who have no link: the log is followed, and whoever has not read its
//! end gets one notification per conversation.
//!
//! ```text
//!  tail of everything ─► conversations that grew ─► who is registered and has not read
//!      ─► not linked, not muted ─► one notification each, as things stand now ─► gateway
//!      ─► outcome recorded; what failed for now is owed ─► … ─► place moved on
//! ```
//!
//! A notification is made of what is stored when it is sent, never of what was said when it
//! became due: what was read, blocked or taken back meanwhile is not told. The place moves after
//! the outcomes are stored, so that a crash repeats notifications, which replace each other on the
//! device, and loses none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anser_domain::{
    Clock, Content, ConvId, DeviceId, Handed, Message, MessageId, Millis, Notification,
    PushCommand, PushGateway, PushReply, PushServices, Refusal, Reply, UserId, UserName,
};
use anser_store::{
    Happened, Lease, NewPush, PushDevice, PushOwed, PushSettled, Routes, Store, StoreError,
};
use futures_util::{StreamExt as _, stream};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{Mutex, oneshot};

use crate::{chores::is_due, config::Config};

/// The name of the place in the log.
const FOLLOWER: &str = "push";
/// How long one process pushes before another may take over; renewed three times as often. After
/// a crash notifications wait for its end.
const LEASE: Duration = Duration::from_secs(20);
/// Entries read at a time.
const TAIL: u16 = 500;
/// Devices notified between two looks at the lease: as many as are on their way at a time, so that
/// a dead gateway, at ten seconds each, holds them up for half the lease.
const DEVICES: u16 = 64;
/// Notifications on their way at a time. Services take many at once over one connection.
const AT_ONCE: usize = 64;
/// What is owed and tried again in one round.
const OWED: u16 = 200;
/// The first wait before another attempt; each is twice the last.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// The longest text that is shown, in bytes: what a lock screen holds, and well below the
/// 4 KiB that the services take.
const MAX_TEXT: usize = 1_000;
/// The longest BCP 47 tag that makes sense.
const MAX_LOCALE: usize = 35;

/// The service.
pub(crate) struct Pusher {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) gateway: Option<Arc<dyn PushGateway>>,
    /// Which life of a process this is.
    pub(crate) owner: u64,
    /// Held while a round runs, so that rounds never overlap.
    pub(crate) following: Mutex<Following>,
    pub(crate) counts: PushCounts,
}

/// What became of notifications since the start.
#[derive(Default)]
pub(crate) struct PushCounts {
    pub(crate) taken: AtomicU64,
    pub(crate) later: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) gone: AtomicU64,
}

/// Where the log has been followed to.
#[derive(Default)]
pub(crate) struct Following {
    /// `None` while another process follows.
    place: Option<MessageId>,
    /// Up to where that is durable.
    saved: MessageId,
    round: Millis,
    renewed: Millis,
}

/// A conversation that grew.
#[derive(Default)]
struct Grown {
    mentioned: FxHashSet<UserName>,
}

/// Why a conversation is looked at.
#[derive(Clone, Copy)]
enum Occasion<'a> {
    /// It grew.
    Grown(&'a Grown),
    /// A device is owed a notification of it.
    Owed(PushOwed),
}

impl Pusher {
    // — registrations —

    pub(crate) async fn command(
        &self,
        user: UserId,
        command: PushCommand,
    ) -> Result<Reply, Refusal> {
        match command {
            PushCommand::Register { device, target, locale } => {
                let gateway = self.gateway.as_ref().filter(|it| it.serves(target.provider()));
                let gateway = gateway
                    .ok_or(Refusal::Invalid("this server does not push with that provider"))?;
                if let Some(why) = gateway.objection(&target) {
                    return Err(Refusal::Invalid(why));
                }
                let tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
                if locale.len() > MAX_LOCALE || !locale.chars().all(tag) {
                    return Err(Refusal::Invalid("locale is a tag such as de or zh-Hans"));
                }
                self.store.register_push(user, &device, NewPush { target, locale }).await?;
                Ok(Reply::Done)
            }
            PushCommand::Show(device) => {
                let record = self.store.push_record(user, &device).await?;
                Ok(Reply::Push(PushReply::Record(record.map(Box::new))))
            }
            PushCommand::Services => {
                let gateway = self.gateway.as_ref();
                let serves = |name: &&str| gateway.is_some_and(|it| it.serves(name));
                let providers = ["apns", "fcm", "web", "webhook"].into_iter().filter(serves);
                let providers = providers.map(Into::into).collect();
                let web_key = gateway.and_then(|it| it.web_key());
                Ok(Reply::Push(PushReply::Services(PushServices { providers, web_key })))
            }
            PushCommand::Forget(device) => {
                self.store.forget_push(user, &device).await?;
                Ok(Reply::Done)
            }
        }
    }

    // — following —

    /// Notifies of what is new and of what is owed, if that is due.
    pub(crate) async fn round(&self) {
        let Some(gateway) = &self.gateway else { return };
        let mut following = self.following.lock().await;
        if !is_due(&mut following.round, self.clock.wall(), self.config.push.gather) {
            return;
        }
        if let Err(error) = self.follow(&mut following, &**gateway).await {
            // The place has not moved: the next round does it again.
            tracing::warn!(%error, "notifications wait");
        }
    }

    async fn follow(
        &self,
        following: &mut Following,
        gateway: &dyn PushGateway,
    ) -> Result<(), StoreError> {
        while let Some(place) = self.hold(following).await? {
            let tail = self.store.tail(place, TAIL).await?;
            let mut pushed = false;
            for (conv, grown) in self.grown(&tail.items) {
                pushed |= self.notify(following, gateway, conv, Occasion::Grown(&grown)).await?;
            }
            if following.place.is_none() {
                return Ok(());
            }
            following.place = Some(tail.up_to);
            // Otherwise with the next renewal: looking again at what was nothing costs little.
            if pushed {
                self.save(following).await?;
            }
            if !tail.more {
                break;
            }
        }
        if following.place.is_none() {
            return Ok(());
        }
        for owed in self.store.owed_pushes(self.clock.wall(), OWED).await? {
            self.notify(following, gateway, owed.conv, Occasion::Owed(owed)).await?;
        }
        Ok(())
    }

    /// Conversations with new messages that are not too old to tell of, in the order in which
    /// they grew.
    fn grown(&self, items: &[Happened]) -> Vec<(ConvId, Grown)> {
        let oldest = self.clock.wall().plus(-millis(self.config.push.expire));
        let mut order: Vec<(ConvId, Grown)> = Vec::new();
        let mut at: FxHashMap<ConvId, usize> = FxHashMap::default();
        for item in items {
            let Happened::Entry { message, .. } = item else { continue };
            if matches!(message.content, Content::Event(_) | Content::Gone(_))
                || message.ts <= oldest
            {
                continue;
            }
            let index = *at.entry(message.conv).or_insert_with(|| {
                order.push((message.conv, Grown::default()));
                order.len() - 1
            });
            if let Some((_, grown)) = order.get_mut(index) {
                grown.mentioned.extend(message.mentions.iter().cloned());
            }
        }
        order
    }

    /// Takes or renews the lease when that is due; the place while it is held.
    async fn hold(&self, following: &mut Following) -> Result<Option<MessageId>, StoreError> {
        let now = self.clock.wall();
        let every = LEASE / 3;
        if following.place.is_some() && now.0 - following.renewed.0 < millis(every) {
            return Ok(following.place);
        }
        self.save(following).await?;
        let lease = Lease { owner: self.owner, lasts: LEASE };
        let place = self.store.follower(FOLLOWER, lease, now).await?;
        if following.place.is_none() || place.is_none() {
            following.place = place;
            following.saved = place.unwrap_or_default();
        }
        following.renewed = now;
        Ok(following.place)
    }

    /// Makes the place durable. One that another process took over meanwhile is let go.
    async fn save(&self, following: &mut Following) -> Result<(), StoreError> {
        let Some(place) = following.place.filter(|place| *place > following.saved) else {
            return Ok(());
        };
        if self.store.advance(FOLLOWER, self.owner, place).await? {
            following.saved = place;
        } else {
            following.place = None;
        }
        Ok(())
    }

    /// Notifies whoever is to be of one conversation. Answers whether anything was handed over.
    async fn notify(
        &self,
        following: &mut Following,
        gateway: &dyn PushGateway,
        conv: ConvId,
        occasion: Occasion<'_>,
    ) -> Result<bool, StoreError> {
        let only = match occasion {
            Occasion::Grown(_) => None,
            Occasion::Owed(owed) => Some(owed.device),
        };
        let (mut pushed, mut after) = (false, None);
        while self.hold(following).await?.is_some() {
            let page = self.store.to_push(conv, after, only, DEVICES).await?;
            let waiting = match &page.newest {
                Some(newest) => self.waiting(page.devices, newest, occasion).await,
                None => Vec::new(),
            };
            if waiting.is_empty()
                && let Some(device) = only
            {
                let nothing = PushSettled { device, conv, handed: None, again: None };
                self.store.settle_pushes(vec![nothing]).await?;
            }
            if let Some(newest) = page.newest.filter(|_| !waiting.is_empty()) {
                let about = About { newest, title: page.title, sender_name: page.sender_name };
                let settled = self.hand_over(gateway, waiting, &about, occasion).await?;
                self.store.settle_pushes(settled).await?;
                pushed = true;
            }
            match page.more {
                Some(user) => after = Some(user),
                None => break,
            }
        }
        Ok(pushed)
    }

    /// Those of the devices whose users have no link and want to hear of it, each with whether
    /// its user is called by name.
    async fn waiting(
        &self,
        devices: Vec<PushDevice>,
        newest: &Message,
        occasion: Occasion<'_>,
    ) -> Vec<(PushDevice, bool)> {
        let now = self.clock.wall();
        let mentioned = |name: &UserName| {
            newest.mentions.contains(name)
                || matches!(occasion, Occasion::Grown(grown) if grown.mentioned.contains(name))
        };
        let devices: Vec<_> = devices
            .into_iter()
            .map(|device| {
                let mentioned = mentioned(&device.name);
                (device, mentioned)
            })
            .filter(|(device, mentioned)| {
                device.muted_until <= now || (*mentioned && self.config.push.mentions_break_mute)
            })
            .collect();
        let mut users: Vec<UserId> = devices.iter().map(|(device, _)| device.user).collect();
        users.dedup();
        let linked = self.linked(users).await;
        devices.into_iter().filter(|(device, _)| !linked.contains(&device.user)).collect()
    }

    async fn linked(&self, users: Vec<UserId>) -> FxHashSet<UserId> {
        if users.is_empty() {
            return FxHashSet::default();
        }
        let (found, table) = oneshot::channel();
        let then = Box::new(move |table| drop(found.send(table)));
        self.routes.lookup(users.clone(), then);
        let table = table.await.unwrap_or_default();
        let linked = users.into_iter().zip(table).filter(|(_, routes)| !routes.is_empty());
        linked.map(|(user, _)| user).collect()
    }

    async fn hand_over(
        &self,
        gateway: &dyn PushGateway,
        waiting: Vec<(PushDevice, bool)>,
        about: &About,
        occasion: Occasion<'_>,
    ) -> Result<Vec<PushSettled>, StoreError> {
        let conv = about.newest.conv;
        let users = waiting.iter().map(|(device, _)| device.user).collect();
        let badges = self.store.badges(users).await?;
        let until = match occasion {
            Occasion::Grown(_) => about.newest.ts.plus(millis(self.config.push.expire)),
            Occasion::Owed(owed) => owed.until,
        };
        let attempts = match occasion {
            Occasion::Grown(_) => 0,
            Occasion::Owed(owed) => owed.attempts,
        };
        let each = waiting.into_iter().zip(badges).map(|((device, mentioned), badge)| {
            let id = device.device;
            let (target, note) =
                about.notification(device, badge, mentioned, until, self.config.push.body);
            async move { (id, gateway.push(&target, &note).await) }
        });
        let handed: Vec<(DeviceId, Handed)> =
            stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        let now = self.clock.wall();
        let settled = handed.into_iter().map(|(device, handed)| {
            self.counts.count(&handed);
            let again = match &handed {
                Handed::Later { after, .. } => Some(PushOwed {
                    device,
                    conv,
                    due: now.plus(millis(wait(attempts, *after))),
                    attempts: attempts.saturating_add(1),
                    until,
                }),
                _ => None,
            };
            PushSettled { device, conv, handed: Some(handed), again }
        });
        Ok(settled.collect())
    }
}

impl PushCounts {
    fn count(&self, handed: &Handed) {
        let counter = match handed {
            Handed::Taken => &self.taken,
            Handed::Later { .. } => &self.later,
            Handed::Refused { .. } => &self.refused,
            Handed::Gone { .. } => &self.gone,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is the same for everyone who is notified of a conversation.
struct About {
    newest: Arc<Message>,
    title: Box<str>,
    sender_name: Box<str>,
}

impl About {
    fn notification(
        &self,
        device: PushDevice,
        badge: u64,
        mentioned: bool,
        until: Millis,
        body: bool,
    ) -> (anser_domain::PushTarget, Notification) {
        let note = Notification {
            id: self.newest.id,
            user: device.name,
            at: device.at,
            seq: self.newest.seq,
            title: self.title.clone(),
            sender: self.newest.sender.name.clone(),
            sender_name: self.sender_name.clone(),
            text: if body { text(&self.newest.content) } else { None },
            badge,
            unread: device.unread,
            mentioned,
            locale: device.locale,
            until,
        };
        (device.target, note)
    }
}

/// What a lock screen shows. Only texts are for people to read as they stand.
fn text(content: &Content) -> Option<Box<str>> {
    let Content::Text(text) = content else { return None };
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).map(Into::into)
}

/// How long to wait before the next attempt: longer each time, and as long as was asked for.
fn wait(attempts: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.min(10));
    doubled.min(LONGEST_WAIT).max(asked.unwrap_or_default())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_heed_what_the_service_asks() {
        assert_eq!(wait(0, None), Duration::from_secs(5));
        assert_eq!(wait(1, None), Duration::from_secs(10));
        assert_eq!(wait(60, None), LONGEST_WAIT);
        assert_eq!(wait(0, Some(Duration::from_secs(3600))), Duration::from_secs(3600));
        assert_eq!(wait(3, Some(Duration::from_secs(1))), Duration::from_secs(40));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long: Box<str> = "鸿".repeat(1000).into();
        let shown = text(&Content::Text(long)).unwrap();
        assert!(shown.len() <= MAX_TEXT && shown.chars().all(|c| c == '鸿'));
        assert_eq!(text(&Content::Custom("{}".into())), None);
    }
}
