//! Devices: their sessions, their epochs, and the list of sessions that were ended.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{DeviceId, DeviceName, Epoch, Millis, Refusal, UserId, UserName};

use super::{
    convert::{num, opt, role, sql},
    desk::Desk,
    push,
    reader::Reader,
    users,
};
use crate::port::{Device, DeviceSession, NewDevice, Revocation, StoreError};

/// A user's devices with a session; enough for a person, too few to fill a disk with.
const MAX_DEVICES: u64 = 100;
/// Revocations per call.
const MAX_REVOCATIONS: i64 = 10_000;

const COLUMNS: &str = "devices.id, devices.user, devices.name, devices.epoch, devices.session, \
     devices.created, devices.seen";

fn device(row: &Row<'_>) -> super::engine::Result<Device> {
    Ok(Device {
        id: DeviceId(num(row, 0)?),
        user: UserId(num(row, 1)?),
        name: DeviceName::trusted(row.get_ref(2)?.as_str()?),
        epoch: Epoch(num(row, 3)?),
        session: num(row, 4)?,
        created: Millis(row.get(5)?),
        seen: Millis(row.get(6)?),
    })
}

fn device_session(row: &Row<'_>) -> super::engine::Result<DeviceSession> {
    Ok(DeviceSession {
        device: device(row)?,
        user_name: UserName::trusted(row.get_ref(7)?.as_str()?),
        role: role(row.get(8)?),
        disabled: row.get(9)?,
        credential_version: num(row, 10)?,
    })
}

fn find(
    conn: &super::engine::Connection,
    id: DeviceId,
) -> Result<Option<DeviceSession>, StoreError> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, u.name, u.role, u.disabled, u.credential_version \
         FROM devices CROSS JOIN users u ON u.id = devices.user WHERE devices.id = ?1"
    ))?;
    Ok(query.query_row([sql(id.0)], device_session).optional()?)
}

/// A device without its user.
fn alone(desk: &Desk<'_>, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let mut query =
        desk.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM devices WHERE id = ?1"))?;
    Ok(query.query_row([sql(id.0)], device).optional()?)
}

/// Begins a session.
pub(super) fn sign_in(desk: &mut Desk<'_>, new: NewDevice) -> Result<Device, StoreError> {
    // Hashing takes its time: the password may have been changed, or the user shut out, since
    // it was looked up.
    users::still_valid(desk, new.user, new.checked)?;
    let mut query =
        desk.conn.prepare_cached("SELECT id FROM devices WHERE user = ?1 AND name = ?2")?;
    let key = params![sql(new.user.0), new.name.as_str()];
    let id = match query.query_row(key, |row| num(row, 0)).optional()? {
        Some(id) => id,
        None => make(desk, &new)?,
    };
    let mut update = desk.conn.prepare_cached(
        "UPDATE devices SET session = last_session + 1, last_session = last_session + 1, \
         seen = ?2 WHERE id = ?1",
    )?;
    update.execute([sql(id), new.now.0])?;
    let device = alone(desk, DeviceId(id))?.ok_or(Refusal::NoSuchUser)?;
    push::forget(desk, device.id)?;
    // The session before this one is remembered, so that its client is told it has ended.
    let mut forget =
        desk.conn.prepare_cached("DELETE FROM refresh WHERE device = ?1 AND session < ?2 - 1")?;
    forget.execute([sql(id), sql(device.session)])?;
    let mut insert = desk
        .conn
        .prepare_cached("INSERT INTO refresh (hash, device, session) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![new.refresh_hash, sql(id), sql(device.session)])?;
    Ok(device)
}

fn make(desk: &mut Desk<'_>, new: &NewDevice) -> Result<u64, StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT count(*), coalesce(sum(session <> 0), 0) FROM devices WHERE user = ?1",
    )?;
    let (all, live) = query.query_row([sql(new.user.0)], |row| Ok((num(row, 0)?, num(row, 1)?)))?;
    if live >= MAX_DEVICES {
        return Err(Refusal::TooLarge("a user has at most 100 devices signed in").into());
    }
    if all >= MAX_DEVICES {
        let mut oldest = desk.conn.prepare_cached(
            "SELECT id FROM devices WHERE user = ?1 AND session = 0 ORDER BY seen LIMIT 1",
        )?;
        let oldest = oldest.query_row([sql(new.user.0)], |row| num(row, 0))?;
        forget(desk, DeviceId(oldest))?;
    }
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO devices (id, user, name, epoch, session, last_session, created, seen) \
         VALUES (?4, ?1, ?2, 0, 0, 0, ?3, ?3)",
    )?;
    let key = desk.key();
    insert.execute(params![sql(new.user.0), new.name.as_str(), new.now.0, key])?;
    let id = desk.made(key);
    // A new device starts at the heads and pages back.
    let mut cursors = desk.conn.prepare_cached(
        "INSERT INTO cursors (device, conv, seq) \
         SELECT ?1, m.conv, coalesce(m.until_seq, h.last_seq) \
         FROM members m CROSS JOIN heads h ON h.conv = m.conv WHERE m.user = ?2",
    )?;
    cursors.execute([sql(id), sql(new.user.0)])?;
    Ok(id)
}

/// Forgets a device and everything of it.
pub(super) fn forget(desk: &Desk<'_>, device: DeviceId) -> Result<(), StoreError> {
    push::forget(desk, device)?;
    for text in [
        "DELETE FROM refresh WHERE device = ?1",
        "DELETE FROM cursors WHERE device = ?1",
        "DELETE FROM devices WHERE id = ?1",
    ] {
        desk.conn.prepare_cached(text)?.execute([sql(device.0)])?;
    }
    Ok(())
}

/// Exchanges a refresh token. The refusal inside stands beside effects that are to last.
pub(super) fn refresh(
    desk: &mut Desk<'_>,
    old: [u8; 32],
    new: [u8; 32],
) -> Result<Result<DeviceSession, Refusal>, StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT device, session, spent FROM refresh WHERE hash = ?1")?;
    let found = query
        .query_row([old], |row| Ok((DeviceId(num(row, 0)?), num(row, 1)?, opt(row, 2)?)))
        .optional()?;
    let (id, session, spent) = found.ok_or(Refusal::BadCredentials)?;
    let Some(found) = find(desk.conn, id)? else { return Err(Refusal::BadCredentials.into()) };
    if found.device.session != session {
        return Err(Refusal::Revoked.into());
    }
    if spent.is_some() {
        end(desk, found.device.user, id)?;
        return Ok(Err(Refusal::Revoked));
    }
    let mut spend = desk.conn.prepare_cached("UPDATE refresh SET spent = ?2 WHERE hash = ?1")?;
    spend.execute(params![old, desk.now.0])?;
    let mut insert = desk
        .conn
        .prepare_cached("INSERT INTO refresh (hash, device, session) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![new, sql(id.0), sql(session)])?;
    Ok(Ok(found))
}

fn end(desk: &mut Desk<'_>, user: UserId, device: DeviceId) -> Result<(), StoreError> {
    let mut update = desk.conn.prepare_cached("UPDATE devices SET session = 0 WHERE id = ?1")?;
    update.execute([sql(device.0)])?;
    push::forget(desk, device)?;
    let mut insert = desk.conn.prepare_cached(
        "INSERT INTO revocations (number, user, device, keep, disabled, at) \
         VALUES (?4, ?1, ?2, NULL, 0, ?3)",
    )?;
    let number = desk.key();
    insert.execute(params![sql(user.0), sql(device.0), desk.now.0, number])?;
    Ok(())
}

/// Ends a device's session.
pub(super) fn end_named(
    desk: &mut Desk<'_>,
    user: UserId,
    name: &DeviceName,
) -> Result<DeviceId, StoreError> {
    let mut query =
        desk.conn.prepare_cached("SELECT id FROM devices WHERE user = ?1 AND name = ?2")?;
    let found =
        query.query_row(params![sql(user.0), name.as_str()], |row| num(row, 0)).optional()?;
    let device = DeviceId(found.ok_or(Refusal::NoSuchUser)?);
    end(desk, user, device)?;
    Ok(device)
}

/// Raises epochs.
pub(super) fn raise_epochs(
    desk: &mut Desk<'_>,
    batch: Vec<DeviceId>,
    now: Millis,
) -> Result<Vec<Device>, StoreError> {
    let mut update = desk.conn.prepare_cached(
        "UPDATE devices SET epoch = epoch + 1, seen = max(seen, ?2) WHERE id = ?1",
    )?;
    let gone = |id| Device {
        id,
        user: UserId::default(),
        name: DeviceName::trusted(""),
        epoch: Epoch::default(),
        session: 0,
        created: now,
        seen: now,
    };
    batch
        .into_iter()
        .map(|id| {
            update.execute([sql(id.0), now.0])?;
            let raised = alone(desk, id)?;
            Ok(raised.unwrap_or_else(|| gone(id)))
        })
        .collect()
}

impl Reader<'_> {
    pub(super) fn device(&self, id: DeviceId) -> Result<Option<DeviceSession>, StoreError> {
        find(self.conn, id)
    }

    pub(super) fn devices(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM devices WHERE user = ?1 ORDER BY name"
        ))?;
        let rows = query.query_map([sql(user.0)], device)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn revocations(&self, after: u64) -> Result<Vec<Revocation>, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT number, user, device, keep, disabled FROM revocations \
             WHERE number > ?1 AND number <= ?3 ORDER BY number LIMIT ?2",
        )?;
        let after = sql(after.min(i64::MAX.cast_unsigned()));
        let rows = query.query_map([after, MAX_REVOCATIONS, self.settled()?], |row| {
            Ok(Revocation {
                number: num(row, 0)?,
                user: UserId(num(row, 1)?),
                device: opt(row, 2)?.map(DeviceId),
                keep: opt(row, 3)?.map(DeviceId),
                disabled: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
