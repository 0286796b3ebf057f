//! Files: sent in one request or in several, and fetched by those who may see a message that
//! carries them. Uploads in several requests follow draft-ietf-httpbis-resumable-upload.

use anser_domain::{
    Command, FileCommand, FileContent, FileId, FileName, FilePage, FileRecord, FileState, NewFile,
};
use axum::{
    Json,
    extract::{FromRequest as _, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::Done,
    convert,
    extract::{Bearer, Body, PageQuery, Query, Segment, page_size},
    files::{self, UPLOAD_OFFSET},
    problem::{self, Problem},
};

/// The calls of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(content, progress, append, remove))
        .routes(routes!(info))
        .routes(routes!(thumbnail))
}

/// A file.
#[derive(Serialize, ToSchema)]
pub(crate) struct File {
    /// Its id, a 64-bit number as text. A message carries it as `"file"` or in `"files"` of its
    /// data.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: String,
    /// Its name, made harmless.
    pub(crate) name: String,
    /// Its media type: what its owner says, and once it is ready what was found.
    #[serde(rename = "type")]
    pub(crate) media: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// How far it is.
    pub(crate) state: StateName,
    /// How many bytes the server has; while it is being uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
    /// About how many bytes are stored at a time: what a broken request can lose at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chunk: Option<u32>,
    /// The SHA-256 of its content, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// A picture's width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    /// A picture's height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    /// Whether there is a small form of it.
    pub(crate) thumbnail: bool,
    /// Whether everyone who is signed in may see it.
    pub(crate) public: bool,
    /// When it was begun, in milliseconds since 1970.
    pub(crate) created: i64,
    /// When its content goes, in milliseconds since 1970; absent when it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<i64>,
}

/// How far a file is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FileState)]
pub(crate) enum StateName {
    /// Bytes are still to come; only its owner sees it.
    Uploading,
    /// All there.
    Ready,
    /// The content was deleted or has expired.
    Gone,
}

/// The caller's own files.
#[derive(Serialize, ToSchema)]
pub(crate) struct Files {
    /// Newest first.
    pub(crate) files: Vec<File>,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// The `cursor` of the following page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Bytes that all of them take, unfinished ones in full.
    pub(crate) used: u64,
    /// Bytes that they may take.
    pub(crate) quota: u64,
}

/// The caller's own files, newest first, and how much of their quota they take.
#[utoipa::path(
    get, path = "/v1/files", tag = "files", operation_id = "files",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Files, example = json!(
        {"files": [example()], "more": false, "used": 48_213, "quota": 2_147_483_648_u64})))
)]
async fn list(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(query): Query<PageQuery>,
) -> Result<Json<Files>, Problem> {
    let limit = page_size(query.limit)?;
    let before =
        query.cursor.as_deref().map(|text| convert::file_id("cursor", text)).transpose()?;
    let command = Command::Files(FileCommand::List { before, limit });
    let page: FilePage = app.calls.ask(caller, command).await?;
    Ok(Json(convert::files(page)))
}

/// A file whose bytes come in requests of their own.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUpload {
    /// Its name. Paths, control characters and the like are taken out.
    pub(crate) name: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub(crate) media: Option<String>,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// The SHA-256 of its content, in hexadecimal digits, if it is to be compared.
    pub(crate) sha256: Option<String>,
    /// Whether everyone who is signed in may see it, as an avatar.
    #[serde(default)]
    pub(crate) public: bool,
}

/// What is said of a file whose content is the body.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NewQuery {
    /// Its name, when the content is the body and has no `Content-Disposition`.
    pub(crate) name: Option<String>,
    /// Whether everyone who is signed in may see it, as an avatar.
    pub(crate) public: Option<bool>,
}

/// Stores a file.
///
/// Either the body is the content, with its `Content-Type`, its `Content-Length` and its name in
/// `Content-Disposition` or `?name=`. Or it is JSON that describes the file, and the content comes
/// in one or more `PATCH` requests. JSON itself is stored by giving it a name.
#[utoipa::path(
    post, path = "/v1/files", tag = "files", operation_id = "createFile",
    security(("bearer" = [])),
    params(NewQuery),
    request_body(content(
        (NewUpload = "application/json", example = json!(
            {"name": "goose.jpg", "type": "image/jpeg", "size": 48_213})),
        (Vec<u8> = "application/octet-stream")
    )),
    responses((status = 201, description = "Made; `ready` if the content came with it",
        body = File, headers(("Location" = String, description = "Its path")),
        example = json!(example()))),
    extensions(("x-problems" = json!([
        problem::LENGTH.slug, problem::QUOTA.slug, problem::STORAGE_FULL.slug])))
)]
async fn create(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(query): Query<NewQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let name = query.name.or_else(|| files::name_of(request.headers()));
    let described = name.is_none() && is_json(request.headers());
    let (new, content) = match name {
        _ if described => {
            let Body(new) = Body::<NewUpload>::from_request(request, &()).await?;
            (convert::new_file(new)?, None)
        }
        None => {
            let why = "name: a file has one, in ?name= or in Content-Disposition";
            return Err(Problem::new(&problem::INVALID, why));
        }
        Some(name) => {
            plain(request.headers())?;
            let public = query.public.unwrap_or(false);
            let new = NewFile {
                name: FileName::harmless(&name),
                media: said_type(request.headers())?,
                size: length(request.headers())?,
                sha256: None,
                public,
            };
            (new, Some(request.into_body()))
        }
    };
    let begin = Command::Files(FileCommand::Begin(Box::new(new)));
    let mut record: FileRecord = app.calls.ask(caller.clone(), begin).await?;
    if let Some(content) = content {
        record = Box::pin(files::upload(app, caller, record, Vec::new(), content)).await?;
    }
    let location = HeaderValue::from_str(&format!("/v1/files/{}", record.id));
    let headers = files::progress(&record);
    let mut response = (StatusCode::CREATED, headers, Json(convert::file(record))).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Sends more of an upload: the body continues it at `Upload-Offset`. With the last byte the file
/// is looked at and becomes ready. A request that breaks off loses about a `chunk`; `HEAD` tells
/// where to go on.
#[utoipa::path(
    patch, path = "/v1/files/{file}", tag = "files", operation_id = "appendFile",
    security(("bearer" = [])),
    params(
        ("file" = String, Path, description = "Its id", example = "7193520847613952"),
        ("Upload-Offset" = u64, Header, description = "Where the body begins in the file")
    ),
    request_body(content(
        (Vec<u8> = "application/partial-upload"), (Vec<u8> = "application/octet-stream"))),
    responses((status = 200, description = "Stored", body = File, headers(
        ("Upload-Offset" = u64, description = "How many bytes the server has"),
        ("Upload-Complete" = String, description = "`?1` once it is ready, else `?0`")
    ), example = json!(example()))),
    extensions(("x-problems" = json!([
        problem::NO_SUCH_FILE.slug, problem::UPLOAD_OFFSET.slug, problem::STORAGE_FULL.slug])))
)]
async fn append(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(file): Segment<FileId>,
    request: Request,
) -> Result<Response, Problem> {
    plain(request.headers())?;
    let offset = request.headers().get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok());
    let offset: u64 = offset.and_then(|text| text.parse().ok()).ok_or_else(|| {
        Problem::new(&problem::MALFORMED, "the header Upload-Offset tells where the body begins")
    })?;
    let open = Command::Files(FileCommand::Open(file));
    let FileContent { record, pieces } = app.calls.ask(caller.clone(), open).await?;
    if record.state != FileState::Uploading || record.received != offset {
        let why = format!("the server has {} bytes", record.received);
        let problem = Problem::new(&problem::UPLOAD_OFFSET, why);
        return Ok((files::progress(&record), problem).into_response());
    }
    let record = Box::pin(files::upload(app, caller, record, pieces, request.into_body())).await?;
    let headers = files::progress(&record);
    Ok((headers, Json(convert::file(record))).into_response())
}

/// How far an upload is; for a file that is ready, the headers of its content.
#[utoipa::path(
    head, path = "/v1/files/{file}", tag = "files", operation_id = "fileProgress",
    security(("bearer" = [])),
    params(("file" = String, Path, description = "Its id", example = "7193520847613952")),
    responses(
        (status = 200, description = "The content's headers"),
        (status = 304, description = "It is as it was"),
        (status = 204, description = "An upload", headers(
            ("Upload-Offset" = u64, description = "How many bytes the server has"),
            ("Upload-Length" = u64, description = "How many there will be"),
            ("Upload-Complete" = String, description = "`?0`"),
            ("Upload-Limit" = String, description = "What is asked of requests")))
    ),
    extensions(("x-problems" = json!([problem::NO_SUCH_FILE.slug, problem::FILE_GONE.slug])))
)]
async fn progress(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(file): Segment<FileId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let content: FileContent =
        app.calls.ask(caller, Command::Files(FileCommand::Open(file))).await?;
    let progress = files::progress(&content.record);
    if content.record.state == FileState::Uploading {
        return Ok((StatusCode::NO_CONTENT, progress).into_response());
    }
    ready(&content.record)?;
    let response = files::deliver(&app.files, &content, &headers, true).await?;
    Ok((progress, response).into_response())
}

/// A file's content, or the part of it that `Range` names. It is always one to be saved
/// (`Content-Disposition: attachment`), never a page that a browser would show.
#[utoipa::path(
    get, path = "/v1/files/{file}", tag = "files", operation_id = "fileContent",
    security(("bearer" = [])),
    params(
        ("file" = String, Path, description = "Its id", example = "7193520847613952"),
        ("Range" = Option<String>, Header, description = "`bytes=FROM-TO`: one range"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that is known")
    ),
    responses(
        (status = 200, description = "The content", body = Value, content_type = "*/*",
            headers(("ETag" = String, description = "The SHA-256 of the content"))),
        (status = 206, description = "The part", body = Value, content_type = "*/*"),
        (status = 304, description = "It is as it was")
    ),
    extensions(("x-problems" = json!([
        problem::NO_SUCH_FILE.slug, problem::FILE_GONE.slug, problem::RANGE.slug])))
)]
async fn content(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(file): Segment<FileId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let content: FileContent =
        app.calls.ask(caller, Command::Files(FileCommand::Open(file))).await?;
    ready(&content.record)?;
    files::deliver(&app.files, &content, &headers, false).await
}

/// What is known of a file.
#[utoipa::path(
    get, path = "/v1/files/{file}/info", tag = "files", operation_id = "fileInfo",
    security(("bearer" = [])),
    params(("file" = String, Path, description = "Its id", example = "7193520847613952")),
    responses((status = 200, description = "The file", body = File, example = json!(example()))),
    extensions(("x-problems" = json!([problem::NO_SUCH_FILE.slug])))
)]
async fn info(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(file): Segment<FileId>,
) -> Result<Json<File>, Problem> {
    let record: FileRecord = app.calls.ask(caller, Command::Files(FileCommand::Info(file))).await?;
    Ok(Json(convert::file(record)))
}

/// The small form of a picture: at most 320 pixels a side, JPEG, or WebP where one can see
/// through it. It holds pixels and nothing else.
#[utoipa::path(
    get, path = "/v1/files/{file}/thumbnail", tag = "files", operation_id = "fileThumbnail",
    security(("bearer" = [])),
    params(("file" = String, Path, description = "Its id", example = "7193520847613952")),
    responses(
        (status = 200, description = "The small form", content(
            (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"))),
        (status = 304, description = "It is as it was")
    ),
    extensions(("x-problems" = json!([
        problem::NO_SUCH_FILE.slug, problem::FILE_GONE.slug])))
)]
async fn thumbnail(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(file): Segment<FileId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record: FileRecord = app.calls.ask(caller, Command::Files(FileCommand::Info(file))).await?;
    ready(&record)?;
    match record.picture.and_then(|it| it.thumbnail) {
        Some(format) => files::deliver_thumbnail(&app.files, &record, format, &headers).await,
        None => Err(Problem::new(&problem::NO_SUCH_FILE, "the file has no small form")),
    }
}

/// Takes the content of one's own file away for good. Messages that carry it still name it.
#[utoipa::path(
    delete, path = "/v1/files/{file}", tag = "files", operation_id = "removeFile",
    security(("bearer" = [])),
    params(("file" = String, Path, description = "Its id", example = "7193520847613952")),
    responses((status = 204, description = "Gone")),
    extensions(("x-problems" = json!([problem::NO_SUCH_FILE.slug])))
)]
async fn remove(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Segment(file): Segment<FileId>,
) -> Result<StatusCode, Problem> {
    let Done = app.calls.ask(caller, Command::Files(FileCommand::Delete(file))).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn ready(record: &FileRecord) -> Result<(), Problem> {
    match record.state {
        FileState::Ready => Ok(()),
        FileState::Gone => {
            Err(Problem::new(&problem::FILE_GONE, "the content was deleted or has expired"))
        }
        FileState::Uploading => {
            Err(Problem::new(&problem::NO_SUCH_FILE, "the file is still being uploaded"))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.is_some_and(|text| {
        text.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
    })
}

fn said_type(headers: &HeaderMap) -> Result<Option<anser_domain::MediaType>, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or_else(|| {
        Problem::new(&problem::INVALID, "Content-Type: a media type is TYPE/SUBTYPE")
    })
}

fn length(headers: &HeaderMap) -> Result<u64, Problem> {
    let value = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|text| text.parse().ok()).ok_or_else(|| {
        Problem::new(&problem::LENGTH, "Content-Length tells how large the file will be")
    })
}

/// What is not unpacked cannot be a bomb.
fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(coding) if coding != "identity" => {
            Err(Problem::new(&problem::MEDIA_TYPE, "the body may not be compressed"))
        }
        _ => Ok(()),
    }
}

fn example() -> Value {
    json!({
        "id": "7193520847613952", "owner": "alice", "name": "goose.jpg", "type": "image/jpeg",
        "size": 48_213, "state": "ready",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "width": 1200, "height": 800, "thumbnail": true, "public": false,
        "created": 1_790_000_000_000_i64})
}
