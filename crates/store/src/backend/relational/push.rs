//! Notifications: registrations, who is to be notified of a conversation, what is owed.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{
    ConvId, DeviceId, DeviceName, Handed, Millis, Ord64, PushOutcome, PushRecord, PushTarget,
    Refusal, Seq, UserId, UserName, unread,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    Relational,
    acls::GROUP,
    convert::{num, opt, sql},
    desk::Desk,
    dress::Eyes,
    reader::Reader,
    view::Span,
};
use crate::port::{NewPush, PushDevice, PushOwed, PushPage, PushSettled, Pushes, StoreError};

#[async_trait]
impl Pushes for Relational {
    async fn register_push(
        &self,
        user: UserId,
        device: &DeviceName,
        push: NewPush,
    ) -> Result<(), StoreError> {
        let device = device.clone();
        self.write(move |desk| register(desk, user, &device, &push)).await
    }

    async fn push_record(
        &self,
        user: UserId,
        device: &DeviceName,
    ) -> Result<Option<PushRecord>, StoreError> {
        let device = device.clone();
        self.readers.call(move |reader| reader.push_record(user, &device)).await
    }

    async fn forget_push(&self, user: UserId, device: &DeviceName) -> Result<(), StoreError> {
        let device = device.clone();
        let done = self.write(move |desk| {
            let (device, _) = signed_in(desk.conn, user, &device)?;
            forget(desk, device)
        });
        done.await
    }

    async fn to_push(
        &self,
        conv: ConvId,
        after: Option<UserId>,
        device: Option<DeviceId>,
        limit: u16,
    ) -> Result<PushPage, StoreError> {
        self.readers.call(move |reader| reader.push_page(conv, after, device, limit)).await
    }

    async fn badges(&self, users: Vec<UserId>) -> Result<Vec<u64>, StoreError> {
        let read = self
            .readers
            .call(move |reader| users.into_iter().map(|user| reader.badge(user)).collect());
        read.await
    }

    async fn settle_pushes(&self, batch: Vec<PushSettled>) -> Result<(), StoreError> {
        let done = self
            .write(move |desk| batch.into_iter().try_for_each(|settled| settle(desk, &settled)));
        done.await
    }

    async fn owed_pushes(&self, now: Millis, limit: u16) -> Result<Vec<PushOwed>, StoreError> {
        let (due, more) = {
            let read = self.readers.call(move |reader| reader.owed(now, limit));
            let list = read.await?;
            list.into_iter().partition::<Vec<_>, _>(|(_, counts)| *counts)
        };
        if !more.is_empty() {
            let done = self.write(move |desk| {
                more.iter().try_for_each(|(owed, _)| pay(desk, owed.device, owed.conv))
            });
            done.await?;
        }
        Ok(due.into_iter().map(|(owed, _)| owed).collect())
    }
}

/// A target as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TargetRow {
    Apns { token: Box<str>, topic: Box<str>, sandbox: bool },
    Fcm { token: Box<str> },
    Web { endpoint: Box<str>, p256dh: Box<str>, auth: Box<str> },
    Webhook { token: Box<str> },
}

fn target_row(target: &PushTarget) -> Result<String, StoreError> {
    let row = match target.clone() {
        PushTarget::Apns { token, topic, sandbox } => TargetRow::Apns { token, topic, sandbox },
        PushTarget::Fcm { token } => TargetRow::Fcm { token },
        PushTarget::Web { endpoint, p256dh, auth } => TargetRow::Web { endpoint, p256dh, auth },
        PushTarget::Webhook { token } => TargetRow::Webhook { token },
    };
    serde_json::to_string(&row).map_err(|error| StoreError::Failed(error.to_string()))
}

fn target(row: &str) -> Result<PushTarget, StoreError> {
    let row = serde_json::from_str(row)
        .map_err(|_| StoreError::Failed("a stored registration cannot be read".into()))?;
    Ok(match row {
        TargetRow::Apns { token, topic, sandbox } => PushTarget::Apns { token, topic, sandbox },
        TargetRow::Fcm { token } => PushTarget::Fcm { token },
        TargetRow::Web { endpoint, p256dh, auth } => PushTarget::Web { endpoint, p256dh, auth },
        TargetRow::Webhook { token } => PushTarget::Webhook { token },
    })
}

fn address(target: &PushTarget) -> String {
    let rest = match target {
        PushTarget::Apns { token, topic, .. } => format!("{topic}:{token}"),
        PushTarget::Fcm { token } | PushTarget::Webhook { token } => token.to_string(),
        PushTarget::Web { endpoint, .. } => endpoint.to_string(),
    };
    format!("{}:{rest}", target.provider())
}

/// A user's device by name, and its session.
fn signed_in(
    conn: &super::engine::Connection,
    user: UserId,
    name: &DeviceName,
) -> Result<(DeviceId, u64), StoreError> {
    let mut query = conn.prepare_cached(
        "SELECT id, session FROM devices WHERE user = ?1 AND name = ?2 AND session <> 0",
    )?;
    let found = query
        .query_row(params![sql(user.0), name.as_str()], |row| {
            Ok((DeviceId(num(row, 0)?), num(row, 1)?))
        })
        .optional()?;
    Ok(found.ok_or(Refusal::NoSuchUser)?)
}

fn register(
    desk: &mut Desk<'_>,
    user: UserId,
    name: &DeviceName,
    push: &NewPush,
) -> Result<(), StoreError> {
    let (device, session) = signed_in(desk.conn, user, name)?;
    let (row, address) = (target_row(&push.target)?, address(&push.target));
    let mut other = desk
        .conn
        .prepare_cached("SELECT device FROM pushes WHERE address = ?1 AND device <> ?2")?;
    let other = other.query_row(params![address, sql(device.0)], |row| num(row, 0)).optional()?;
    if let Some(other) = other {
        forget(desk, DeviceId(other))?;
    }
    // An app registers at every start; what is known of the same target stays.
    let mut put = desk.conn.prepare_cached(
        "INSERT INTO pushes (device, user, session, target, address, locale, registered) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (device) DO UPDATE SET \
         user = ?2, session = ?3, target = ?4, locale = ?6, registered = ?7, \
         taken = CASE WHEN address = ?5 THEN taken ELSE 0 END, \
         failed = CASE WHEN address = ?5 THEN failed ELSE 0 END, \
         last_at = CASE WHEN address = ?5 THEN last_at END, address = ?5",
    )?;
    put.execute(params![
        sql(device.0),
        sql(user.0),
        sql(session),
        row,
        address,
        push.locale,
        desk.now.0
    ])?;
    Ok(())
}

/// Forgets a device's registration and what it is owed.
pub(super) fn forget(desk: &Desk<'_>, device: DeviceId) -> Result<(), StoreError> {
    for text in ["DELETE FROM pushes WHERE device = ?1", "DELETE FROM push_owed WHERE device = ?1"]
    {
        desk.conn.prepare_cached(text)?.execute([sql(device.0)])?;
    }
    Ok(())
}

/// Forgets the registrations of a user's devices but `keep`'s, by its number in the database.
pub(super) fn forget_but(
    desk: &Desk<'_>,
    user: UserId,
    keep: Option<i64>,
) -> Result<(), StoreError> {
    let mut delete = desk
        .conn
        .prepare_cached("DELETE FROM pushes WHERE user = ?1 AND (?2 IS NULL OR device <> ?2)")?;
    delete.execute(params![sql(user.0), keep])?;
    Ok(())
}

/// Takes away what a device is owed of a conversation.
fn pay(desk: &Desk<'_>, device: DeviceId, conv: ConvId) -> Result<(), StoreError> {
    let mut delete =
        desk.conn.prepare_cached("DELETE FROM push_owed WHERE device = ?1 AND conv = ?2")?;
    delete.execute([sql(device.0), sql(conv.0)])?;
    Ok(())
}

fn settle(desk: &mut Desk<'_>, settled: &PushSettled) -> Result<(), StoreError> {
    let PushSettled { device, conv, handed, again } = settled;
    let (taken, reason): (bool, &str) = match handed {
        None => return pay(desk, *device, *conv),
        Some(Handed::Gone { .. }) => return forget(desk, *device),
        Some(Handed::Taken) => (true, ""),
        Some(Handed::Later { reason, .. } | Handed::Refused { reason }) => (false, reason),
    };
    let mut count = desk.conn.prepare_cached(
        "UPDATE pushes SET taken = taken + ?2, failed = failed + 1 - ?2, last_at = ?3, \
         last_taken = ?2, reason = ?4 WHERE device = ?1",
    )?;
    count.execute(params![sql(device.0), taken, desk.now.0, reason])?;
    let Some(again) = again else { return pay(desk, *device, *conv) };
    let mut owe = desk.conn.prepare_cached("REPLACE INTO push_owed VALUES (?1, ?2, ?3, ?4, ?5)")?;
    owe.execute(params![sql(device.0), sql(conv.0), again.due.0, again.attempts, again.until.0])?;
    Ok(())
}

/// What of a conversation is the same for everyone.
struct Common {
    kind: i64,
    last: Seq,
    ord: Ord64,
    title: Box<str>,
    group: Option<anser_domain::GroupName>,
    reads: [(Seq, Ord64); 2],
}

/// The columns that [`Reader::push_device`] reads, after the tables `p`, `m` and `u`.
const COLUMNS: &str = "p.device, p.user, u.name, p.target, p.locale, m.peer, m.from_seq, \
                       m.read_seq, m.read_ord, m.muted_until";

/// Those who may read the message `?3` of `?4` as anyone reads a log, and want to hear of them.
const MAY_HEAR: &str = "m.until_seq IS NULL AND NOT u.disabled AND m.cleared < ?3 \
                        AND NOT (m.deletions > 0 AND EXISTS (SELECT 1 FROM deletions x \
                        WHERE x.user = m.user AND x.conv = m.conv AND x.seq = ?3)) \
                        AND NOT EXISTS (SELECT 1 FROM blocks b \
                        WHERE b.user = m.user AND b.blocked = ?4 AND b.gone = 0)";

impl Reader<'_> {
    fn push_record(
        &self,
        user: UserId,
        name: &DeviceName,
    ) -> Result<Option<PushRecord>, StoreError> {
        let (device, session) = signed_in(self.conn, user, name)?;
        let mut query = self.conn.prepare_cached(
            "SELECT target, locale, registered, taken, failed, last_at, last_taken, reason \
             FROM pushes WHERE device = ?1 AND session = ?2",
        )?;
        let mut rows = query.query([sql(device.0), sql(session)])?;
        let Some(row) = &rows.next()? else { return Ok(None) };
        let text = |column| -> Result<Box<str>, StoreError> {
            Ok(row.get::<_, Option<Box<str>>>(column)?.unwrap_or_default())
        };
        let last = match row.get(5)? {
            Some(at) => Some(PushOutcome {
                at: Millis(at),
                taken: row.get::<_, Option<bool>>(6)?.unwrap_or_default(),
                reason: text(7)?,
            }),
            None => None,
        };
        Ok(Some(PushRecord {
            provider: target(&text(0)?)?.provider().into(),
            locale: text(1)?,
            registered: Millis(row.get(2)?),
            taken: num(row, 3)?,
            failed: num(row, 4)?,
            last,
        }))
    }

    fn push_page(
        &mut self,
        conv: ConvId,
        after: Option<UserId>,
        device: Option<DeviceId>,
        limit: u16,
    ) -> Result<PushPage, StoreError> {
        let mut page = PushPage {
            newest: None,
            sender_name: Box::default(),
            title: Box::default(),
            devices: Vec::new(),
            more: None,
        };
        let Some(common) = self.push_common(conv)? else { return Ok(page) };
        // As every member sees it: what one of them did for themselves is not looked at.
        let spans = [Span { from: common.last, until: Seq(u64::MAX) }];
        let eyes = Eyes { viewer: UserId(0), member: true, deleted: false, spans: &spans };
        let Some(newest) = self.message_at(&eyes, conv, common.last)? else { return Ok(page) };
        let mut name = self.conn.prepare_cached("SELECT display_name FROM users WHERE id = ?1")?;
        page.sender_name = name.query_row([sql(newest.sender.user.0)], |row| row.get(0))?;
        let sender = newest.sender.user;
        page.newest = Some(newest);
        page.title.clone_from(&common.title);

        // Registrations that count, of members who are in; found from whichever side is smaller.
        let tables = if device.is_some() {
            "pushes p CROSS JOIN members m ON m.user = p.user AND m.conv = ?1 \
             CROSS JOIN users u ON u.id = p.user \
             CROSS JOIN devices d ON d.id = p.device AND d.session = p.session \
             WHERE p.device = ?2"
        } else if self.registrations_are_fewer(conv)? {
            "pushes p INDEXED BY pushes_by_user \
             CROSS JOIN members m ON m.user = p.user AND m.conv = ?1 \
             CROSS JOIN users u ON u.id = p.user \
             CROSS JOIN devices d ON d.id = p.device AND d.session = p.session \
             WHERE p.user > ?2"
        } else {
            "members m INDEXED BY members_by_conv CROSS JOIN pushes p ON p.user = m.user \
             CROSS JOIN users u ON u.id = p.user \
             CROSS JOIN devices d ON d.id = p.device AND d.session = p.session \
             WHERE m.conv = ?1 AND m.user > ?2"
        };
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {tables} AND {MAY_HEAR} ORDER BY m.user"
        ))?;
        let from = device.map_or(after.map_or(0, |after| after.0), |device| device.0);
        let key = [sql(conv.0), sql(from), sql(common.last.0), sql(sender.0)];
        let mut rows = query.query(key)?;
        let mut seen = after.unwrap_or_default();
        while let Some(row) = &rows.next()? {
            let user = UserId(num(row, 1)?);
            // A page ends between users: who is linked is asked per user.
            if page.devices.len() >= usize::from(limit) && user != seen {
                page.more = Some(seen);
                break;
            }
            seen = user;
            page.devices.extend(self.push_device(row, &common)?);
        }
        Ok(page)
    }

    fn push_common(&mut self, conv: ConvId) -> Result<Option<Common>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT h.kind, h.last_message, h.ord, h.lo_read, h.lo_read_ord, h.hi_read, \
             h.hi_read_ord, coalesce(g.title, '') FROM heads h \
             LEFT JOIN `groups` g ON g.conv = h.conv WHERE h.conv = ?1",
        )?;
        let found = query
            .query_row([sql(conv.0)], |row| {
                let read = |at| {
                    Ok::<_, super::engine::Error>((Seq(num(row, at)?), Ord64(num(row, at + 1)?)))
                };
                Ok(Common {
                    kind: row.get(0)?,
                    last: Seq(num(row, 1)?),
                    ord: Ord64(num(row, 2)?),
                    title: row.get(7)?,
                    group: None,
                    reads: [read(3)?, read(5)?],
                })
            })
            .optional()?;
        let Some(mut common) = found.filter(|it| it.last > Seq::ZERO) else { return Ok(None) };
        if common.kind == GROUP {
            common.group = Some(self.group_name(conv)?);
        }
        Ok(Some(common))
    }

    /// A row as a device to be notified, unless its user has read everything or may not see it.
    fn push_device(
        &mut self,
        row: &Row<'_>,
        common: &Common,
    ) -> Result<Option<PushDevice>, StoreError> {
        let (user, peer) = (num(row, 1)?, opt(row, 5)?);
        let [lo, hi] = common.reads;
        let (read, read_ord) = match peer {
            Some(peer) if peer >= user => lo,
            Some(_) => hi,
            None => (Seq(num(row, 7)?), Ord64(num(row, 8)?)),
        };
        if read >= common.last || Seq(num(row, 6)?) > common.last {
            return Ok(None);
        }
        let at = match (&common.group, peer) {
            (None, Some(peer)) => anser_domain::Address::User(self.name(UserId(peer))?),
            (Some(name), _) => anser_domain::Address::Group(name.clone()),
            (None, None) => return Ok(None),
        };
        Ok(Some(PushDevice {
            device: DeviceId(num(row, 0)?),
            user: UserId(user),
            name: UserName::trusted(row.get_ref(2)?.as_str().map_err(super::engine::Error::from)?),
            at,
            target: target(row.get_ref(3)?.as_str().map_err(super::engine::Error::from)?)?,
            locale: row.get(4)?,
            unread: unread(common.ord, read_ord),
            muted_until: Millis(row.get(9)?),
        }))
    }

    /// Whether a conversation has more members than there are registrations. Both are counted
    /// only so far as matters: along the shorter of two indexes, in step.
    fn registrations_are_fewer(&self, conv: ConvId) -> Result<bool, StoreError> {
        /// Conversations below this are looked at member by member whatever is registered.
        const SMALL: i64 = 64;
        let mut members = self.conn.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM members INDEXED BY members_by_conv \
             WHERE conv = ?1 AND until_seq IS NULL LIMIT ?2) AS some",
        )?;
        let mut pushes = self
            .conn
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM pushes LIMIT ?1) AS some")?;
        let mut bound = SMALL;
        loop {
            let some: i64 = members.query_row([sql(conv.0), bound], |row| row.get(0))?;
            if some < bound {
                return Ok(false);
            }
            let registered: i64 = pushes.query_row([bound], |row| row.get(0))?;
            if registered < bound {
                return Ok(true);
            }
            bound = bound.saturating_mul(4);
        }
    }

    /// Unread messages over all conversations that a user is in.
    fn badge(&self, user: UserId) -> Result<u64, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT coalesce(sum(max(0, h.ord - CASE WHEN m.peer IS NULL THEN m.read_ord \
             WHEN m.peer >= m.user THEN h.lo_read_ord ELSE h.hi_read_ord END)), 0) \
             FROM members m CROSS JOIN heads h ON h.conv = m.conv \
             WHERE m.user = ?1 AND m.until_seq IS NULL",
        )?;
        Ok(query.query_row([sql(user.0)], |row| num(row, 0))?)
    }

    /// What is due, each with whether it still counts.
    fn owed(&self, now: Millis, limit: u16) -> Result<Vec<(PushOwed, bool)>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT o.device, o.conv, o.due, o.attempts, o.until, d.id IS NOT NULL \
             FROM push_owed o LEFT JOIN pushes p ON p.device = o.device \
             LEFT JOIN devices d ON d.id = p.device AND d.session = p.session \
             WHERE o.due <= ?1 ORDER BY o.due LIMIT ?2",
        )?;
        let rows = query.query_map([now.0, i64::from(limit)], |row| {
            let owed = PushOwed {
                device: DeviceId(num(row, 0)?),
                conv: ConvId(num(row, 1)?),
                due: Millis(row.get(2)?),
                attempts: row.get(3)?,
                until: Millis(row.get(4)?),
            };
            Ok((owed, row.get::<_, bool>(5)? && owed.until > now))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
