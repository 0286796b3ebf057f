//! People and what is theirs beside conversations: friends, requests, blocks, profiles, items.
//!
//! All of it is versioned by one ascending token per store, so that a device that was away asks
//! for what changed since the last one it saw, and is told of what has gone too.

use std::{fmt, str::FromStr};

use crate::{
    id::{Millis, SyncToken},
    name::UserName,
};

/// Longest key of an item, in bytes: a namespace and an address of a conversation fit.
pub const MAX_ITEM_KEY: usize = 256;

/// The name of one of a user's items, such as `draft/u:bob` or `settings/theme`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey(Box<str>);

/// Why a text is no item's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to 256 bytes without control characters, beginning and ending with something but /")]
pub struct ItemKeyError;

impl ItemKey {
    /// A key from outside.
    ///
    /// # Errors
    /// [`ItemKeyError`].
    pub fn new(text: &str) -> Result<Self, ItemKeyError> {
        let bounded = (1..=MAX_ITEM_KEY).contains(&text.len());
        let slashed = text.starts_with('/') || text.ends_with('/');
        if !bounded || slashed || text.chars().any(char::is_control) {
            return Err(ItemKeyError);
        }
        Ok(Self(text.into()))
    }

    /// A key that was checked when it was made.
    #[must_use]
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ItemKey {
    type Err = ItemKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

/// A small value of a user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub key: ItemKey,
    /// JSON; `None` when it was removed.
    pub value: Option<Box<str>>,
    /// Its last change.
    pub version: SyncToken,
}

/// Part of a user's items, by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// Everything up to here is in this page or an earlier one.
    pub token: SyncToken,
    /// Whether another page follows.
    pub more: bool,
}

/// Which part of a list of versioned things, by version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Those that changed after this.
    pub after: SyncToken,
    /// Whether what has gone is listed too: a device that keeps a copy asks for it.
    pub gone: bool,
    /// At most so many.
    pub limit: u16,
}

/// Someone in the caller's list of friends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friend {
    /// Who.
    pub user: UserName,
    /// The name that people read; may be empty.
    pub display_name: Box<str>,
    /// What the caller calls them; may be empty. Nobody else sees it.
    pub remark: Box<str>,
    /// Lists that the caller keeps them in. Nobody else sees them.
    pub lists: Vec<Box<str>>,
    /// Since when.
    pub since: Millis,
    /// Whether they are online, if they let it be seen.
    pub presence: Option<Seen>,
    /// They are a friend no more.
    pub gone: bool,
    /// The last change of this row.
    pub version: SyncToken,
}

/// Whether someone is there, and when they last were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether any of their devices has a link now.
    pub online: bool,
    /// When one last came or went.
    pub last: Millis,
}

/// Part of a list of friends, by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendPage {
    /// The friends.
    pub friends: Vec<Friend>,
    /// Everything up to here is in this page or an earlier one.
    pub token: SyncToken,
    /// Whether another page follows.
    pub more: bool,
}

/// A friend request's key. A string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RequestId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// What came of a friend request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It waits for its answer.
    Pending,
    /// The two are friends by it.
    Accepted,
    /// It was turned down.
    Declined,
    /// Whoever made it took it back, or one of the two blocks the other.
    Withdrawn,
    /// Nobody answered it in time.
    Expired,
}

/// Someone's wish to be someone's friend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// Its key.
    pub id: RequestId,
    /// Who asks.
    pub from: UserName,
    /// Whom.
    pub to: UserName,
    /// What they say; may be empty.
    pub message: Box<str>,
    /// What came of it.
    pub state: RequestState,
    /// When it was made.
    pub created: Millis,
    /// Its last change.
    pub version: SyncToken,
}

/// Part of the requests from and to a user, by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPage {
    /// The requests.
    pub requests: Vec<FriendRequest>,
    /// Everything up to here is in this page or an earlier one.
    pub token: SyncToken,
    /// Whether another page follows.
    pub more: bool,
}

/// Someone whom the caller blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub user: UserName,
    /// Since when.
    pub since: Millis,
    /// They are blocked no more.
    pub gone: bool,
    /// The last change of this row.
    pub version: SyncToken,
}

/// Part of a list of blocks, by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPage {
    /// The blocks.
    pub blocks: Vec<Blocked>,
    /// Everything up to here is in this page or an earlier one.
    pub token: SyncToken,
    /// Whether another page follows.
    pub more: bool,
}

/// What a profile tells beside names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// A URL, or the id of a file; empty when there is none.
    pub avatar: Box<str>,
    /// What they say of themselves; may be empty.
    pub about: Box<str>,
    /// A JSON object of the app's own; empty when there is none or the viewer may not see it.
    pub fields: Box<str>,
    /// Whether they are there, if the viewer may know.
    pub presence: Option<Seen>,
}

/// What someone wants changed about themselves; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileEdit {
    /// The name that people read.
    pub display_name: Option<Box<str>>,
    /// A URL, or the id of a file; empty to have none.
    pub avatar: Option<Box<str>>,
    /// What they say of themselves.
    pub about: Option<Box<str>>,
    /// A JSON object in place of the one there is; empty to have none.
    pub fields: Option<Box<str>>,
}

/// What is asked about people and one's own things. The comment on each names its
/// [`PeopleReply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleCommand {
    /// The caller's items whose keys begin with `prefix` → `Items`.
    Items {
        /// The beginning of the keys; empty: all.
        prefix: Box<str>,
        /// Which part.
        listing: Listing,
    },
    /// One of the caller's items → `Item`.
    Item(ItemKey),
    /// Sets or removes one of the caller's items → `Item`.
    PutItem {
        /// Which.
        key: ItemKey,
        /// JSON; `None` removes it.
        value: Option<Box<str>>,
        /// The version that it must have for this to be done: 0 when it must not be there.
        /// `None`: whatever there is.
        expected: Option<SyncToken>,
    },
    /// The caller's friends → `Friends`.
    Friends(Listing),
    /// Friend requests from and to the caller → `Requests`.
    Requests(Listing),
    /// Asks someone to be a friend → `Request`. Two requests that cross make friends.
    RequestFriend {
        /// Whom.
        user: UserName,
        /// What to say.
        message: Box<str>,
    },
    /// Answers a request to the caller → `Request`.
    AnswerRequest {
        /// Which.
        id: RequestId,
        /// Whether to be friends.
        accept: bool,
    },
    /// Takes one of the caller's own requests back → `Request`.
    WithdrawRequest(RequestId),
    /// What the caller calls a friend and keeps them in → `Friend`.
    EditFriend {
        /// Whom.
        user: UserName,
        /// The remark; `None` leaves it.
        remark: Option<Box<str>>,
        /// The lists; `None` leaves them.
        lists: Option<Vec<Box<str>>>,
    },
    /// Ends a friendship, for both → `Done`.
    RemoveFriend(UserName),
    /// Whom the caller blocks → `Blocks`.
    Blocks(Listing),
    /// Blocks someone, or lets them be again → `Done`.
    Block {
        /// Whom.
        user: UserName,
        /// Whether to block.
        blocked: bool,
    },
    /// Finds users by name → `Reply::Users`.
    Search {
        /// Words, or the beginnings of words.
        query: Box<str>,
        /// Continue after this name.
        after: Option<UserName>,
        /// At most so many.
        limit: u16,
    },
    /// Changes the caller's profile → `Reply::User`.
    EditProfile(ProfileEdit),
}

/// An answer about people and one's own things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleReply {
    /// Items.
    Items(ItemPage),
    /// An item.
    Item(Item),
    /// Friends.
    Friends(FriendPage),
    /// A friend.
    Friend(Friend),
    /// Friend requests.
    Requests(RequestPage),
    /// A friend request.
    Request(FriendRequest),
    /// Blocks.
    Blocks(BlockPage),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded_and_plain() {
        for good in ["draft/u:bob", "a", "settings/主题", &"k".repeat(MAX_ITEM_KEY)] {
            assert!(ItemKey::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a\nb", &"k".repeat(MAX_ITEM_KEY + 1)] {
            assert!(ItemKey::new(bad).is_err(), "{bad:?}");
        }
    }
}
