//! Arbitrary commands.

use super::{push::push_command, *};

pub(super) fn outgoing() -> impl Strategy<Value = Outgoing> {
    let source = (address(), seq()).prop_map(|(at, seq)| Source { at, seq });
    let rare = (any::<bool>(), option::of(source));
    (
        address(),
        client_id(),
        content(),
        option::of(seq()),
        vec(user(), 0..3),
        option::of(payload()),
        rare,
    )
        .prop_map(|(to, client_id, content, reply_to, mentions, payload, rare)| Outgoing {
            to,
            client_id,
            content,
            reply_to,
            mentions,
            payload,
            mentions_all: rare.0,
            forward: rare.1,
        })
        .boxed()
}

pub fn history_range() -> impl Strategy<Value = HistoryRange> {
    prop_oneof![
        any::<u16>().prop_map(|limit| HistoryRange::Latest { limit }),
        (seq(), any::<u16>()).prop_map(|(seq, limit)| HistoryRange::Before { seq, limit }),
        (seq(), any::<u16>()).prop_map(|(seq, limit)| HistoryRange::After { seq, limit }),
    ]
}

fn change() -> impl Strategy<Value = MemberChange> {
    prop_oneof![
        (vec(user(), 0..4), group_role())
            .prop_map(|(users, role)| MemberChange::Put { users, role }),
        vec(user(), 0..4).prop_map(|users| MemberChange::Remove { users }),
    ]
}

fn of_links_and_logs() -> impl Strategy<Value = Command> {
    let token = || option::of(any::<u64>().prop_map(SyncToken));
    prop_oneof![
        (credential(), token())
            .prop_map(|(credential, since)| Command::Login(Box::new(Login { credential, since }))),
        Just(Command::Unlink),
        Just(Command::Relink),
        (any::<u64>(), option::of(seq()), any::<u16>()).prop_map(|(conv, after, limit)| {
            Command::Pull(Pull { conv: ConvId(conv), after, limit })
        }),
        any::<u64>().prop_map(|since| Command::Changes { since: SyncToken(since) }),
        (any::<u64>(), seq())
            .prop_map(|(conv, seq)| Command::Delivered { conv: ConvId(conv), seq }),
        outgoing().prop_map(|it| Command::Send(Box::new(it))),
        (address(), history_range()).prop_map(|(at, range)| Command::History { at, range }),
        (token(), any::<u16>())
            .prop_map(|(before, limit)| Command::Conversations { before, limit }),
        (address(), seq()).prop_map(|(at, seq)| Command::Read { at, seq }),
        (address(), any::<bool>()).prop_map(|(at, active)| Command::Typing { at, active }),
    ]
}

fn of_groups() -> impl Strategy<Value = Command> {
    prop_oneof![
        (client_id(), group(), kind(), text(), vec(user(), 0..4)).prop_map(
            |(client_id, name, kind, title, members)| Command::CreateGroup(Box::new(NewGroup {
                client_id,
                name,
                kind,
                title,
                members
            }))
        ),
        (client_id(), address(), change()).prop_map(|(client_id, at, change)| {
            Command::Change(Box::new(Change { client_id, at, act: Act::Members(change) }))
        }),
        (client_id(), address(), group_change()).prop_map(|(client_id, at, change)| {
            Command::Change(Box::new(Change { client_id, at, act: Act::Group(change) }))
        }),
        group_command().prop_map(|it| Command::Groups(Box::new(it))).boxed(),
        (client_id(), address(), messages::change())
            .prop_map(|(client_id, at, change)| {
                Command::Change(Box::new(Change { client_id, at, act: Act::Entry(change) }))
            })
            .boxed(),
        group().prop_map(Command::Group),
        (group(), option::of(user()), any::<u16>())
            .prop_map(|(group, after, limit)| Command::Members { group, after, limit }),
    ]
}

fn of_accounts() -> impl Strategy<Value = Command> {
    prop_oneof![
        sign_in().prop_map(|it| Command::SignIn(Box::new(it))),
        secret().prop_map(Command::Refresh),
        Just(Command::SignOut),
        (secret(), secret()).prop_map(|(old, new)| Command::ChangePassword { old, new }),
        Just(Command::Me),
        text().prop_map(Command::SetDisplayName),
        user().prop_map(Command::User),
        Just(Command::Devices),
        device().prop_map(Command::RemoveDevice),
        push_command().prop_map(|it| Command::Push(Box::new(it))),
        (user(), secret(), text(), role()).prop_map(|(name, password, display_name, role)| {
            Command::CreateUser(Box::new(NewUser { name, password, display_name, role }))
        }),
        (option::of(user()), any::<u16>())
            .prop_map(|(after, limit)| Command::Users { after, limit }),
        (user(), secret()).prop_map(|(user, password)| Command::SetPassword { user, password }),
        (user(), any::<bool>())
            .prop_map(|(user, disabled)| Command::SetDisabled { user, disabled }),
    ]
}

/// Boxed, as other large ones: trees of values within values would fill a thread's stack.
pub fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        of_links_and_logs().boxed(),
        of_groups().boxed(),
        of_accounts().boxed(),
        people_command().prop_map(|it| Command::People(Box::new(it))).boxed(),
        messages::command().boxed(),
        file_command().prop_map(Command::Files).boxed(),
        super::admin::admin_command().prop_map(|it| Command::Admin(Box::new(it))).boxed(),
    ]
    .boxed()
}

pub const COMMAND_KINDS: usize = 34;

pub fn command_kind(command: &Command) -> usize {
    match command {
        Command::Login(_) => 0,
        Command::Unlink => 1,
        Command::Relink => 2,
        Command::Pull(_) => 3,
        Command::Changes { .. } => 4,
        Command::Delivered { .. } => 5,
        Command::Send(_) => 6,
        Command::History { .. } => 7,
        Command::Conversations { .. } => 8,
        Command::Read { .. } => 9,
        Command::Typing { .. } => 10,
        Command::CreateGroup(_) => 11,
        Command::Change(_) => 12,
        Command::Group(_) => 13,
        Command::Members { .. } => 14,
        Command::SignIn(_) => 15,
        Command::Refresh(_) => 16,
        Command::SignOut => 17,
        Command::ChangePassword { .. } => 18,
        Command::Me => 19,
        Command::SetDisplayName(_) => 20,
        Command::User(_) => 21,
        Command::Devices => 22,
        Command::RemoveDevice(_) => 23,
        Command::CreateUser(_) => 24,
        Command::Users { .. } => 25,
        Command::SetPassword { .. } => 26,
        Command::SetDisabled { .. } => 27,
        Command::Files(_) => 28,
        Command::Push(_) => 29,
        Command::Groups(_) => 30,
        Command::Admin(_) => 31,
        Command::Messages(_) => 32,
        Command::People(_) => 33,
    }
}
