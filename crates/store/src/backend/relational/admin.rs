//! Administration: changes with their line in the record, keys, webhooks, and wide views.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{
    AdminGroup, AdminUser, ApiKey, AuditEntry, Ban, DeadLetter, GroupName, MessageId, Millis,
    Refusal, Scope, Secret, Statistics, SyncToken, UserId, UserName, Webhook,
};
use async_trait::async_trait;

use super::{
    Relational, anonymise,
    convert::{id_at, num, role, role_number, sql, time_of},
    desk::Desk,
    devices,
    follow::tell,
    reader::Reader,
    users,
};
use crate::port::{
    AdminChange, Administration, DeadRow, FactKind, NO_WEBHOOK, Note, StoreError, UserChange,
    WebhookRow,
};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;
/// Dead letters kept per webhook: more than this is an outage of the receiver, for which a replay
/// of the log is the better cure. The oldest go first.
const MAX_DEAD: i64 = 10_000;
/// Webhooks there may be: each follows the whole log.
const MAX_WEBHOOKS: i64 = 20;
/// API keys there may be.
const MAX_KEYS: i64 = 1_000;
/// For so long the record is kept.
pub(super) const AUDIT_MS: i64 = 365 * 24 * 3_600_000;
const DAY_MS: i64 = 24 * 3_600_000;

#[async_trait]
impl Administration for Relational {
    async fn administer(&self, note: Note, change: AdminChange) -> Result<u64, StoreError> {
        self.write(move |desk| administer(desk, &note, change)).await
    }

    async fn audit(
        &self,
        before: Option<SyncToken>,
        limit: u16,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.readers.call(move |reader| reader.audit(before, limit)).await
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let read = self.readers.call(move |reader| {
            let mut query = reader.conn.prepare_cached(
                "SELECT id, name, scopes, created, expires FROM api_keys WHERE hash = ?1",
            )?;
            Ok(query.query_row([hash], api_key).optional()?)
        });
        read.await
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let read = self.readers.call(|reader| {
            let mut query = reader.conn.prepare_cached(
                "SELECT id, name, scopes, created, expires FROM api_keys ORDER BY id",
            )?;
            Ok(query.query_map([], api_key)?.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn find_users(
        &self,
        prefix: &str,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<AdminUser>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.readers.call(move |reader| reader.find_users(&prefix, after.as_ref(), limit)).await
    }

    async fn bans_over(&self, now: Millis) -> Result<Vec<UserId>, StoreError> {
        let read = self.readers.call(move |reader| {
            let mut query =
                reader.conn.prepare_cached("SELECT user FROM bans WHERE until <= ?1 LIMIT 100")?;
            let rows = query.query_map([now.0], |row| num(row, 0).map(UserId))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn all_groups(
        &self,
        after: Option<&GroupName>,
        limit: u16,
    ) -> Result<Vec<AdminGroup>, StoreError> {
        let after = after.cloned();
        self.readers.call(move |reader| reader.all_groups(after.as_ref(), limit)).await
    }

    async fn owner_of(&self, group: &GroupName) -> Result<UserId, StoreError> {
        let group = group.clone();
        let read = self.readers.call(move |reader| {
            let mut query = reader.conn.prepare_cached(
                "SELECT m.user FROM `groups` g CROSS JOIN members m INDEXED BY members_by_conv \
                 ON m.conv = g.conv AND m.until_seq IS NULL AND m.role = 3 WHERE g.name = ?1",
            )?;
            let owner = query.query_row([group.as_str()], |row| num(row, 0)).optional()?;
            Ok(UserId(owner.ok_or(Refusal::NotMember)?))
        });
        read.await
    }

    async fn statistics(&self, now: Millis) -> Result<Statistics, StoreError> {
        self.readers.call(move |reader| reader.statistics(now)).await
    }

    async fn webhook_rows(&self) -> Result<Vec<WebhookRow>, StoreError> {
        let read = self.readers.call(|reader| {
            let mut query = reader
                .conn
                .prepare_cached("SELECT name, url, secrets, kinds, enabled FROM webhooks")?;
            Ok(query.query_map([], webhook_row)?.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let read = self.readers.call(|reader| {
            let mut query = reader.conn.prepare_cached(
                "SELECT w.name, w.url, w.secrets, w.kinds, w.enabled, coalesce(f.place, 0), \
                 (SELECT count(*) FROM dead_letters d WHERE d.webhook = w.name) FROM webhooks w \
                 LEFT JOIN followers f ON f.name = concat('webhook:', w.name) ORDER BY w.name",
            )?;
            let rows = query.query_map([], |row| {
                let WebhookRow { name, url, kinds, enabled, .. } = webhook_row(row)?;
                let (place, dead) = (MessageId(num(row, 5)?), num(row, 6)?);
                Ok(Webhook { name, url, kinds, enabled, place, dead })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn bury(&self, webhook: &str, dead: DeadRow) -> Result<(), StoreError> {
        let webhook = webhook.to_owned();
        self.write(move |desk| bury(desk, &webhook, &dead)).await
    }

    async fn unbury(&self, webhook: &str, event: MessageId) -> Result<(), StoreError> {
        let webhook = webhook.to_owned();
        let done = self.write(move |desk| {
            let mut delete = desk
                .conn
                .prepare_cached("DELETE FROM dead_letters WHERE webhook = ?1 AND event = ?2")?;
            delete.execute(params![webhook, sql(event.0)])?;
            Ok(())
        });
        done.await
    }

    async fn dead(
        &self,
        webhook: &str,
        after: MessageId,
        limit: u16,
    ) -> Result<Vec<DeadRow>, StoreError> {
        let webhook = webhook.to_owned();
        self.readers.call(move |reader| reader.dead(&webhook, after, limit)).await
    }
}

/// Checks come before writes, so that what is refused leaves no line either.
fn administer(desk: &mut Desk<'_>, note: &Note, change: AdminChange) -> Result<u64, StoreError> {
    let made = match change {
        AdminChange::Record => 0,
        AdminChange::CreateUser(new) => {
            let made = users::create(desk, vec![new])?;
            made.into_iter().next().unwrap_or(Err(Refusal::Unavailable))?.0
        }
        AdminChange::User(user, change) => {
            users::change(desk, user, change)?;
            0
        }
        AdminChange::Role(user, next) => {
            set_role(desk, user, role_number(next))?;
            0
        }
        AdminChange::Ban(user, reason, until) => {
            users::change(desk, user, UserChange::Disabled(true))?;
            let mut put = desk.conn.prepare_cached(
                "INSERT INTO bans (user, reason, until, at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (user) DO UPDATE SET reason = ?2, until = ?3, at = ?4",
            )?;
            put.execute(params![sql(user.0), &*reason, until.map(|it| it.0), desk.now.0])?;
            0
        }
        AdminChange::Unban(user) => {
            users::change(desk, user, UserChange::Disabled(false))?;
            desk.conn.prepare_cached("DELETE FROM bans WHERE user = ?1")?.execute([sql(user.0)])?;
            0
        }
        AdminChange::Anonymise(user, scrub) => {
            anonymise::anonymise(desk, user, scrub)?;
            0
        }
        AdminChange::EndDevice(user, name) => devices::end_named(desk, user, &name)?.0,
        AdminChange::EndSessions(user) => {
            users::end_sessions(desk, user, None, false)?;
            0
        }
        AdminChange::PutWebhook(put) => {
            put_webhook(desk, &put)?;
            0
        }
        AdminChange::RemoveWebhook(name) => {
            let gone = desk
                .conn
                .prepare_cached("DELETE FROM webhooks WHERE name = ?1")?
                .execute([&*name])?;
            if gone == 0 {
                return Err(NO_WEBHOOK.into());
            }
            for text in [
                "DELETE FROM dead_letters WHERE webhook = ?1",
                "DELETE FROM followers WHERE name = concat('webhook:', ?1)",
            ] {
                desk.conn.prepare_cached(text)?.execute([&*name])?;
            }
            0
        }
        AdminChange::ReplaySince(name, to) => {
            known_webhook(desk, &name)?;
            let mut put = desk.conn.prepare_cached(
                "INSERT INTO followers VALUES (concat('webhook:', ?1), ?2, 0, 0) \
                 ON CONFLICT (name) DO UPDATE SET place = ?2, owner = 0, until = 0",
            )?;
            put.execute(params![&*name, sql(to.0.min(i64::MAX.cast_unsigned()))])?;
            0
        }
        AdminChange::MakeKey { hash, name, scopes, expires } => {
            fewer_than(desk, "SELECT count(*) FROM api_keys", MAX_KEYS)?;
            let scopes: Vec<String> = scopes.iter().map(|it| it.number().to_string()).collect();
            let mut insert = desk.conn.prepare_cached(
                "INSERT INTO api_keys (id, hash, name, scopes, created, expires) \
                 VALUES (?6, ?1, ?2, ?3, ?4, ?5)",
            )?;
            let key = desk.key();
            let expires = expires.map(|it| it.0);
            insert.execute(params![hash, &*name, scopes.join(" "), desk.now.0, expires, key])?;
            desk.made(key)
        }
        AdminChange::RevokeKey(id) => {
            let gone = desk
                .conn
                .prepare_cached("DELETE FROM api_keys WHERE id = ?1")?
                .execute([sql(id.min(i64::MAX.cast_unsigned()))])?;
            if gone == 0 {
                return Err(Refusal::NoSuch("key").into());
            }
            id
        }
    };
    let id = desk.next_id();
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO audit (id, who, what, whom, address) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let address = note.address.map(|address| address.to_string());
    insert.execute(params![sql(id), &*note.who, note.what, &*note.whom, address])?;
    Ok(made)
}

fn set_role(desk: &mut Desk<'_>, user: UserId, role: i64) -> Result<(), StoreError> {
    let name = desk.person(user)?.ok_or(Refusal::NoSuchUser)?.name;
    let mut update = desk.conn.prepare_cached("UPDATE users SET role = ?2 WHERE id = ?1")?;
    update.execute([sql(user.0), role])?;
    tell(desk, FactKind::UserChanged, &name, "{}")
}

fn fewer_than(desk: &Desk<'_>, count: &str, most: i64) -> Result<(), StoreError> {
    let count: i64 = desk.conn.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    if count >= most {
        return Err(Refusal::TooLarge("there are as many of these as there may be").into());
    }
    Ok(())
}

fn known_webhook(desk: &Desk<'_>, name: &str) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT 1 FROM webhooks WHERE name = ?1")?;
    if query.exists([name])? { Ok(true) } else { Err(NO_WEBHOOK.into()) }
}

/// A new webhook's place is now: what was before it is told by a replay.
fn put_webhook(desk: &mut Desk<'_>, put: &anser_domain::PutWebhook) -> Result<(), StoreError> {
    if known_webhook(desk, &put.name).is_err() {
        fewer_than(desk, "SELECT count(*) FROM webhooks", MAX_WEBHOOKS)?;
    }
    let secrets = put
        .secrets
        .as_ref()
        .map(|secrets| secrets.iter().map(Secret::expose).collect::<Vec<_>>().join("\n"));
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO webhooks (name, url, secrets, kinds, enabled) \
         VALUES (?1, ?2, coalesce(?3, ''), ?4, ?5) ON CONFLICT (name) DO UPDATE SET \
         url = ?2, secrets = coalesce(?3, secrets), kinds = ?4, enabled = ?5",
    )?;
    insert.execute(params![&*put.name, &*put.url, secrets, put.kinds.join(" "), put.enabled])?;
    let place = desk.watermark()?;
    let mut follow = desk.conn.prepare_cached(
        "INSERT OR IGNORE INTO followers VALUES (concat('webhook:', ?1), ?2, 0, 0)",
    )?;
    follow.execute(params![&*put.name, sql(place)])?;
    Ok(())
}

fn bury(desk: &mut Desk<'_>, webhook: &str, dead: &DeadRow) -> Result<(), StoreError> {
    if known_webhook(desk, webhook).is_err() {
        // It was forgotten meanwhile, and its letters with it.
        return Ok(());
    }
    let mut insert = desk
        .conn
        .prepare_cached("INSERT OR IGNORE INTO dead_letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let it = &dead.letter;
    insert.execute(params![
        webhook,
        sql(it.event.0),
        &*it.kind,
        &*dead.body,
        it.attempts,
        &*it.reason,
        it.at.0
    ])?;
    let mut last = desk.conn.prepare_cached(
        "SELECT event FROM dead_letters WHERE webhook = ?1 ORDER BY event DESC LIMIT 1 OFFSET ?2",
    )?;
    if let Some(last) =
        last.query_row(params![webhook, MAX_DEAD], |row| row.get::<_, i64>(0)).optional()?
    {
        let mut trim = desk
            .conn
            .prepare_cached("DELETE FROM dead_letters WHERE webhook = ?1 AND event <= ?2")?;
        trim.execute(params![webhook, last])?;
    }
    Ok(())
}

fn api_key(row: &Row<'_>) -> super::engine::Result<ApiKey> {
    let scopes = row.get_ref(2)?.as_str()?.split(' ');
    Ok(ApiKey {
        id: num(row, 0)?,
        name: row.get(1)?,
        scopes: scopes.filter_map(|it| Scope::from_number(it.parse().ok()?)).collect(),
        created: Millis(row.get(3)?),
        expires: row.get::<_, Option<i64>>(4)?.map(Millis),
    })
}

fn webhook_row(row: &Row<'_>) -> super::engine::Result<WebhookRow> {
    let parts = |text: &str, by: char| -> Vec<Box<str>> {
        text.split(by).filter(|part| !part.is_empty()).map(Into::into).collect()
    };
    Ok(WebhookRow {
        name: row.get(0)?,
        url: row.get(1)?,
        secrets: parts(row.get_ref(2)?.as_str()?, '\n').into_iter().map(Secret::new).collect(),
        kinds: parts(row.get_ref(3)?.as_str()?, ' '),
        enabled: row.get(4)?,
    })
}

impl Reader<'_> {
    fn audit(&self, before: Option<SyncToken>, limit: u16) -> Result<Vec<AuditEntry>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT id, who, what, whom, address FROM audit WHERE id < ?1 \
             ORDER BY id DESC LIMIT ?2",
        )?;
        let before = before.map_or(u64::MAX, |it| it.0).min(i64::MAX.cast_unsigned());
        let rows = query.query_map(params![sql(before), limit.clamp(1, MAX_PAGE)], |row| {
            let id = num(row, 0)?;
            Ok(AuditEntry {
                id: SyncToken(id),
                at: time_of(id),
                who: row.get(1)?,
                what: row.get(2)?,
                whom: row.get(3)?,
                address: row.get::<_, Option<String>>(4)?.and_then(|it| it.parse().ok()),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn find_users(
        &self,
        prefix: &str,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<AdminUser>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT u.name, u.display_name, u.role, u.disabled, b.reason, b.until, b.at \
             FROM users u LEFT JOIN bans b ON b.user = u.id \
             WHERE u.name > ?1 AND u.name >= ?2 AND u.name <= ?4 ORDER BY u.name LIMIT ?3",
        )?;
        let after = after.map_or("", UserName::as_str);
        let past = format!("{prefix}\u{10FFFF}");
        let key = params![after, prefix, limit.clamp(1, MAX_PAGE), past];
        let rows = query.query_map(key, |row| {
            let ban = match row.get::<_, Option<Box<str>>>(4)? {
                Some(reason) => Some(Ban {
                    reason,
                    until: row.get::<_, Option<i64>>(5)?.map(Millis),
                    at: Millis(row.get(6)?),
                }),
                None => None,
            };
            Ok(AdminUser {
                name: UserName::trusted(row.get_ref(0)?.as_str()?),
                display_name: row.get(1)?,
                role: role(row.get(2)?),
                disabled: row.get(3)?,
                ban,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn all_groups(
        &self,
        after: Option<&GroupName>,
        limit: u16,
    ) -> Result<Vec<AdminGroup>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT g.name, g.title, g.created, (SELECT count(*) FROM members m \
             INDEXED BY members_by_conv WHERE m.conv = g.conv AND m.until_seq IS NULL), \
             (SELECT u.name FROM members m INDEXED BY members_by_conv CROSS JOIN users u \
             ON u.id = m.user WHERE m.conv = g.conv AND m.until_seq IS NULL AND m.role = 3) \
             FROM `groups` g WHERE g.name > ?1 ORDER BY g.name LIMIT ?2",
        )?;
        let after = after.map_or("", GroupName::as_str);
        let rows = query.query_map(params![after, limit.clamp(1, MAX_PAGE)], |row| {
            let owner = row.get::<_, Option<String>>(4)?;
            Ok(AdminGroup {
                name: GroupName::trusted(row.get_ref(0)?.as_str()?),
                title: row.get(1)?,
                created: Millis(row.get(2)?),
                members: num(row, 3)?,
                owner: owner.map(|name| UserName::trusted(&name)),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn statistics(&self, now: Millis) -> Result<Statistics, StoreError> {
        let count = |text: &str| -> Result<u64, StoreError> {
            Ok(self.conn.prepare_cached(text)?.query_row([], |row| num(row, 0))?)
        };
        let mut today = self.conn.prepare_cached("SELECT count(*) FROM msgs WHERE id >= ?1")?;
        Ok(Statistics {
            users: count("SELECT count(*) FROM users")?,
            disabled: count("SELECT count(*) FROM users WHERE disabled")?,
            online: 0,
            groups: count("SELECT count(*) FROM `groups`")?,
            conversations: count("SELECT count(*) FROM heads")?,
            entries_today: today.query_row([sql(id_at(now.plus(-DAY_MS)))], |row| num(row, 0))?,
            bytes: count(self.conn.size_query())?,
        })
    }

    fn dead(
        &self,
        webhook: &str,
        after: MessageId,
        limit: u16,
    ) -> Result<Vec<DeadRow>, StoreError> {
        if !self.conn.prepare_cached("SELECT 1 FROM webhooks WHERE name = ?1")?.exists([webhook])? {
            return Err(NO_WEBHOOK.into());
        }
        let mut query = self.conn.prepare_cached(
            "SELECT event, kind, body, attempts, reason, at FROM dead_letters \
             WHERE webhook = ?1 AND event > ?2 ORDER BY event LIMIT ?3",
        )?;
        let after = sql(after.0.min(i64::MAX.cast_unsigned()));
        let rows = query.query_map(params![webhook, after, limit.clamp(1, MAX_PAGE)], |row| {
            let letter = DeadLetter {
                event: MessageId(num(row, 0)?),
                kind: row.get(1)?,
                attempts: row.get(3)?,
                reason: row.get(4)?,
                at: Millis(row.get(5)?),
            };
            Ok(DeadRow { letter, body: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
