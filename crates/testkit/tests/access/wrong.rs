//! What is wrong with a call is told, and nothing changes: every call of the OpenAPI document, on
//! the real binary, with each of its fields, parameters and bodies as they must not be.
//!
//! The document says what a field may be; everything else is tried. Who calls may do so, so that
//! it is the call itself that is refused.

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    stage::{Answer, Cell, Stage, Who, answer},
    table::{ROWS, Row},
};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a hostile body announces.
const HUGE: u64 = 50 << 20;

/// Bodies that are none, whatever the call.
const BODIES: [&[u8]; 9] =
    [b"", b"null", b"[]", b"7", b"\"x\"", b"{", b"{}{}", b"\xff{}", b"{\"unknown\":\"\xff\"}"];
/// Values of every type, by its name in the document.
const VALUES: [(&str, &str); 9] = [
    ("integer", "7"),
    ("number", "1.5"),
    ("number", "1e999"),
    ("boolean", "true"),
    ("string", "\"x\""),
    ("array", "[]"),
    ("object", "{}"),
    ("null", "null"),
    ("nothing", "\"\\ud800\""),
];
/// Texts that name nobody and nothing, and that nobody may be called.
const NAMES: [&str; 5] = ["..", "a/../b", "a\0b", "\u{202e}gnp", " "];
/// The same in a path, where a client would take two dots out.
const SEGMENTS: [&str; 4] = ["%00", "a%0d%0ab", "%ff", "%ed%a0%80"];
/// Fields that hold names.
const NAMED: [&str; 8] = ["user", "device", "id", "users", "members", "group", "from", "to"];
/// Numbers that are none.
const NUMBERS: [&str; 4] = ["-1", "1.5", "99999999999999999999", "abc"];
/// Addresses that are not to be reached or shown.
const ADDRESSES: [&str; 12] = [
    "http://10.0.0.1/",
    "https://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[fd00:ec2::254]/",
    "https://167772161/",
    "https://0x0a000001/",
    "https://012.0.0.1/",
    "https://alice:secret@example.org/",
    "javascript:alert(1)",
    "file:///etc/passwd",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_changes_nothing() {
    let stage = Stage::set().await;
    let document = stage.document().await;
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let call = format!("{} {path}", method.to_uppercase());
            let row = ROWS.iter().find(|row| row.documented() == call).unwrap();
            calls.push((row, operation, cell(&stage, row).await));
        }
    }
    let before = everything(&stage).await;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (row, operation, cell) in &calls {
        let mut tries = paths(operation, cell);
        tries.extend(queries(operation, cell));
        if let Some(schema) = body(operation, &document) {
            tries.extend(bodies(&schema, &document, cell));
            let said = announced(&stage, cell).await;
            wrong.extend(objection(row, "50 MB", None, &said));
        }
        asked += tries.len();
        for Try { what, names, cell, bytes, media } in tries {
            let mut request = stage.request(&cell.token, cell.method.clone(), &cell.url());
            if let Some(bytes) = bytes {
                request = request.header(CONTENT_TYPE, media).body(bytes);
            }
            let said = timeout(PATIENCE, answer(request)).await;
            let Ok(said) = said else { panic!("{}: {what}: no answer", row.call) };
            wrong.extend(objection(row, &what, names.as_deref(), &said));
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 1000, "only {asked} were tried");
    let after = everything(&stage).await;
    let left = before.difference(&after).chain(after.difference(&before));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<&String>::new(), "something has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_inside_is_taken() {
    let stage = Stage::set().await;
    for call in ["PATCH /v1/me", "PATCH /v1/groups/{group}", "PUT /v1/admin/webhooks/{webhook}"] {
        let row = ROWS.iter().find(|row| row.documented() == call).unwrap();
        let cell = cell(&stage, row).await;
        let field = if call.contains("webhook") { "url" } else { "avatar" };
        let before = everything(&stage).await;
        for address in ADDRESSES {
            let cell = Cell { body: json!({field: address}).to_string(), ..cell.clone() };
            let said = stage.act(&cell).await;
            assert_eq!(said.status, 422, "{call} {address}: {}", said.text);
        }
        assert_eq!(everything(&stage).await, before, "{call}");
    }
}

/// The call as someone makes it who may.
async fn cell(stage: &Stage, row: &Row) -> Cell {
    let who = match row.scope {
        Some(_) => Who::Administrator,
        None => Who::Owner,
    };
    stage.cell(row, who).await
}

/// All that is kept, and what administrators have done but read it.
async fn everything(stage: &Stage) -> BTreeSet<String> {
    let ada = stage.token("ada", "desk").await;
    let mut all = BTreeSet::new();
    for path in ["export", "webhooks", "keys", "groups?limit=200", "users?limit=200", "audit"] {
        let request = stage.request(&ada, Method::GET, &format!("/v1/admin/{path}"));
        let said = answer(request).await;
        assert_eq!(said.status, 200, "{path}: {}", said.text);
        match serde_json::from_str::<Value>(&said.text) {
            Ok(Value::Object(page)) => {
                for row in page.values().filter_map(Value::as_array).flatten() {
                    if row["what"] != "export" {
                        all.insert(row.to_string());
                    }
                }
            }
            _ => all.extend(said.text.lines().map(str::to_owned)),
        }
    }
    all
}

/// One call that must not be taken.
struct Try {
    /// What is wrong with it.
    what: String,
    /// What the answer has to name.
    names: Option<String>,
    cell: Cell,
    bytes: Option<Vec<u8>>,
    media: &'static str,
}

impl Try {
    fn new(what: String, cell: Cell) -> Self {
        let bytes = (!cell.body.is_empty()).then(|| cell.body.clone().into_bytes());
        Self { what, names: None, cell, bytes, media: "application/json" }
    }
}

fn parameters<'a>(
    operation: &'a Value,
    place: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let all = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let there = all.iter().filter(move |it| it["in"] == place);
    there.map(|it| (it["name"].as_str().unwrap(), &it["schema"]))
}

fn paths(operation: &Value, cell: &Cell) -> Vec<Try> {
    let mut tries = Vec::new();
    for (name, schema) in parameters(operation, "path") {
        let long = "x".repeat(10_000);
        let numbers = if is(schema, "integer") { &NUMBERS[..] } else { &[] };
        for bad in SEGMENTS.iter().chain(numbers).copied().chain([&*long]) {
            let mut cell = cell.clone();
            cell.named.retain(|it| it.0 != name);
            cell.fill(name, bad);
            tries.push(Try::new(format!("{name}={bad:.12}"), cell));
        }
    }
    tries
}

fn queries(operation: &Value, cell: &Cell) -> Vec<Try> {
    let mut tries = Vec::new();
    for (name, schema) in parameters(operation, "query") {
        let numbers = if is(schema, "integer") { &NUMBERS[..] } else { &[] };
        for bad in numbers.iter().copied().chain(["%ff", "1&again=1"]) {
            let bad = bad.replace("again", name);
            let query = format!("?{name}={bad}");
            tries.push(Try::new(query.clone(), Cell { query, ..cell.clone() }));
        }
    }
    tries
}

/// The schema of a JSON body.
fn body(operation: &Value, document: &Value) -> Option<Value> {
    let schema = operation["requestBody"]["content"].get("application/json")?.get("schema")?;
    Some(resolved(schema, document).clone())
}

fn bodies(schema: &Value, document: &Value, cell: &Cell) -> Vec<Try> {
    let mut tries = Vec::new();
    let deep = "[".repeat(10_000);
    let raw = BODIES.iter().map(|it| it.to_vec()).chain([deep.clone().into_bytes()]);
    for bytes in raw.chain(["{\"a\":".repeat(10_000).into_bytes()]) {
        let what = String::from_utf8_lossy(&bytes).chars().take(12).collect();
        tries.push(Try { bytes: Some(bytes), ..Try::new(what, cell.clone()) });
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", "text/html"] {
        tries.push(Try { media, ..Try::new(media.to_owned(), cell.clone()) });
    }
    let whole: serde_json::Map<String, Value> =
        serde_json::from_str(&cell.body).unwrap_or_default();
    let with = |field: &str, value: Option<&str>, again: bool| {
        let mut text = String::from("{");
        for (name, kept) in whole.iter().filter(|it| it.0 != field) {
            let _ = write!(text, "{}{}:{kept}", comma(&text), json!(name));
        }
        for value in value.into_iter().chain(value.filter(|_| again)) {
            let _ = write!(text, "{}{}:{value}", comma(&text), json!(field));
        }
        text + "}"
    };
    let mut push = |what: String, names: Option<&str>, body: String| {
        let (names, bytes) = (names.map(str::to_owned), Some(body.into_bytes()));
        tries.push(Try { names, bytes, ..Try::new(what, cell.clone()) });
    };
    let fields = schema["properties"].as_object().into_iter().flatten();
    for (field, says) in fields {
        let types = types(says, document);
        for (name, value) in VALUES {
            let fits = types.contains(name) || (types.contains("number") && name == "integer");
            // A choice between words has none that is called x.
            if types.is_empty() || (fits && !(name == "string" && is_choice(says, document))) {
                continue;
            }
            // What cannot be read at all is told by its place.
            let names = (name != "nothing" && value != "1e999").then_some(&**field);
            push(format!("{field}={value}"), names, with(field, Some(value), false));
        }
        let nested = format!("{deep}{}", "]".repeat(10_000));
        push(format!("{field} nested"), None, with(field, Some(&nested), false));
        let value = whole.get(field).map_or("\"x\"".to_owned(), Value::to_string);
        push(format!("{field} twice"), Some(field), with(field, Some(&value), true));
        if schema["required"].as_array().is_some_and(|all| all.contains(&json!(field))) {
            push(format!("without {field}"), Some(field), with(field, None, false));
        }
        if NAMED.contains(&&**field) {
            let long = "x".repeat(10_000);
            for name in NAMES.iter().copied().chain([&*long]) {
                let value = if types.contains("array") { json!([name]) } else { json!(name) };
                let body = with(field, Some(&value.to_string()), false);
                push(format!("{field}={name:.12}"), None, body);
            }
        }
    }
    tries
}

fn comma(text: &str) -> &'static str {
    if text.len() > 1 { "," } else { "" }
}

/// What a reference leads to.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
    name.map_or(schema, |name| &document["components"]["schemas"][name])
}

/// The types that a value may have; none where it may have all.
fn types<'a>(schema: &'a Value, document: &'a Value) -> BTreeSet<&'a str> {
    let schema = resolved(schema, document);
    match (&schema["type"], schema["oneOf"].as_array()) {
        (_, Some(all)) => all.iter().flat_map(|it| types(it, document)).collect(),
        (Value::String(one), _) => [&**one].into(),
        (Value::Array(all), _) => all.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

fn is(schema: &Value, name: &str) -> bool {
    types(schema, &Value::Null).contains(name)
}

fn is_choice(schema: &Value, document: &Value) -> bool {
    let schema = resolved(schema, document);
    let all = schema["oneOf"].as_array().into_iter().flatten();
    schema["enum"].is_array() || all.into_iter().any(|it| is_choice(it, document))
}

/// A call whose body is announced and never comes.
async fn announced(stage: &Stage, cell: &Cell) -> Answer {
    let mut socket = TcpStream::connect(stage.server.web()).await.unwrap();
    let (at, method, url) = (stage.server.web(), &cell.method, cell.url());
    let head = format!(
        "{method} {url} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {HUGE}\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n",
        cell.token
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&bytes);
    let (head, text) = said.split_once("\r\n\r\n").unwrap();
    let media = head.lines().find_map(|it| it.strip_prefix("content-type: "));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, media: media.unwrap_or_default().to_owned(), text: text.to_owned() }
}

/// What is wrong with an answer to what was wrong.
fn objection(row: &Row, what: &str, names: Option<&str>, said: &Answer) -> Option<String> {
    let body: Value = serde_json::from_str(&said.text).unwrap_or_default();
    let detail = body["detail"].as_str().unwrap_or_default();
    let why = match () {
        () if !(400..500).contains(&said.status) => "is not refused",
        // RFC 9110 §9.3.2: the answer to a HEAD has no body.
        () if row.call.starts_with("HEAD ") => return None,
        () if said.media != "application/problem+json" => "is no problem document",
        () if body["status"] != said.status || !body["type"].is_string() => "is no problem",
        () if detail.is_empty() => "does not say why",
        () if names.is_some_and(|it| !detail.contains(it)) => "does not say what",
        () => return None,
    };
    let (call, status) = (row.call, said.status);
    let text: String = said.text.chars().take(200).collect();
    Some(format!("{call} with {what} {why}: {status}: {text}"))
}
