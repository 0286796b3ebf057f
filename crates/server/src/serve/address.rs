//! Where the server listens: taking the ports, and telling others which they are.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use anyhow::Context as _;
use serde::Serialize;
use socket2::{Domain, Protocol, Socket, Type};

use super::role::Role;
use crate::config::ListenSettings;

/// Connections that may wait to be accepted. A burst of reconnecting clients arrives faster than
/// one thread accepts.
const BACKLOG: i32 = 4096;

/// The taken ports: those that the process's role needs.
pub(super) struct Listeners {
    pub(super) http: Option<TcpListener>,
    pub(super) native: Option<TcpListener>,
    pub(super) sm: Option<TcpListener>,
    pub(super) admin: TcpListener,
}

/// Where they turned out to be: the content of `listen.json`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Addresses {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) native: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sm: Option<SocketAddr>,
    pub(super) admin: SocketAddr,
}

impl Listeners {
    /// Takes all ports, or says which one is not to be had.
    pub(super) fn take(settings: &ListenSettings, role: Role) -> anyhow::Result<Self> {
        let needed = |needs: bool, name: &str, at| needs.then(|| take(name, at)).transpose();
        Ok(Self {
            http: needed(role.holds_links() || role.is_web(), "http", settings.http)?,
            native: needed(role.holds_links(), "native", settings.native)?,
            sm: needed(role == Role::Sm, "sm", settings.sm)?,
            admin: take("admin", settings.admin)?,
        })
    }

    /// Where they are.
    pub(super) fn addresses(&self) -> io::Result<Addresses> {
        let at = |listener: &Option<TcpListener>| {
            listener.as_ref().map(TcpListener::local_addr).transpose()
        };
        Ok(Addresses {
            http: at(&self.http)?,
            native: at(&self.native)?,
            sm: at(&self.sm)?,
            admin: self.admin.local_addr()?,
        })
    }
}

fn take(name: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen(address).map_err(|error| {
        let mend = match error.kind() {
            io::ErrorKind::AddrInUse => "another program has that port",
            io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => "",
        };
        let choose = match name {
            // Roles of their own take no such flags.
            "sm" => "choose another with [listen] sm".to_owned(),
            _ => format!("choose another with --listen-{name} or [listen] {name}"),
        };
        match mend {
            "" => {
                anyhow::Error::new(error).context(format!("cannot listen on {address}; {choose}"))
            }
            mend => anyhow::anyhow!("cannot listen on {address}: {mend}; {choose}"),
        }
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that restarts gets its port back although old connections linger. Not REUSEPORT:
    // two servers with a database each must not answer on one port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether nobody between the two ends can read along.
pub(super) fn is_private(remote: SocketAddr, tls: bool) -> bool {
    tls || remote.ip().to_canonical().is_loopback()
}

/// `plain` or `secure`, whichever a listener's clients have to write in front of `://`.
pub(super) fn scheme(
    listener: SocketAddr,
    plaintext: bool,
    [plain, secure]: [&'static str; 2],
) -> &'static str {
    if plaintext || is_private(listener, false) { plain } else { secure }
}

impl Addresses {
    /// As `listen.json` has them.
    pub(super) fn to_json(self) -> anyhow::Result<String> {
        let mut json = serde_json::to_string(&self).context("cannot write listen.json")?;
        json.push('\n');
        Ok(json)
    }

    /// As clients are told at login, best first. Plain ones only where plain is taken.
    pub(super) fn gateways(self, domain: &str, plaintext: bool) -> Vec<String> {
        // Other machines need the name that the certificate is for.
        let host = |address: SocketAddr| match address.ip().is_loopback() {
            true => address.to_string(),
            false => format!("{domain}:{}", address.port()),
        };
        let native = self.native.map(|at| {
            let scheme = scheme(at, plaintext, ["tcp", "tls"]);
            format!("{scheme}://{}", host(at))
        });
        let http = self.http.map(|at| {
            let scheme = scheme(at, plaintext, ["ws", "wss"]);
            format!("{scheme}://{}/ws", host(at))
        });
        native.into_iter().chain(http).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named_with_the_key_that_moves_it() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        let told = take("native", address).unwrap_err().to_string();
        assert_eq!(
            told,
            format!(
                "cannot listen on {address}: another program has that port; choose another with \
                 --listen-native or [listen] native"
            )
        );
    }

    #[test]
    fn only_tls_and_this_machine_are_private() {
        assert!(is_private("127.0.0.1:1".parse().unwrap(), false));
        assert!(is_private("[::ffff:127.0.0.1]:1".parse().unwrap(), false));
        assert!(is_private("192.0.2.1:1".parse().unwrap(), true));
        assert!(!is_private("192.0.2.1:1".parse().unwrap(), false));
    }

    #[test]
    fn clients_are_sent_where_their_bytes_will_be_taken() {
        let at = |http: &str, native: &str| Addresses {
            http: Some(http.parse().unwrap()),
            native: Some(native.parse().unwrap()),
            sm: None,
            admin: "127.0.0.1:3".parse().unwrap(),
        };
        assert_eq!(
            at("127.0.0.1:1", "127.0.0.1:2").gateways("localhost", false),
            ["tcp://127.0.0.1:2", "ws://127.0.0.1:1/ws"]
        );
        assert_eq!(
            at("0.0.0.0:1", "192.0.2.7:2").gateways("chat.example", false),
            ["tls://chat.example:2", "wss://chat.example:1/ws"]
        );
    }
}
