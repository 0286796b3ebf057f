//! Friends, requests, blocks, profiles and small things of users.

use std::sync::Arc;

use anser_domain::{
    Details, FriendPage, Item, ItemKey, Listing, PeopleCommand, PeopleReply, Profile, ProfileEdit,
    Refusal, Reply, ReplyTo, Role, Seen, Subject, SyncToken, UserId, UserName, asked_words,
};
use anser_store::{Asked, FriendRow, NewItem, Refaced, Store, Told, UserRow};

use crate::{
    account::{display_name, profile},
    config::Config,
    fanout::Fanout,
    links::Links,
    presence::Presence,
    rule,
};

/// Answers what is asked about people.
pub(crate) struct People {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Arc<Config>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) links: Arc<Links>,
    pub(crate) presence: Arc<Presence>,
}

/// Who asks.
pub(crate) struct Asker<'a> {
    pub(crate) from: ReplyTo,
    pub(crate) user: UserId,
    pub(crate) name: &'a UserName,
    pub(crate) role: Role,
}

impl People {
    pub(crate) async fn answer(
        &self,
        asker: Asker<'_>,
        command: PeopleCommand,
    ) -> Result<Reply, Refusal> {
        rule::acceptable_people(&command)?;
        let user = asker.user;
        let reply = match command {
            PeopleCommand::Items { prefix, listing } => {
                PeopleReply::Items(self.store.items(user, &prefix, self.bounded(listing)).await?)
            }
            PeopleCommand::Item(key) => {
                let item = self.store.item(user, &key).await?;
                let item = item.filter(|item| item.value.is_some());
                PeopleReply::Item(item.ok_or(Refusal::NoSuch("item"))?)
            }
            PeopleCommand::PutItem { key, value, expected } => {
                PeopleReply::Item(self.put_item(&asker, key, value, expected).await?)
            }
            PeopleCommand::Friends(listing) => {
                PeopleReply::Friends(self.friends(user, self.bounded(listing)).await?)
            }
            PeopleCommand::Requests(listing) => {
                PeopleReply::Requests(self.store.requests(user, self.bounded(listing)).await?)
            }
            PeopleCommand::RequestFriend { user: other, message } => {
                let asked = self.store.request(user, &other, message).await?;
                self.settled(&asker, asked).await
            }
            PeopleCommand::AnswerRequest { id, accept } => {
                let asked = self.store.answer(user, id, accept).await?;
                self.settled(&asker, asked).await
            }
            PeopleCommand::WithdrawRequest(id) => {
                let asked = self.store.withdraw(user, id).await?;
                self.settled(&asker, asked).await
            }
            PeopleCommand::EditFriend { user: friend, remark, lists } => {
                let edit = self.store.edit_friend(user, &friend, remark, lists);
                let (row, told) = edit.await?;
                self.tell(told, asker.from);
                PeopleReply::Friend(self.with_presence(row).await)
            }
            PeopleCommand::RemoveFriend(friend) => {
                let (other, told) = self.store.unfriend(user, &friend).await?;
                self.tell(told, asker.from);
                self.presence.parted((user, asker.name), (other, &friend));
                return Ok(Reply::Done);
            }
            PeopleCommand::Blocks(listing) => {
                PeopleReply::Blocks(self.store.blocks(user, self.bounded(listing)).await?)
            }
            PeopleCommand::Block { user: other, blocked } => {
                let (id, told) = self.store.block(user, &other, blocked).await?;
                let were_friends = told.iter().any(|told| told.subject == Subject::Friends);
                self.tell(told, asker.from);
                if were_friends {
                    self.presence.parted((user, asker.name), (id, &other));
                }
                return Ok(Reply::Done);
            }
            PeopleCommand::Search { query, after, limit } => {
                let limit = limit.clamp(1, self.config.page_limit);
                let words = asked_words(&query);
                let rows = self.store.users_by_words(user, words, after.as_ref(), limit).await?;
                return Ok(Reply::Users(rows.into_iter().map(found).collect()));
            }
            PeopleCommand::EditProfile(edit) => {
                self.edit_profile(&asker, edit).await?;
                return self.profile(&asker, asker.name).await;
            }
        };
        Ok(Reply::People(Box::new(reply)))
    }

    fn bounded(&self, listing: Listing) -> Listing {
        Listing { limit: listing.limit.clamp(1, self.config.page_limit), ..listing }
    }

    /// Tells those whose own things have changed, after the commit.
    fn tell(&self, told: Vec<Told>, from: ReplyTo) {
        for Told { user, subject, at } in told {
            self.fanout.changed(vec![(user, at)], subject, Some(from));
        }
    }

    async fn settled(&self, asker: &Asker<'_>, asked: Asked) -> PeopleReply {
        let friends = asked.told.iter().any(|told| told.subject == Subject::Friends);
        self.tell(asked.told, asker.from);
        if friends {
            let from_asker = asked.request.from == *asker.name;
            let other = if from_asker { &asked.request.to } else { &asked.request.from };
            self.presence.met((asker.user, asker.name), (asked.other, other)).await;
        }
        PeopleReply::Request(asked.request)
    }

    // — items —

    async fn put_item(
        &self,
        asker: &Asker<'_>,
        key: ItemKey,
        value: Option<Box<str>>,
        expected: Option<SyncToken>,
    ) -> Result<Item, Refusal> {
        let shows =
            (key.as_str() == rule::SEES_PRESENCE).then(|| value.as_deref() != Some("\"nobody\""));
        let new = NewItem { key, value, expected };
        let items = self.store.put_items(asker.user, vec![new]).await?;
        let item = items.into_iter().next().ok_or(Refusal::Unavailable)?;
        self.fanout.changed(vec![(asker.user, item.version)], Subject::Items, Some(asker.from));
        if let Some(shows) = shows {
            self.presence.shown(asker.user, asker.name.clone(), shows).await;
        }
        Ok(item)
    }

    // — friends —

    async fn friends(&self, user: UserId, listing: Listing) -> Result<FriendPage, Refusal> {
        let page = self.store.friends(user, listing).await?;
        let ids = page.rows.iter().map(|row| row.id).collect();
        let online = self.presence.online(ids).await;
        let with = |(row, online): (FriendRow, bool)| seen_as(row, online);
        let friends = page.rows.into_iter().zip(online).map(with).collect();
        Ok(FriendPage { friends, token: page.token, more: page.more })
    }

    async fn with_presence(&self, row: FriendRow) -> anser_domain::Friend {
        let online = self.presence.online(vec![row.id]).await;
        seen_as(row, online.first().copied().unwrap_or_default())
    }

    // — profiles —

    /// Someone's profile, as far as the asker may see it. The disabled cannot be found, except
    /// by administrators.
    pub(crate) async fn profile(
        &self,
        asker: &Asker<'_>,
        name: &UserName,
    ) -> Result<Reply, Refusal> {
        let row = self.store.user(name).await?.ok_or(Refusal::NoSuchUser)?;
        if row.disabled && asker.role != Role::Admin {
            return Err(Refusal::NoSuchUser);
        }
        let details = self.details(asker.user, row.id).await?;
        let mut profile = Profile { details, ..profile(row) };
        if asker.role != Role::Admin {
            // Standing is for administrators.
            profile.role = Role::User;
        }
        Ok(Reply::User(Box::new(profile)))
    }

    async fn details(&self, viewer: UserId, user: UserId) -> Result<Details, Refusal> {
        let own = viewer == user;
        let relation = self.store.relation(user, viewer).await?;
        if !own && (relation.blocks || relation.blocked) {
            return Ok(Details::default());
        }
        let sees = |choice: Option<&str>, default: &str| match choice.unwrap_or(default) {
            "\"everyone\"" => true,
            "\"friends\"" => own || relation.friends,
            _ => own,
        };
        let all = Listing { after: SyncToken(0), gone: false, limit: self.config.page_limit };
        let kept = self.store.items(user, "profile/", all).await?.items;
        let privacy = self.store.items(user, "privacy/", all).await?.items;
        let value = |items: &[Item], key: &str| {
            items.iter().find(|it| it.key.as_str() == key).and_then(|it| it.value.clone())
        };
        let text = |key| {
            let json = value(&kept, key).unwrap_or_default();
            serde_json::from_str::<Box<str>>(&json).unwrap_or_default()
        };
        let fields_shown = sees(value(&privacy, rule::SEES_FIELDS).as_deref(), "\"everyone\"");
        let fields = value(&kept, rule::FIELDS).filter(|_| fields_shown).unwrap_or_default();
        let presence = if sees(value(&privacy, rule::SEES_PRESENCE).as_deref(), "\"friends\"") {
            let online = !self.links.online(user).await.is_empty();
            Some(Seen { online, last: self.store.seen(user).await? })
        } else {
            None
        };
        Ok(Details { avatar: text(rule::AVATAR), about: text(rule::ABOUT), fields, presence })
    }

    async fn edit_profile(&self, asker: &Asker<'_>, edit: ProfileEdit) -> Result<(), Refusal> {
        let ProfileEdit { display_name: name, avatar, about, fields } = edit;
        if let Some(name) = &name {
            display_name(name)?;
        }
        let quoted = |text: Box<str>| {
            (!text.is_empty()).then(|| serde_json::Value::from(&*text).to_string().into())
        };
        let changes: [(&str, Option<Option<Box<str>>>); 3] = [
            (rule::AVATAR, avatar.map(quoted)),
            (rule::ABOUT, about.map(quoted)),
            (rule::FIELDS, fields.map(|json| (!json.is_empty()).then_some(json))),
        ];
        let batch: Vec<_> = changes
            .into_iter()
            .filter_map(|(key, value)| {
                let key = ItemKey::trusted(key);
                Some(NewItem { key, value: value?, expected: None })
            })
            .collect();
        let Refaced { at, friends } = self.store.edit_profile(asker.user, name, batch).await?;
        let (own, from) = (vec![asker.user], Some(asker.from));
        self.fanout.changed_for_all(own, Subject::Profile, at, from);
        self.fanout.changed_for_all(friends, Subject::Friends, at, from);
        Ok(())
    }
}

fn seen_as(row: FriendRow, online: bool) -> anser_domain::Friend {
    let FriendRow { shows, seen, mut friend, .. } = row;
    if shows && !friend.gone {
        friend.presence = Some(Seen { online, last: seen });
    }
    friend
}

/// A user as a search shows them: the names, and no more.
fn found(row: UserRow) -> Profile {
    Profile { role: Role::User, ..profile(row) }
}
