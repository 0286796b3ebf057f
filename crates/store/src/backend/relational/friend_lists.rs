//! Lists of friends and blocks, for reading.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{BlockPage, Blocked, Friend, Listing, Millis, Refusal, SyncToken, UserId};

use super::{
    convert::{num, sql},
    items::{MAX_PAGE, MAX_PAGE_BYTES, bound},
    reader::Reader,
};
use crate::port::{FriendRow, FriendRows, StoreError, Watcher};

/// The item that says who sees a user come and go.
const HIDES: &str = "EXISTS (SELECT 1 FROM items i WHERE i.user = f.friend \
                     AND i.`key` = 'privacy/presence' AND i.value = '\"nobody\"')";

fn friend_columns() -> String {
    format!(
        "f.friend, u.name, u.display_name, f.remark, f.lists, f.since, f.gone, f.version, \
         NOT {HIDES}, (SELECT max(seen) FROM devices d WHERE d.user = f.friend) \
         FROM friends f CROSS JOIN users u ON u.id = f.friend"
    )
}

fn friend(row: &Row<'_>) -> super::engine::Result<FriendRow> {
    // Written by us; a row that reads otherwise has no lists rather than no friend.
    let lists = serde_json::from_str(row.get_ref(4)?.as_str()?).unwrap_or_default();
    Ok(FriendRow {
        id: UserId(num(row, 0)?),
        shows: row.get(8)?,
        seen: Millis(row.get::<_, Option<i64>>(9)?.unwrap_or(0)),
        friend: Friend {
            user: anser_domain::UserName::trusted(row.get_ref(1)?.as_str()?),
            display_name: row.get(2)?,
            remark: row.get(3)?,
            lists,
            since: Millis(row.get(5)?),
            presence: None,
            gone: row.get(6)?,
            version: SyncToken(num(row, 7)?),
        },
    })
}

/// About how many bytes a row takes.
fn weight(friend: &Friend) -> usize {
    let lists: usize = friend.lists.iter().map(|list| list.len() + 4).sum();
    128 + friend.display_name.len() + friend.remark.len() + lists
}

impl Reader<'_> {
    pub(super) fn friends(&self, user: UserId, listing: Listing) -> Result<FriendRows, StoreError> {
        let limit = usize::from(listing.limit.clamp(1, MAX_PAGE));
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {} WHERE f.user = ?1 AND f.version > ?2 AND (?3 OR f.gone = 0) \
             ORDER BY f.version LIMIT ?4",
            friend_columns()
        ))?;
        let count = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let key = params![sql(user.0), bound(listing.after), listing.gone, count];
        let mut rows = query.query_map(key, friend)?.collect::<Result<Vec<_>, _>>()?;
        let mut bytes = 0;
        let fitting = rows.iter().take(limit).take_while(|row| {
            let fits = bytes <= MAX_PAGE_BYTES;
            bytes += weight(&row.friend);
            fits
        });
        let fitting = fitting.count();
        let more = rows.len() > fitting;
        rows.truncate(fitting);
        let token = rows.last().map_or(listing.after, |last| last.friend.version);
        Ok(FriendRows { rows, token, more })
    }

    pub(super) fn friend(&self, user: UserId, other: UserId) -> Result<FriendRow, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {} WHERE f.user = ?1 AND f.friend = ?2",
            friend_columns()
        ))?;
        let found = query.query_row([sql(user.0), sql(other.0)], friend).optional()?;
        Ok(found.ok_or(Refusal::NoSuch("friend"))?)
    }

    pub(super) fn watchers(
        &mut self,
        user: UserId,
        limit: u16,
    ) -> Result<(bool, Vec<Watcher>), StoreError> {
        let own = self.item(user, "privacy/presence")?;
        let shows = own.and_then(|it| it.value).as_deref() != Some("\"nobody\"");
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT f.friend, NOT {HIDES} FROM friends f WHERE f.user = ?1 AND f.gone = 0 LIMIT ?2"
        ))?;
        let mut rows = query.query([sql(user.0), i64::from(limit)])?;
        let mut watchers = Vec::new();
        while let Some(row) = &rows.next()? {
            let id = UserId(num(row, 0)?);
            watchers.push(Watcher { id, name: self.name(id)?, shows: row.get(1)? });
        }
        Ok((shows, watchers))
    }

    pub(super) fn blocks(
        &mut self,
        user: UserId,
        listing: Listing,
    ) -> Result<BlockPage, StoreError> {
        let limit = usize::from(listing.limit.clamp(1, MAX_PAGE));
        let mut query = self.conn.prepare_cached(
            "SELECT blocked, since, gone, version FROM blocks WHERE user = ?1 AND version > ?2 \
             AND (?3 OR gone = 0) ORDER BY version LIMIT ?4",
        )?;
        let count = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows =
            query.query(params![sql(user.0), bound(listing.after), listing.gone, count])?;
        let (mut blocks, mut token) = (Vec::new(), listing.after);
        while let Some(row) = &rows.next()? {
            if blocks.len() == limit {
                return Ok(BlockPage { blocks, token, more: true });
            }
            token = SyncToken(num(row, 3)?);
            blocks.push(Blocked {
                user: self.name(UserId(num(row, 0)?))?,
                since: Millis(row.get(1)?),
                gone: row.get(2)?,
                version: token,
            });
        }
        Ok(BlockPage { blocks, token, more: false })
    }
}
