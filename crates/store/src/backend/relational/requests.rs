//! Friend requests.

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{
    FriendRequest, Listing, Millis, Refusal, RequestId, RequestPage, RequestState, Subject,
    SyncToken, UserId, UserName,
};

use super::{
    convert::{id_at, num, sql, time_of},
    desk::Desk,
    friends::{are_friends, blocks, found, join, named, room_for_friend, tell_of},
    items::{MAX_PAGE, bound, touch, touch_at},
    reader::Reader,
};
use crate::port::{Asked, FactKind, StoreError, Told};

/// Most requests of one user that wait for answers.
const MAX_PENDING: i64 = 200;
/// Most requests that one user makes in a day, whatever became of them.
const MAX_A_DAY: i64 = 100;
const DAY_MS: i64 = 24 * 3_600_000;
/// A request that nobody has answered for so long is over.
pub(super) const EXPIRY_MS: i64 = 30 * DAY_MS;
/// What became of requests is remembered for so long.
const KEPT_MS: i64 = 90 * DAY_MS;
/// So many requests expire, or are forgotten, per call.
const SLICE: i64 = 200;

const STATES: [(RequestState, i64); 5] = [
    (RequestState::Pending, 1),
    (RequestState::Accepted, 2),
    (RequestState::Declined, 3),
    (RequestState::Withdrawn, 4),
    (RequestState::Expired, 5),
];

fn state_number(state: RequestState) -> i64 {
    STATES.iter().find(|row| row.0 == state).map_or(0, |row| row.1)
}

fn state(number: i64) -> RequestState {
    STATES.iter().find(|row| row.1 == number).map_or(RequestState::Expired, |row| row.0)
}

/// A request's row.
struct Wish {
    id: u64,
    asker: UserId,
    asked: UserId,
    message: Box<str>,
    state: RequestState,
    version: u64,
}

const COLUMNS: &str = "id, asker, asked, message, state, version";

fn wish(row: &Row<'_>) -> super::engine::Result<Wish> {
    Ok(Wish {
        id: num(row, 0)?,
        asker: UserId(num(row, 1)?),
        asked: UserId(num(row, 2)?),
        message: row.get(3)?,
        state: state(row.get(4)?),
        version: num(row, 5)?,
    })
}

impl Wish {
    fn request(self, from: UserName, to: UserName) -> FriendRequest {
        FriendRequest {
            id: RequestId(self.id),
            from,
            to,
            message: self.message,
            state: self.state,
            created: time_of(self.id),
            version: SyncToken(self.version),
        }
    }
}

/// Asks `other` to be a friend of `user`'s.
pub(super) fn ask(
    desk: &mut Desk<'_>,
    user: UserId,
    other: &UserName,
    message: &str,
) -> Result<Asked, StoreError> {
    let other = named(desk, other)?;
    if other == user {
        return Err(Refusal::Invalid("nobody can be their own friend").into());
    }
    if desk.person(other)?.is_none_or(|person| person.disabled) {
        return Err(Refusal::NoSuchUser.into());
    }
    if blocks(desk, user, other)? || blocks(desk, other, user)? {
        return Err(Refusal::Forbidden.into());
    }
    if are_friends(desk, user, other)? {
        return Err(Refusal::Invalid("you are friends already").into());
    }
    const PENDING: &str =
        "SELECT id FROM friend_requests WHERE asker = ?1 AND asked = ?2 AND state = 1";
    // The other has asked already: this says yes.
    if let Some(crossing) = found(desk, PENDING, other, user)? {
        return answer(desk, user, RequestId(crossing), true);
    }
    if let Some(same) = found(desk, PENDING, user, other)? {
        let wish = load(desk, same)?.ok_or(Refusal::NoSuch("request"))?;
        return asked(desk, wish, other, Vec::new());
    }
    room_for_friend(desk, user)?;
    let mut query = desk.conn.prepare_cached(
        "SELECT coalesce(sum(state = 1), 0), coalesce(sum(id > ?2), 0) \
         FROM friend_requests WHERE asker = ?1",
    )?;
    let yesterday = sql(id_at(desk.now.plus(-DAY_MS)));
    let (pending, today): (i64, i64) =
        query.query_row([sql(user.0), yesterday], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if pending >= MAX_PENDING {
        return Err(Refusal::TooLarge("at most 200 requests may wait for answers").into());
    }
    if today >= MAX_A_DAY {
        return Err(Refusal::RateLimited(std::time::Duration::from_secs(3600)).into());
    }
    let at = touch(desk, user)?;
    touch_at(desk, other, at)?;
    let mut insert =
        desk.conn.prepare_cached("INSERT INTO friend_requests VALUES (?1, ?2, ?3, ?4, 1, ?5)")?;
    insert.execute(params![sql(at.0), sql(user.0), sql(other.0), message, sql(at.0)])?;
    tell_of(desk, FactKind::FriendRequested, user, "to", other)?;
    let wish = load(desk, at.0)?.ok_or(Refusal::NoSuch("request"))?;
    let told = [user, other].map(|user| Told { user, subject: Subject::Requests, at });
    asked(desk, wish, other, told.into())
}

/// Answers a request to `user`.
pub(super) fn answer(
    desk: &mut Desk<'_>,
    user: UserId,
    request: RequestId,
    accept: bool,
) -> Result<Asked, StoreError> {
    let wish = pending(desk, request)?.filter(|wish| wish.asked == user);
    let wish = wish.ok_or(Refusal::NoSuch("request that waits for your answer"))?;
    let asker = wish.asker;
    if accept {
        room_for_friend(desk, user)?;
        room_for_friend(desk, asker)?;
    }
    let state = if accept { RequestState::Accepted } else { RequestState::Declined };
    let mut told = Vec::new();
    let wish = settle(desk, wish, state, &mut told)?;
    if accept {
        join(desk, asker, user, &mut told)?;
    }
    asked(desk, wish, asker, told)
}

/// Takes back a request of `user`'s own.
pub(super) fn withdraw(
    desk: &mut Desk<'_>,
    user: UserId,
    request: RequestId,
) -> Result<Asked, StoreError> {
    let wish = pending(desk, request)?.filter(|wish| wish.asker == user);
    let wish = wish.ok_or(Refusal::NoSuch("request of yours that waits for an answer"))?;
    let (other, mut told) = (wish.asked, Vec::new());
    let wish = settle(desk, wish, RequestState::Withdrawn, &mut told)?;
    asked(desk, wish, other, told)
}

/// Ends what waits between two users.
pub(super) fn withdraw_between(
    desk: &mut Desk<'_>,
    one: UserId,
    other: UserId,
    told: &mut Vec<Told>,
) -> Result<(), StoreError> {
    for (asker, asked) in [(one, other), (other, one)] {
        let waits = "SELECT id FROM friend_requests WHERE asker = ?1 AND asked = ?2 AND state = 1";
        if let Some(id) = found(desk, waits, asker, asked)?
            && let Some(wish) = load(desk, id)?
        {
            settle(desk, wish, RequestState::Withdrawn, told)?;
        }
    }
    Ok(())
}

/// Ends a slice of the requests that nobody answered, and forgets a slice of those long over.
/// Says whether more is left.
pub(super) fn prune(desk: &mut Desk<'_>, now: Millis) -> Result<bool, StoreError> {
    let mut query = desk.conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM friend_requests WHERE state = 1 AND id < ?1 ORDER BY id LIMIT ?2"
    ))?;
    let before = sql(id_at(now.plus(-EXPIRY_MS)));
    let old = query.query_map([before, SLICE], wish)?.collect::<Result<Vec<_>, _>>()?;
    let expired = old.len();
    for wish in old {
        settle(desk, wish, RequestState::Expired, &mut Vec::new())?;
    }
    let mut forget = desk.conn.prepare_cached(
        "DELETE FROM friend_requests WHERE id IN (SELECT id FROM friend_requests \
         WHERE state > 1 AND id < ?1 LIMIT ?2)",
    )?;
    let gone = forget.execute([sql(id_at(now.plus(-KEPT_MS))), SLICE])?;
    Ok(expired.max(gone).cast_signed() as i64 >= SLICE)
}

fn settle(
    desk: &mut Desk<'_>,
    mut wish: Wish,
    state: RequestState,
    told: &mut Vec<Told>,
) -> Result<Wish, StoreError> {
    let at = touch(desk, wish.asker)?;
    touch_at(desk, wish.asked, at)?;
    let mut update = desk
        .conn
        .prepare_cached("UPDATE friend_requests SET state = ?2, version = ?3 WHERE id = ?1")?;
    update.execute([sql(wish.id), state_number(state), sql(at.0)])?;
    (wish.state, wish.version) = (state, at.0);
    told.extend([wish.asker, wish.asked].map(|user| Told { user, subject: Subject::Requests, at }));
    Ok(wish)
}

fn load(desk: &Desk<'_>, id: u64) -> Result<Option<Wish>, StoreError> {
    let mut query = desk
        .conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM friend_requests WHERE id = ?1"))?;
    Ok(query.query_row([sql(id)], wish).optional()?)
}

/// A request that waits for an answer, and has not waited too long.
fn pending(desk: &Desk<'_>, request: RequestId) -> Result<Option<Wish>, StoreError> {
    if i64::try_from(request.0).is_err() {
        return Ok(None);
    }
    let oldest = id_at(desk.now.plus(-EXPIRY_MS));
    let waits = |wish: &Wish| wish.state == RequestState::Pending && wish.id >= oldest;
    Ok(load(desk, request.0)?.filter(waits))
}

fn asked(
    desk: &mut Desk<'_>,
    wish: Wish,
    other: UserId,
    told: Vec<Told>,
) -> Result<Asked, StoreError> {
    let from = desk.person(wish.asker)?.ok_or(Refusal::NoSuchUser)?.name;
    let to = desk.person(wish.asked)?.ok_or(Refusal::NoSuchUser)?.name;
    Ok(Asked { request: wish.request(from, to), other, told })
}

impl Reader<'_> {
    pub(super) fn requests(
        &mut self,
        user: UserId,
        listing: Listing,
    ) -> Result<RequestPage, StoreError> {
        let limit = usize::from(listing.limit.clamp(1, MAX_PAGE));
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM friend_requests WHERE asker = ?1 AND version > ?2 \
             AND (?3 OR state = 1) UNION ALL \
             SELECT {COLUMNS} FROM friend_requests WHERE asked = ?1 AND version > ?2 \
             AND (?3 OR state = 1) ORDER BY version LIMIT ?4"
        ))?;
        let count = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let key = params![sql(user.0), bound(listing.after), listing.gone, count];
        let mut wishes = query.query_map(key, wish)?.collect::<Result<Vec<_>, _>>()?;
        let more = wishes.len() > limit;
        wishes.truncate(limit);
        let token = wishes.last().map_or(listing.after, |last| SyncToken(last.version));
        let mut requests = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let (from, to) = (self.name(wish.asker)?, self.name(wish.asked)?);
            requests.push(wish.request(from, to));
        }
        Ok(RequestPage { requests, token, more })
    }
}
