//! Which Rust value each kind of reply is to a handler that asked for it.

use anser_domain::{
    AdminReply, BlockPage, Changes, DeviceRecord, FileContent, FileId, FilePage, FileRecord,
    FileReply, Friend, FriendPage, FriendRequest, Group, GroupReply, Item, ItemPage, MemberPage,
    MessagesReply, Page, PeopleReply, Profile, PushReply, Reply, RequestPage, Sent, Tokens,
};

/// A value that one kind of reply holds.
pub(crate) trait Answer: Sized {
    /// The value, or `None` if the reply is of another kind.
    fn from_reply(reply: Reply) -> Option<Self>;
}

/// The answer of calls that have nothing to tell.
#[derive(Debug)]
pub(crate) struct Done;

/// What comes of a wish to come into a group.
pub(crate) enum Joined {
    /// They are in it.
    In(Sent),
    /// An admin decides.
    Asked,
}

impl Answer for Joined {
    fn from_reply(reply: Reply) -> Option<Self> {
        match reply {
            Reply::Sent(sent) => Some(Self::In(sent)),
            Reply::Groups(reply) if *reply == GroupReply::Asked => Some(Self::Asked),
            _ => None,
        }
    }
}

macro_rules! answers {
    ($($type:ty: $pattern:pat => $value:expr;)*) => {$(
        impl Answer for $type {
            fn from_reply(reply: Reply) -> Option<Self> {
                match reply {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }
    )*};
}

answers! {
    AdminReply: Reply::Admin(reply) => *reply;
    Done: Reply::Done => Done;
    Sent: Reply::Sent(sent) => sent;
    Page: Reply::Page(page) => *page;
    Changes: Reply::Conversations(list) => *list;
    MessagesReply: Reply::Messages(reply) => reply;
    Group: Reply::Group(group) => *group;
    GroupReply: Reply::Groups(reply) => *reply;
    MemberPage: Reply::Members(page) => *page;
    Tokens: Reply::Tokens(tokens) => *tokens;
    Profile: Reply::User(profile) => *profile;
    Vec<Profile>: Reply::Users(users) => users;
    PushReply: Reply::Push(reply) => reply;
    Vec<DeviceRecord>: Reply::Devices(devices) => devices;
    FileRecord: Reply::Files(FileReply::File(file)) => *file;
    FileContent: Reply::Files(FileReply::Content(content)) => *content;
    FilePage: Reply::Files(FileReply::List(page)) => *page;
    Vec<FileId>: Reply::Files(FileReply::Doomed(files)) => files;
}

macro_rules! people {
    ($($type:ty: $kind:ident;)*) => {$(
        impl Answer for $type {
            fn from_reply(reply: Reply) -> Option<Self> {
                match reply {
                    Reply::People(reply) => match *reply {
                        PeopleReply::$kind(it) => Some(it),
                        _ => None,
                    },
                    _ => None,
                }
            }
        }
    )*};
}

people! {
    ItemPage: Items;
    Item: Item;
    FriendPage: Friends;
    Friend: Friend;
    RequestPage: Requests;
    FriendRequest: Request;
    BlockPage: Blocks;
}
