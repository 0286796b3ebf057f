//! Arbitrary questions and answers about people.

use super::*;

fn token() -> impl Strategy<Value = SyncToken> {
    any::<u64>().prop_map(SyncToken)
}

fn key() -> impl Strategy<Value = ItemKey> {
    "[a-z]{1,8}(/[a-z:é]{1,8})?".prop_map(|text| ItemKey::new(&text).unwrap())
}

fn listing() -> impl Strategy<Value = Listing> {
    (token(), any::<bool>(), any::<u16>()).prop_map(|(after, gone, limit)| Listing {
        after,
        gone,
        limit,
    })
}

fn seen() -> impl Strategy<Value = Option<Seen>> {
    option::of(
        (any::<bool>(), any::<i64>())
            .prop_map(|(online, last)| Seen { online, last: Millis(last) }),
    )
}

pub fn details() -> impl Strategy<Value = Details> {
    (text(), text(), text(), seen()).prop_map(|(avatar, about, fields, presence)| Details {
        avatar,
        about,
        fields,
        presence,
    })
}

pub fn people_command() -> impl Strategy<Value = PeopleCommand> {
    let some_text = || option::of(text());
    let edit = (some_text(), some_text(), some_text(), some_text());
    prop_oneof![
        (text(), listing()).prop_map(|(prefix, listing)| PeopleCommand::Items { prefix, listing }),
        key().prop_map(PeopleCommand::Item),
        (key(), some_text(), option::of(token()))
            .prop_map(|(key, value, expected)| PeopleCommand::PutItem { key, value, expected }),
        listing().prop_map(PeopleCommand::Friends),
        listing().prop_map(PeopleCommand::Requests),
        (user(), text()).prop_map(|(user, message)| PeopleCommand::RequestFriend { user, message }),
        (any::<u64>(), any::<bool>())
            .prop_map(|(id, accept)| PeopleCommand::AnswerRequest { id: RequestId(id), accept }),
        any::<u64>().prop_map(|id| PeopleCommand::WithdrawRequest(RequestId(id))),
        (user(), some_text(), option::of(vec(text(), 0..3)))
            .prop_map(|(user, remark, lists)| PeopleCommand::EditFriend { user, remark, lists }),
        user().prop_map(PeopleCommand::RemoveFriend),
        listing().prop_map(PeopleCommand::Blocks),
        (user(), any::<bool>()).prop_map(|(user, blocked)| PeopleCommand::Block { user, blocked }),
        (text(), option::of(user()), any::<u16>())
            .prop_map(|(query, after, limit)| PeopleCommand::Search { query, after, limit }),
        edit.prop_map(|(display_name, avatar, about, fields)| {
            PeopleCommand::EditProfile(ProfileEdit { display_name, avatar, about, fields })
        }),
    ]
    .boxed()
}

pub const PEOPLE_COMMAND_KINDS: usize = 14;

pub fn people_command_kind(command: &PeopleCommand) -> usize {
    match command {
        PeopleCommand::Items { .. } => 0,
        PeopleCommand::Item(_) => 1,
        PeopleCommand::PutItem { .. } => 2,
        PeopleCommand::Friends(_) => 3,
        PeopleCommand::Requests(_) => 4,
        PeopleCommand::RequestFriend { .. } => 5,
        PeopleCommand::AnswerRequest { .. } => 6,
        PeopleCommand::WithdrawRequest(_) => 7,
        PeopleCommand::EditFriend { .. } => 8,
        PeopleCommand::RemoveFriend(_) => 9,
        PeopleCommand::Blocks(_) => 10,
        PeopleCommand::Block { .. } => 11,
        PeopleCommand::Search { .. } => 12,
        PeopleCommand::EditProfile(_) => 13,
    }
}

fn item() -> impl Strategy<Value = Item> {
    (key(), option::of(text()), token()).prop_map(|(key, value, version)| Item {
        key,
        value,
        version,
    })
}

fn friend() -> impl Strategy<Value = Friend> {
    ((user(), text(), text(), vec(text(), 0..3)), (any::<i64>(), seen(), any::<bool>(), token()))
        .prop_map(|((user, display_name, remark, lists), (since, presence, gone, version))| {
            Friend {
                user,
                display_name,
                remark,
                lists,
                since: Millis(since),
                presence,
                gone,
                version,
            }
        })
}

fn request() -> impl Strategy<Value = FriendRequest> {
    let state = prop_oneof![
        Just(RequestState::Pending),
        Just(RequestState::Accepted),
        Just(RequestState::Declined),
        Just(RequestState::Withdrawn),
        Just(RequestState::Expired),
    ];
    (any::<u64>(), user(), user(), text(), state, any::<i64>(), token())
        .prop_map(|(id, from, to, message, state, created, version)| FriendRequest {
            id: RequestId(id),
            from,
            to,
            message,
            state,
            created: Millis(created),
            version,
        })
        .boxed()
}

pub fn people_reply() -> impl Strategy<Value = PeopleReply> {
    let blocked =
        (user(), any::<i64>(), any::<bool>(), token()).prop_map(|(user, since, gone, version)| {
            Blocked { user, since: Millis(since), gone, version }
        });
    prop_oneof![
        (vec(item(), 0..3), token(), any::<bool>()).prop_map(|(items, token, more)| {
            PeopleReply::Items(ItemPage { items, token, more })
        }),
        item().prop_map(PeopleReply::Item),
        (vec(friend(), 0..3), token(), any::<bool>()).prop_map(|(friends, token, more)| {
            PeopleReply::Friends(FriendPage { friends, token, more })
        }),
        friend().prop_map(PeopleReply::Friend),
        (vec(request(), 0..3), token(), any::<bool>()).prop_map(|(requests, token, more)| {
            PeopleReply::Requests(RequestPage { requests, token, more })
        }),
        request().prop_map(PeopleReply::Request),
        (vec(blocked, 0..3), token(), any::<bool>()).prop_map(|(blocks, token, more)| {
            PeopleReply::Blocks(BlockPage { blocks, token, more })
        }),
    ]
    .boxed()
}

pub const PEOPLE_REPLY_KINDS: usize = 7;

pub fn people_reply_kind(reply: &PeopleReply) -> usize {
    match reply {
        PeopleReply::Items(_) => 0,
        PeopleReply::Item(_) => 1,
        PeopleReply::Friends(_) => 2,
        PeopleReply::Friend(_) => 3,
        PeopleReply::Requests(_) => 4,
        PeopleReply::Request(_) => 5,
        PeopleReply::Blocks(_) => 6,
    }
}
