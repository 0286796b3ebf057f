//! What is a user's own beside conversations.

use anser_domain::{Refusal, SyncToken, UserId};
use async_trait::async_trait;
use rusqlite::OptionalExtension;

use super::{
    Sqlite,
    convert::{num, sql},
    desk::Desk,
};
use crate::port::{Items, StoreError};

/// Notes a change of something of the user's own, under an id that says when.
pub(super) fn touch(desk: &mut Desk<'_>, user: UserId) -> Result<SyncToken, StoreError> {
    let at = desk.next_id();
    let mut update = desk.conn.prepare_cached("UPDATE users SET personal = ?2 WHERE id = ?1")?;
    update.execute([sql(user.0), sql(at)])?;
    Ok(SyncToken(at))
}

#[async_trait]
impl Items for Sqlite {
    async fn personal(&self, user: UserId) -> Result<SyncToken, StoreError> {
        let read = self.readers.call(move |reader| {
            let mut query =
                reader.conn.prepare_cached("SELECT personal FROM users WHERE id = ?1")?;
            let found = query.query_row([sql(user.0)], |row| num(row, 0)).optional()?;
            Ok(SyncToken(found.ok_or(Refusal::NoSuchUser)?))
        });
        read.await
    }
}
