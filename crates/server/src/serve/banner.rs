//! What the server says on standard output once it is ready: where it listens, and what to type
//! next.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{
    address::{Addresses, scheme},
    demo::Demo,
    role::Role,
};
use crate::cli;

/// How the reader can call `anser` again from where they are.
pub(super) struct Reader {
    program: String,
    /// What a client needs to find the same server, with a space before it.
    flags: String,
}

impl Reader {
    /// As this server was called itself.
    pub(super) fn of(place: &cli::Place) -> Self {
        let program = std::env::args().next().unwrap_or_else(|| "anser".to_owned());
        let flag = |name: &str, path: &Option<PathBuf>| match path {
            Some(path) => format!(" {name} {}", path.display()),
            None => String::new(),
        };
        let flags = flag("--data-dir", &place.data_dir) + &flag("--config", &place.config);
        Self { program, flags }
    }
}

/// The banner.
pub(super) fn banner(
    reader: &Reader,
    data_dir: &Path,
    at: Addresses,
    plaintext: bool,
    demo: Option<&Demo>,
) -> String {
    let Reader { program, flags } = reader;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "anser {} is ready; its data is in {}\n\n",
        env!("CARGO_PKG_VERSION"),
        data_dir.display(),
    );
    let rest = "REST, WebSocket; /docs describes both";
    listeners(&mut out, at, plaintext, rest);
    match demo {
        Some(demo) => demo_part(&mut out, reader, demo),
        None => {
            let _ = write!(
                out,
                "Make a user and chat, in another terminal:\n\
                 \x20 {program} user add alice{flags}\n\
                 \x20 {program} chat --user alice{flags}\n\n"
            );
        }
    }
    out.push_str("Ctrl-C stops the server.\n");
    out
}

/// The banner of one role of a cluster.
pub(super) fn role(role: Role, data_dir: &Path, at: Addresses, plaintext: bool) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "{} {} is up; its data is in {}\n\n",
        role.name(),
        env!("CARGO_PKG_VERSION"),
        data_dir.display(),
    );
    let http = match role {
        Role::Web => "REST; /docs describes it",
        _ => "WebSocket at /ws",
    };
    listeners(&mut out, at, plaintext, http);
    out.push_str("Ctrl-C stops it.\n");
    out
}

/// Where this process listens, and an empty line.
fn listeners(out: &mut String, at: Addresses, plaintext: bool, http: &str) {
    let web = |listener| scheme(listener, plaintext, ["http", "https"]);
    let of = |scheme: &str, listener: SocketAddr| format!("{scheme}://{listener}");
    let native = |at| of(scheme(at, plaintext, ["tcp", "tls"]), at);
    let listeners = [
        (at.http.map(|at| of(web(at), at)), http),
        (at.native.map(native), "native protocol, TLS on the same port"),
        (at.sm.map(|at| of("grpc", at)), "for CMs and Webs"),
        (Some(of(web(at.admin), at.admin)), "/metrics, /livez, /readyz"),
    ];
    for (url, what) in listeners {
        if let Some(url) = url {
            let _ = writeln!(out, "  {url:24}  {what}");
        }
    }
    out.push('\n');
}

fn demo_part(out: &mut String, reader: &Reader, demo: &Demo) {
    let Reader { program, flags } = reader;
    out.push_str("Demo users, friends of each other and in the group g:geese:\n");
    for (name, password) in &demo.passwords {
        let _ = writeln!(out, "  {name:6} {password}");
    }
    let _ = write!(
        out,
        "(also in {})\n\n\
         Chat, in two other terminals:\n\
         \x20 {program} chat --user alice --to u:bob{flags}\n\
         \x20 {program} chat --user bob --to u:alice{flags}\n\n",
        demo.file.display(),
    );
}
