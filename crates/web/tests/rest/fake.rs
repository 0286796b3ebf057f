//! An SM that says what the test wants, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use anser_domain::{
    Ask, Caller, Command, ManualClock, Millis, Peer, PeerId, Refusal, Reply, SessionManager,
};
use anser_web::{Config, Connection};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header, request},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// The wall clock of all tests.
pub(crate) const NOW: Millis = Millis(1_790_000_000_000);

type Answer = Box<dyn Fn(&Command) -> Option<Reply> + Send + Sync>;

/// The scripted SM.
pub(crate) struct FakeSm {
    answer: Answer,
    pub(crate) asked: Mutex<Vec<Ask>>,
    pub(crate) peers: Mutex<Vec<Peer>>,
}

impl FakeSm {
    /// Answers each command at once with what `answer` says; `None` is silence.
    pub(crate) fn new(
        answer: impl Fn(&Command) -> Option<Reply> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let answer = Box::new(answer);
        Arc::new(Self { answer, asked: Mutex::default(), peers: Mutex::default() })
    }

    /// Answers everything the same.
    pub(crate) fn always(reply: Reply) -> Arc<Self> {
        Self::new(move |_| Some(reply.clone()))
    }

    /// Refuses everything.
    pub(crate) fn refusing(refusal: Refusal) -> Arc<Self> {
        Self::always(Reply::Refused(refusal))
    }

    /// What was asked, in order.
    pub(crate) fn commands(&self) -> Vec<Command> {
        self.asked.lock().unwrap().iter().map(|ask| ask.command.clone()).collect()
    }

    /// On whose behalf.
    pub(crate) fn callers(&self) -> Vec<Caller> {
        self.asked.lock().unwrap().iter().map(|ask| ask.caller.clone()).collect()
    }
}

impl SessionManager for FakeSm {
    fn attach(&self, peer: Peer) {
        self.peers.lock().unwrap().push(peer);
    }

    fn detach(&self, peer: PeerId) {
        self.peers.lock().unwrap().retain(|known| known.id != peer);
    }

    fn submit(&self, batch: Vec<Ask>) {
        for ask in batch {
            let reply = (self.answer)(&ask.command);
            let port = self.peers.lock().unwrap().iter().find(|p| p.id == ask.from.peer).cloned();
            let port = port.expect("a peer attaches before it asks").replies;
            let (link, tag) = (ask.from.link, ask.from.tag);
            self.asked.lock().unwrap().push(ask);
            if let Some(reply) = reply {
                port.replies(vec![(link, tag, reply)]);
            }
        }
    }
}

/// The tier in front of `sm`, as configured by default.
pub(crate) fn web(sm: &Arc<FakeSm>) -> Router {
    configured(Config::default(), sm)
}

/// The tier in front of `sm`.
pub(crate) fn configured(config: Config, sm: &Arc<FakeSm>) -> Router {
    anser_web::router(config, &anser_web::Asker::new(sm.clone()), Arc::new(ManualClock::new(NOW)))
}

/// A request from this machine.
pub(crate) fn request(method: &str, uri: &str) -> request::Builder {
    let remote = ([127, 0, 0, 1], 50_000).into();
    Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "localhost:8080")
        .extension(Connection { remote, tls: false, proxied: false })
}

/// The same with a token, and a JSON body unless it is empty.
pub(crate) fn call(method: &str, uri: &str, body: impl Into<String>) -> Request<Body> {
    let body = body.into();
    let request = request(method, uri).header(header::AUTHORIZATION, "Bearer t0ken");
    let request = match body.is_empty() {
        true => request,
        false => request.header(header::CONTENT_TYPE, "application/json"),
    };
    request.body(Body::from(body)).unwrap()
}

/// What came back.
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Said {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    /// A header's text; empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The slug of the problem, which must be a whole one.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        let slug = json["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned();
        let kind = anser_web::KINDS.iter().find(|kind| kind.slug == slug).unwrap();
        assert_eq!(kind.status, self.status);
        slug
    }
}

/// Sends one request.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> Said {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Said { status: head.status, headers: head.headers, text }
}

/// A documented path with something fit in the place of each parameter.
pub(crate) fn concrete(path: &str) -> String {
    [("{conv}", "u:bob"), ("{seq}", "7"), ("{event}", "7"), ("{id}", "7"), ("{file}", "7")]
        .iter()
        .fold(path.replace("/keys/{key}", "/keys/7"), |path, (name, value)| {
            path.replace(name, value)
        })
        .replace(['{', '}'], "")
}
