//! What it takes for several processes to write to one database.
//!
//! Each holds a **place**: a row of `writers`, with a number that stands in the low bits of every
//! id it gives away, and a **floor**: whatever it commits from now on has a higher id. A commit
//! raises the floor in its own transaction, and a process with nothing to write raises it a few
//! times a second. So the lowest floor is the stable watermark: nothing at or below it is still
//! open. A process that was not heard of for [`LEASE`] loses its place; its next commit sees that,
//! fails, and takes another one.

use super::{
    convert::{num, sql},
    engine::{Connection, Error, OptionalExtension, Result, params},
};
use crate::port::StoreError;

/// So many processes may write at a time.
const PLACES: u64 = 1 << PLACE_BITS;
/// Bits of an id that hold the place.
const PLACE_BITS: u32 = 8;
/// How long a place is kept for a process that is not heard of: longer than any of its
/// transactions may stand still.
const LEASE: i64 = 10_000;

/// The database's clock, in ms: the one clock that all of them share.
const NOW: &str = "CAST(unix_timestamp(now(3)) * 1000 AS SIGNED)";

/// A place, or none yet.
pub(super) struct Place {
    held: Option<Held>,
}

#[derive(Clone, Copy)]
struct Held {
    place: u64,
    /// Tells this holder from earlier ones of the same place.
    life: i64,
}

impl Place {
    pub(super) fn none() -> Self {
        Self { held: None }
    }

    /// Makes sure that there is a place, before a transaction begins. Answers the id that all ids
    /// given from now on have to be above, `id` or a later one.
    pub(super) fn hold(&mut self, conn: &Connection, id: u64) -> Result<u64> {
        if self.held.is_some() {
            return Ok(id);
        }
        conn.prepare_cached("BEGIN")?.execute([])?;
        let newest = lock(conn)?;
        bury(conn)?;
        let mut query = conn.prepare_cached("SELECT place FROM writers ORDER BY place")?;
        let taken = query.query_map([], |row| num(row, 0))?.collect::<Result<Vec<_>>>()?;
        let place = (0..PLACES).find(|place| !taken.contains(place)).ok_or(Error::NoRows)?;
        let held = Held { place, life: rand::random::<i64>() };
        // Nothing of ours may come below what was told to be stable.
        let floor = id.max(newest);
        let mut take = conn.prepare_cached(&format!(
            "INSERT INTO writers (place, life, floor, until) VALUES (?1, ?2, ?3, {NOW} + ?4)"
        ))?;
        take.execute(params![sql(place), held.life, sql(floor), LEASE])?;
        conn.prepare_cached("COMMIT")?.execute([])?;
        self.held = Some(held);
        Ok(floor)
    }

    /// The first of this place's ids that is not below `id`.
    pub(super) fn at_or_above(&self, id: u64) -> u64 {
        let place = self.held.map_or(0, |held| held.place);
        let ours = ((id >> PLACE_BITS) << PLACE_BITS) | place;
        if ours < id { ours + PLACES } else { ours }
    }

    /// Raises the floor, as part of the transaction that commits what is below it.
    pub(super) fn save(&mut self, conn: &Connection, floor: u64) -> Result<(), StoreError> {
        let Some(held) = self.held else { return Err(StoreError::Failed("no place".into())) };
        let mut update = conn.prepare_cached(&format!(
            "UPDATE writers SET floor = ?1, until = {NOW} + ?2 WHERE place = ?3 AND life = ?4"
        ))?;
        if update.execute(params![sql(floor), LEASE, sql(held.place), held.life])? == 0 {
            self.held = None;
            if let Some(conn) = conn.shared() {
                conn.note_passing();
            }
            return Err(StoreError::Failed(
                "this process was taken for gone; it begins anew".into(),
            ));
        }
        Ok(())
    }

    /// The floor on disk, once no transaction of ours is open any more, be it on another
    /// connection.
    pub(super) fn stored(&self, conn: &Connection) -> Result<u64> {
        let Some(held) = self.held else { return Ok(0) };
        let mut query = conn.prepare_cached(
            "SELECT floor FROM writers WHERE place = ?1 AND life = ?2 FOR UPDATE",
        )?;
        Ok(query
            .query_row([sql(held.place), held.life], |row| num(row, 0))
            .optional()?
            .unwrap_or(0))
    }

    /// Gives the place back.
    pub(super) fn leave(&mut self, conn: &Connection) {
        let Some(held) = self.held.take() else { return };
        let left = || -> Result<()> {
            conn.prepare_cached("BEGIN")?.execute([])?;
            lock(conn)?;
            remove(conn, held.place, held.life)?;
            conn.prepare_cached("COMMIT")?.execute([])?;
            Ok(())
        };
        if let Err(error) = left() {
            tracing::warn!(%error, "this process's place is kept until its lease ends");
        }
    }
}

/// Locks out whoever else asks for this lock, until the end of the transaction. Answers the newest
/// id that anybody has saved.
pub(super) fn lock(conn: &Connection) -> Result<u64> {
    let mut lock = conn.prepare_cached("SELECT last_id FROM meta WHERE one = 1 FOR UPDATE")?;
    let left = lock.query_row([], |row| num(row, 0))?;
    Ok(newest(conn)?.max(left))
}

/// How often a user's name has changed. The others look when they begin to write, or beat.
pub(super) fn renamed(conn: &Connection) -> Result<u64> {
    let mut query = conn.prepare_cached("SELECT renamed FROM meta WHERE one = 1")?;
    query.query_row([], |row| num(row, 0))
}

/// A name has changed in this transaction.
pub(super) fn rename(conn: &Connection) -> Result<()> {
    conn.prepare_cached("UPDATE meta SET renamed = renamed + 1 WHERE one = 1")?.execute([])?;
    Ok(())
}

/// The highest floor.
pub(super) fn newest(conn: &Connection) -> Result<u64> {
    let mut query = conn.prepare_cached("SELECT coalesce(max(floor), 0) FROM writers")?;
    query.query_row([], |row| num(row, 0))
}

/// Ends the places of those who were not heard of for too long. Waits for a transaction of theirs
/// that has got as far as its floor.
pub(super) fn bury(conn: &Connection) -> Result<()> {
    let mut query =
        conn.prepare_cached(&format!("SELECT place, life FROM writers WHERE until < {NOW}"))?;
    let gone = query.query_map([], |row| Ok((num(row, 0)?, row.get(1)?)))?;
    for (place, life) in gone.collect::<Result<Vec<(u64, i64)>>>()? {
        tracing::warn!(place, "a process that writes has not been heard of; its place is free");
        remove(conn, place, life)?;
    }
    Ok(())
}

/// Removes a place, and remembers its floor.
fn remove(conn: &Connection, place: u64, life: i64) -> Result<()> {
    let key = [sql(place), life];
    let mut find =
        conn.prepare_cached("SELECT floor FROM writers WHERE place = ?1 AND life = ?2 FOR UPDATE")?;
    let Some(floor) = find.query_row(key, |row| row.get::<_, i64>(0)).optional()? else {
        return Ok(());
    };
    conn.prepare_cached("DELETE FROM writers WHERE place = ?1 AND life = ?2")?.execute(key)?;
    let mut keep =
        conn.prepare_cached("UPDATE meta SET last_id = max(last_id, ?1) WHERE one = 1")?;
    keep.execute([floor])?;
    Ok(())
}

/// Everything at or below it is committed, and visible in this transaction. Where one process
/// writes, that is everything.
pub(super) fn watermark(conn: &Connection) -> Result<u64> {
    let text = match conn.shared() {
        None => "SELECT last_id FROM meta WHERE one = 1",
        Some(_) => {
            "SELECT coalesce((SELECT min(floor) FROM writers), last_id) FROM meta WHERE one = 1"
        }
    };
    conn.prepare_cached(text)?.query_row([], |row| num(row, 0))
}
