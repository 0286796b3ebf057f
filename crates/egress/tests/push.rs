//! The gateways against servers that do as the services do: TLS, HTTP/2, signatures checked with
//! the public keys, what is encrypted opened with the subscriber's key.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use anser_domain::{
    Handed, ManualClock, MessageId, Millis, Notification, PushGateway as _, PushTarget, Seq,
    UserName,
};
use anser_egress::{
    Apns, ApnsConfig, Fcm, FcmConfig, Gateways, Guard, Http, Roots, VapidKey, WebPush,
    WebPushConfig,
};
use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::{AsDer as _, Pkcs8V1Der},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rsa::KeySize,
    signature::KeyPair as _,
};
use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const NOW: Millis = Millis(1_764_000_000_000);

/// One request as it came.
struct Got {
    version: Version,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server that answers as it is told to, and keeps what it got.
#[derive(Clone, Default)]
struct Service {
    answers: Arc<Mutex<Vec<(StatusCode, String)>>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Service {
    async fn take(State(me): State<Self>, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let path = head.uri.path().to_owned();
        let token = path == "/token";
        me.got.lock().unwrap().push(Got {
            version: head.version,
            path,
            headers: head.headers,
            body,
        });
        if token {
            return (StatusCode::OK, r#"{"access_token":"acc","expires_in":3600}"#).into_response();
        }
        let answer = me.answers.lock().unwrap().pop();
        answer.unwrap_or((StatusCode::CREATED, String::new())).into_response()
    }

    fn answers(&self, status: u16, body: &str) {
        self.answers.lock().unwrap().push((StatusCode::from_u16(status).unwrap(), body.to_owned()));
    }

    fn got(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().unwrap())
    }
}

/// Starts a server under TLS; says where, and a client that trusts it.
async fn start() -> (Service, SocketAddr, Http) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let service = Service::default();
    let app = Router::new().fallback(Service::take).with_state(service.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (acceptor, app) = (acceptor.clone(), app.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(socket).await else { return };
                let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(tls), TowerToHyperService::new(app))
                    .await;
            });
        }
    });
    let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    let roots = Roots::from_pem(made.cert.pem().as_bytes()).unwrap();
    (service, at, Http::new(guard, &roots).unwrap())
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOW))
}

fn note() -> Notification {
    Notification {
        id: MessageId(77),
        user: UserName::new("bob").unwrap(),
        at: "g:geese".parse().unwrap(),
        seq: Seq(9),
        title: "Geese".into(),
        sender: UserName::new("alice").unwrap(),
        sender_name: "Alice".into(),
        text: Some("honk".into()),
        badge: 3,
        unread: 2,
        mentioned: false,
        locale: "de".into(),
        until: NOW.plus(3_600_000),
    }
}

fn ec_key(public: &str) -> DecodingKey {
    let point = URL_SAFE_NO_PAD.decode(public).unwrap();
    let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
    DecodingKey::from_ec_components(&part(1..33), &part(33..65)).unwrap()
}

/// The claims of a token whose signature holds.
fn claims(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Value {
    let mut how = Validation::new(algorithm);
    how.validate_exp = false;
    how.validate_aud = false;
    how.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, key, &how).unwrap().claims
}

#[tokio::test]
async fn apns_gets_a_signed_request_over_http_2() {
    let (service, at, http) = start().await;
    let pem = VapidKey::generate().unwrap();
    let public = ec_key(VapidKey::from_pem(pem.as_bytes()).unwrap().public());
    let config = ApnsConfig {
        key: pem.into_bytes(),
        key_id: "KEY".into(),
        team_id: "TEAM".into(),
        topics: vec!["org.x".into()],
        url: format!("https://localhost:{}", at.port()),
        sandbox_url: String::new(),
    };
    let apns = Some(Apns::new(http, clock(), config).unwrap());
    let gateways = Gateways { apns, ..Gateways::default() };
    let target = |token: &str, topic: &str| PushTarget::Apns {
        token: token.into(),
        topic: topic.into(),
        sandbox: false,
    };
    assert!(gateways.objection(&target("../x", "org.x")).is_some());
    assert!(gateways.objection(&target("ab12", "org.y")).is_some());
    let target = target("ab12", "org.x");
    assert_eq!(gateways.objection(&target), None);

    assert_eq!(gateways.push(&target, &note()).await, Handed::Taken);
    let got = service.got().pop().unwrap();
    assert_eq!((got.version, got.path.as_str()), (Version::HTTP_2, "/3/device/ab12"));
    let token = got.header("authorization").strip_prefix("bearer ").unwrap().to_owned();
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid.as_deref(), Some("KEY"));
    let claims = claims(&token, &public, Algorithm::ES256);
    assert_eq!(claims, json!({"iss": "TEAM", "iat": NOW.0 / 1000}));
    assert_eq!(got.header("apns-topic"), "org.x");
    assert_eq!(got.header("apns-expiration"), (NOW.0 / 1000 + 3600).to_string());
    assert_eq!(got.header("apns-collapse-id").len(), 32);
    let body = got.json();
    assert_eq!(body["aps"]["alert"], json!({"title": "Geese", "body": "Alice: honk"}));
    assert_eq!((&body["aps"]["badge"], &body["conv"]), (&json!(3), &json!("g:geese")));

    // The token is kept: Apple refuses new ones more often than every 20 minutes.
    gateways.push(&target, &note()).await;
    assert_eq!(service.got().pop().unwrap().header("authorization"), format!("bearer {token}"));
    for (status, reason, gone, later) in [
        (410, "Unregistered", true, false),
        (400, "BadDeviceToken", true, false),
        (400, "PayloadEmpty", false, false),
        (403, "ExpiredProviderToken", false, true),
        (429, "TooManyRequests", false, true),
        (503, "ServiceUnavailable", false, true),
    ] {
        service.answers(status, &json!({"reason": reason}).to_string());
        let handed = gateways.push(&target, &note()).await;
        assert_eq!(matches!(handed, Handed::Gone { .. }), gone, "{reason}: {handed:?}");
        assert_eq!(matches!(handed, Handed::Later { .. }), later, "{reason}: {handed:?}");
    }
    // Without a text the app says it in its own words.
    service.got();
    gateways.push(&target, &Notification { text: None, ..note() }).await;
    let body = service.got().pop().unwrap().json();
    assert_eq!(body["aps"]["alert"]["loc-key"], "ANSER_NEW_MESSAGE");
    assert!(!body.to_string().contains("honk"));
}

#[tokio::test]
async fn fcm_gets_an_access_token_for_a_signed_assertion() {
    let (service, at, http) = start().await;
    let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    let public = DecodingKey::from_rsa_der(pair.public_key().as_ref());
    let base = format!("https://localhost:{}", at.port());
    let account = json!({"project_id": "p", "client_email": "me@p", "private_key": pem,
                         "token_uri": format!("{base}/token")});
    let config = FcmConfig { account: account.to_string().into_bytes(), url: base.clone() };
    let fcm = Some(Fcm::new(http, clock(), config).unwrap());
    let gateways = Gateways { fcm, ..Gateways::default() };
    let target = PushTarget::Fcm { token: "device".into() };

    assert_eq!(gateways.push(&target, &note()).await, Handed::Taken);
    let [grant, sent] = service.got().try_into().ok().unwrap();
    let form = std::str::from_utf8(&grant.body).unwrap();
    let (kind, assertion) = form.split_once("&assertion=").unwrap();
    assert_eq!(kind, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    let claims = claims(assertion, &public, Algorithm::RS256);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("me@p"), &json!(format!("{base}/token"))));
    assert_eq!(claims["exp"], json!(NOW.0 / 1000 + 3600));
    assert_eq!(sent.path, "/v1/projects/p/messages:send");
    assert_eq!(sent.header("authorization"), "Bearer acc");
    let message = &sent.json()["message"];
    assert_eq!(message["token"], "device");
    assert_eq!(message["notification"], json!({"title": "Geese", "body": "Alice: honk"}));
    assert_eq!(message["data"]["badge"], "3");
    assert_eq!(message["android"]["ttl"], "3600s");

    gateways.push(&target, &note()).await;
    assert_eq!(service.got().len(), 1, "the access token is kept");
    let error = |code: &str| json!({"error": {"status": "X", "details": [{"errorCode": code}]}});
    for (status, code, gone, later) in [
        (404, "UNREGISTERED", true, false),
        (403, "SENDER_ID_MISMATCH", true, false),
        (400, "INVALID_ARGUMENT", false, false),
        (429, "QUOTA_EXCEEDED", false, true),
        (503, "UNAVAILABLE", false, true),
        (401, "THIRD_PARTY_AUTH_ERROR", false, true),
    ] {
        service.answers(status, &error(code).to_string());
        let handed = gateways.push(&target, &note()).await;
        assert_eq!(matches!(handed, Handed::Gone { .. }), gone, "{code}: {handed:?}");
        assert_eq!(matches!(handed, Handed::Later { .. }), later, "{code}: {handed:?}");
    }
    service.got();
    gateways.push(&target, &note()).await;
    assert_eq!(service.got().len(), 2, "after a 401 another access token");
}

struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(prk: &Prk, info: &[&[u8]], len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    prk.expand(info, Len(len)).unwrap().fill(&mut out).unwrap();
    out
}

/// Opens what was sealed, as a browser does (RFC 8291 §3.4).
fn open(private: &PrivateKey, auth: &[u8], sealed: &[u8]) -> Value {
    let own = private.compute_public_key().unwrap();
    let (salt, rest) = sealed.split_at(16);
    assert_eq!(rest[..5], [0, 0, 16, 0, 65]);
    let (sender, record) = rest[5..].split_at(65);
    let input = agree(private, UnparsedPublicKey::new(&ECDH_P256, sender), (), |secret| {
        let prk = Salt::new(HKDF_SHA256, auth).extract(secret);
        Ok(expand(&prk, &[b"WebPush: info\0", own.as_ref(), sender], 32))
    })
    .unwrap();
    let prk = Salt::new(HKDF_SHA256, salt).extract(&input);
    let key = expand(&prk, &[b"Content-Encoding: aes128gcm\0"], 16);
    let nonce = expand(&prk, &[b"Content-Encoding: nonce\0"], 12);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
    let mut record = record.to_vec();
    let text = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
    let (delimiter, text) = text.split_last().unwrap();
    assert_eq!(*delimiter, 2);
    serde_json::from_slice(text).unwrap()
}

#[tokio::test]
async fn a_browser_can_open_what_it_gets_and_check_who_sent_it() {
    let (service, at, http) = start().await;
    let key = VapidKey::from_pem(VapidKey::generate().unwrap().as_bytes()).unwrap();
    let own = key.public().to_owned();
    let config = WebPushConfig { key, contact: "mailto:ops@example.org".into() };
    let web = Some(WebPush::new(http, clock(), config).unwrap());
    let gateways = Gateways { web, ..Gateways::default() };
    let browser = PrivateKey::generate(&ECDH_P256).unwrap();
    let auth = [7; 16];
    let subscription = |endpoint: String| PushTarget::Web {
        endpoint: endpoint.into(),
        p256dh: URL_SAFE_NO_PAD.encode(browser.compute_public_key().unwrap()).into(),
        auth: URL_SAFE_NO_PAD.encode(auth).into(),
    };
    assert!(gateways.objection(&subscription("https://10.0.0.1/".into())).is_some());
    let wrong =
        PushTarget::Web { endpoint: "https://x/".into(), p256dh: "x".into(), auth: "".into() };
    assert!(gateways.objection(&wrong).is_some());
    let target = subscription(format!("https://localhost:{}/sub", at.port()));
    assert_eq!(gateways.objection(&target), None);

    assert_eq!(gateways.push(&target, &note()).await, Handed::Taken);
    let got = service.got().pop().unwrap();
    let vapid = got.header("authorization").strip_prefix("vapid t=").unwrap();
    let (token, public) = vapid.split_once(", k=").unwrap();
    assert_eq!(public, own);
    let claims = claims(token, &ec_key(&own), Algorithm::ES256);
    assert_eq!(claims["aud"], json!(format!("https://localhost:{}", at.port())));
    assert_eq!(claims["sub"], "mailto:ops@example.org");
    assert_eq!((got.header("ttl"), got.header("content-encoding")), ("3600", "aes128gcm"));
    assert_eq!((got.header("topic").len(), got.header("urgency")), (32, "high"));
    let opened = open(&browser, &auth, &got.body);
    assert_eq!((&opened["title"], &opened["body"]), (&json!("Geese"), &json!("Alice: honk")));
    assert_eq!(opened["badge"], "3");

    // What takes more room than a record has goes without its text.
    let long = Notification { text: Some("\u{1}".repeat(1000).into()), ..note() };
    assert_eq!(gateways.push(&target, &long).await, Handed::Taken);
    let opened = open(&browser, &auth, &service.got().pop().unwrap().body);
    assert!(opened.get("body").is_none());
    for (status, gone, later) in [
        (404, true, false),
        (410, true, false),
        (413, false, false),
        (429, false, true),
        (500, false, true),
    ] {
        service.answers(status, "");
        let handed = gateways.push(&target, &note()).await;
        assert_eq!(matches!(handed, Handed::Gone { .. }), gone, "{status}: {handed:?}");
        assert_eq!(matches!(handed, Handed::Later { .. }), later, "{status}: {handed:?}");
    }
}
