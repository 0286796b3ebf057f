//! The OpenAPI document: what the handlers' annotations say, and the problems each can end in.

use std::collections::BTreeMap;

use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        Content, ContentBuilder, OpenApi as Document, Ref, RefOr, Response,
        example::ExampleBuilder,
        header::Header,
        path::Operation,
        response::ResponseBuilder,
        schema::{ArrayItems, KnownFormat, Object, Schema, SchemaFormat, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    api,
    problem::{self, Kind, PROBLEM_JSON, ProblemBody},
};

/// The extension in which a handler lists the slugs of the problems that are its own. It is
/// replaced by responses before the document is shown.
const PROBLEMS: &str = "x-problems";

/// Problems that every call may end in.
static ALWAYS: &[&Kind] = &[
    &problem::MALFORMED,
    &problem::INVALID,
    &problem::FOREIGN_ORIGIN,
    &problem::MISDIRECTED,
    &problem::HEADERS,
    &problem::RATE_LIMITED,
    &problem::INTERNAL,
    &problem::BUSY,
    &problem::UNAVAILABLE,
    &problem::DRAINING,
    &problem::DEADLINE,
];

/// Problems of calls that need a token.
static WITH_TOKEN: &[&Kind] = &[
    &problem::UNAUTHENTICATED,
    &problem::BAD_CREDENTIALS,
    &problem::EXPIRED,
    &problem::REVOKED,
    &problem::DISABLED,
    &problem::FORBIDDEN,
];

/// Problems of calls that have a body.
static WITH_BODY: &[&Kind] = &[&problem::TOO_LARGE, &problem::MEDIA_TYPE, &problem::BODY_TIMEOUT];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Anser",
        description = "Instant messaging over REST: sign in, read history, send, and look after \
            groups, devices and users. Live delivery goes over the native protocol, to one of \
            the gateways that a sign-in names.\n\nEvery error is an RFC 9457 problem whose \
            `type` leads to its description. Unknown fields and query parameters are ignored. \
            Times are milliseconds since 1970; ids are strings. Lists are read page by page: \
            pass a page's `next` as the `cursor` of the following request.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "auth", description = "Signing in and out"),
        (name = "me", description = "The caller"),
        (name = "users", description = "Other users"),
        (name = "friends", description = "Friends, requests to be one, and blocks"),
        (name = "items", description = "The caller's drafts, settings and other small values"),
        (name = "devices", description = "Where the caller is signed in"),
        (name = "conversations", description = "The conversation list and read cursors"),
        (name = "messages", description = "History and sending"),
        (name = "files", description = "Pictures and other content, beside the messages"),
        (name = "groups", description = "Groups and their members"),
        (name = "admin", description = "For administrators")
    )
)]
struct About;

/// The whole API, as OpenAPI 3.1.
#[must_use]
pub fn document() -> Document {
    let (_, calls) = api::router().split_for_parts();
    let mut document = About::openapi().merge_from(calls);
    // The router's mark of a parameter that may hold slashes is not the document's.
    let paths = std::mem::take(&mut document.paths.paths);
    let unmarked = |(path, item): (String, _)| (path.replace("{*", "{"), item);
    document.paths.paths = paths.into_iter().map(unmarked).collect();
    // OpenAPI has no word for a segment that holds slashes.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths =
        paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer()));
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    let mut shared = BTreeMap::new();
    for item in document.paths.paths.values_mut() {
        let methods = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
            &mut item.head,
        ];
        for operation in methods.into_iter().flatten() {
            shared.extend(add_problems(operation));
            for parameter in operation.parameters.iter_mut().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                parameter.schema.iter_mut().for_each(unsigned);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.responses.extend(shared);
    components.schemas.values_mut().for_each(unsigned);
    document
}

/// Takes the mark of signed numbers, which end at half, from those that begin at 0 or above.
fn unsigned(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            let long = object.format == Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
            object.format.take_if(|_| long && object.minimum.is_some());
            object.properties.values_mut().for_each(unsigned);
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                unsigned(items);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(unsigned),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(unsigned),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(unsigned),
        _ => {}
    }
}

fn bearer() -> utoipa::openapi::security::Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The `access_token` of a sign-in."))
        .build()
}

/// Writes the problems an operation can end in among its responses, one per status: as names
/// of responses that are returned, since most operations have them in common.
fn add_problems(operation: &mut Operation) -> BTreeMap<String, RefOr<Response>> {
    let own = operation.extensions.as_mut().and_then(|all| all.remove(PROBLEMS));
    operation.extensions.take_if(|left| left.is_empty());
    let own = own.iter().filter_map(|list| list.as_array()).flatten();
    let own = own.filter_map(|slug| problem::kind(slug.as_str()?));
    let when = |yes: bool, kinds: &'static [&'static Kind]| if yes { kinds } else { &[] };
    let mut kinds: Vec<&'static Kind> = own
        .chain(ALWAYS.iter().copied())
        .chain(when(operation.security.is_some(), WITH_TOKEN).iter().copied())
        .chain(when(operation.request_body.is_some(), WITH_BODY).iter().copied())
        .collect();
    kinds.sort_by_key(|kind| (kind.status.as_u16(), kind.slug));
    kinds.dedup_by_key(|kind| kind.slug);
    let mut shared = BTreeMap::new();
    for group in kinds.chunk_by(|a, b| a.status == b.status) {
        let slugs: Vec<_> = group.iter().map(|kind| kind.slug).collect();
        let name = slugs.join(".");
        let status = group.first().map_or("default", |kind| kind.status.as_str());
        let reference = Ref::from_response_name(&name);
        operation.responses.responses.insert(status.to_owned(), RefOr::Ref(reference));
        shared.insert(name, RefOr::T(response(group)));
    }
    shared
}

/// One response for the problems of one status, with an example of each.
fn response(kinds: &[&'static Kind]) -> Response {
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title).collect();
    let mut response = ResponseBuilder::new().description(titles.join("; ")).build();
    response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(content(kinds)));
    if kinds.iter().any(|kind| kind.retriable) {
        header(&mut response, "Retry-After", Type::Integer, "Seconds to wait before trying again");
    }
    if kinds.iter().any(|kind| kind.status == http::StatusCode::UNAUTHORIZED) {
        header(&mut response, "WWW-Authenticate", Type::String, "A `Bearer` challenge");
    }
    response
}

fn content(kinds: &[&'static Kind]) -> Content {
    let schema = Ref::from_schema_name(ProblemBody::name());
    kinds
        .iter()
        .fold(ContentBuilder::new().schema(Some(schema)), |content, kind| {
            let body = problem::Problem::example(kind);
            let example = ExampleBuilder::new().summary(kind.title).value(Some(body)).build();
            content.examples_from_iter([(kind.slug, RefOr::T(example))])
        })
        .build()
}

fn header(response: &mut Response, name: &str, kind: Type, about: &str) {
    let schema = Schema::Object(Object::with_type(kind));
    let mut header = Header::new(schema);
    header.description = Some(about.to_owned());
    response.headers.insert(name.to_owned(), RefOr::T(header));
}
