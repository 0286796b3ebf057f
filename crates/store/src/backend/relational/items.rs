//! Small values of users, versioned by the store's ids; and how new a user's own things are.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{Item, ItemKey, ItemPage, Listing, Refusal, SyncToken, UserId};
use async_trait::async_trait;

use super::{
    Relational,
    convert::{num, sql},
    desk::Desk,
    reader::Reader,
};
use crate::port::{Items, NewItem, StoreError};

/// Most items of a user, removed ones included: a draft for each of very many conversations.
const MAX_ITEMS: i64 = 2_000;
/// Most bytes in a user's items: the largest value 64 times over.
const MAX_BYTES: i64 = 4 << 20;
/// The longest page, whatever was asked for.
pub(super) const MAX_PAGE: u16 = 1_000;
/// A page of long rows ends when it has grown to this: with one more of the longest it still fits
/// a frame.
pub(super) const MAX_PAGE_BYTES: usize = 96 << 10;

const COLUMNS: &str = "`key`, value, version";

/// Notes a change of something of the user's own, under an id that says when.
pub(super) fn touch(desk: &mut Desk<'_>, user: UserId) -> Result<SyncToken, StoreError> {
    let at = SyncToken(desk.next_id());
    touch_at(desk, user, at)?;
    Ok(at)
}

/// Notes a change that concerns several users, under one id.
pub(super) fn touch_at(desk: &Desk<'_>, user: UserId, at: SyncToken) -> Result<(), StoreError> {
    let mut update = desk.conn.prepare_cached("UPDATE users SET personal = ?2 WHERE id = ?1")?;
    update.execute([sql(user.0), sql(at.0)])?;
    Ok(())
}

/// A number for a comparison: a token of another store may be past what the engine can hold.
pub(super) fn bound(token: SyncToken) -> i64 {
    sql(token.0.min(i64::MAX.cast_unsigned()))
}

fn item(row: &Row<'_>) -> super::engine::Result<Item> {
    Ok(Item {
        key: ItemKey::trusted(row.get_ref(0)?.as_str()?),
        value: row.get(1)?,
        version: SyncToken(num(row, 2)?),
    })
}

pub(super) fn put(
    desk: &mut Desk<'_>,
    user: UserId,
    batch: Vec<NewItem>,
) -> Result<Vec<Item>, StoreError> {
    let mut size = desk.conn.prepare_cached(
        "SELECT count(*), coalesce(sum(length(`key`) + coalesce(length(value), 0)), 0) \
         FROM items WHERE user = ?1",
    )?;
    let (mut count, mut bytes): (i64, i64) =
        size.query_row([sql(user.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut find = desk.conn.prepare_cached(
        "SELECT length(`key`) + coalesce(length(value), 0), CASE WHEN value IS NULL THEN 0 \
         ELSE version END FROM items WHERE user = ?1 AND `key` = ?2",
    )?;
    for new in &batch {
        let there = find
            .query_row(params![sql(user.0), new.key.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, num(row, 1)?))
            })
            .optional()?;
        if new.expected.is_some_and(|it| it.0 != there.map_or(0, |(_, version)| version)) {
            return Err(Refusal::VersionMismatch.into());
        }
        let length = new.key.as_str().len() + new.value.as_ref().map_or(0, |it| it.len());
        count += i64::from(there.is_none());
        bytes += i64::try_from(length).unwrap_or(MAX_BYTES) - there.map_or(0, |(size, _)| size);
        // What is removed, or grows no further, is taken from a full store too.
        if new.value.is_some() && (count > MAX_ITEMS || bytes > MAX_BYTES) {
            return Err(
                Refusal::TooLarge("a user has at most 2,000 items and 4 MiB in them").into()
            );
        }
    }
    let mut items = Vec::with_capacity(batch.len());
    for NewItem { key, value, .. } in batch {
        let version = touch(desk, user)?;
        let mut write = desk.conn.prepare_cached(
            "INSERT INTO items VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (user, `key`) DO UPDATE SET value = ?3, version = ?4",
        )?;
        write.execute(params![sql(user.0), key.as_str(), value.as_deref(), sql(version.0)])?;
        items.push(Item { key, value, version });
    }
    Ok(items)
}

impl Reader<'_> {
    fn items(&self, user: UserId, prefix: &str, listing: Listing) -> Result<ItemPage, StoreError> {
        let past = format!("{prefix}\u{10FFFF}");
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM items WHERE user = ?1 AND version > ?2 \
             AND (?3 OR value IS NOT NULL) AND `key` >= ?4 AND `key` <= ?5 ORDER BY version"
        ))?;
        let mut rows =
            query.query(params![sql(user.0), bound(listing.after), listing.gone, prefix, past])?;
        let limit = usize::from(listing.limit.clamp(1, MAX_PAGE));
        let (mut items, mut bytes, mut token) = (Vec::new(), 0, listing.after);
        while let Some(row) = &rows.next()? {
            if items.len() >= limit || (bytes > MAX_PAGE_BYTES && !items.is_empty()) {
                return Ok(ItemPage { items, token, more: true });
            }
            let item = item(row)?;
            bytes += item.key.as_str().len() + item.value.as_ref().map_or(0, |value| value.len());
            token = item.version;
            items.push(item);
        }
        Ok(ItemPage { items, token, more: false })
    }

    pub(super) fn item(&self, user: UserId, key: &str) -> Result<Option<Item>, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM items WHERE user = ?1 AND `key` = ?2"
        ))?;
        Ok(query.query_row(params![sql(user.0), key], item).optional()?)
    }
}

#[async_trait]
impl Items for Relational {
    async fn personal(&self, user: UserId) -> Result<SyncToken, StoreError> {
        let read = self.readers.call(move |reader| {
            let mut query =
                reader.conn.prepare_cached("SELECT personal FROM users WHERE id = ?1")?;
            let found = query.query_row([sql(user.0)], |row| num(row, 0)).optional()?;
            Ok(SyncToken(found.ok_or(Refusal::NoSuchUser)?))
        });
        read.await
    }

    async fn items(
        &self,
        user: UserId,
        prefix: &str,
        listing: Listing,
    ) -> Result<ItemPage, StoreError> {
        let prefix = prefix.to_owned();
        self.readers.call(move |reader| reader.items(user, &prefix, listing)).await
    }

    async fn item(&self, user: UserId, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        let key = key.clone();
        self.readers.call(move |reader| reader.item(user, key.as_str())).await
    }

    async fn put_items(&self, user: UserId, batch: Vec<NewItem>) -> Result<Vec<Item>, StoreError> {
        self.write(move |desk| put(desk, user, batch)).await
    }
}
