//! Who may write to whom, and what people may say of themselves and each other.

use anser_domain::{ItemKey, PeopleCommand, ProfileEdit, Refusal, UserId};
use anser_store::{Acl, ConversationKind};

use super::avatar;
use crate::planted::{Plant, planted};

/// Longest value of an item, in bytes: what a draft or a page of settings takes.
const MAX_VALUE: usize = 64 * 1024;
/// Longest words that go with a friend request, in bytes: a screenful of a notification.
const MAX_REQUEST: usize = 512;
/// Longest remark, in bytes: it stands in a name's place.
const MAX_REMARK: usize = super::MAX_TITLE;
/// Most lists that one friend is in: all of them are in every row of the list of friends.
const MAX_LISTS: usize = 16;
/// The longest name of one, in bytes.
const MAX_LIST: usize = 64;
/// Longest avatar, in bytes: a URL or the id of a file.
const MAX_AVATAR: usize = 1024;
/// Longest text about oneself, in bytes.
const MAX_ABOUT: usize = 2048;
/// Longest JSON of a profile's own fields, in bytes.
const MAX_FIELDS: usize = 8 * 1024;

/// The profile beside the name: items that only `PATCH /v1/me` changes.
pub(crate) const AVATAR: &str = "profile/avatar";
/// See [`AVATAR`].
pub(crate) const ABOUT: &str = "profile/about";
/// See [`AVATAR`].
pub(crate) const FIELDS: &str = "profile/fields";
/// Who sees a user come and go, and when they were last there.
pub(crate) const SEES_PRESENCE: &str = "privacy/presence";
/// Who sees the fields of a profile.
pub(crate) const SEES_FIELDS: &str = "privacy/fields";
/// Who finds a user by search.
const FINDS: &str = "privacy/search";

const PROFILE: &str = "profile/";
const PRIVACY: &str = "privacy/";
const CHOICES: [(&str, &[&str]); 3] = [
    (SEES_PRESENCE, &["\"everyone\"", "\"friends\"", "\"nobody\""]),
    (SEES_FIELDS, &["\"everyone\"", "\"friends\""]),
    (FINDS, &["\"everyone\"", "\"nobody\""]),
];

/// Who may write to whom where neither blocks the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhoMayWrite {
    /// Everyone to everyone.
    #[default]
    Anyone,
    /// Friends to each other.
    Friends,
}

/// Whether `writer` may add to a conversation at all, as far as the two of a direct one stand to
/// each other. Notes to oneself always may.
pub(crate) fn may_write_to(acl: &Acl, policy: WhoMayWrite) -> Result<(), Refusal> {
    if acl.kind != ConversationKind::Direct || acl.members.len() < 2 {
        return Ok(());
    }
    let barred = !acl.bond.blockers.is_empty() && !planted(Plant::BlockIgnored);
    if barred || (policy == WhoMayWrite::Friends && !acl.bond.friends) {
        return Err(Refusal::Forbidden);
    }
    Ok(())
}

/// Who of a direct conversation is told of what `user` does there beside writing: nobody but
/// themself across a block.
pub(crate) fn may_be_told(acl: &Acl, user: UserId, viewer: UserId) -> bool {
    viewer == user || acl.bond.blockers.is_empty()
}

/// Whether what is asked can be done at all, whoever wants it.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_people(command: &PeopleCommand) -> Result<(), Refusal> {
    match command {
        PeopleCommand::PutItem { key, value, .. } => item(key, value.as_deref()),
        PeopleCommand::RequestFriend { message, .. } => {
            short(message, MAX_REQUEST, "a request's message has at most 512 bytes")
        }
        PeopleCommand::EditFriend { remark, lists, .. } => acceptable_remark(
            remark.as_deref().unwrap_or_default(),
            lists.as_deref().unwrap_or_default(),
        ),
        PeopleCommand::EditProfile(edit) => profile(edit),
        PeopleCommand::Search { query, .. } => {
            short(query, super::MAX_TITLE, "a question has at most 256 bytes")
        }
        PeopleCommand::Items { prefix, .. } => {
            short(prefix, anser_domain::MAX_ITEM_KEY, "a prefix has at most 256 bytes")
        }
        _ => Ok(()),
    }
}

/// Whether one may say this of a friend.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_remark(remark: &str, lists: &[Box<str>]) -> Result<(), Refusal> {
    short(remark, MAX_REMARK, "a remark has at most 256 bytes")?;
    if lists.len() > MAX_LISTS {
        return Err(Refusal::TooLarge("a friend is in at most 16 lists"));
    }
    if lists.iter().any(|list| list.is_empty()) {
        return Err(Refusal::Invalid("a list has a name"));
    }
    let mut names = lists.iter();
    names.try_for_each(|it| short(it, MAX_LIST, "a list's name has at most 64 bytes"))
}

/// Whether an item may be kept, those of the profile among them.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_item(key: &ItemKey, value: &str) -> Result<(), Refusal> {
    let text = || {
        let read: Result<Box<str>, _> = serde_json::from_str(value);
        read.map(Some).map_err(|_| Refusal::Invalid("what a profile says is a text"))
    };
    let mut edit = ProfileEdit::default();
    match key.as_str() {
        AVATAR => edit.avatar = text()?,
        ABOUT => edit.about = text()?,
        FIELDS => edit.fields = Some(value.into()),
        _ => return item(key, Some(value)),
    }
    profile(&edit)
}

fn short(text: &str, most: usize, why: &'static str) -> Result<(), Refusal> {
    if text.len() > most {
        return Err(Refusal::TooLarge(why));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Refusal::Invalid("no control characters"));
    }
    Ok(())
}

fn item(key: &ItemKey, value: Option<&str>) -> Result<(), Refusal> {
    if key.as_str().starts_with(PROFILE) {
        return Err(Refusal::Invalid("profile/ is what a change of one's own profile writes"));
    }
    let Some(value) = value else { return Ok(()) };
    if value.len() > MAX_VALUE {
        return Err(Refusal::TooLarge("an item has at most 64 KiB"));
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(value).is_err() {
        return Err(Refusal::Invalid("an item's value must be JSON"));
    }
    if key.as_str().starts_with(PRIVACY) {
        let choices = CHOICES.iter().find(|row| row.0 == key.as_str()).map(|row| row.1);
        if !choices.is_some_and(|choices| choices.contains(&value)) {
            return Err(Refusal::Invalid("privacy/ has no such setting"));
        }
    }
    Ok(())
}

fn profile(edit: &ProfileEdit) -> Result<(), Refusal> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let picture = text(&edit.avatar);
    short(&picture, MAX_AVATAR, "an avatar has at most 1 KiB")?;
    avatar::acceptable(&picture)?;
    short(&text(&edit.about), MAX_ABOUT, "the text about oneself has at most 2 KiB")?;
    let fields = text(&edit.fields);
    if fields.len() > MAX_FIELDS {
        return Err(Refusal::TooLarge("the fields of a profile have at most 8 KiB"));
    }
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&fields);
    if !fields.is_empty() && object.is_err() {
        return Err(Refusal::Invalid("the fields of a profile are a JSON object"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, value: &str) -> Result<(), Refusal> {
        item(&ItemKey::new(key).unwrap(), Some(value))
    }

    #[test]
    fn items_are_json_and_settings_are_known() {
        assert_eq!(put("draft/u:bob", "\"hi\""), Ok(()));
        assert_eq!(put("privacy/presence", "\"nobody\""), Ok(()));
        for (key, value) in [
            ("draft/u:bob", "hi"),
            ("profile/about", "\"me\""),
            ("privacy/presence", "\"some\""),
            ("privacy/else", "\"nobody\""),
        ] {
            assert!(matches!(put(key, value), Err(Refusal::Invalid(_))), "{key}");
        }
        let long = format!("\"{}\"", "x".repeat(MAX_VALUE));
        assert!(matches!(put("a", &long), Err(Refusal::TooLarge(_))));
    }

    #[test]
    fn items_that_come_in_are_held_to_the_same() {
        let kept = |key: &str, value: &str| acceptable_item(&ItemKey::new(key).unwrap(), value);
        assert_eq!(kept("draft/u:bob", &format!("\"{}\"", "x".repeat(20_000))), Ok(()));
        assert_eq!(kept(AVATAR, "\"https://example.org/a.png\""), Ok(()));
        assert_eq!(kept(FIELDS, "{\"team\":\"geese\"}"), Ok(()));
        for (key, value) in [
            ("draft/u:bob", "hi"),
            (AVATAR, "\"javascript:alert(1)\""),
            (AVATAR, "7"),
            (ABOUT, "\"\\u0007\""),
            (FIELDS, "[]"),
            ("profile/else", "\"me\""),
            ("privacy/presence", "\"some\""),
        ] {
            assert!(kept(key, value).is_err(), "{key}");
        }
    }

    #[test]
    fn a_picture_is_no_script() {
        let edit = |it: &str| ProfileEdit { avatar: Some(it.into()), ..Default::default() };
        assert_eq!(profile(&edit("https://example.org/a.png")), Ok(()));
        assert!(profile(&edit("javascript:alert(1)")).is_err());
    }

    #[test]
    fn fields_are_an_object() {
        let edit = |fields: &str| ProfileEdit { fields: Some(fields.into()), ..Default::default() };
        assert_eq!(profile(&edit("{\"team\":\"geese\"}")), Ok(()));
        assert_eq!(profile(&edit("")), Ok(()));
        assert!(profile(&edit("[1]")).is_err() && profile(&edit("{")).is_err());
    }
}
