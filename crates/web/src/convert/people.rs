//! People and their own things, between JSON's shapes and the domain's.

use anser_domain::{
    BlockPage, Command, Friend as DomainFriend, FriendPage, FriendRequest, Item as DomainItem,
    ItemPage, Listing, PeopleCommand, RequestPage, RequestState as DomainState, Seen, SyncToken,
    UserName,
};
use serde_json::{Value, value::RawValue};

use super::{invalid, nesting, parse, raw, sync_token};
use crate::{
    api::{
        blocks::{Blocked, Blocks},
        friends::{Friend, Friends, Request, RequestState, Requests},
        items::{Item, Items},
        users::Presence,
    },
    extract::page_size,
    limits::MAX_NESTING,
    problem::Problem,
};

pub(crate) fn people(command: PeopleCommand) -> Command {
    Command::People(Box::new(command))
}

pub(crate) fn user_name(text: &str) -> Result<UserName, Problem> {
    parse("user", text)
}

/// Where a list begins: after its cursor, else after `since`, with what has gone.
pub(crate) fn listing(
    since: Option<&str>,
    cursor: Option<&str>,
    limit: Option<u64>,
) -> Result<Listing, Problem> {
    let since = since
        .map(|since| since.parse().map(SyncToken).map_err(|_| invalid("since", "not a token")))
        .transpose()?;
    let cursor = cursor.map(sync_token).transpose()?;
    let after = cursor.or(since).unwrap_or_default();
    Ok(Listing { after, gone: since.is_some(), limit: page_size(limit)? })
}

/// An item's value.
pub(crate) fn item_value(value: &RawValue) -> Result<Box<str>, Problem> {
    readable("value", value)
}

/// JSON that every reader will be able to parse again.
fn readable(what: &str, value: &RawValue) -> Result<Box<str>, Problem> {
    let text = value.get();
    if nesting(text) > MAX_NESTING {
        return Err(invalid(what, format_args!("nested more than {MAX_NESTING} deep")));
    }
    let _: Value = serde_json::from_str(text).map_err(|error| invalid(what, error))?;
    Ok(text.into())
}

/// A JSON object in a profile; `null` and `{}` stand for none.
pub(crate) fn fields(value: &RawValue) -> Result<Box<str>, Problem> {
    let text = readable("fields", value)?;
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Null) => Ok(Box::default()),
        Ok(Value::Object(fields)) if fields.is_empty() => Ok(Box::default()),
        Ok(Value::Object(_)) => Ok(text),
        _ => Err(invalid("fields", "an object is needed")),
    }
}

pub(crate) fn presence(seen: Seen) -> Presence {
    Presence { online: seen.online, last: seen.last.0 }
}

fn next(token: SyncToken, more: bool) -> Option<String> {
    more.then(|| token.to_string())
}

pub(crate) fn items(page: ItemPage) -> Items {
    let ItemPage { items, token, more } = page;
    Items {
        items: items.into_iter().map(item).collect(),
        token: token.to_string(),
        more,
        next: next(token, more),
    }
}

pub(crate) fn item(item: DomainItem) -> Item {
    Item {
        key: item.key.to_string(),
        value: item.value.as_deref().map(raw),
        version: item.version.to_string(),
    }
}

pub(crate) fn friends(page: FriendPage) -> Friends {
    let FriendPage { friends, token, more } = page;
    Friends {
        friends: friends.into_iter().map(friend).collect(),
        token: token.to_string(),
        more,
        next: next(token, more),
    }
}

pub(crate) fn friend(friend: DomainFriend) -> Friend {
    Friend {
        user: friend.user.to_string(),
        display_name: friend.display_name.into(),
        remark: friend.remark.into(),
        lists: friend.lists.into_iter().map(Into::into).collect(),
        since: friend.since.0,
        presence: friend.presence.map(presence),
        gone: friend.gone,
        version: friend.version.to_string(),
    }
}

pub(crate) fn requests(page: RequestPage) -> Requests {
    let RequestPage { requests, token, more } = page;
    Requests {
        requests: requests.into_iter().map(request).collect(),
        token: token.to_string(),
        more,
        next: next(token, more),
    }
}

pub(crate) fn request(request: FriendRequest) -> Request {
    Request {
        id: request.id.to_string(),
        from: request.from.to_string(),
        to: request.to.to_string(),
        message: request.message.into(),
        state: match request.state {
            DomainState::Pending => RequestState::Pending,
            DomainState::Accepted => RequestState::Accepted,
            DomainState::Declined => RequestState::Declined,
            DomainState::Withdrawn => RequestState::Withdrawn,
            DomainState::Expired => RequestState::Expired,
        },
        created: request.created.0,
        version: request.version.to_string(),
    }
}

pub(crate) fn blocked(row: anser_domain::Blocked) -> Blocked {
    Blocked {
        user: row.user.to_string(),
        since: row.since.0,
        gone: row.gone,
        version: row.version.to_string(),
    }
}

pub(crate) fn blocks(page: BlockPage) -> Blocks {
    let BlockPage { blocks, token, more } = page;
    Blocks {
        blocks: blocks.into_iter().map(blocked).collect(),
        token: token.to_string(),
        more,
        next: next(token, more),
    }
}
