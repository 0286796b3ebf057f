//! Arbitrary groups, and what is asked about them.

use super::*;

pub fn kind() -> impl Strategy<Value = GroupKind> {
    prop_oneof![Just(GroupKind::Group), Just(GroupKind::Channel)]
}

fn join() -> impl Strategy<Value = JoinPolicy> {
    prop_oneof![Just(JoinPolicy::Open), Just(JoinPolicy::Approval), Just(JoinPolicy::Invite)]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![Just(Who::Members), Just(Who::Admins)]
}

pub fn policy_patch() -> impl Strategy<Value = PolicyPatch> {
    let who = || option::of(who());
    (option::of(join()), who(), who(), who(), who(), any::<Option<bool>>())
        .prop_map(|(join, invite, post, pin, edit, hidden)| PolicyPatch {
            join,
            invite,
            post,
            pin,
            edit,
            hidden,
        })
        .boxed()
}

pub fn profile_patch() -> impl Strategy<Value = ProfilePatch> {
    let text = || option::of(text());
    (text(), text(), text(), text())
        .prop_map(|(title, description, avatar, announcement)| ProfilePatch {
            title,
            description,
            avatar,
            announcement,
        })
        .boxed()
}

pub fn group_change() -> impl Strategy<Value = GroupChange> {
    prop_oneof![
        profile_patch().prop_map(GroupChange::Profile),
        policy_patch().prop_map(GroupChange::Policy),
        (user(), any::<i64>())
            .prop_map(|(user, until)| GroupChange::Mute { user, until: Millis(until) }),
        Just(GroupChange::Dissolve),
        Just(GroupChange::Join),
        user().prop_map(|user| GroupChange::Approve { user }),
        Just(GroupChange::Leave),
    ]
    .boxed()
}

pub fn group_command() -> impl Strategy<Value = GroupCommand> {
    let groups = || (option::of(group()), any::<u16>());
    let users = || (group(), option::of(user()), any::<u16>());
    prop_oneof![
        groups().prop_map(|(after, limit)| GroupCommand::Mine { after, limit }),
        (group(), vec(user(), 0..4))
            .prop_map(|(group, users)| GroupCommand::Invite { group, users }),
        (group(), user()).prop_map(|(group, user)| GroupCommand::Uninvite { group, user }),
        users().prop_map(|(group, after, limit)| GroupCommand::Invited { group, after, limit }),
        groups().prop_map(|(after, limit)| GroupCommand::Invitations { after, limit }),
        group().prop_map(|group| GroupCommand::Decline { group }),
        (group(), client_id(), text()).prop_map(|(group, client_id, message)| {
            GroupCommand::Join { group, client_id, message }
        }),
        group().prop_map(|group| GroupCommand::Withdraw { group }),
        users().prop_map(|(group, after, limit)| GroupCommand::Requests { group, after, limit }),
        (group(), user()).prop_map(|(group, user)| GroupCommand::Refuse { group, user }),
    ]
    .boxed()
}

pub fn card() -> impl Strategy<Value = Group> {
    (
        (group(), kind(), option::of(group_role())),
        (text(), text(), text(), text()),
        any::<(u32, i64, i64)>(),
        policy_patch(),
    )
        .prop_map(|((name, kind, role), texts, (members, created, muted), policy)| {
            let (title, description, avatar, announcement) = texts;
            Group {
                name,
                kind,
                title,
                description,
                avatar,
                announcement,
                members,
                created: Millis(created),
                policy: policy.onto(Policy::new(kind)),
                role,
                muted: Millis(muted),
            }
        })
        .boxed()
}

pub fn group_reply() -> impl Strategy<Value = GroupReply> {
    let times = any::<(i64, i64)>;
    let waiting =
        (user(), user(), text(), times()).prop_map(|(user, by, message, (since, until))| Waiting {
            user,
            by,
            message,
            since: Millis(since),
            until: Millis(until),
        });
    let invitation = (card(), user(), times()).prop_map(|(group, by, (since, until))| Invitation {
        group,
        by,
        since: Millis(since),
        until: Millis(until),
    });
    prop_oneof![
        (vec(card(), 0..4), any::<bool>())
            .prop_map(|(groups, more)| GroupReply::Groups { groups, more }),
        (vec(waiting, 0..4), any::<bool>())
            .prop_map(|(users, more)| GroupReply::Waiting { users, more }),
        (vec(invitation, 0..4), any::<bool>())
            .prop_map(|(invitations, more)| GroupReply::Invitations { invitations, more }),
        Just(GroupReply::Asked),
    ]
    .boxed()
}
