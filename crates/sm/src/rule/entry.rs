//! Who recalls, edits, pins and reacts to which message.

use std::time::Duration;

use anser_domain::{EntryChange, GroupRole, Kind, MAX_REACTION, Refusal, Who};

use super::message::acceptable_content;
use crate::config::Config;

/// Who wrote a message, in relation to who wants to change it.
#[derive(Clone, Copy)]
pub(super) struct Author {
    /// Whether it is their own.
    pub(super) own: bool,
    /// The author's standing; `None` for who is no member any more.
    pub(super) role: Option<GroupRole>,
}

/// Where and when the change is wanted.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The standing of who wants it.
    pub(super) role: GroupRole,
    /// Whether the conversation has two sides only, which stand alike.
    pub(super) direct: bool,
    /// Who pins in a group.
    pub(super) pin: Who,
    /// How long ago the message was sent.
    pub(super) age: Duration,
}

/// Whether a change is one that can be made, whoever wants it.
///
/// # Errors
/// Says which bound it breaks.
pub(super) fn acceptable(change: &EntryChange, config: &Config) -> Result<(), Refusal> {
    match change {
        EntryChange::Recall { .. } | EntryChange::Pin { .. } => Ok(()),
        EntryChange::Edit { content, mentions, .. } => {
            if !matches!(content.kind(), Kind::Text | Kind::Custom) {
                return Err(Refusal::Invalid("only text and custom messages can be edited"));
            }
            if mentions.len() > config.max_mentions {
                return Err(Refusal::TooLarge("the message mentions too many users"));
            }
            acceptable_content(content, config)
        }
        EntryChange::React { reaction, .. } => acceptable_reaction(reaction),
    }
}

/// Whether this can stand for what somebody feels.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_reaction(reaction: &str) -> Result<(), Refusal> {
    if reaction.is_empty() {
        return Err(Refusal::Invalid("a reaction is not empty"));
    }
    if reaction.len() > MAX_REACTION {
        return Err(Refusal::TooLarge("a reaction has at most 64 bytes"));
    }
    if reaction.chars().any(char::is_control) {
        return Err(Refusal::Invalid("a reaction has no control characters"));
    }
    Ok(())
}

/// Whether a change of a message may be made.
pub(super) fn may_change(
    change: &EntryChange,
    author: Author,
    place: Place,
    config: &Config,
) -> Result<(), Refusal> {
    match change {
        // Those who stand higher keep order in a group, at any time.
        EntryChange::Recall { .. }
            if !place.direct
                && place.role >= GroupRole::Admin
                && (author.own || author.role.is_none_or(|role| role < place.role)) =>
        {
            Ok(())
        }
        EntryChange::Recall { .. } if !author.own => Err(Refusal::Forbidden),
        EntryChange::Recall { .. } if place.age > config.recall_window => {
            Err(Refusal::Invalid("it is too late to recall the message"))
        }
        EntryChange::Edit { .. } if !author.own => Err(Refusal::Forbidden),
        EntryChange::Edit { .. } if place.age > config.edit_window => {
            Err(Refusal::Invalid("it is too late to edit the message"))
        }
        EntryChange::Pin { .. }
            if !place.direct && place.pin == Who::Admins && place.role < GroupRole::Admin =>
        {
            Err(Refusal::Forbidden)
        }
        EntryChange::Recall { .. }
        | EntryChange::Edit { .. }
        | EntryChange::Pin { .. }
        | EntryChange::React { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::{Content, Seq};

    use super::*;

    const NOW: Duration = Duration::ZERO;
    const OLD: Duration = Duration::from_secs(7 * 24 * 3600);

    fn verdict(change: &EntryChange, own: bool, place: (GroupRole, bool, Duration)) -> bool {
        let (role, direct, age) = place;
        let author = Author { own, role: Some(if own { role } else { GroupRole::Admin }) };
        let place = Place { role, direct, pin: Who::Admins, age };
        may_change(change, author, place, &Config::default()).is_ok()
    }

    #[test]
    fn who_may_change_a_message() {
        use GroupRole::{Admin, Member, Owner};
        let recall = EntryChange::Recall { seq: Seq(1) };
        let edit = EntryChange::Edit {
            seq: Seq(1),
            content: Content::Text("x".into()),
            mentions: Vec::new(),
        };
        let pin = EntryChange::Pin { seq: Seq(1), on: true };
        let react = EntryChange::React { seq: Seq(1), reaction: "👍".into(), on: true };
        // What, of one's own or an admin's, by whom, in a direct conversation, how old.
        let rows = [
            (&recall, true, Member, false, NOW, true),
            (&recall, true, Member, false, OLD, false),
            (&recall, true, Member, true, NOW, true),
            (&recall, true, Member, true, OLD, false),
            (&recall, false, Member, true, NOW, false),
            (&recall, false, Member, false, NOW, false),
            (&recall, false, Admin, false, NOW, false),
            (&recall, false, Owner, false, OLD, true),
            (&recall, true, Admin, false, OLD, true),
            (&edit, true, Member, false, NOW, true),
            (&edit, true, Owner, false, OLD, false),
            (&edit, false, Owner, false, NOW, false),
            (&pin, false, Member, true, OLD, true),
            (&pin, true, Member, false, NOW, false),
            (&pin, false, Admin, false, OLD, true),
            (&react, false, Member, false, OLD, true),
        ];
        for (change, own, role, direct, age, allowed) in rows {
            let text = format!("{change:?} own: {own} {role:?} direct: {direct} {age:?}");
            assert_eq!(verdict(change, own, (role, direct, age)), allowed, "{text}");
        }
        let author = Author { own: false, role: None };
        let place = Place { role: Member, direct: false, pin: Who::Members, age: OLD };
        assert_eq!(may_change(&pin, author, place, &Config::default()), Ok(()));
    }

    #[test]
    fn what_a_change_may_hold() {
        let config = Config::default();
        let react = |reaction: &str| {
            acceptable(
                &EntryChange::React { seq: Seq(1), reaction: reaction.into(), on: true },
                &config,
            )
        };
        assert!(react("👨‍👩‍👧‍👦").is_ok());
        for bad in ["", "a\nb", &"x".repeat(65)] {
            assert!(react(bad).is_err(), "{bad:?}");
        }
        let edit = |content| {
            acceptable(&EntryChange::Edit { seq: Seq(1), content, mentions: Vec::new() }, &config)
        };
        assert!(edit(Content::Custom("{}".into())).is_ok());
        assert!(edit(Content::Image("{}".into())).is_err());
        assert!(edit(Content::Text("".into())).is_err());
    }
}
