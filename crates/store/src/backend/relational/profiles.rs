//! Profiles as they change: the row that each friend has of a user changes with them.

use super::engine::{Value, params};
use anser_domain::{Refusal, SyncToken, UserId};
use async_trait::async_trait;

use super::{
    Relational,
    convert::{num, sql},
    desk::Desk,
    directory,
    follow::tell,
    items::{self, touch},
    many::{AT_ONCE, fill, filled},
};
use crate::port::{FactKind, NewItem, Profiles, Refaced, StoreError};

/// Gives a user another name to be read.
pub(super) fn rename(desk: &Desk<'_>, user: UserId, display: &str) -> Result<(), StoreError> {
    directory::reindex(desk.conn, user, display)?;
    let mut update =
        desk.conn.prepare_cached("UPDATE users SET display_name = ?2 WHERE id = ?1")?;
    update.execute(params![sql(user.0), display])?;
    Ok(())
}

/// Makes what a user has changed about themselves the newest of what is theirs, and of what each
/// of their friends has. Friends are at most 5,000, so this is some 160 statements at most.
pub(super) fn reface(desk: &mut Desk<'_>, user: UserId) -> Result<Refaced, StoreError> {
    let at = touch(desk, user)?;
    let mut query =
        desk.conn.prepare_cached("SELECT friend FROM friends WHERE user = ?1 AND gone = 0")?;
    let friends: Vec<UserId> =
        query.query_map([sql(user.0)], |row| num(row, 0).map(UserId))?.collect::<Result<_, _>>()?;
    for some in friends.chunks(AT_ONCE) {
        let rows = "UPDATE friends SET version = ?1 WHERE friend = ?2 AND gone = 0 AND user";
        write(desk, rows, vec![sql(at.0).into(), sql(user.0).into()], some)?;
        write(desk, "UPDATE users SET personal = ?1 WHERE id", vec![sql(at.0).into()], some)?;
    }
    Ok(Refaced { at, friends })
}

/// Does something to the rows of these users.
fn write(
    desk: &Desk<'_>,
    what: &str,
    mut values: Vec<Value>,
    of: &[UserId],
) -> Result<(), StoreError> {
    let first = values.len() + 1;
    let places: Vec<String> =
        (first..first + filled(of.len())).map(|at| format!("?{at}")).collect();
    values.extend(fill(of).map(|user| Value::Integer(sql(user.0))));
    desk.conn.prepare_cached(&format!("{what} IN ({})", places.join(", ")))?.execute(values)?;
    Ok(())
}

fn edit(
    desk: &mut Desk<'_>,
    user: UserId,
    name: Option<&str>,
    batch: Vec<NewItem>,
) -> Result<Refaced, StoreError> {
    let person = desk.person(user)?.ok_or(Refusal::NoSuchUser)?;
    if name.is_none() && batch.is_empty() {
        let mut query = desk.conn.prepare_cached("SELECT personal FROM users WHERE id = ?1")?;
        let at = SyncToken(query.query_row([sql(user.0)], |row| num(row, 0))?);
        return Ok(Refaced { at, friends: Vec::new() });
    }
    items::put(desk, user, batch)?;
    if let Some(name) = name {
        rename(desk, user, name)?;
    }
    tell(desk, FactKind::UserChanged, &person.name, "{}")?;
    reface(desk, user)
}

#[async_trait]
impl Profiles for Relational {
    async fn edit_profile(
        &self,
        user: UserId,
        name: Option<Box<str>>,
        items: Vec<NewItem>,
    ) -> Result<Refaced, StoreError> {
        self.write(move |desk| edit(desk, user, name.as_deref(), items)).await
    }
}
