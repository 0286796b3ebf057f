//! People and their own things.

use anser_domain::{
    BlockPage, Blocked, Details, Friend, FriendPage, FriendRequest, Item, ItemKey, ItemPage,
    Listing, Millis, PeopleCommand, PeopleReply, ProfileEdit, RequestId, RequestPage, RequestState,
    Seen, SyncToken, UserName,
};

use super::{Form, forms, limit, read_all, required};
use crate::{malformed::Malformed, proto};

fn texts(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn boxed(form: Option<String>) -> Option<Box<str>> {
    form.map(Into::into)
}

fn text(text: &Option<Box<str>>) -> Option<String> {
    text.as_ref().map(ToString::to_string)
}

impl Form for ItemKey {
    type Proto = String;

    fn form(&self) -> String {
        self.to_string()
    }

    fn read(form: String) -> Result<Self, Malformed> {
        Self::new(&form).map_err(|_| Malformed::Range("key"))
    }
}

impl Form for Listing {
    type Proto = proto::Listing;

    fn form(&self) -> proto::Listing {
        let Self { after, gone, limit } = self;
        proto::Listing { after: after.0, gone: *gone, limit: (*limit).into() }
    }

    fn read(form: proto::Listing) -> Result<Self, Malformed> {
        let proto::Listing { after, gone, limit: most } = form;
        Ok(Self { after: SyncToken(after), gone, limit: limit(most)? })
    }
}

impl Form for PeopleCommand {
    type Proto = proto::PeopleCommand;

    fn form(&self) -> proto::PeopleCommand {
        use proto::people_command::Command as It;
        proto::PeopleCommand {
            command: Some(match self {
                Self::Items { prefix, listing } => It::Items(proto::ListItems {
                    prefix: prefix.to_string(),
                    listing: Some(listing.form()),
                }),
                Self::Item(key) => It::Item(key.form()),
                Self::PutItem { key, value, expected } => It::PutItem(proto::PutItem {
                    key: key.form(),
                    value: text(value),
                    expected: expected.map(|token| token.0),
                }),
                Self::Friends(listing) => It::Friends(listing.form()),
                Self::Requests(listing) => It::Requests(listing.form()),
                Self::RequestFriend { user, message } => It::RequestFriend(proto::RequestFriend {
                    user: user.form(),
                    message: message.to_string(),
                }),
                Self::AnswerRequest { id, accept } => {
                    It::AnswerRequest(proto::AnswerRequest { id: id.0, accept: *accept })
                }
                Self::WithdrawRequest(id) => It::WithdrawRequest(id.0),
                Self::EditFriend { user, remark, lists } => It::EditFriend(proto::EditFriend {
                    user: user.form(),
                    remark: text(remark),
                    lists: lists.as_ref().map(|lists| proto::Texts { texts: texts(lists) }),
                }),
                Self::RemoveFriend(user) => It::RemoveFriend(user.form()),
                Self::Blocks(listing) => It::Blocks(listing.form()),
                Self::Block { user, blocked } => {
                    It::Block(proto::Block { user: user.form(), blocked: *blocked })
                }
                Self::Search { query, after, limit } => It::Search(proto::FindUsers {
                    query: query.to_string(),
                    after: after.as_ref().map(UserName::form),
                    limit: (*limit).into(),
                }),
                Self::EditProfile(edit) => It::EditProfile(edit.form()),
            }),
        }
    }

    fn read(form: proto::PeopleCommand) -> Result<Self, Malformed> {
        use proto::people_command::Command as It;
        Ok(match form.command.ok_or(Malformed::Missing("people command"))? {
            It::Items(it) => {
                Self::Items { prefix: it.prefix.into(), listing: required(it.listing, "listing")? }
            }
            It::Item(key) => Self::Item(ItemKey::read(key)?),
            It::PutItem(it) => Self::PutItem {
                key: ItemKey::read(it.key)?,
                value: boxed(it.value),
                expected: it.expected.map(SyncToken),
            },
            It::Friends(it) => Self::Friends(Listing::read(it)?),
            It::Requests(it) => Self::Requests(Listing::read(it)?),
            It::RequestFriend(it) => {
                Self::RequestFriend { user: UserName::read(it.user)?, message: it.message.into() }
            }
            It::AnswerRequest(it) => {
                Self::AnswerRequest { id: RequestId(it.id), accept: it.accept }
            }
            It::WithdrawRequest(id) => Self::WithdrawRequest(RequestId(id)),
            It::EditFriend(it) => Self::EditFriend {
                user: UserName::read(it.user)?,
                remark: boxed(it.remark),
                lists: it.lists.map(|lists| lists.texts.into_iter().map(Into::into).collect()),
            },
            It::RemoveFriend(user) => Self::RemoveFriend(UserName::read(user)?),
            It::Blocks(it) => Self::Blocks(Listing::read(it)?),
            It::Block(it) => Self::Block { user: UserName::read(it.user)?, blocked: it.blocked },
            It::Search(it) => Self::Search {
                query: it.query.into(),
                after: it.after.map(UserName::read).transpose()?,
                limit: limit(it.limit)?,
            },
            It::EditProfile(it) => Self::EditProfile(ProfileEdit::read(it)?),
        })
    }
}

impl Form for ProfileEdit {
    type Proto = proto::ProfileEdit;

    fn form(&self) -> proto::ProfileEdit {
        let Self { display_name, avatar, about, fields } = self;
        proto::ProfileEdit {
            display_name: text(display_name),
            avatar: text(avatar),
            about: text(about),
            fields: text(fields),
        }
    }

    fn read(form: proto::ProfileEdit) -> Result<Self, Malformed> {
        let proto::ProfileEdit { display_name, avatar, about, fields } = form;
        Ok(Self {
            display_name: boxed(display_name),
            avatar: boxed(avatar),
            about: boxed(about),
            fields: boxed(fields),
        })
    }
}

impl Form for PeopleReply {
    type Proto = proto::PeopleReply;

    fn form(&self) -> proto::PeopleReply {
        use proto::people_reply::Reply as It;
        proto::PeopleReply {
            reply: Some(match self {
                Self::Items(ItemPage { items, token, more }) => {
                    It::Items(proto::ItemPage { items: forms(items), token: token.0, more: *more })
                }
                Self::Item(item) => It::Item(item.form()),
                Self::Friends(FriendPage { friends, token, more }) => {
                    It::Friends(proto::FriendPage {
                        friends: forms(friends),
                        token: token.0,
                        more: *more,
                    })
                }
                Self::Friend(friend) => It::Friend(friend.form()),
                Self::Requests(RequestPage { requests, token, more }) => {
                    It::Requests(proto::RequestPage {
                        requests: forms(requests),
                        token: token.0,
                        more: *more,
                    })
                }
                Self::Request(request) => It::Request(request.form()),
                Self::Blocks(BlockPage { blocks, token, more }) => It::Blocks(proto::BlockPage {
                    blocks: forms(blocks),
                    token: token.0,
                    more: *more,
                }),
            }),
        }
    }

    fn read(form: proto::PeopleReply) -> Result<Self, Malformed> {
        use proto::people_reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("people reply"))? {
            It::Items(proto::ItemPage { items, token, more }) => {
                Self::Items(ItemPage { items: read_all(items)?, token: SyncToken(token), more })
            }
            It::Item(it) => Self::Item(Item::read(it)?),
            It::Friends(proto::FriendPage { friends, token, more }) => Self::Friends(FriendPage {
                friends: read_all(friends)?,
                token: SyncToken(token),
                more,
            }),
            It::Friend(it) => Self::Friend(Friend::read(it)?),
            It::Requests(proto::RequestPage { requests, token, more }) => {
                Self::Requests(RequestPage {
                    requests: read_all(requests)?,
                    token: SyncToken(token),
                    more,
                })
            }
            It::Request(it) => Self::Request(FriendRequest::read(it)?),
            It::Blocks(proto::BlockPage { blocks, token, more }) => {
                Self::Blocks(BlockPage { blocks: read_all(blocks)?, token: SyncToken(token), more })
            }
        })
    }
}

impl Form for Item {
    type Proto = proto::Item;

    fn form(&self) -> proto::Item {
        let Self { key, value, version } = self;
        proto::Item { key: key.form(), value: text(value), version: version.0 }
    }

    fn read(form: proto::Item) -> Result<Self, Malformed> {
        let proto::Item { key, value, version } = form;
        Ok(Self { key: ItemKey::read(key)?, value: boxed(value), version: SyncToken(version) })
    }
}

impl Form for Seen {
    type Proto = proto::Seen;

    fn form(&self) -> proto::Seen {
        let Self { online, last } = self;
        proto::Seen { online: *online, last: last.0 }
    }

    fn read(form: proto::Seen) -> Result<Self, Malformed> {
        let proto::Seen { online, last } = form;
        Ok(Self { online, last: Millis(last) })
    }
}

impl Form for Friend {
    type Proto = proto::Friend;

    fn form(&self) -> proto::Friend {
        let Self { user, display_name, remark, lists, since, presence, gone, version } = self;
        proto::Friend {
            user: user.form(),
            display_name: display_name.to_string(),
            remark: remark.to_string(),
            lists: texts(lists),
            since: since.0,
            presence: presence.as_ref().map(Seen::form),
            gone: *gone,
            version: version.0,
        }
    }

    fn read(form: proto::Friend) -> Result<Self, Malformed> {
        let proto::Friend { user, display_name, remark, lists, since, presence, gone, version } =
            form;
        Ok(Self {
            user: UserName::read(user)?,
            display_name: display_name.into(),
            remark: remark.into(),
            lists: lists.into_iter().map(Into::into).collect(),
            since: Millis(since),
            presence: presence.map(Seen::read).transpose()?,
            gone,
            version: SyncToken(version),
        })
    }
}

impl Form for FriendRequest {
    type Proto = proto::FriendRequest;

    fn form(&self) -> proto::FriendRequest {
        let Self { id, from, to, message, state, created, version } = self;
        proto::FriendRequest {
            id: id.0,
            from: from.form(),
            to: to.form(),
            message: message.to_string(),
            state: state.form(),
            created: created.0,
            version: version.0,
        }
    }

    fn read(form: proto::FriendRequest) -> Result<Self, Malformed> {
        let proto::FriendRequest { id, from, to, message, state, created, version } = form;
        Ok(Self {
            id: RequestId(id),
            from: UserName::read(from)?,
            to: UserName::read(to)?,
            message: message.into(),
            state: RequestState::read(state)?,
            created: Millis(created),
            version: SyncToken(version),
        })
    }
}

impl Form for RequestState {
    type Proto = i32;

    fn form(&self) -> i32 {
        let state = match self {
            Self::Pending => proto::RequestState::Pending,
            Self::Accepted => proto::RequestState::Accepted,
            Self::Declined => proto::RequestState::Declined,
            Self::Withdrawn => proto::RequestState::Withdrawn,
            Self::Expired => proto::RequestState::Expired,
        };
        state.into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::RequestState::try_from(form) {
            Ok(proto::RequestState::Pending) => Ok(Self::Pending),
            Ok(proto::RequestState::Accepted) => Ok(Self::Accepted),
            Ok(proto::RequestState::Declined) => Ok(Self::Declined),
            Ok(proto::RequestState::Withdrawn) => Ok(Self::Withdrawn),
            Ok(proto::RequestState::Expired) => Ok(Self::Expired),
            Ok(proto::RequestState::Unspecified) | Err(_) => Err(Malformed::Range("state")),
        }
    }
}

impl Form for Blocked {
    type Proto = proto::Blocked;

    fn form(&self) -> proto::Blocked {
        let Self { user, since, gone, version } = self;
        proto::Blocked { user: user.form(), since: since.0, gone: *gone, version: version.0 }
    }

    fn read(form: proto::Blocked) -> Result<Self, Malformed> {
        let proto::Blocked { user, since, gone, version } = form;
        Ok(Self {
            user: UserName::read(user)?,
            since: Millis(since),
            gone,
            version: SyncToken(version),
        })
    }
}

impl Form for Details {
    type Proto = proto::Details;

    fn form(&self) -> proto::Details {
        let Self { avatar, about, fields, presence } = self;
        proto::Details {
            avatar: avatar.to_string(),
            about: about.to_string(),
            fields: fields.to_string(),
            presence: presence.as_ref().map(Seen::form),
        }
    }

    fn read(form: proto::Details) -> Result<Self, Malformed> {
        let proto::Details { avatar, about, fields, presence } = form;
        Ok(Self {
            avatar: avatar.into(),
            about: about.into(),
            fields: fields.into(),
            presence: presence.map(Seen::read).transpose()?,
        })
    }
}
