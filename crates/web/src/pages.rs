//! Pages for people, and the OpenAPI document: `/docs`, `/openapi.json`, `/problems`. Nothing
//! here needs the network beyond this server.

use axum::{
    Router,
    extract::RawPathParams,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderValue, header};

use crate::{
    openapi,
    problem::{self, KINDS, Kind, Problem},
};

/// The documentation's own script and style, and calls to this server; nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The pages' routes. They need no state and no token.
pub(crate) fn router() -> Router {
    // Made once: the document is the same as long as the process is.
    let document = openapi::document().to_json().unwrap_or_default();
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/docs") }))
        .route("/openapi.json", get(async || typed("application/json", document)))
        .route("/docs", get(|| async { page(include_str!("pages/docs.html").to_owned()) }))
        .route("/docs/docs.js", get(|| async { script() }))
        .route("/docs/docs.css", get(|| async { style() }))
        .route("/problems", get(|| async { page(problem_list()) }))
        .route("/problems/{slug}", get(problem_page))
}

fn typed(media: &'static str, text: impl IntoResponse) -> Response {
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

fn script() -> Response {
    typed("text/javascript; charset=utf-8", include_str!("pages/docs.js"))
}

fn style() -> Response {
    typed("text/css; charset=utf-8", include_str!("pages/docs.css"))
}

fn page(html: String) -> Response {
    let mut response = Html(html).into_response();
    let policy = HeaderValue::from_static(PAGE_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

async fn problem_page(
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
) -> Response {
    let kind = params.ok().and_then(|params| {
        let (_, slug) = params.iter().next()?;
        problem::kind(slug)
    });
    match kind {
        Some(kind) => page(layout(kind.title, &section(kind))),
        None => {
            Problem::new(&problem::NOT_FOUND, "no kind of problem has this name; see /problems")
                .into_response()
        }
    }
}

fn problem_list() -> String {
    layout("Problems", &KINDS.iter().map(|kind| section(kind)).collect::<String>())
}

/// Everything shown is from the table, so nothing needs escaping but the code marks.
fn section(kind: &Kind) -> String {
    let mut about = String::new();
    for (i, part) in kind.about.split('`').enumerate() {
        match i % 2 {
            0 => about.push_str(part),
            _ => about.push_str(&format!("<code>{part}</code>")),
        }
    }
    let Kind { slug, title, .. } = kind;
    let status = kind.status.as_u16();
    format!(
        "<article class=\"problem\"><h2><a href=\"/problems/{slug}\">{title}</a></h2>\
         <p><code>{status}</code> <code>/problems/{slug}</code></p><p>{about}</p></article>"
    )
}

fn layout(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Anser</title><link rel=\"stylesheet\" href=\"/docs/docs.css\">\
         <main class=\"page\">\
         <p><a href=\"/docs\">API</a> · <a href=\"/problems\">Problems</a></p>\
         {body}</main></html>"
    )
}
