//! Friends, requests, blocks, profiles and items.

use anser_domain::{
    BlockPage, Friend, FriendPage, FriendRequest, Item, ItemKey, ItemPage, Listing, Profile,
    ProfileEdit, RequestId, RequestPage, SyncToken, UserName,
};
use anser_wire::frame::{self, Answer, Call};

use super::text;
use crate::{client::Client, convert, error::Failed};

impl Client {
    /// A page of the user's friends. An app that keeps a copy asks for what changed since the
    /// token it has, whenever it is told that its friends have: someone's profile changing is a
    /// change of their row too.
    ///
    /// ```no_run
    /// # use anser_domain::{Listing, Subject, SyncToken};
    /// # use anser_client::{Client, Event};
    /// # async fn example(client: Client, event: Event, known: SyncToken) -> Result<(), anser_client::Failed> {
    /// if let Event::Changed { subject: Subject::Friends, .. } = event {
    ///     let news = client.friends(Listing { after: known, gone: true, limit: 0 }).await?;
    ///     for friend in news.friends {
    ///         println!("{} is {}", friend.user, friend.display_name);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn friends(&self, listing: Listing) -> Result<FriendPage, Failed> {
        match self.call(Call::Friends(list(listing))).await? {
            Answer::Friends(page) => convert::friends(page).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// A page of the friend requests from and to the user.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn friend_requests(&self, listing: Listing) -> Result<RequestPage, Failed> {
        match self.call(Call::FriendRequests(list(listing))).await? {
            Answer::Requests(page) => convert::requests(page).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// Asks someone to be a friend. Two requests that cross make friends.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn request_friend(
        &self,
        user: &UserName,
        message: &str,
    ) -> Result<FriendRequest, Failed> {
        let (user, message) = (user.to_string(), message.to_owned());
        self.request(Call::RequestFriend(frame::RequestFriendCall { user, message })).await
    }

    /// Answers a request to the user.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn answer_request(
        &self,
        request: RequestId,
        accept: bool,
    ) -> Result<FriendRequest, Failed> {
        let call = frame::AnswerRequestCall { request: request.0, accept };
        self.request(Call::AnswerRequest(call)).await
    }

    /// Takes a request of the user's own back.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn withdraw_request(&self, request: RequestId) -> Result<FriendRequest, Failed> {
        let call = frame::WithdrawRequestCall { request: request.0 };
        self.request(Call::WithdrawRequest(call)).await
    }

    async fn request(&self, call: Call) -> Result<FriendRequest, Failed> {
        match self.call(call).await? {
            Answer::Request(request) => convert::request(request).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// Changes what the user calls a friend, and the lists they keep them in; what is absent
    /// stays.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn edit_friend(
        &self,
        user: &UserName,
        remark: Option<&str>,
        lists: Option<&[&str]>,
    ) -> Result<Friend, Failed> {
        let lists = lists.map(|lists| frame::Lists {
            names: lists.iter().map(|&list| list.to_owned()).collect(),
        });
        let (user, remark) = (user.to_string(), remark.map(str::to_owned));
        match self.call(Call::EditFriend(frame::EditFriendCall { user, remark, lists })).await? {
            Answer::Friend(friend) => convert::friend(friend).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// Ends a friendship, for both.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn remove_friend(&self, user: &UserName) -> Result<(), Failed> {
        self.done(Call::RemoveFriend(frame::RemoveFriendCall { user: user.to_string() })).await
    }

    /// A page of those whom the user blocks.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn blocks(&self, listing: Listing) -> Result<BlockPage, Failed> {
        match self.call(Call::Blocks(list(listing))).await? {
            Answer::Blocks(page) => convert::blocks(page).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// Blocks someone, or lets them be again.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn block(&self, user: &UserName, blocked: bool) -> Result<(), Failed> {
        self.done(Call::Block(frame::BlockCall { user: user.to_string(), blocked })).await
    }

    /// Finds users by the beginnings of the words of their names.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn find_users(
        &self,
        query: &str,
        after: Option<&UserName>,
        limit: u32,
    ) -> Result<Vec<Profile>, Failed> {
        let (query, after) = (query.to_owned(), super::after(after));
        match self.call(Call::FindUsers(frame::FindUsersCall { query, after, limit })).await? {
            Answer::Users(found) => {
                let users = found.users.into_iter().map(convert::profile).collect::<Result<_, _>>();
                users.map_err(|_| Failed::Odd)
            }
            _ => Err(Failed::Odd),
        }
    }

    /// Changes the user's profile; what is absent stays.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn edit_profile(&self, edit: ProfileEdit) -> Result<Profile, Failed> {
        let ProfileEdit { display_name, avatar, about, fields } = edit;
        let (display_name, avatar) = (text(display_name), text(avatar));
        let (about, fields) = (text(about), text(fields));
        let call = frame::EditProfileCall { display_name, avatar, about, fields };
        self.profile(Call::EditProfile(call)).await
    }

    /// Someone's profile, as far as the user may see it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn user(&self, user: &UserName) -> Result<Profile, Failed> {
        self.profile(Call::User(frame::UserCall { user: user.to_string() })).await
    }

    pub(super) async fn profile(&self, call: Call) -> Result<Profile, Failed> {
        match self.call(call).await? {
            Answer::User(user) => convert::profile(user).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// A page of the user's items whose keys begin with `prefix`: settings, drafts and whatever
    /// else the app keeps on all devices.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn items(&self, prefix: &str, listing: Listing) -> Result<ItemPage, Failed> {
        let call = frame::ItemsCall { prefix: prefix.to_owned(), list: Some(list(listing)) };
        match self.call(Call::Items(call)).await? {
            Answer::Items(page) => convert::items(page).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// One of the user's items.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn item(&self, key: &ItemKey) -> Result<Item, Failed> {
        self.one_item(Call::Item(frame::ItemCall { key: key.to_string() })).await
    }

    /// Sets one of the user's items to some JSON, or removes it. With `expected`, only if it is
    /// of that version: 0 when it must not be there.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn put_item(
        &self,
        key: &ItemKey,
        value: Option<&str>,
        expected: Option<SyncToken>,
    ) -> Result<Item, Failed> {
        let (value, expected) = (value.map(str::to_owned), expected.map(|version| version.0));
        let call = frame::PutItemCall { key: key.to_string(), value, expected };
        self.one_item(Call::PutItem(call)).await
    }

    async fn one_item(&self, call: Call) -> Result<Item, Failed> {
        match self.call(call).await? {
            Answer::Item(item) => convert::item(item).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }
}

fn list(listing: Listing) -> frame::ListCall {
    frame::ListCall { after: listing.after.0, gone: listing.gone, limit: listing.limit.into() }
}
