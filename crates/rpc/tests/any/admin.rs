//! Arbitrary questions of administrators, and answers.

use super::*;

fn millis() -> impl Strategy<Value = Millis> {
    any::<i64>().prop_map(Millis)
}

fn place() -> impl Strategy<Value = MessageId> {
    any::<u64>().prop_map(MessageId)
}

fn scopes() -> impl Strategy<Value = Vec<Scope>> {
    vec(proptest::sample::select(Scope::TABLE).prop_map(|row| row.0), 0..4)
}

fn of_users() -> impl Strategy<Value = AdminAct> {
    prop_oneof![
        (text(), option::of(user()), any::<u16>())
            .prop_map(|(prefix, after, limit)| AdminAct::Users { prefix, after, limit }),
        user().prop_map(AdminAct::User),
        (user(), secret(), text(), role()).prop_map(|(name, password, display_name, role)| {
            AdminAct::CreateUser(Box::new(NewUser { name, password, display_name, role }))
        }),
        (user(), text()).prop_map(|(user, name)| AdminAct::SetDisplayName { user, name }),
        (user(), secret()).prop_map(|(user, password)| AdminAct::SetPassword { user, password }),
        (user(), role()).prop_map(|(user, role)| AdminAct::SetRole { user, role }),
        (user(), text(), option::of(millis())).prop_map(|(user, reason, until)| AdminAct::Ban {
            user,
            reason,
            until
        }),
        user().prop_map(AdminAct::Unban),
        user().prop_map(AdminAct::Devices),
        (user(), option::of(super::device()))
            .prop_map(|(user, device)| AdminAct::EndSessions { user, device }),
    ]
    .boxed()
}

fn of_groups() -> impl Strategy<Value = AdminAct> {
    prop_oneof![
        (option::of(group()), any::<u16>())
            .prop_map(|(after, limit)| AdminAct::Groups { after, limit }),
        (group(), option::of(user()), any::<u16>())
            .prop_map(|(group, after, limit)| AdminAct::Members { group, after, limit }),
        (client_id(), address(), vec(user(), 0..3)).prop_map(|(client_id, at, users)| {
            let act = Act::Members(MemberChange::Remove { users });
            AdminAct::ChangeGroup(Box::new(Change { client_id, at, act }))
        }),
        (user(), super::command::outgoing())
            .prop_map(|(from, it)| AdminAct::SendAs { from, message: Box::new(it) }),
        Just(AdminAct::Statistics),
        (user(), any::<bool>()).prop_map(|(user, scrub)| AdminAct::Anonymise { user, scrub }),
        (client_id(), audience(), text()).prop_map(|(client_id, to, text)| {
            AdminAct::Notice(Box::new(Notice { client_id, to, content: Content::Text(text) }))
        }),
        (user(), address(), super::command::history_range())
            .prop_map(|(user, at, range)| AdminAct::ReadAs { user, at, range }),
    ]
    .boxed()
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![vec(user(), 0..3).prop_map(Audience::Users), group().prop_map(Audience::Group)]
}

fn of_webhooks() -> impl Strategy<Value = AdminAct> {
    let put = (text(), text(), option::of(vec(secret(), 0..3)), vec(text(), 0..3), any::<bool>());
    prop_oneof![
        Just(AdminAct::Webhooks),
        (text(), any::<u16>()).prop_map(|(after, limit)| AdminAct::Export { after, limit }),
        vec(text(), 0..3).prop_map(AdminAct::Import),
        put.prop_map(|(name, url, secrets, kinds, enabled)| {
            AdminAct::PutWebhook(Box::new(PutWebhook { name, url, secrets, kinds, enabled }))
        }),
        text().prop_map(AdminAct::RemoveWebhook),
        (text(), place(), any::<u16>()).prop_map(|(name, after, limit)| AdminAct::DeadLetters {
            name,
            after,
            limit
        }),
        (text(), place()).prop_map(|(name, event)| AdminAct::ReplayDead { name, event }),
        (text(), place()).prop_map(|(name, since)| AdminAct::ReplaySince { name, since }),
        Just(AdminAct::Keys),
        (text(), scopes(), option::of(millis()))
            .prop_map(|(name, scopes, expires)| AdminAct::MakeKey { name, scopes, expires }),
        any::<u64>().prop_map(AdminAct::RevokeKey),
        (option::of(any::<u64>().prop_map(SyncToken)), any::<u16>())
            .prop_map(|(before, limit)| AdminAct::Audit { before, limit }),
    ]
}

pub fn admin_command() -> impl Strategy<Value = AdminCommand> {
    let address = option::of(any::<std::net::IpAddr>());
    (address, prop_oneof![of_users(), of_groups(), of_webhooks()])
        .prop_map(|(address, act)| AdminCommand { address, act })
}

fn admin_user() -> impl Strategy<Value = AdminUser> {
    let ban = (text(), option::of(millis()), millis()).prop_map(|(reason, until, at)| Ban {
        reason,
        until,
        at,
    });
    (user(), text(), role(), any::<bool>(), option::of(ban))
        .prop_map(|(name, display_name, role, disabled, ban)| AdminUser {
            name,
            display_name,
            role,
            disabled,
            ban,
        })
        .boxed()
}

fn webhook() -> impl Strategy<Value = Webhook> {
    (text(), text(), vec(text(), 0..3), any::<bool>(), place(), any::<u64>()).prop_map(
        |(name, url, kinds, enabled, place, dead)| Webhook {
            name,
            url,
            kinds,
            enabled,
            place,
            dead,
        },
    )
}

fn api_key() -> impl Strategy<Value = ApiKey> {
    (any::<u64>(), text(), scopes(), millis(), option::of(millis())).prop_map(
        |(id, name, scopes, created, expires)| ApiKey { id, name, scopes, created, expires },
    )
}

fn landed() -> impl Strategy<Value = Landed> {
    prop_oneof![
        Just(Landed::New),
        Just(Landed::There),
        text().prop_map(Landed::Refused),
        Just(Landed::Begun),
        any::<u64>().prop_map(Landed::Ended),
    ]
}

pub fn admin_reply() -> impl Strategy<Value = AdminReply> {
    let more = any::<bool>;
    let group = (group(), text(), option::of(user()), any::<u64>(), millis()).prop_map(
        |(name, title, owner, members, created)| AdminGroup {
            name,
            title,
            owner,
            members,
            created,
        },
    );
    let letter = (place(), text(), any::<u32>(), text(), millis()).prop_map(
        |(event, kind, attempts, reason, at)| DeadLetter { event, kind, attempts, reason, at },
    );
    let address = option::of(any::<std::net::IpAddr>());
    let entry = (any::<u64>(), millis(), text(), text(), text(), address).prop_map(
        |(id, at, who, what, whom, address)| AuditEntry {
            id: SyncToken(id),
            at,
            who,
            what,
            whom,
            address,
        },
    );
    prop_oneof![
        (vec(admin_user(), 0..3), more())
            .prop_map(|(users, more)| AdminReply::Users { users, more }),
        admin_user().prop_map(AdminReply::User),
        (vec(group, 0..3), more()).prop_map(|(groups, more)| AdminReply::Groups { groups, more }),
        (vec(text(), 0..3), option::of(text()))
            .prop_map(|(lines, next)| AdminReply::Exported { lines, next }),
        vec(landed(), 0..3).prop_map(AdminReply::Imported),
        any::<[u64; 7]>().prop_map(|[users, disabled, online, groups, a, b, bytes]| {
            let (conversations, entries_today) = (a, b);
            AdminReply::Statistics(Statistics {
                users,
                disabled,
                online,
                groups,
                conversations,
                entries_today,
                bytes,
            })
        }),
        (any::<u64>(), vec((user(), super::refusal()), 0..3))
            .prop_map(|(sent, refused)| AdminReply::Noticed(Noticed { sent, refused })),
        vec(webhook(), 0..3).prop_map(AdminReply::Webhooks),
        (webhook(), option::of(secret())).prop_map(|(it, key)| AdminReply::Webhook(it, key)),
        (vec(letter, 0..3), more())
            .prop_map(|(letters, more)| AdminReply::DeadLetters { letters, more }),
        option::of(text()).prop_map(AdminReply::Replayed),
        vec(api_key(), 0..3).prop_map(AdminReply::Keys),
        (api_key(), secret()).prop_map(|(key, secret)| AdminReply::NewKey(key, secret)),
        (vec(entry, 0..3), more()).prop_map(|(entries, more)| AdminReply::Audit { entries, more }),
    ]
}
