//! The OpenAPI document is whole, agrees with the router and with the file that is published;
//! the pages need nothing from elsewhere.

use std::{collections::BTreeSet, fs};

use anser_domain::{Refusal, Scope};
use anser_web::KINDS;
use axum::{Router, http::StatusCode};
use serde_json::Value;

use crate::fake::{FakeSm, call, concrete, send, web};

fn document() -> Value {
    serde_json::to_value(anser_web::document()).unwrap()
}

/// Method, path and operation of every call.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            item.iter().map(|(method, op)| (method.to_uppercase(), path.clone(), op.clone()))
        })
        .collect()
}

fn router() -> Router {
    web(&FakeSm::refusing(Refusal::Forbidden))
}

#[tokio::test]
async fn it_is_served_and_is_openapi_3_1() {
    let said = send(&router(), call("GET", "/openapi.json", "")).await;
    assert_eq!(said.header("content-type"), "application/json");
    assert_eq!(said.json(), document());
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1."));
}

#[test]
fn the_published_file_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let published: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        published,
        document(),
        "docs/openapi.json is stale: cargo run -p anser-web --example openapi"
    );
}

/// The router has exactly the documented methods at each documented path: a method that nobody
/// has is refused with a list of those that there are.
#[tokio::test]
async fn every_documented_call_is_routed_and_no_other_method_is() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let uri = concrete(path);
        let said = send(&router(), call("BREW", &uri, "")).await;
        assert_eq!(said.status, StatusCode::METHOD_NOT_ALLOWED, "{uri}");
        let allowed: BTreeSet<_> =
            said.header("allow").split(',').map(|m| m.trim().to_lowercase()).collect();
        let mut documented: BTreeSet<_> = item.as_object().unwrap().keys().cloned().collect();
        if documented.contains("get") {
            documented.insert("head".to_owned());
        }
        assert_eq!(allowed, documented, "{path}");
    }
}

/// The router's own account of itself names no `/v1` path that the document does not.
#[test]
fn every_route_is_documented() {
    let router = format!("{:?}", router());
    // The router marks a parameter that may hold slashes; the document has no such mark.
    let routed: BTreeSet<String> = router
        .split('"')
        .filter(|text| text.starts_with("/v1/"))
        .map(|text| text.replace("{*", "{"))
        .collect();
    let document = document();
    let documented: BTreeSet<String> =
        document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(routed, documented);
}

/// Who makes a key finds there what it can be given.
#[test]
fn every_scope_is_named_where_keys_are_made() {
    let document = document();
    let said = &document["components"]["schemas"]["NewKey"]["properties"]["scopes"]["description"];
    for (_, name, _) in Scope::TABLE {
        assert!(said.as_str().unwrap().contains(&format!("`{name}`")), "{name}: {said}");
    }
}

/// Whether a body or an answer has one: as JSON, where it can be that.
fn has_example(of: &Value) -> bool {
    let forms = of["content"].as_object().unwrap();
    let form = forms.get("application/json").or_else(|| forms.values().next());
    form.is_some_and(|form| !form["example"].is_null())
}

#[test]
fn every_call_has_an_id_a_summary_examples_and_its_problems() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let call = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{call}");
        assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{call}");
        // What is no JSON has no example: the content of files.
        let content = path == "/v1/files/{file}" || path == "/v1/files/{file}/thumbnail";
        if let Some(body) = operation.get("requestBody").filter(|_| !content) {
            assert!(has_example(body), "{call}");
        }
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            if status.starts_with('2') && status != "204" && !content {
                assert!(has_example(response), "{call} {status}");
            }
        }
        let has = |status: &str| responses.contains_key(status);
        for status in ["400", "403", "421", "422", "429", "431", "500", "503", "504"] {
            assert!(has(status), "{call} {status}");
        }
        let required = operation["security"]
            .as_array()
            .is_some_and(|all| all.iter().all(|one| !one["bearer"].is_null()));
        assert_eq!(
            required,
            !path.starts_with("/v1/auth/re")
                && !path.ends_with("/login")
                && call != "POST /v1/users",
            "{call}"
        );
        let with_body = operation.get("requestBody").is_some();
        // What would be too much is told by 413 as well, with a body or without.
        assert!(["408", "415"].iter().all(|status| has(status) == with_body), "{call}");
        assert!(has("413") || !with_body, "{call}");
        assert!(operation.get("x-problems").is_none(), "{call}");
        for segment in path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')) {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|p| p["name"] == segment && p["in"] == "path"), "{call}");
        }
    }
}

/// Everything a `$ref` names is there.
#[test]
fn every_reference_leads_somewhere() {
    fn walk(root: &Value, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    let pointer = to.strip_prefix('#').unwrap();
                    assert!(root.pointer(pointer).is_some(), "{to}");
                }
                fields.values().for_each(|inner| walk(root, inner));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(root, inner)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

/// What a refusal of the SM becomes is documented for the call that can be refused so.
#[tokio::test]
async fn examples_are_what_the_calls_take() {
    let document = document();
    let router = router();
    for (method, path, operation) in operations(&document) {
        let uri = concrete(&path);
        let body = match operation.get("requestBody") {
            Some(body) => body["content"]["application/json"]["example"].to_string(),
            None => String::new(),
        };
        // An answer to HEAD has no body to tell a problem in; a piece of a file is no example.
        if method == "HEAD" || (method == "PATCH" && path == "/v1/files/{file}") {
            continue;
        }
        let needed = operation["parameters"].as_array().into_iter().flatten();
        let needed = needed.filter(|it| it["in"] == "query" && it["required"] == true);
        let query: Vec<String> =
            needed.map(|it| format!("{}=goose", it["name"].as_str().unwrap())).collect();
        let uri = if query.is_empty() { uri } else { format!("{uri}?{}", query.join("&")) };
        // The scripted SM refuses everything: whatever else is said, the example was at fault.
        assert_eq!(send(&router, call(&method, &uri, body)).await.problem(), "forbidden", "{uri}");
    }
}

#[tokio::test]
async fn every_kind_of_problem_has_its_page() {
    let router = router();
    let list = send(&router, call("GET", "/problems", "")).await;
    assert_eq!(list.header("content-type"), "text/html; charset=utf-8");
    for kind in KINDS {
        let said = send(&router, call("GET", &format!("/problems/{}", kind.slug), "")).await;
        assert_eq!(said.status, StatusCode::OK);
        assert!(said.text.contains(kind.title) && list.text.contains(kind.title), "{}", kind.slug);
        assert!(said.text.contains(kind.status.as_str()));
    }
    for path in ["/problems/nope", "/problems/%ff", "/problems/%3Cscript%3E"] {
        let said = send(&router, call("GET", path, "")).await;
        assert_eq!(said.problem(), "not-found");
        assert!(!said.text.contains("script"));
    }
}

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let router = router();
    for (path, media) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
    ] {
        let said = send(&router, call("GET", path, "")).await;
        assert_eq!(said.header("content-type"), media);
        assert!(!said.text.contains("://"), "{path} refers to another place");
        assert!(!said.text.contains("innerHTML"), "{path} writes markup");
        assert!(!said.text.contains(" style=") && !said.text.contains("onclick="), "{path}");
    }
    let page = send(&router, call("GET", "/docs", "")).await;
    // Whatever the page names is a path of this server, and there.
    let named: Vec<&str> = page.text.split('"').filter(|text| text.starts_with('/')).collect();
    assert!(named.len() >= 3, "{named:?}");
    for path in named {
        assert_eq!(send(&router, call("GET", path, "")).await.status, StatusCode::OK, "{path}");
    }
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let home = send(&router, call("GET", "/", "")).await;
    assert_eq!((home.status, home.header("location")), (StatusCode::TEMPORARY_REDIRECT, "/docs"));
}
