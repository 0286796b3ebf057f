//! Who may say what a group is, who may do what in it, and who else may come in.

use anser_domain::{
    Group, GroupChange, GroupKind, GroupRole, Member, Millis, PolicyPatch, ProfilePatch, Refusal,
    Who,
};
use anser_store::Acl;

use super::{MAX_TITLE, avatar};

/// Longest description, in bytes: a paragraph.
pub const MAX_DESCRIPTION: usize = 1024;
/// Longest avatar, in bytes: a URL, which browsers take at this length.
pub const MAX_AVATAR: usize = 2048;
/// Longest announcement, in bytes: a page, shown at the top.
pub const MAX_ANNOUNCEMENT: usize = 4096;
/// Longest text of someone who asks to come in, in bytes: admins read many.
pub const MAX_REQUEST: usize = 512;

/// Whether a change is one that can be made, whoever wants it.
///
/// # Errors
/// Says which bound it breaks.
pub(super) fn acceptable(change: &GroupChange) -> Result<(), Refusal> {
    match change {
        GroupChange::Profile(patch) if *patch == ProfilePatch::default() => {
            Err(Refusal::Invalid("a change of a profile names at least one part of it"))
        }
        GroupChange::Profile(patch) => acceptable_profile(patch),
        GroupChange::Policy(patch) if *patch == PolicyPatch::default() => {
            Err(Refusal::Invalid("a change of a policy names at least one part of it"))
        }
        _ => Ok(()),
    }
}

/// Whether a group may say this of itself.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_profile(patch: &ProfilePatch) -> Result<(), Refusal> {
    let ProfilePatch { title: name, description, avatar: picture, announcement } = patch;
    if let Some(name) = name {
        is_title(name)?;
    }
    let longer = |text: &Option<Box<str>>, bound| text.as_ref().is_some_and(|it| it.len() > bound);
    if longer(description, MAX_DESCRIPTION) {
        return Err(Refusal::TooLarge("a description has at most 1,024 bytes"));
    }
    if longer(picture, MAX_AVATAR) {
        return Err(Refusal::TooLarge("an avatar has at most 2,048 bytes"));
    }
    if longer(announcement, MAX_ANNOUNCEMENT) {
        return Err(Refusal::TooLarge("an announcement has at most 4,096 bytes"));
    }
    avatar::acceptable(picture.as_deref().unwrap_or_default())?;
    // Paragraphs and tables are fine; bells and escapes are not.
    let odd = |text: &Option<Box<str>>| {
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        text.as_ref().is_some_and(|text| text.chars().any(odd))
    };
    if odd(description) || odd(announcement) {
        return Err(Refusal::Invalid(
            "the text has no control characters but line breaks and tabs",
        ));
    }
    Ok(())
}

/// Whether what someone says who asks to come in can be shown.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_request(message: &str) -> Result<(), Refusal> {
    if message.len() > MAX_REQUEST {
        return Err(Refusal::TooLarge("a request has at most 512 bytes"));
    }
    if message.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Refusal::Invalid("the text has no control characters but line breaks"));
    }
    Ok(())
}

/// Whether a change may be made by the one who wants it; `own` is how they stand, if they are in
/// the group at all.
pub(super) fn may_change(
    acl: &Acl,
    own: Option<&Member>,
    change: &GroupChange,
) -> Result<(), Refusal> {
    // Who may come in of their own accord is a matter of what waits at the door: the store says.
    if *change == GroupChange::Join {
        return Ok(());
    }
    let own = own.ok_or(Refusal::NotMember)?;
    let allowed = match change {
        GroupChange::Profile(_) => is_one_of(acl.policy.edit, own),
        GroupChange::Policy(_) | GroupChange::Approve { .. } => own.role >= GroupRole::Admin,
        GroupChange::Mute { user, .. } => {
            // Nobody mutes themselves, their equals or those above.
            let role = acl.members.named(user).map(|member| member.role);
            own.role >= GroupRole::Admin && role.is_none_or(|role| role < own.role)
        }
        GroupChange::Dissolve => own.role == GroupRole::Owner,
        GroupChange::Leave if own.role == GroupRole::Owner => {
            return Err(Refusal::Invalid("the owner hands the group over before leaving"));
        }
        GroupChange::Leave | GroupChange::Join => true,
    };
    if allowed { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether a member may write now. The time is asked only for who has ever been muted.
pub(super) fn may_post(
    acl: &Acl,
    own: &Member,
    now: impl FnOnce() -> Millis,
) -> Result<(), Refusal> {
    if own.muted.0 != 0 && own.muted > now() {
        return Err(Refusal::Muted(own.muted));
    }
    if is_one_of(acl.policy.post, own) { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether a member may invite, and take invitations back.
pub(crate) fn may_invite(acl: &Acl, own: &Member) -> Result<(), Refusal> {
    if is_one_of(acl.policy.invite, own) { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether a member decides who of those who ask comes in.
pub(crate) fn may_decide(_: &Acl, own: &Member) -> Result<(), Refusal> {
    if own.role >= GroupRole::Admin { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether the viewer of a group may see who is in it: in a channel, admins only.
pub(crate) fn may_see_members(group: &Group) -> Result<(), Refusal> {
    match (group.role, group.kind) {
        (None, _) => Err(Refusal::NotMember),
        (Some(GroupRole::Member), GroupKind::Channel) => Err(Refusal::Forbidden),
        _ => Ok(()),
    }
}

/// Whether a member belongs to those who may.
fn is_one_of(who: Who, own: &Member) -> bool {
    who == Who::Members || own.role >= GroupRole::Admin
}

/// Whether a name that people read fits on a line.
///
/// # Errors
/// Says which bound it breaks.
pub(super) fn is_title(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_TITLE {
        return Err(Refusal::TooLarge("a title has at most 256 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::Invalid("a title has no control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anser_domain::{ConvId, GroupName, Policy, UserId, UserName};
    use anser_store::{ConversationKind, Members};

    use super::*;

    fn member(number: u64, name: &str, role: GroupRole) -> Member {
        let name = UserName::new(name).unwrap();
        Member { user: UserId(number), name, role, muted: Millis(0) }
    }

    /// olga owns, adam and anna administer, mia is a member.
    fn acl(policy: Policy) -> Acl {
        let members = [
            member(1, "olga", GroupRole::Owner),
            member(2, "adam", GroupRole::Admin),
            member(3, "anna", GroupRole::Admin),
            member(4, "mia", GroupRole::Member),
        ];
        Acl {
            conv: ConvId(1),
            version: 1,
            kind: ConversationKind::Group(GroupName::trusted("geese")),
            group: GroupKind::Group,
            policy,
            members: members.into_iter().collect::<Members>(),
            bond: anser_store::Bond::default(),
        }
    }

    fn mute(name: &str) -> GroupChange {
        GroupChange::Mute { user: UserName::new(name).unwrap(), until: Millis(9) }
    }

    #[test]
    fn who_may_change_a_group() {
        let edit = GroupChange::Profile(ProfilePatch::default());
        let policy = GroupChange::Policy(PolicyPatch::default());
        let open = Policy { edit: Who::Members, ..Policy::default() };
        let rows = [
            (Policy::default(), 4, edit.clone(), false),
            (Policy::default(), 2, edit.clone(), true),
            (open, 4, edit, true),
            (open, 4, policy.clone(), false),
            (open, 2, policy, true),
            (open, 4, mute("mia"), false),
            (open, 2, mute("mia"), true),
            (open, 2, mute("anna"), false),
            (open, 2, mute("adam"), false),
            (open, 1, mute("anna"), true),
            (open, 2, GroupChange::Dissolve, false),
            (open, 1, GroupChange::Dissolve, true),
            (open, 1, GroupChange::Leave, false),
            (open, 4, GroupChange::Leave, true),
            (open, 9, GroupChange::Leave, false),
            (open, 9, GroupChange::Join, true),
        ];
        for (policy, who, change, allowed) in rows {
            let (acl, text) = (acl(policy), format!("{who}: {change:?}"));
            let own = acl.members.get(&UserId(who));
            assert_eq!(may_change(&acl, own, &change).is_ok(), allowed, "{text}");
        }
    }

    #[test]
    fn who_may_write() {
        let muted = Member { muted: Millis(100), ..member(4, "mia", GroupRole::Member) };
        let all = acl(Policy::default());
        assert_eq!(may_post(&all, &muted, || Millis(99)), Err(Refusal::Muted(Millis(100))));
        assert!(may_post(&all, &muted, || Millis(100)).is_ok(), "the time is over");
        let few = acl(Policy { post: Who::Admins, ..Policy::default() });
        assert!(may_post(&few, &few.members[&UserId(4)], || Millis(0)).is_err());
        assert!(may_post(&few, &few.members[&UserId(2)], || Millis(0)).is_ok());
    }

    #[test]
    fn texts_have_bounds() {
        let patch = |title: &str, description: &str| {
            acceptable(&GroupChange::Profile(ProfilePatch {
                title: Some(title.into()),
                description: Some(description.into()),
                ..ProfilePatch::default()
            }))
        };
        assert!(patch("Geese", "two\nlines").is_ok());
        assert!(patch("Ge\nese", "").is_err());
        assert!(patch(&"x".repeat(MAX_TITLE + 1), "").is_err());
        assert!(patch("", &"x".repeat(MAX_DESCRIPTION + 1)).is_err());
        assert!(patch("", "\u{1b}[2J").is_err());
        let avatar = |it: &str| {
            let patch = ProfilePatch { avatar: Some(it.into()), ..ProfilePatch::default() };
            acceptable(&GroupChange::Profile(patch))
        };
        assert!(avatar("https://example.org/geese.png").is_ok());
        assert!(avatar("javascript:alert(1)").is_err());
        assert!(acceptable(&GroupChange::Profile(ProfilePatch::default())).is_err());
        assert!(acceptable(&GroupChange::Policy(PolicyPatch::default())).is_err());
        assert!(acceptable_request(&"x".repeat(MAX_REQUEST + 1)).is_err());
    }
}
