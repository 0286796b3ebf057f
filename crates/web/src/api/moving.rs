//! Moving in and out: everything that is kept, as lines of JSON.

use anser_domain::{AdminAct, AdminReply, Caller, Landed};
use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, header};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::admin::{act, unexpected};
use crate::{
    App,
    extract::{Bearer, PasswordsTaken, Remote},
    limits::{BODY_DEADLINE, IMPORT_LINE, IMPORT_LINES, IMPORT_PART, IMPORT_TOLD},
    problem::{self, Problem},
};

const NDJSON: &str = "application/x-ndjson";
/// The first line of an export.
const BEGIN: &str = "{\"type\":\"anser\",\"version\":1}\n";
/// What both look like.
const LINES: &str = concat!(
    "{\"type\":\"anser\",\"version\":1}\n",
    "{\"type\":\"user\",\"user\":\"alice\",\"display_name\":\"Alice\"}\n",
    "{\"type\":\"user\",\"user\":\"bob\"}\n",
    "{\"type\":\"message\",\"with\":[\"alice\",\"bob\"],\"from\":\"bob\",",
    "\"at\":1790000000000,\"id\":\"old-1\",\"text\":\"Hello, Alice\"}\n",
    "{\"type\":\"end\",\"lines\":4}\n",
);
/// Records of one part of an export.
const PART: u16 = 200;

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(import))
}

async fn part(
    app: &App,
    caller: Caller,
    remote: Remote,
    after: Box<str>,
) -> Result<(Vec<Box<str>>, Option<Box<str>>), Problem> {
    match app.calls.ask(caller, act(remote, AdminAct::Export { after, limit: PART })).await? {
        AdminReply::Exported { lines, next } => Ok((lines, next)),
        _ => Err(unexpected()),
    }
}

/// Everything that is kept of users and what they wrote, a record a line, credentials included. It
/// is whole when its last line is `{"type":"end",…}`. Only under TLS or from the server's own
/// machine. Scope `export`.
#[utoipa::path(
    get, path = "/v1/admin/export", tag = "admin", operation_id = "export",
    security(("bearer" = [])),
    responses((status = 200, description = "Lines of JSON", body = String,
        content_type = "application/x-ndjson", example = json!(LINES))),
    extensions(("x-problems" = json!([problem::INSECURE.slug])))
)]
async fn export(
    State(app): State<App>,
    Bearer(caller): Bearer,
    _: PasswordsTaken,
    Remote(address): Remote,
) -> Result<Response, Problem> {
    let first = part(&app, caller.clone(), Remote(address), "".into()).await?;
    // Whoever reads slowly has the next part asked for slowly.
    let parts = stream::try_unfold((Some(first), 0_u64), move |(held, told)| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let Some((lines, next)) = held else { return Ok(None) };
            let mut text = String::new();
            if told == 0 {
                text.push_str(BEGIN);
            }
            let told = told.max(1) + lines.len() as u64;
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
            let held = match next {
                Some(after) => match part(&app, caller, Remote(address), after).await {
                    Ok(part) => Some(part),
                    Err(problem) => {
                        tracing::error!(problem = problem.words(), "an export broke off");
                        return Err(std::io::Error::other("the export broke off"));
                    }
                },
                None => {
                    text.push_str(&format!("{{\"type\":\"end\",\"lines\":{told}}}\n"));
                    None
                }
            };
            Ok(Some((Bytes::from(text), (held, told))))
        }
    });
    Ok(([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(parts)).into_response())
}

/// What became of an import.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Records that are there now.
    imported: u64,
    /// Records that were there before.
    already_there: u64,
    /// Records that were not taken.
    refused: u64,
    /// The first 100 of those.
    refusals: Vec<RefusedLine>,
    /// Whether the export's last line was among them and said how many there were.
    whole: bool,
}

/// A line that was not taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedLine {
    /// Which, from 1.
    line: u64,
    /// Why.
    reason: String,
}

impl Imported {
    fn refuse(&mut self, line: u64, reason: &str) {
        self.refused += 1;
        if self.refusals.len() < IMPORT_TOLD {
            self.refusals.push(RefusedLine { line, reason: reason.to_owned() });
        }
    }
}

/// Lines that wait to be asked about together.
#[derive(Default)]
struct Waiting {
    lines: Vec<Box<str>>,
    numbers: Vec<u64>,
    bytes: usize,
}

struct Import {
    app: App,
    caller: Caller,
    address: Option<std::net::IpAddr>,
    told: Imported,
    waiting: Waiting,
    line: u64,
    begun: u64,
}

impl Import {
    async fn take(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.line += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok("") => {}
            Ok(text) => {
                self.waiting.bytes += text.len();
                self.waiting.lines.push(text.into());
                self.waiting.numbers.push(self.line);
            }
            Err(_) => self.told.refuse(self.line, "the line is not UTF-8"),
        }
        if self.waiting.lines.len() >= IMPORT_LINES || self.waiting.bytes >= IMPORT_PART {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Problem> {
        let Waiting { lines, numbers, .. } = std::mem::take(&mut self.waiting);
        if lines.is_empty() {
            return Ok(());
        }
        let command = act(Remote(self.address), AdminAct::Import(lines));
        let reply = self.app.calls.ask(self.caller.clone(), command).await?;
        let AdminReply::Imported(landed) = reply else { return Err(unexpected()) };
        for (line, landed) in numbers.into_iter().zip(landed) {
            match landed {
                Landed::New => self.told.imported += 1,
                Landed::There => self.told.already_there += 1,
                Landed::Refused(why) => self.told.refuse(line, &why),
                Landed::Begun => self.begun = line,
                Landed::Ended(lines) => {
                    self.told.whole = line.checked_sub(self.begun) == Some(lines)
                }
            }
        }
        Ok(())
    }
}

/// Takes in the lines of an export, or lines that another system has written. A line that is not
/// taken stops no other; what is there already stays as it is, so an import that broke off is
/// simply run again. What comes in wakes nobody. Only under TLS or from the server's own machine.
/// Scope `import`; keys make no administrators.
#[utoipa::path(
    post, path = "/v1/admin/import", tag = "admin", operation_id = "import",
    security(("bearer" = [])),
    request_body(content = String, content_type = "application/x-ndjson",
        description = "Lines of JSON, at most 256 KiB each", example = json!(LINES)),
    responses((status = 200, description = "What became of the lines", body = Imported,
        example = json!({"imported": 2, "already_there": 1, "refused": 1,
            "refusals": [{"line": 4, "reason": "no such user"}], "whole": false}))),
    extensions(("x-problems" = json!([problem::INSECURE.slug, problem::MEDIA_TYPE.slug,
        problem::BODY_TIMEOUT.slug, problem::MALFORMED.slug])))
)]
async fn import(
    State(app): State<App>,
    Bearer(caller): Bearer,
    _: PasswordsTaken,
    Remote(address): Remote,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Imported>, Problem> {
    let (told, waiting) = (Imported::default(), Waiting::default());
    let mut import = Import { app, caller, address, told, waiting, line: 0, begun: 1 };
    // Asked with nothing in hand too, so that who may not is told so.
    let may = act(Remote(address), AdminAct::Import(Vec::new()));
    let _: AdminReply = import.app.calls.ask(import.caller.clone(), may).await?;
    let media = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if media.is_none_or(|it| it.split(';').next().unwrap_or_default().trim() != NDJSON) {
        return Err(Problem::new(&problem::MEDIA_TYPE, "Content-Type is not application/x-ndjson"));
    }
    let (mut chunks, mut tail) = (body.into_data_stream(), Vec::new());
    // The rest of a line that is too long is passed by.
    let mut skipping = false;
    loop {
        let chunk = timeout(BODY_DEADLINE, chunks.next()).await.map_err(|_| {
            Problem::new(&problem::BODY_TIMEOUT, "nothing more of the body arrived")
        })?;
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|_| Problem::new(&problem::MALFORMED, "the body broke off"))?;
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ends) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            if !skipping && tail.len() + piece.len() > IMPORT_LINE {
                skipping = true;
                tail.clear();
            }
            if !skipping {
                tail.extend_from_slice(piece);
            }
            if !ends {
                continue;
            }
            if std::mem::take(&mut skipping) {
                import.line += 1;
                let line = import.line;
                import.told.refuse(line, "the line is longer than 256 KiB");
            } else {
                import.take(&tail).await?;
                tail.clear();
            }
        }
    }
    if skipping {
        let line = import.line + 1;
        import.told.refuse(line, "the line is longer than 256 KiB");
    } else if !tail.is_empty() {
        import.take(&tail).await?;
    }
    import.flush().await?;
    let mut told = import.told;
    // What is refused unread is refused before the lines that wait.
    told.refusals.sort_by_key(|it| it.line);
    Ok(Json(told))
}
