//! Search in the caller's history.

use anser_domain::{Command, MessagesCommand, MessagesReply};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::messages::{self, Message};
use crate::{
    App, convert,
    extract::{Bearer, Query, page_size},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The words, 1 to 16 of them: each has to stand in the message. From three letters on the
    /// beginning of a word does; Chinese, Japanese and Korean are found anywhere.
    #[param(example = "大雁 honk")]
    pub(crate) query: String,
    /// Only in this conversation: `u:{user}` or `g:{group}`.
    pub(crate) conv: Option<String>,
    /// The `next` of the page before; absent for the first page.
    pub(crate) cursor: Option<String>,
    /// At most so many; 50 unless said, and never more than 100.
    #[param(minimum = 1, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// A page of what was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct Found {
    /// Newest first.
    pub(crate) hits: Vec<Hit>,
    /// Whether another page follows. A page may be short, or empty, and still not be the last.
    pub(crate) more: bool,
    /// The next page's `cursor`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A message that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct Hit {
    /// The conversation it stands in.
    pub(crate) conv: String,
    /// The message.
    pub(crate) message: Message,
    /// The part of its text around the words, in pieces: joined they are that part.
    pub(crate) snippet: Vec<Piece>,
}

/// A piece of a snippet.
#[derive(Serialize, ToSchema)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// Whether it is what was looked for.
    pub(crate) hit: bool,
}

/// Looks for text messages in everything that the caller may read, newest first. What is found
/// is exactly what reading all of the history would find.
#[utoipa::path(
    get, path = "/v1/search", tag = "messages", operation_id = "search",
    security(("bearer" = [])),
    params(Wanted),
    responses((status = 200, description = "A page", body = Found, example = json!({
        "hits": [{"conv": "u:bob", "message": messages::example(3),
            "snippet": [{"text": "Hello", "hit": true}, {"text": ", Bob", "hit": false}]}],
        "more": false}))),
    extensions(("x-problems" = json!([problem::NOT_MEMBER.slug, problem::TOO_LARGE.slug])))
)]
async fn search(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Found>, Problem> {
    let at = wanted.conv.as_deref().map(convert::conv).transpose()?;
    let before = wanted.cursor.as_deref().map(convert::id_cursor).transpose()?;
    let search = convert::search(wanted.query, at, before, page_size(wanted.limit)?);
    let command = Command::Messages(MessagesCommand::Search(Box::new(search)));
    let reply: MessagesReply = app.calls.ask(caller, command).await?;
    convert::found(reply).map(Json)
}
