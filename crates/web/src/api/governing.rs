//! What a group says of itself, who may do what in it, and its end.

use anser_domain::{
    Act, Address, Caller, Change, Command, GroupChange, GroupName, Millis, Sent, UserName,
};
use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::messages::{Stored, keyed};
use crate::{
    App, convert,
    extract::{Bearer, Body, Key, Segment},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(describe, dissolve))
        .routes(routes!(set_policy))
        .routes(routes!(mute, unmute))
        .routes(routes!(transfer))
}

/// What a group says of itself: what is absent stays, an empty text goes. Also the log entry that
/// says what has changed.
#[derive(Deserialize, Serialize, ToSchema)]
pub(crate) struct GroupProfile {
    /// The name that people read: one line of at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// What it is about: at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// A picture: the id of a file, or a public http(s) address. At most 2,048 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<String>,
    /// What everybody should know now: at most 4,096 bytes, shown to members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) announcement: Option<String>,
}

/// How people come in.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = JoinPolicy)]
pub(crate) enum JoinName {
    /// By saying so.
    Open,
    /// By asking; an admin decides.
    Approval,
    /// Only if somebody brings them in, or has invited them.
    Invite,
}

/// Which members may do a thing.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Who)]
pub(crate) enum WhoName {
    /// All.
    Members,
    /// Admins and the owner.
    Admins,
}

/// Who may do what in a group. In a change, what is absent stays.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = GroupPolicy)]
pub(crate) struct PolicyParts {
    /// How people come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) join: Option<JoinName>,
    /// Who invites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invite: Option<WhoName>,
    /// Who writes; `admins` mutes everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) post: Option<WhoName>,
    /// Who pins entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pin: Option<WhoName>,
    /// Who changes what the group says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edit: Option<WhoName>,
    /// Strangers are not told that it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hidden: Option<bool>,
}

/// Changes what a group says of itself.
#[utoipa::path(
    patch, path = "/v1/groups/{group}", tag = "groups", operation_id = "changeGroup",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    request_body(content = GroupProfile, example = json!(
        {"title": "The wild geese", "announcement": "We leave at dawn."})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn describe(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
    Body(patch): Body<GroupProfile>,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Profile(convert::groups::profile(patch))).await
}

/// Ends a group. Nobody is a member any more, everyone keeps what they could read, and its id is
/// never given again. For its owner.
#[utoipa::path(
    delete, path = "/v1/groups/{group}", tag = "groups", operation_id = "dissolveGroup",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn dissolve(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Dissolve).await
}

/// Changes who may do what in a group.
#[utoipa::path(
    patch, path = "/v1/groups/{group}/policy", tag = "groups", operation_id = "changeGroupPolicy",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    request_body(content = PolicyParts, example = json!({"join": "approval", "hidden": false})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn set_policy(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
    Body(patch): Body<PolicyParts>,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Policy(convert::groups::policy(&patch))).await
}

/// How long someone is muted.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewMute {
    /// Until when, in milliseconds since 1970.
    pub(crate) until: i64,
}

/// Keeps a member from writing until a time. Leaving and coming back does not end it.
#[utoipa::path(
    put, path = "/v1/groups/{group}/members/{user}/mute", tag = "groups",
    operation_id = "muteMember",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Who", example = "bob"),
        Key,
    ),
    request_body(content = NewMute, example = json!({"until": 1_790_000_600_000_i64})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn mute(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
    key: Key,
    Body(new): Body<NewMute>,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Mute { user, until: Millis(new.until) }).await
}

/// Lets a member write again.
#[utoipa::path(
    delete, path = "/v1/groups/{group}/members/{user}/mute", tag = "groups",
    operation_id = "unmuteMember",
    security(("bearer" = [])),
    params(
        ("group" = String, Path, description = "Its id", example = "geese"),
        ("user" = String, Path, description = "Who", example = "bob"),
        Key,
    ),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::CONFLICT.slug, problem::STALE_KEY.slug,
        problem::OUT_OF_ORDER.slug])))
)]
async fn unmute(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    Segment(user): Segment<UserName>,
    key: Key,
) -> Response {
    changed(&app, caller, group, key, GroupChange::Mute { user, until: Millis(0) }).await
}

/// Who is to own a group.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewOwner {
    /// A member.
    pub(crate) user: String,
}

/// Hands a group over. The owner so far becomes an admin.
#[utoipa::path(
    post, path = "/v1/groups/{group}/transfer", tag = "groups", operation_id = "transferGroup",
    security(("bearer" = [])),
    params(("group" = String, Path, description = "Its id", example = "geese"), Key),
    request_body(content = NewOwner, example = json!({"user": "bob"})),
    responses(Stored),
    extensions(("x-problems" = json!([
        problem::NOT_MEMBER.slug, problem::NO_SUCH_USER.slug, problem::CONFLICT.slug,
        problem::STALE_KEY.slug, problem::OUT_OF_ORDER.slug])))
)]
async fn transfer(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(group): Segment<GroupName>,
    key: Key,
    Body(new): Body<NewOwner>,
) -> Result<Response, Problem> {
    let change = anser_domain::MemberChange::Put {
        users: convert::user_names("user", vec![new.user])?,
        role: anser_domain::GroupRole::Owner,
    };
    Ok(acted(&app, caller, group, key, Act::Members(change)).await)
}

/// Changes a group, and answers with the entry that says so.
pub(super) async fn changed(
    app: &App,
    caller: Caller,
    group: GroupName,
    key: Key,
    change: GroupChange,
) -> Response {
    acted(app, caller, group, key, Act::Group(change)).await
}

pub(super) async fn acted(
    app: &App,
    caller: Caller,
    group: GroupName,
    key: Key,
    act: Act,
) -> Response {
    let change = Change { client_id: key.id, at: Address::Group(group), act };
    let sent = app.calls.ask(caller, Command::Change(Box::new(change))).await;
    keyed(key, sent.map(|sent: Sent| convert::stored(&sent)))
}
