//! Which servers a URL means, and how they are spoken to.
//!
//! ```text
//! redis://[user:password@]host[:port][/db]                              one server
//! redis-sentinel://[user:password@]host[:port],…/master[/db]            the master that Sentinels name
//! redis-cluster://[user:password@]host[:port],…                         a Cluster, by any of its nodes
//! ```
//!
//! `rediss` instead of `redis` speaks TLS, `valkey` is another word for it. Behind `?`, parted by
//! `&`: `ca`, `cert` and `key` (paths of PEM files), `sentinel_user` and `sentinel_password`, and
//! `plaintext`, without which servers on other machines are reached under TLS only.

use std::{net::IpAddr, path::Path};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion,
    RedisConnectionInfo, RedisResult, TlsCertificates,
};

use crate::OpenError;

/// What the servers are to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Alone,
    /// The name of the master whose Sentinels these are.
    Sentinel(String),
    Cluster,
}

/// What a URL means.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) kind: Kind,
    /// Where to begin.
    pub(super) seeds: Vec<ConnectionAddr>,
    /// How to introduce oneself to those that hold the map, and to Sentinels.
    holders: RedisConnectionInfo,
    sentinels: RedisConnectionInfo,
    certificates: TlsCertificates,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        Self::read(url).map_err(|what| OpenError::RoutesUrl { url: without_password(url), what })
    }

    fn read(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("expected redis://HOST")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = Query::read(query)?;
        let (rest, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
        let scheme = scheme.replace("valkeys", "rediss").replace("valkey", "redis");
        let (tls, kind) = match scheme.as_str() {
            "redis" => (false, Kind::Alone),
            "rediss" => (true, Kind::Alone),
            "redis-sentinel" => (false, Kind::Sentinel(String::new())),
            "rediss-sentinel" => (true, Kind::Sentinel(String::new())),
            "redis-cluster" => (false, Kind::Cluster),
            "rediss-cluster" => (true, Kind::Cluster),
            _ => return Err("expected redis, redis-sentinel or redis-cluster before ://".into()),
        };
        let (kind, db) = match kind {
            Kind::Sentinel(_) => {
                let (master, db) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err("expected the master's name behind the Sentinels, as in \
                                redis-sentinel://HOST,HOST/mymaster"
                        .into());
                }
                (Kind::Sentinel(master.to_owned()), db)
            }
            Kind::Cluster if !path.is_empty() => return Err("a Cluster has no databases".into()),
            kind => (kind, path),
        };
        let port = if matches!(kind, Kind::Sentinel(_)) { SENTINEL_PORT } else { PORT };
        let seeds: Vec<_> =
            hosts.split(',').map(|host| address(host, port, tls)).collect::<Result<_, _>>()?;
        if seeds.len() > 1 && kind == Kind::Alone {
            return Err("several hosts are redis-sentinel:// or redis-cluster://".into());
        }
        if !tls && !query.plaintext && !seeds.iter().all(is_here) {
            return Err("other machines are reached under TLS (rediss://); for a network that \
                        nobody else can read, write ?plaintext behind"
                .into());
        }
        // The library reads user, password and database as every Redis client does.
        let holders = format!("redis://{login}{}localhost/{db}", at(login))
            .into_connection_info()
            .map_err(|_| "cannot read the user, the password or the database")?;
        let sentinels = RedisConnectionInfo::default();
        let sentinels = match &query.sentinel_user {
            Some(user) => sentinels.set_username(user),
            None => sentinels,
        };
        let sentinels = match &query.sentinel_password {
            Some(password) => sentinels.set_password(password),
            None => sentinels,
        };
        Ok(Self {
            kind,
            seeds,
            // The third protocol carries invalidations between answers, in order.
            holders: holders.redis_settings().clone().set_protocol(ProtocolVersion::RESP3),
            sentinels,
            certificates: query.certificates,
        })
    }

    /// A client of one server that holds the map.
    pub(super) fn holder(&self, address: ConnectionAddr) -> RedisResult<Client> {
        self.client(address, self.holders.clone())
    }

    /// A client of one Sentinel.
    pub(super) fn sentinel(&self, address: ConnectionAddr) -> RedisResult<Client> {
        self.client(address, self.sentinels.clone())
    }

    fn client(&self, address: ConnectionAddr, login: RedisConnectionInfo) -> RedisResult<Client> {
        let info: ConnectionInfo = address.into_connection_info()?.set_redis_settings(login);
        if self.is_tls() {
            Client::build_with_tls(info, self.certificates.clone())
        } else {
            Client::open(info)
        }
    }

    /// The address of a server that another one named.
    pub(super) fn address(&self, host: &str, port: u16) -> ConnectionAddr {
        tcp(host.to_owned(), port, self.is_tls())
    }

    fn is_tls(&self) -> bool {
        matches!(self.seeds.first(), Some(ConnectionAddr::TcpTls { .. }))
    }
}

struct Query {
    plaintext: bool,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
    certificates: TlsCertificates,
}

impl Query {
    fn read(query: &str) -> Result<Self, String> {
        let mut read = Self {
            plaintext: false,
            sentinel_user: None,
            sentinel_password: None,
            certificates: TlsCertificates { client_tls: None, root_cert: None },
        };
        let mut cert = None;
        let mut key = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "plaintext" => read.plaintext = true,
                "sentinel_user" => read.sentinel_user = Some(value.to_owned()),
                "sentinel_password" => read.sentinel_password = Some(value.to_owned()),
                "ca" => read.certificates.root_cert = Some(pem(value)?),
                "cert" => cert = Some(pem(value)?),
                "key" => key = Some(pem(value)?),
                _ => return Err(format!("nothing is called {name:?} behind the ?")),
            }
        }
        read.certificates.client_tls = match (cert, key) {
            (Some(client_cert), Some(client_key)) => {
                Some(redis::ClientTlsConfig { client_cert, client_key })
            }
            (None, None) => None,
            _ => return Err("cert and key come together".into()),
        };
        Ok(read)
    }
}

fn pem(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(Path::new(path)).map_err(|error| format!("cannot read {path} ({error})"))
}

fn at(login: &str) -> &'static str {
    if login.is_empty() { "" } else { "@" }
}

fn address(host: &str, default: u16, tls: bool) -> Result<ConnectionAddr, String> {
    let port_of = |port: &str| port.parse().map_err(|_| format!("{port:?} is no port"));
    let (host, port) = match host.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').map_or(Ok(default), port_of)?),
        None => match host.split_once(':') {
            Some((host, port)) => (host, port_of(port)?),
            None => (host, default),
        },
    };
    if host.is_empty() {
        return Err("expected a host".into());
    }
    Ok(tcp(host.to_owned(), port, tls))
}

fn tcp(host: String, port: u16, tls: bool) -> ConnectionAddr {
    if tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

/// Whether a server is on this machine.
fn is_here(address: &ConnectionAddr) -> bool {
    match address {
        ConnectionAddr::Tcp(host, _) => {
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        _ => false,
    }
}

/// A URL as it may be shown and logged.
pub(crate) fn without_password(url: &str) -> String {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let shown = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, hosts))) => format!("{scheme}://…@{hosts}"),
        _ => url.to_owned(),
    };
    if query.is_empty() { shown } else { format!("{shown}?…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> String {
        Target::parse(url).err().unwrap().to_string()
    }

    #[test]
    fn every_form_is_read() {
        let alone = Target::parse("redis://ann:s%40crt@127.0.0.1:7000/3").unwrap();
        assert_eq!(alone.kind, Kind::Alone);
        assert_eq!(alone.holders.username(), Some("ann"));
        assert_eq!(alone.holders.password(), Some("s@crt"));
        assert_eq!(alone.holders.db(), 3);
        let sentinel = Target::parse("redis-sentinel://localhost,[::1]:5/mine?sentinel_password=x");
        let sentinel = sentinel.unwrap();
        assert_eq!(sentinel.kind, Kind::Sentinel("mine".into()));
        assert_eq!(sentinel.seeds[1].to_string(), "::1:5");
        assert_eq!(sentinel.seeds[0].to_string(), "localhost:26379");
        assert_eq!(sentinel.sentinels.password(), Some("x"));
        let cluster = Target::parse("valkeys-cluster://a.example,b.example:7001").unwrap();
        assert_eq!((cluster.kind.clone(), cluster.seeds.len()), (Kind::Cluster, 2));
        assert!(cluster.is_tls());
    }

    #[test]
    fn mistakes_are_told_without_the_password() {
        assert!(told("redis://ann:geheim@h.example").contains("under TLS"));
        assert!(!told("redis://ann:geheim@h.example").contains("geheim"));
        assert!(!told("redis://h.example?sentinel_password=geheim").contains("geheim"));
        assert!(told("redis-sentinel://localhost").contains("master's name"));
        assert!(told("redis://localhost,127.0.0.1").contains("several hosts"));
        assert!(told("redis://localhost:x").contains("no port"));
        assert!(told("redis-cluster://localhost/1").contains("no databases"));
        assert!(told("redis://localhost?colour=red").contains("colour"));
        assert!(Target::parse("redis://h.example?plaintext").is_ok());
    }
}
