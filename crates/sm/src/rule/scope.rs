//! What each question of administration needs, and what the record calls it: one table.

use anser_domain::{AdminAct, Scope};

/// What an act is called in the record; `None` for those that change nothing.
pub(crate) type Recorded = Option<&'static str>;

/// The scope that an API key needs for `act`, and the act's name if it is one to record.
pub(crate) fn needed(act: &AdminAct) -> (Scope, Recorded) {
    match act {
        AdminAct::Users { .. } | AdminAct::User(_) | AdminAct::Devices(_) => {
            (Scope::UsersRead, None)
        }
        AdminAct::CreateUser(_) => (Scope::UsersWrite, Some("user.create")),
        AdminAct::SetDisplayName { .. } => (Scope::UsersWrite, Some("user.rename")),
        AdminAct::SetPassword { .. } => (Scope::UsersWrite, Some("user.password")),
        AdminAct::SetRole { .. } => (Scope::UsersWrite, Some("user.role")),
        AdminAct::Ban { .. } => (Scope::UsersWrite, Some("user.ban")),
        AdminAct::Unban(_) => (Scope::UsersWrite, Some("user.unban")),
        AdminAct::EndSessions { .. } => (Scope::UsersWrite, Some("session.end")),
        AdminAct::Groups { .. } | AdminAct::Members { .. } => (Scope::GroupsRead, None),
        AdminAct::ChangeGroup(_) => (Scope::GroupsWrite, Some("group.change")),
        AdminAct::SendAs { .. } => (Scope::MessagesSendAs, Some("message.send-as")),
        AdminAct::Anonymise { .. } => (Scope::UsersWrite, Some("user.anonymise")),
        AdminAct::Notice(_) => (Scope::Notices, Some("notice.send")),
        AdminAct::ReadAs { .. } => (Scope::MessagesRead, Some("message.read")),
        AdminAct::Statistics => (Scope::StatsRead, None),
        AdminAct::Export { .. } => (Scope::Export, Some("export")),
        AdminAct::Import(_) => (Scope::Import, Some("import")),
        AdminAct::Webhooks | AdminAct::DeadLetters { .. } => (Scope::Webhooks, None),
        AdminAct::PutWebhook(_) => (Scope::Webhooks, Some("webhook.put")),
        AdminAct::RemoveWebhook(_) => (Scope::Webhooks, Some("webhook.remove")),
        AdminAct::ReplayDead { .. } => (Scope::Webhooks, Some("webhook.replay-dead")),
        AdminAct::ReplaySince { .. } => (Scope::Webhooks, Some("webhook.replay")),
        AdminAct::Keys => (Scope::Keys, None),
        AdminAct::MakeKey { .. } => (Scope::Keys, Some("key.make")),
        AdminAct::RevokeKey(_) => (Scope::Keys, Some("key.revoke")),
        AdminAct::Audit { .. } => (Scope::AuditRead, None),
    }
}

/// Whether an act goes on with a move: the Web asks so only behind a beginning that was let in.
pub(crate) fn goes_on(act: &AdminAct) -> bool {
    match act {
        AdminAct::Export { after, .. } => !after.is_empty(),
        AdminAct::Import(lines) => !lines.is_empty(),
        _ => false,
    }
}
