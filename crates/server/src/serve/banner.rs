//! What the server says on standard output once it is ready: where it listens, and what to type
//! next.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{
    address::{Addresses, scheme},
    demo::Demo,
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
    pub(super) fn of(args: &cli::Serve) -> Self {
        let program = std::env::args().next().unwrap_or_else(|| "anser".to_owned());
        let flag = |name: &str, path: &Option<PathBuf>| match path {
            Some(path) => format!(" {name} {}", path.display()),
            None => String::new(),
        };
        let flags =
            flag("--data-dir", &args.place.data_dir) + &flag("--config", &args.place.config);
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
    let web = |listener| scheme(listener, plaintext, ["http", "https"]);
    let native = scheme(at.native, plaintext, ["tcp", "tls"]);
    let listeners = [
        (format!("{}://{}", web(at.http), at.http), "REST, WebSocket; /docs describes both"),
        (format!("{native}://{}", at.native), "native protocol, TLS on the same port"),
        (format!("{}://{}", web(at.admin), at.admin), "/metrics, /livez, /readyz"),
    ];
    for (url, what) in listeners {
        let _ = writeln!(out, "  {url:24}  {what}");
    }
    out.push('\n');
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
