//! The server as its users see it: where it is, and signing in to it over REST.

use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use anser_client::{Endpoint, TokenError, TokenSource};
use anser_domain::{Secret, UserName};
use anyhow::{Context as _, bail};
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::Mutex;

use crate::cli::Place;

/// Where the data is, as the settings say.
pub(crate) fn data_dir(place: &Place) -> anyhow::Result<PathBuf> {
    Ok(place.load(Vec::new())?.server.data_dir.clone())
}

/// Where a server on this machine listens.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listen {
    pub(crate) http: String,
    pub(crate) native: String,
}

impl Listen {
    /// As the server running on `data_dir` has published it; otherwise where servers usually do.
    pub(crate) fn of(data_dir: &Path) -> Self {
        fs::read(data_dir.join("listen.json"))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_else(|| Self {
                http: "127.0.0.1:8080".to_owned(),
                native: "127.0.0.1:7700".to_owned(),
            })
    }
}

/// The password of a demo user, if the server at `data_dir` has made them.
pub(crate) fn demo_password(data_dir: &Path, user: &UserName) -> Option<Secret> {
    let json = fs::read(data_dir.join("demo.json")).ok()?;
    let mut passwords: BTreeMap<String, String> = serde_json::from_slice(&json).ok()?;
    passwords.remove(user.as_str()).map(Secret::new)
}

/// A server's REST.
#[derive(Clone)]
pub(crate) struct Rest {
    base: String,
    http: reqwest::Client,
}

/// A signed-in device.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access: Secret,
    pub(crate) refresh: Secret,
    pub(crate) gateways: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct SessionJson {
    access_token: String,
    refresh_token: String,
    #[serde(default)]
    gateways: Vec<String>,
}

/// The part of a problem (RFC 9457) that people read.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// Why REST did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestError {
    /// The server said no.
    #[error("{text}")]
    Refused {
        /// How.
        status: StatusCode,
        /// Why, for people.
        text: String,
    },
    /// It was not reached, or answered something else.
    #[error("{0}")]
    Unreachable(String),
}

impl Rest {
    /// REST at `server`, or of the server that runs on `data_dir`.
    pub(crate) fn new(
        server: Option<&str>,
        data_dir: &Path,
        ca: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let base = match server {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                url.trim_end_matches('/').to_owned()
            }
            Some(url) => bail!("--server {url}: write it as http://HOST:PORT or https://HOST"),
            None => format!("http://{}", Listen::of(data_dir).http),
        };
        let mut http = reqwest::Client::builder();
        if let Some(ca) = ca {
            let pem = fs::read(ca).with_context(|| format!("cannot read {}", ca.display()))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem);
            for root in roots.with_context(|| format!("{} is no PEM", ca.display()))? {
                http = http.add_root_certificate(root);
            }
        }
        Ok(Self { base, http: http.build()? })
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether the server is on this machine: only then is it the one whose demo users the data
    /// directory knows.
    pub(crate) fn is_local(&self) -> bool {
        let rest = self.base.split_once("://").map_or("", |it| it.1);
        let host = rest.split('/').next().unwrap_or_default();
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
            _ => host,
        };
        let host = host.trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether anybody answers.
    pub(crate) async fn reach(&self) -> Result<(), RestError> {
        let asked = self.http.get(format!("{}/v1/me", self.base)).send().await;
        asked.map(drop).map_err(|error| self.unreachable(&error))
    }

    /// Signs in with a password.
    pub(crate) async fn login(
        &self,
        user: &UserName,
        password: &str,
        device: &str,
    ) -> Result<Session, RestError> {
        let body = json!({"user": user.as_str(), "password": password, "device": device});
        self.post("/v1/auth/login", None, &body).await.map(session)
    }

    /// Exchanges a refresh token.
    pub(crate) async fn refresh(&self, refresh: &Secret) -> Result<Session, RestError> {
        let body = json!({"refresh_token": refresh.expose()});
        self.post("/v1/auth/refresh", None, &body).await.map(session)
    }

    /// Makes a user, as an administrator.
    pub(crate) async fn create_user(
        &self,
        admin: &str,
        user: &UserName,
        password: &str,
    ) -> Result<(), RestError> {
        let body = json!({"user": user.as_str(), "password": password, "display_name": ""});
        let _: serde_json::Value = self.post("/v1/admin/users", Some(admin), &body).await?;
        Ok(())
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&str>,
        body: &serde_json::Value,
    ) -> Result<T, RestError> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(|error| self.unreachable(&error));
        }
        let problem: Problem = response.json().await.unwrap_or_default();
        let text = match (problem.detail.is_empty(), problem.title.is_empty()) {
            (false, _) => problem.detail,
            (true, false) => problem.title,
            (true, true) => format!("the server answered {status}"),
        };
        Err(RestError::Refused { status, text })
    }

    fn unreachable(&self, error: &reqwest::Error) -> RestError {
        if error.is_connect() {
            return RestError::Unreachable(format!(
                "no server at {}; start one with `anser serve`, or say with --data-dir or \
                 --server where it is",
                self.base
            ));
        }
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        RestError::Unreachable(text)
    }
}

fn session(json: SessionJson) -> Session {
    Session {
        access: Secret::new(json.access_token),
        refresh: Secret::new(json.refresh_token),
        gateways: json.gateways.iter().filter_map(|url| url.parse().ok()).collect(),
    }
}

/// Tokens of a signed-in device, exchanged for the next pair whenever the client asks again.
pub(crate) struct Tokens {
    rest: Rest,
    state: Mutex<TokenState>,
}

struct TokenState {
    /// The first one, until it was used.
    fresh: Option<Secret>,
    refresh: Secret,
}

impl Tokens {
    pub(crate) fn new(rest: Rest, session: &Session) -> Self {
        let fresh = Some(session.access.clone());
        let state = TokenState { fresh, refresh: session.refresh.clone() };
        Self { rest, state: Mutex::new(state) }
    }

    async fn next(&self) -> Result<Secret, TokenError> {
        let mut state = self.state.lock().await;
        if let Some(fresh) = state.fresh.take() {
            return Ok(fresh);
        }
        match self.rest.refresh(&state.refresh).await {
            Ok(session) => {
                state.refresh = session.refresh;
                Ok(session.access)
            }
            Err(RestError::Refused { status, text }) if status.is_client_error() => {
                Err(TokenError::Denied(format!("{text}; start again to sign in")))
            }
            Err(error) => Err(TokenError::Unavailable(error.to_string())),
        }
    }
}

impl TokenSource for Tokens {
    fn token(
        &self,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Secret, TokenError>> + Send + '_>> {
        Box::pin(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_local() {
        let rest = |url: &str| Rest::new(Some(url), Path::new("/nowhere"), None).unwrap();
        for url in ["http://localhost:8080", "http://127.0.0.1:1/", "http://[::1]:8080"] {
            assert!(rest(url).is_local(), "{url}");
        }
        for url in ["http://im.example:8080", "http://192.0.2.1", "http://127.0.0.1.example"] {
            assert!(!rest(url).is_local(), "{url}");
        }
        assert!(Rest::new(Some("tcp://x"), Path::new("/nowhere"), None).is_err());
    }
}
