//! People and their own things: what frames ask, and what is answered.

use anser_domain::{
    BlockPage, Details, Friend, FriendPage, FriendRequest, Item, ItemKey, ItemPage, Listing,
    PeopleCommand, PeopleReply, ProfileEdit, Refusal, RequestId, RequestPage, RequestState, Seen,
};

use super::ask::{boxed, number, page_limit, token, user};
use crate::frame::{self, Answer, Call};

/// Everything that can come of a friend request, with its name in the specification and its
/// number in frames.
pub const REQUEST_STATES: [(RequestState, &str, u8); 5] = [
    (RequestState::Pending, "pending", 1),
    (RequestState::Accepted, "accepted", 2),
    (RequestState::Declined, "declined", 3),
    (RequestState::Withdrawn, "withdrawn", 4),
    (RequestState::Expired, "expired", 5),
];

/// A call about people as a command; `None` for calls about something else.
pub(super) fn command(call: &Call) -> Option<Result<PeopleCommand, Refusal>> {
    let command = match call {
        Call::Items(call) => listing(&call.list.clone().unwrap_or_default())
            .map(|listing| PeopleCommand::Items { prefix: call.prefix.as_str().into(), listing }),
        Call::Item(call) => key(&call.key).map(PeopleCommand::Item),
        Call::PutItem(call) => put_item(call),
        Call::Friends(call) => listing(call).map(PeopleCommand::Friends),
        Call::FriendRequests(call) => listing(call).map(PeopleCommand::Requests),
        Call::RequestFriend(call) => user(&call.user).map(|user| PeopleCommand::RequestFriend {
            user,
            message: call.message.as_str().into(),
        }),
        Call::AnswerRequest(call) => number(call.request)
            .map(|id| PeopleCommand::AnswerRequest { id: RequestId(id), accept: call.accept }),
        Call::WithdrawRequest(call) => {
            number(call.request).map(|id| PeopleCommand::WithdrawRequest(RequestId(id)))
        }
        Call::EditFriend(call) => user(&call.user).map(|user| PeopleCommand::EditFriend {
            user,
            remark: boxed(call.remark.as_ref()),
            lists: call
                .lists
                .as_ref()
                .map(|lists| lists.names.iter().map(|name| name.as_str().into()).collect()),
        }),
        Call::RemoveFriend(call) => user(&call.user).map(PeopleCommand::RemoveFriend),
        Call::Blocks(call) => listing(call).map(PeopleCommand::Blocks),
        Call::Block(call) => {
            user(&call.user).map(|user| PeopleCommand::Block { user, blocked: call.blocked })
        }
        Call::FindUsers(call) => search(call),
        Call::EditProfile(call) => Ok(PeopleCommand::EditProfile(ProfileEdit {
            display_name: boxed(call.display_name.as_ref()),
            avatar: boxed(call.avatar.as_ref()),
            about: boxed(call.about.as_ref()),
            fields: boxed(call.fields.as_ref()),
        })),
        _ => return None,
    };
    Some(command)
}

fn listing(call: &frame::ListCall) -> Result<Listing, Refusal> {
    Ok(Listing { after: token(call.after)?, gone: call.gone, limit: page_limit(call.limit) })
}

fn key(text: &str) -> Result<ItemKey, Refusal> {
    ItemKey::new(text).map_err(|_| Refusal::Invalid("key: not an item's key"))
}

fn put_item(call: &frame::PutItemCall) -> Result<PeopleCommand, Refusal> {
    Ok(PeopleCommand::PutItem {
        key: key(&call.key)?,
        value: boxed(call.value.as_ref()),
        expected: call.expected.map(token).transpose()?,
    })
}

fn search(call: &frame::FindUsersCall) -> Result<PeopleCommand, Refusal> {
    Ok(PeopleCommand::Search {
        query: call.query.as_str().into(),
        after: if call.after.is_empty() { None } else { Some(user(&call.after)?) },
        limit: page_limit(call.limit),
    })
}

/// An answer about people.
pub(super) fn answer(reply: &PeopleReply) -> Answer {
    match reply {
        PeopleReply::Items(ItemPage { items, token, more }) => Answer::Items(frame::Items {
            items: items.iter().map(item).collect(),
            token: token.0,
            more: *more,
        }),
        PeopleReply::Item(it) => Answer::Item(item(it)),
        PeopleReply::Friends(FriendPage { friends, token, more }) => {
            Answer::Friends(frame::Friends {
                friends: friends.iter().map(friend).collect(),
                token: token.0,
                more: *more,
            })
        }
        PeopleReply::Friend(it) => Answer::Friend(friend(it)),
        PeopleReply::Requests(RequestPage { requests, token, more }) => {
            Answer::Requests(frame::FriendRequests {
                requests: requests.iter().map(request).collect(),
                token: token.0,
                more: *more,
            })
        }
        PeopleReply::Request(it) => Answer::Request(request(it)),
        PeopleReply::Blocks(BlockPage { blocks, token, more }) => Answer::Blocks(frame::Blocks {
            blocks: blocks
                .iter()
                .map(|row| frame::Blocked {
                    user: row.user.to_string(),
                    since: row.since.0,
                    gone: row.gone,
                    version: row.version.0,
                })
                .collect(),
            token: token.0,
            more: *more,
        }),
    }
}

fn item(item: &Item) -> frame::Item {
    frame::Item {
        key: item.key.to_string(),
        value: item.value.as_ref().map(ToString::to_string),
        version: item.version.0,
    }
}

fn friend(friend: &Friend) -> frame::Friend {
    frame::Friend {
        user: friend.user.to_string(),
        display_name: friend.display_name.to_string(),
        remark: friend.remark.to_string(),
        lists: friend.lists.iter().map(ToString::to_string).collect(),
        since: friend.since.0,
        presence: friend.presence.map(seen),
        gone: friend.gone,
        version: friend.version.0,
    }
}

fn seen(seen: Seen) -> frame::Seen {
    frame::Seen { online: seen.online, last: seen.last.0 }
}

fn request(request: &FriendRequest) -> frame::FriendRequest {
    let state = REQUEST_STATES.iter().find(|row| row.0 == request.state);
    frame::FriendRequest {
        request: request.id.0,
        from: request.from.to_string(),
        to: request.to.to_string(),
        message: request.message.to_string(),
        state: state.map_or(0, |row| row.2.into()),
        created: request.created.0,
        version: request.version.0,
    }
}

/// The part of a user's frame that is more than names.
pub(super) fn details(details: &Details, user: frame::User) -> frame::User {
    frame::User {
        avatar: details.avatar.to_string(),
        about: details.about.to_string(),
        fields: details.fields.to_string(),
        presence: details.presence.map(seen),
        ..user
    }
}
