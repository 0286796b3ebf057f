//! Users: made, found, changed; never removed, since names are never reused.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{DeviceId, Refusal, UserId, UserName};

use super::{
    anonymise,
    convert::{num, role, role_number, sql},
    desk::Desk,
    directory,
    follow::tell,
    profiles, push,
    reader::Reader,
};
use crate::port::{FactKind, NewUserRow, ScramKeys, StoreError, UserChange, UserRow};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;

pub(super) const COLUMNS: &str = "id, name, display_name, role, disabled, credential_version, salt, \
                       iterations, stored_key, server_key";

pub(super) fn user(row: &Row<'_>) -> super::engine::Result<UserRow> {
    Ok(UserRow {
        id: UserId(num(row, 0)?),
        name: UserName::trusted(row.get_ref(1)?.as_str()?),
        display_name: row.get(2)?,
        role: role(row.get(3)?),
        disabled: row.get(4)?,
        credential_version: num(row, 5)?,
        keys: ScramKeys {
            salt: row.get(6)?,
            iterations: row.get(7)?,
            stored_key: row.get(8)?,
            server_key: row.get(9)?,
        },
    })
}

/// Makes users.
pub(super) fn create(
    desk: &mut Desk<'_>,
    batch: Vec<NewUserRow>,
) -> Result<Vec<Result<UserId, Refusal>>, StoreError> {
    let mut insert = desk.conn.prepare_cached(
        "INSERT OR IGNORE INTO users (id, name, display_name, role, disabled, credential_version, \
         salt, iterations, stored_key, server_key) VALUES (?8, ?1, ?2, ?3, 0, 1, ?4, ?5, ?6, ?7)",
    )?;
    let mut made = Vec::with_capacity(batch.len());
    for new in batch {
        if anonymise::retired(desk, &new.name)? {
            made.push(Err(Refusal::NameTaken));
            continue;
        }
        let key = desk.key();
        let fresh = insert.execute(params![
            new.name.as_str(),
            &*new.display_name,
            role_number(new.role),
            new.keys.salt,
            new.keys.iterations,
            new.keys.stored_key,
            new.keys.server_key,
            key,
        ])?;
        made.push(match fresh {
            0 => Err(Refusal::NameTaken),
            _ => {
                let id = UserId(desk.made(key));
                directory::index(desk.conn, id, new.name.as_str(), &new.display_name)?;
                tell(desk, FactKind::UserCreated, &new.name, "{}")?;
                Ok(id)
            }
        });
    }
    Ok(made)
}

/// Changes a user.
pub(super) fn change(
    desk: &mut Desk<'_>,
    user: UserId,
    change: UserChange,
) -> Result<(), StoreError> {
    let mut query = desk.conn.prepare_cached("SELECT disabled, name FROM users WHERE id = ?1")?;
    let found = query.query_row([sql(user.0)], |row| {
        Ok((row.get(0)?, UserName::trusted(row.get_ref(1)?.as_str()?)))
    });
    let (disabled, name): (bool, _) = found.optional()?.ok_or(Refusal::NoSuchUser)?;
    match change {
        UserChange::Keys { keys, keep, checked } => {
            if checked.is_some() {
                still_valid(desk, user, checked)?;
            }
            let mut update = desk.conn.prepare_cached(
                "UPDATE users SET salt = ?2, iterations = ?3, stored_key = ?4, server_key = ?5, \
                 credential_version = credential_version + 1 WHERE id = ?1",
            )?;
            update.execute(params![
                sql(user.0),
                keys.salt,
                keys.iterations,
                keys.stored_key,
                keys.server_key
            ])?;
            tell(desk, FactKind::PasswordChanged, &name, "{}")?;
            end_sessions(desk, user, keep, false)
        }
        UserChange::Disabled(true) if !disabled => {
            let mut update = desk.conn.prepare_cached(
                "UPDATE users SET disabled = 1, credential_version = credential_version + 1 \
                 WHERE id = ?1",
            )?;
            update.execute([sql(user.0)])?;
            desk.forget_person(user);
            tell(desk, FactKind::UserDisabled, &name, "{}")?;
            end_sessions(desk, user, None, true)
        }
        UserChange::Disabled(false) if disabled => {
            let mut update =
                desk.conn.prepare_cached("UPDATE users SET disabled = 0 WHERE id = ?1")?;
            update.execute([sql(user.0)])?;
            desk.forget_person(user);
            desk.conn.prepare_cached("DELETE FROM bans WHERE user = ?1")?.execute([sql(user.0)])?;
            tell(desk, FactKind::UserEnabled, &name, "{}")
        }
        UserChange::Disabled(_) => Ok(()),
        UserChange::DisplayName(display) => {
            profiles::rename(desk, user, &display)?;
            profiles::reface(desk, user)?;
            tell(desk, FactKind::UserChanged, &name, "{}")
        }
    }
}

/// Whether the user may begin something on a credential of version `checked`.
pub(super) fn still_valid(
    desk: &Desk<'_>,
    user: UserId,
    checked: Option<u64>,
) -> Result<(), StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT disabled, credential_version FROM users WHERE id = ?1")?;
    let found = query
        .query_row([sql(user.0)], |row| Ok((row.get::<_, bool>(0)?, num(row, 1)?)))
        .optional()?;
    match found {
        None => Err(Refusal::NoSuchUser.into()),
        Some((true, _)) => Err(Refusal::Disabled.into()),
        Some((_, version)) if checked.is_some_and(|checked| checked != version) => {
            Err(Refusal::BadCredentials.into())
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn end_sessions(
    desk: &mut Desk<'_>,
    user: UserId,
    keep: Option<DeviceId>,
    disabled: bool,
) -> Result<(), StoreError> {
    let keep = keep.map(|device| sql(device.0));
    let mut update = desk.conn.prepare_cached(
        "UPDATE devices SET session = 0 WHERE user = ?1 AND (?2 IS NULL OR id <> ?2)",
    )?;
    update.execute(params![sql(user.0), keep])?;
    push::forget_but(desk, user, keep)?;
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO revocations (number, user, device, keep, disabled, at) \
         VALUES (?5, ?1, NULL, ?2, ?3, ?4)",
    )?;
    let number = desk.key();
    insert.execute(params![sql(user.0), keep, disabled, desk.now.0, number])?;
    Ok(())
}

impl Reader<'_> {
    pub(super) fn user(&self, name: &UserName) -> Result<Option<UserRow>, StoreError> {
        let mut query =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE name = ?1"))?;
        Ok(query.query_row([name.as_str()], user).optional()?)
    }

    pub(super) fn users(
        &self,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<UserRow>, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM users WHERE name > ?1 ORDER BY name LIMIT ?2"
        ))?;
        let after = after.map_or("", UserName::as_str);
        let rows = query.query_map(params![after, limit.clamp(1, MAX_PAGE)], user)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
