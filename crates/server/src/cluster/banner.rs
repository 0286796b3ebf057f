//! What `anser cluster` says once everything is up: who listens where, and what to try.

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr, path::Path};

use anyhow::Context as _;
use serde_json::json;

use super::{CONFIG, Listen, part::Part};

/// `listen.json` of the whole: the first Web and the first CM, where clients on this machine begin.
pub(super) fn listeners(places: &[(String, Listen)]) -> anyhow::Result<String> {
    let of = |role: &str| places.iter().find(|(name, _)| *name == format!("{role}1"));
    let (web, cm) = (of("web").context("no web")?.1, of("cm").context("no cm")?.1);
    Ok(format!("{}\n", json!({"http": web.http, "native": cm.native})))
}

/// The banner.
pub(super) fn banner(
    dir: &Path,
    places: &[(String, Listen)],
    services: &[Part],
    passwords: &BTreeMap<String, String>,
) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "anser".to_owned());
    let shown = dir.display();
    let mut out = format!("\nThe cluster is ready; its data is in {shown}\n\n");
    // Writing to a String cannot fail.
    for (name, listen) in places {
        let at = |scheme: &str, at: Option<SocketAddr>| {
            at.map(|at| format!("{scheme}://{at}")).unwrap_or_default()
        };
        let _ = match &**name {
            it if it.starts_with("web") => {
                writeln!(out, "  {name:8} {:24}  REST; /docs describes it", at("http", listen.http))
            }
            it if it.starts_with("cm") => writeln!(
                out,
                "  {name:8} {:24}  native protocol; over WebSocket at {}/ws",
                at("tcp", listen.native),
                at("ws", listen.http)
            ),
            _ => writeln!(out, "  {name:8} {:24}  decides, stores, routes", at("grpc", listen.sm)),
        };
    }
    let names: Vec<&str> = services.iter().map(Part::name).collect();
    let _ = write!(out, "\nand, for these alone: {}\n\n", names.join(", "));
    out.push_str("Demo users, friends of each other and in the group g:geese:\n");
    for (name, password) in passwords {
        let _ = writeln!(out, "  {name:6} {password}");
    }
    let cm = |number: &str| {
        let found = places.iter().find(|(name, _)| *name == format!("cm{number}"));
        found.or(places.first()).and_then(|(_, listen)| listen.native)
    };
    let gateway = |number| cm(number).map(|at| format!("tcp://{at}")).unwrap_or_default();
    let _ = write!(
        out,
        "\nChat over two CMs, in two other terminals:\n\
         \x20 {program} chat --user alice --to u:bob --data-dir {shown} --gateway {}\n\
         \x20 {program} chat --user bob --to u:alice --data-dir {shown} --gateway {}\n\n\
         Add a role, cm, sm or web; the others find it by themselves:\n\
         \x20 {program} sm --config {shown}/{CONFIG} --data-dir {shown}/another\n\n\
         Take one away: kill $(cat {shown}/sm2/lock). One that crashes is started again;\n\
         each has its log in its directory, and /metrics where its log says admin.\n\n\
         Ctrl-C stops the cluster.\n",
        gateway("1"),
        gateway("2"),
    );
    out
}
