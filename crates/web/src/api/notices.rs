//! Notices: a message from the server's own name to many users at once.

use anser_domain::{AdminAct, AdminReply, Audience, Notice};
use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    admin::{act, unexpected},
    messages::{NewMessage, keyed},
};
use crate::{
    App, convert,
    extract::{Bearer, Body, Key, Remote},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(notify))
}

/// A notice to be sent: to `users`, or to the members of a `group`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewNotice {
    /// To these; at most 1,000.
    users: Option<Vec<String>>,
    /// To everyone who is in this group now; at most 1,000.
    group: Option<String>,
    /// What it says: `kind` with `text` or `data`.
    message: NewMessage,
}

/// What became of a notice.
#[derive(Serialize, ToSchema)]
pub(crate) struct Noticed {
    /// So many have it, now or from an earlier try under the same key.
    sent: u64,
    /// Those who do not have it.
    refused: Vec<NoticeRefused>,
}

/// Somebody whom a notice did not reach.
#[derive(Serialize, ToSchema)]
pub(crate) struct NoticeRefused {
    /// Who.
    user: String,
    /// The problem that they would have been told of.
    #[serde(rename = "type")]
    kind: String,
    /// The same in words.
    detail: String,
}

/// Writes to many in the server's own name. Each has the message in their direct conversation with
/// it, with all that messages have: history, unread counts, live delivery, push. Asked again under
/// the same key, it reaches those whom it has not reached yet. Scope `notices`.
#[utoipa::path(
    post, path = "/v1/admin/notices", tag = "admin", operation_id = "notify",
    security(("bearer" = [])),
    params(Key),
    request_body(content = NewNotice, example = json!(
        {"users": ["alice", "bob"], "message": {"kind": "text", "text": "We move house tonight."}})),
    responses((status = 200, description = "Sent", body = Noticed, example = json!(
        {"sent": 1, "refused": [{"user": "bob", "type": "/problems/no-such-user",
                                 "detail": "no such user"}]}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::DISABLED.slug])))
)]
async fn notify(
    State(app): State<App>,
    Bearer(caller): Bearer,
    remote: Remote,
    key: Key,
    Body(wish): Body<NewNotice>,
) -> Result<Response, Problem> {
    let to = match (wish.users, wish.group) {
        (Some(users), None) => Audience::Users(convert::user_names("users", users)?),
        (None, Some(group)) => Audience::Group(convert::parse("group", &group)?),
        _ => return Err(convert::invalid("users", "either users or a group")),
    };
    let content = convert::content(wish.message)?;
    let notice = AdminAct::Notice(Box::new(Notice { client_id: key.id, to, content }));
    let reply = app.calls.ask(caller, act(remote, notice)).await;
    let answer = match reply {
        Ok(AdminReply::Noticed(noticed)) => Ok(Json(told(noticed))),
        Ok(_) => Err(unexpected()),
        Err(problem) => Err(problem),
    };
    Ok(keyed(key, answer))
}

fn told(noticed: anser_domain::Noticed) -> Noticed {
    let refused = noticed.refused.into_iter().map(|(user, refusal)| {
        let problem = Problem::from(refusal);
        NoticeRefused { user: user.to_string(), kind: problem.path(), detail: problem.words() }
    });
    Noticed { sent: noticed.sent, refused: refused.collect() }
}
