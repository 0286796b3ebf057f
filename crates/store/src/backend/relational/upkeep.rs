//! The store's own housekeeping: signing keys, and forgetting what is past its horizon.

use super::engine::params;
use anser_domain::{DeviceId, Millis};
use rand::Rng;

use super::{
    admin::AUDIT_MS,
    anonymise,
    append::{HORIZON_MS, SKEW_MS},
    convert::{id_at, num, sql},
    desk::Desk,
    devices, door,
    follow::FACTS_MS,
    requests, reworded,
};
use crate::port::{SigningKey, StoreError};

const DAY_MS: i64 = 24 * 3_600_000;
/// Sessions that ended are followed within seconds; a process that slept for longer than this
/// starts anew.
const REVOCATIONS_MS: i64 = 7 * DAY_MS;
/// Exchanged refresh tokens are known as such for so long.
const SPENT_MS: i64 = 30 * DAY_MS;
/// Devices that neither signed in nor linked for so long are forgotten.
const IDLE_DEVICE_MS: i64 = 90 * DAY_MS;
/// So many rows are forgotten per call, so that writers do not wait long.
const SLICE: i64 = 2_000;
/// So many devices are forgotten per call, with all their cursors.
const DEVICE_SLICE: i64 = 20;

/// Signing keys, newest first.
pub(super) fn signing_keys(
    desk: &mut Desk<'_>,
    now: Millis,
    rotate_before: Millis,
    forget_before: Millis,
) -> Result<Vec<SigningKey>, StoreError> {
    let mut query = desk.conn.prepare_cached(
        "SELECT coalesce(max(created), ?1) < ?2 OR count(*) = 0 FROM signing_keys",
    )?;
    if query.query_row([now.0, rotate_before.0], |row| row.get(0))? {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        let mut insert = desk
            .conn
            .prepare_cached("INSERT INTO signing_keys (id, secret, created) VALUES (?3, ?1, ?2)")?;
        let key = desk.key();
        insert.execute(params![secret, now.0, key])?;
    }
    let mut newest = desk.conn.prepare_cached("SELECT max(id) FROM signing_keys")?;
    let newest: i64 = newest.query_row([], |row| row.get(0))?;
    let mut forget =
        desk.conn.prepare_cached("DELETE FROM signing_keys WHERE created < ?1 AND id <> ?2")?;
    forget.execute([forget_before.0, newest])?;
    let mut query = desk
        .conn
        .prepare_cached("SELECT id, secret, created FROM signing_keys ORDER BY id DESC")?;
    let rows = query.query_map([], |row| {
        Ok(SigningKey { id: num(row, 0)?, secret: row.get(1)?, created: Millis(row.get(2)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets a slice of what is past its horizon. Says whether more is left.
pub(super) fn prune(desk: &mut Desk<'_>, now: Millis) -> Result<bool, StoreError> {
    let keys = prune_keys(desk, now)?;
    let revocations = slice(
        desk,
        "DELETE FROM revocations WHERE number IN \
         (SELECT number FROM revocations WHERE at < ?1 ORDER BY number LIMIT ?2)",
        now.plus(-REVOCATIONS_MS),
    )?;
    let spent = slice(
        desk,
        "DELETE FROM refresh WHERE hash IN \
         (SELECT hash FROM refresh WHERE spent < ?1 LIMIT ?2)",
        now.plus(-SPENT_MS),
    )?;
    let facts = desk
        .conn
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE id < ?1 LIMIT ?2)",
        )?
        .execute([sql(id_at(now.plus(-FACTS_MS))), SLICE])?;
    let facts = facts.cast_signed() as i64 >= SLICE;
    let waiting = door::prune(desk, now, SLICE)?;
    let record = desk
        .conn
        .prepare_cached(
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < ?1 LIMIT ?2)",
        )?
        .execute([sql(id_at(now.plus(-AUDIT_MS))), SLICE])?;
    let facts = facts || record.cast_signed() as i64 >= SLICE;
    let devices = prune_devices(desk, now.plus(-IDLE_DEVICE_MS))?;
    let requests = requests::prune(desk, now)?;
    let keys = reworded::prune(desk, SLICE)? || keys;
    let scrubbing = anonymise::scrub(desk)?;
    Ok(scrubbing || waiting || keys || revocations || spent || facts || devices || requests)
}

fn slice(desk: &Desk<'_>, text: &str, before: Millis) -> Result<bool, StoreError> {
    let gone = desk.conn.prepare_cached(text)?.execute([before.0, SLICE])?;
    Ok(gone.cast_signed() as i64 >= SLICE)
}

/// Forgets dedupe keys, oldest message first. A key goes only when the time in its client id,
/// which may be ahead of the message's by the skew, is past the horizon too: from then on a
/// retry is refused for its age.
fn prune_keys(desk: &mut Desk<'_>, now: Millis) -> Result<bool, StoreError> {
    let before = id_at(now.plus(-HORIZON_MS - SKEW_MS));
    let mut query = desk.conn.prepare_cached(
        "SELECT id, cid, device, conv FROM msgs \
         WHERE id > (SELECT pruned_id FROM meta) AND id < ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut rows = query.query([sql(before), SLICE])?;
    let mut forget = desk
        .conn
        .prepare_cached("DELETE FROM dedupe WHERE cid = ?1 AND device = ?2 AND conv = ?3")?;
    let (mut seen, mut last) = (0, None);
    while let Some(row) = &rows.next()? {
        let (cid, device, conv): ([u8; 16], i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        forget.execute(params![cid, device, conv])?;
        last = Some(num(row, 0)?);
        seen += 1;
    }
    if let Some(last) = last {
        let mut save = desk.conn.prepare_cached("UPDATE meta SET pruned_id = ?1")?;
        save.execute([sql(last)])?;
    }
    Ok(seen >= SLICE)
}

fn prune_devices(desk: &Desk<'_>, before: Millis) -> Result<bool, StoreError> {
    let mut query = desk
        .conn
        .prepare_cached("SELECT id FROM devices WHERE seen < ?1 ORDER BY seen LIMIT ?2")?;
    let idle = query
        .query_map([before.0, DEVICE_SLICE], |row| num(row, 0).map(DeviceId))?
        .collect::<Result<Vec<_>, _>>()?;
    for device in &idle {
        devices::forget(desk, *device)?;
    }
    Ok(idle.len() as i64 >= DEVICE_SLICE)
}
