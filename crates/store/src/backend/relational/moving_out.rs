//! An export, part by part: users, what is between them, groups, members, entries. Each stage is
//! read in the order of a key, behind the place that the part before has named.

use anser_domain::{ClientId, GroupName, ItemKey, Millis, Seq, UserName};

use super::{
    convert::{group_role, num, opt, sql},
    engine::{OptionalExtension, Row, params},
    extra::Extra,
    reader::Reader,
    users,
};
use crate::port::{EntryRecord, GroupRecord, MovingPlace, Place, Record, StoreError, UserRecord};

/// The longest part, whatever was asked for.
const MAX_PART: u16 = 500;
/// A part of long records ends when it has grown to this: with one more it still fits a frame.
const MAX_PART_BYTES: usize = 96 << 10;

const USERS: u8 = 0;
const ITEMS: u8 = 1;
const FRIENDS: u8 = 2;
const BLOCKS: u8 = 3;
const GROUPS: u8 = 4;
const MEMBERS: u8 = 5;
const ENTRIES: u8 = 6;

/// Records with the place of each.
type Found = Vec<(Record, [u64; 2])>;

fn user_name(row: &Row<'_>, column: usize) -> super::engine::Result<UserName> {
    Ok(UserName::trusted(row.get_ref(column)?.as_str()?))
}

fn group_name(row: &Row<'_>, column: usize) -> super::engine::Result<GroupName> {
    Ok(GroupName::trusted(row.get_ref(column)?.as_str()?))
}

impl Reader<'_> {
    pub(super) fn export(
        &mut self,
        from: MovingPlace,
        limit: u16,
    ) -> Result<(Vec<Record>, Option<MovingPlace>), StoreError> {
        let limit = limit.clamp(1, MAX_PART);
        let [a, b] = from.after.map(|it| it.min(i64::MAX.cast_unsigned()));
        let found = match from.stage {
            USERS => self.export_users(a, limit)?,
            ITEMS => self.export_items(a, b, limit)?,
            FRIENDS => self.export_friends(a, b, limit)?,
            BLOCKS => self.export_blocks(a, b, limit)?,
            GROUPS => self.export_groups(a, limit)?,
            MEMBERS => self.export_members(a, b, limit)?,
            ENTRIES => return self.export_entries(a, b, limit),
            _ => return Ok((Vec::new(), None)),
        };
        let next = match found.last() {
            Some(last) => MovingPlace { after: last.1, ..from },
            None => MovingPlace { stage: from.stage + 1, after: [0, 0] },
        };
        Ok((found.into_iter().map(|it| it.0).collect(), Some(next)))
    }

    /// Reads one stage: `read` makes a record, its place, and about how long it is.
    fn rows(
        &self,
        text: &str,
        (a, b, limit): (u64, u64, u16),
        read: impl Fn(&Row<'_>) -> Result<(Record, [u64; 2], usize), StoreError>,
    ) -> Result<Found, StoreError> {
        let mut query = self.conn.prepare_cached(text)?;
        let mut rows = query.query([sql(a), sql(b), i64::from(limit)])?;
        let (mut found, mut bytes) = (Found::new(), 0);
        while let Some(row) = &rows.next()? {
            let (record, place, length) = read(row)?;
            found.push((record, place));
            bytes += length;
            if bytes >= MAX_PART_BYTES {
                break;
            }
        }
        Ok(found)
    }

    fn export_users(&self, after: u64, limit: u16) -> Result<Found, StoreError> {
        let text = format!(
            "SELECT {} FROM users WHERE id > ?1 AND ?2 = 0 ORDER BY id LIMIT ?3",
            users::COLUMNS
        );
        self.rows(&text, (after, 0, limit), |row| {
            let user = users::user(row)?;
            let place = [user.id.0, 0];
            let record = UserRecord {
                name: user.name,
                display_name: user.display_name,
                role: user.role,
                disabled: user.disabled,
                keys: user.keys,
            };
            Ok((Record::User(record), place, 500))
        })
    }

    fn export_items(&self, user: u64, version: u64, limit: u16) -> Result<Found, StoreError> {
        let text = "SELECT u.name, i.`key`, i.value, i.user, i.version FROM items i \
                    JOIN users u ON u.id = i.user WHERE i.user >= ?1 \
                    AND (i.user > ?1 OR i.version > ?2) AND i.value IS NOT NULL \
                    ORDER BY i.user, i.version LIMIT ?3";
        self.rows(text, (user, version, limit), |row| {
            let value: Box<str> = row.get(2)?;
            let (place, length) = ([num(row, 3)?, num(row, 4)?], value.len());
            let key = ItemKey::trusted(&row.get::<_, String>(1)?);
            Ok((Record::Item { user: user_name(row, 0)?, key, value }, place, length))
        })
    }

    fn export_friends(&self, user: u64, version: u64, limit: u16) -> Result<Found, StoreError> {
        let text = "SELECT u.name, o.name, f.remark, f.lists, f.since, f.user, f.version \
                    FROM friends f JOIN users u ON u.id = f.user JOIN users o ON o.id = f.friend \
                    WHERE f.user >= ?1 AND (f.user > ?1 OR f.version > ?2) AND f.gone = 0 \
                    ORDER BY f.user, f.version LIMIT ?3";
        self.rows(text, (user, version, limit), |row| {
            let lists: Box<str> = row.get(3)?;
            let record = Record::Friend {
                user: user_name(row, 0)?,
                friend: user_name(row, 1)?,
                remark: row.get(2)?,
                lists: serde_json::from_str(&lists)
                    .map_err(|error| StoreError::Failed(error.to_string()))?,
                since: Millis(row.get(4)?),
            };
            Ok((record, [num(row, 5)?, num(row, 6)?], 200 + lists.len()))
        })
    }

    fn export_blocks(&self, user: u64, version: u64, limit: u16) -> Result<Found, StoreError> {
        let text = "SELECT u.name, o.name, b.since, b.user, b.version \
                    FROM blocks b JOIN users u ON u.id = b.user JOIN users o ON o.id = b.blocked \
                    WHERE b.user >= ?1 AND (b.user > ?1 OR b.version > ?2) AND b.gone = 0 \
                    ORDER BY b.user, b.version LIMIT ?3";
        self.rows(text, (user, version, limit), |row| {
            let (user, blocked) = (user_name(row, 0)?, user_name(row, 1)?);
            let since = Millis(row.get(2)?);
            Ok((Record::Block { user, blocked, since }, [num(row, 3)?, num(row, 4)?], 100))
        })
    }

    /// Groups that someone is in: of others nothing is left but what those who were in them see.
    fn export_groups(&self, after: u64, limit: u16) -> Result<Found, StoreError> {
        let text = "SELECT g.name, g.title, g.description, g.avatar, g.announcement, g.policy, \
                    u.name, g.created, m.from_seq, g.conv FROM `groups` g \
                    JOIN members m ON m.conv = g.conv AND m.until_seq IS NULL AND m.role = 3 \
                    JOIN users u ON u.id = m.user \
                    WHERE g.conv > ?1 AND ?2 = 0 ORDER BY g.conv LIMIT ?3";
        self.rows(text, (after, 0, limit), |row| {
            let record = GroupRecord {
                name: group_name(row, 0)?,
                title: row.get(1)?,
                description: row.get(2)?,
                avatar: row.get(3)?,
                announcement: row.get(4)?,
                policy: u16::try_from(row.get::<_, i64>(5)?).ok(),
                owner: user_name(row, 6)?,
                created: Millis(row.get(7)?),
                from: Seq(num(row, 8)?),
            };
            let length = 500 + record.description.len() + record.announcement.len();
            Ok((Record::Group(record), [num(row, 9)?, 0], length))
        })
    }

    fn export_members(&self, conv: u64, user: u64, limit: u16) -> Result<Found, StoreError> {
        let text = "SELECT g.name, u.name, m.role, m.from_seq, m.conv, m.user FROM members m \
                    JOIN `groups` g ON g.conv = m.conv JOIN users u ON u.id = m.user \
                    WHERE m.conv >= ?1 AND (m.conv > ?1 OR m.user > ?2) \
                    AND m.until_seq IS NULL AND m.role < 3 ORDER BY m.conv, m.user LIMIT ?3";
        self.rows(text, (conv, user, limit), |row| {
            let record = Record::Member {
                group: group_name(row, 0)?,
                user: user_name(row, 1)?,
                role: group_role(row.get(2)?),
                from: Seq(num(row, 3)?),
            };
            Ok((record, [num(row, 4)?, num(row, 5)?], 100))
        })
    }

    /// Entries of one conversation, and of the next ones while there is room.
    fn export_entries(
        &self,
        mut conv: u64,
        mut seq: u64,
        limit: u16,
    ) -> Result<(Vec<Record>, Option<MovingPlace>), StoreError> {
        let mut all = Vec::new();
        loop {
            if let Some(place) = self.place_of(conv)? {
                let room = limit.saturating_sub(u16::try_from(all.len()).unwrap_or(limit));
                let found = self.entries_of(conv, seq, room, &place)?;
                if let Some(last) = found.last() {
                    let after = last.1;
                    all.extend(found.into_iter().map(|it| it.0));
                    return Ok((all, Some(MovingPlace { stage: ENTRIES, after })));
                }
            }
            let mut next =
                self.conn.prepare_cached("SELECT min(conv) FROM heads WHERE conv > ?1")?;
            match next.query_row([sql(conv)], |row| opt(row, 0))? {
                Some(next) => (conv, seq) = (next, 0),
                None => return Ok((all, None)),
            }
        }
    }

    /// How a conversation is named; `None` for those that do not move.
    fn place_of(&self, conv: u64) -> Result<Option<Place>, StoreError> {
        let mut named =
            self.conn.prepare_cached("SELECT name, size FROM `groups` WHERE conv = ?1")?;
        let group = named
            .query_row([sql(conv)], |row| Ok((group_name(row, 0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        if let Some((name, size)) = group {
            return Ok((size > 0).then_some(Place::Group(name)));
        }
        let mut sides = self.conn.prepare_cached(
            "SELECT u.name, p.name FROM members m JOIN users u ON u.id = m.user \
             JOIN users p ON p.id = m.peer WHERE m.conv = ?1 ORDER BY m.user LIMIT 1",
        )?;
        let sides =
            sides.query_row([sql(conv)], |row| Ok((user_name(row, 0)?, user_name(row, 1)?)));
        Ok(sides.optional()?.map(|(one, other)| Place::Direct(one, other)))
    }

    fn entries_of(
        &self,
        conv: u64,
        seq: u64,
        limit: u16,
        place: &Place,
    ) -> Result<Found, StoreError> {
        let text = "SELECT m.seq, u.name, m.id, m.cid, m.kind, m.body, m.reply_to, m.mentions, \
                    m.protocol, m.payload, m.extra FROM msgs m JOIN users u ON u.id = m.user \
                    WHERE m.conv = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3";
        let mut found = self.rows(text, (conv, seq, limit), |row| {
            let mentions: Option<String> = row.get(7)?;
            let payload = match row.get::<_, Option<i64>>(8)? {
                Some(protocol) => Some((u8::try_from(protocol).unwrap_or(0), row.get(9)?)),
                None => None,
            };
            let record = EntryRecord {
                place: place.clone(),
                seq: Some(Seq(num(row, 0)?)),
                from: user_name(row, 1)?,
                at: super::convert::time_of(num(row, 2)?),
                client_id: ClientId(row.get(3)?),
                kind: row.get(4)?,
                body: row.get(5)?,
                reply_to: opt(row, 6)?.map(Seq),
                mentions: mentions
                    .map(|all| all.split(' ').map(UserName::trusted).collect())
                    .unwrap_or_default(),
                payload,
                extra: row.get(10)?,
                reactions: Vec::new(),
                pinned: None,
            };
            let bytes = record.payload.as_ref().map_or(0, |it| it.1.len());
            let length = 300 + record.body.len() + bytes;
            let place = [conv, num(row, 0)?];
            Ok((Record::Entry(Box::new(record)), place, length))
        })?;
        for (record, _) in &mut found {
            if let Record::Entry(entry) = record {
                self.beside(conv, entry)?;
            }
        }
        Ok(found)
    }

    /// Fills in what stands in other rows, for the few entries that have any.
    fn beside(&self, conv: u64, entry: &mut EntryRecord) -> Result<(), StoreError> {
        let (Some(extra), Some(seq)) = (&entry.extra, entry.seq) else { return Ok(()) };
        let extra = Extra::parse(extra)?;
        if !extra.reactions.is_empty() {
            let mut query = self.conn.prepare_cached(
                "SELECT r.reaction, u.name, r.entry FROM reactions r JOIN users u ON u.id = r.user \
                 WHERE r.conv = ?1 AND r.seq = ?2 ORDER BY r.entry",
            )?;
            let rows = query.query_map(params![sql(conv), sql(seq.0)], |row| {
                Ok((row.get(0)?, user_name(row, 1)?, Seq(num(row, 2)?)))
            })?;
            entry.reactions = rows.collect::<Result<_, _>>()?;
        }
        if extra.pinned {
            let mut query =
                self.conn.prepare_cached("SELECT entry FROM pins WHERE conv = ?1 AND seq = ?2")?;
            let by = query.query_row(params![sql(conv), sql(seq.0)], |row| num(row, 0));
            entry.pinned = by.optional()?.map(Seq);
        }
        Ok(())
    }
}
