//! The one client: whatever is sent to servers of others goes through here.
//!
//! Names are resolved here and the answers filtered, so that what is checked is what is
//! connected to: a name that changes its mind between the two (DNS rebinding) gains nothing.
//! Redirects are answers like any other and not followed; proxies of the environment are not
//! used, since they would resolve names behind the guard's back.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ::http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use bytes::{Bytes, BytesMut};
use reqwest::{
    Certificate, Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::{Host, Url};

use crate::guard::Guard;

/// How long one exchange may take, from the name to the last byte of the answer. A receiver is
/// to note what it got and answer, not to work on it.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long of that a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest answer that is read. All that are understood are a few hundred bytes; a rewritten
/// message of 64 KiB, escaped, fits too.
const MAX_ANSWER: usize = 256 * 1024;

/// The longest wait a server can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Connections to one server that are kept while idle, and how long.
const IDLE_PER_HOST: usize = 8;
const IDLE_FOR: Duration = Duration::from_secs(60);

/// Why nothing can be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The client does not come about.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
    /// Certificates or keys that are none.
    #[error("{0}")]
    Key(String),
}

/// Further certificate authorities, beside the machine's own.
#[derive(Clone, Debug, Default)]
pub struct Roots(Vec<Certificate>);

impl Roots {
    /// Reads PEM.
    ///
    /// # Errors
    /// [`EgressError::Key`] when there is no certificate in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, EgressError> {
        let roots = Certificate::from_pem_bundle(pem)
            .map_err(|error| EgressError::Key(format!("no certificates: {error}")))?;
        Ok(Self(roots))
    }
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// With these headers.
    pub headers: HeaderMap,
    /// Saying this.
    pub body: Bytes,
    /// Within this time; the client's own deadline when `None`.
    pub within: Option<Duration>,
}

/// What the server answered, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it went.
    pub status: StatusCode,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
    /// Headers.
    pub headers: HeaderMap,
    /// What it says.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Never will be: the address is not one that may be reached.
    #[error("{0}")]
    Forbidden(&'static str),
    /// It did not answer in time, or cannot be reached, for now.
    #[error("{0}")]
    Unreachable(String),
}

/// The client.
#[derive(Clone, Debug)]
pub struct Http {
    guard: Arc<Guard>,
    /// Under TLS, to whatever the guard lets through.
    tls: Client,
    /// Plain, to what the operator has listed.
    plain: Client,
}

impl Http {
    /// A client.
    ///
    /// # Errors
    /// [`EgressError::Client`], when the machine has no certificate authorities, for one.
    pub fn new(guard: Guard, roots: &Roots) -> Result<Self, EgressError> {
        let guard = Arc::new(guard);
        let client = |listed_only| {
            let resolver = Resolver { guard: Arc::clone(&guard), listed_only };
            Client::builder()
                .user_agent(concat!("anser/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(resolver))
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .timeout(DEADLINE)
                .connect_timeout(CONNECT)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .pool_idle_timeout(IDLE_FOR)
                .tls_certs_merge(roots.0.iter().cloned())
                .https_only(!listed_only)
                .build()
                .map_err(|error| EgressError::Client(chain(&error)))
        };
        Ok(Self { tls: client(false)?, plain: client(true)?, guard })
    }

    /// Why nothing may be sent to `url`, as far as can be told without resolving its name.
    #[must_use]
    pub fn objection(&self, url: &str) -> Option<&'static str> {
        self.check(url).err()
    }

    fn check(&self, url: &str) -> Result<(Url, bool), &'static str> {
        let url = Url::parse(url).map_err(|_| "not a URL")?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err("neither https nor http"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("credentials do not belong into a URL");
        }
        // A connector asks no resolver about addresses, so they are checked here. The parser has
        // brought every spelling (0x7f.1, 2130706433) into one form.
        let ip = match url.host().ok_or("a URL without a host")? {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        if let Some(ip) = ip {
            if self.guard.objection(ip).is_some() {
                return Err(NOT_PUBLIC);
            }
            if plain && !self.guard.listed(ip) {
                return Err(NOT_TLS);
            }
        }
        if plain && !self.guard.lists_any() {
            return Err(NOT_TLS);
        }
        Ok((url, plain))
    }

    /// Sends, and reads what is answered.
    ///
    /// # Errors
    /// [`Failure`], when there is no answer.
    pub async fn post(&self, post: Post<'_>) -> Result<Answer, Failure> {
        let (url, plain) = self.check(post.url).map_err(Failure::Forbidden)?;
        let client = if plain { &self.plain } else { &self.tls };
        let mut request = client.post(url).headers(post.headers).body(post.body);
        if let Some(within) = post.within {
            request = request.timeout(within);
        }
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Unreachable("the answer has no end".into()));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(Answer {
            status: response.status(),
            retry_after: retry_after(&headers),
            headers,
            body: body.freeze(),
        })
    }
}

const NOT_PUBLIC: &str = "the address is not on the public Internet";
const NOT_TLS: &str = "the address is not reached by https";

/// Resolves names, and keeps of the answers what may be connected to.
struct Resolver {
    guard: Arc<Guard>,
    /// Whether only what the operator listed may.
    listed_only: bool,
}

/// A name of which no address may be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoAddress(&'static str);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, listed_only) = (Arc::clone(&self.guard), self.listed_only);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may = |at: &SocketAddr| match listed_only {
                true => guard.listed(at.ip()),
                false => guard.objection(at.ip()).is_none(),
            };
            let kept: Vec<SocketAddr> = found.filter(may).collect();
            if kept.is_empty() {
                return Err(NoAddress(if listed_only { NOT_TLS } else { NOT_PUBLIC }).into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// An error's causes in one line. The URL is left out: it may hold a token.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn failure(error: &reqwest::Error) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(NoAddress(why)) = inner.downcast_ref() {
            return Failure::Forbidden(why);
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return Failure::Unreachable("no answer in time".into());
    }
    // The outermost says only that sending failed, and to which URL; the causes say why.
    let why = std::error::Error::source(error).map_or_else(|| "no answer".into(), chain);
    Failure::Unreachable(why)
}

/// `Retry-After`, as seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = headers.get(::http::header::DATE)?.to_str().ok()?;
            let parse = |text| jiff::fmt::rfc2822::parse(text).ok();
            let wait = parse(text)?.timestamp().duration_since(parse(date)?.timestamp());
            u64::try_from(wait.as_secs()).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(allow: &[&str]) -> Http {
        let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        Http::new(Guard::new(allow), &Roots::default()).unwrap()
    }

    #[test]
    fn addresses_are_checked_however_they_are_written() {
        let http = http(&[]);
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://①②⑦.0.0.1/",
            "http://8.8.8.8/",
            "http://example.org/hook",
            "ftp://example.org/",
            "file:///etc/passwd",
            "https://user:secret@example.org/",
            "https:///",
            "example.org",
            "",
        ] {
            assert!(http.objection(url).is_some(), "{url}");
        }
        for url in ["https://example.org/hook", "https://8.8.8.8/", "https://[2606:4700::1]:8443/"]
        {
            assert_eq!(http.objection(url), None, "{url}");
        }
        // What a name leads to may be listed.
        let listed = self::http(&["10.7.0.0/16"]);
        assert_eq!(listed.objection("http://hooks.internal/"), None);
    }

    #[tokio::test]
    async fn a_name_for_a_forbidden_address_is_refused_when_it_is_resolved() {
        let post = Post {
            url: "https://localhost:9/",
            headers: HeaderMap::new(),
            body: Bytes::new(),
            within: None,
        };
        let refused = http(&[]).post(post.clone()).await.unwrap_err();
        assert_eq!(refused, Failure::Forbidden(NOT_PUBLIC));
        let plain = Post { url: "http://localhost:9/", ..post };
        for allow in [&[][..], &["10.7.0.0/16"]] {
            let refused = http(allow).post(plain.clone()).await.unwrap_err();
            assert_eq!(refused, Failure::Forbidden(NOT_TLS));
        }
        // Once it is listed it is connected to, and nobody listens there.
        let listed = http(&["127.0.0.0/8", "::1/128"]);
        assert!(matches!(listed.post(plain).await.unwrap_err(), Failure::Unreachable(_)));
    }

    #[test]
    fn a_wait_is_read_as_seconds_and_as_a_date() {
        let after = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            headers.insert(::http::header::DATE, "Tue, 24 Nov 2026 15:00:00 GMT".parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Tue, 24 Nov 2026 15:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(after("Tue, 24 Nov 2026 14:59:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("99999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(after("soon"), None);
    }
}
