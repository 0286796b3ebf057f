//! What the server says on standard output once it is ready: where it listens, and what to type
//! next.

use std::{fmt::Write as _, path::Path};

use super::{address::Addresses, demo::Demo};

/// The banner. `program` is how the reader can call `anser` again.
pub(super) fn banner(
    program: &str,
    data_dir: &Path,
    data_flag: &str,
    at: Addresses,
    demo: Option<&Demo>,
) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "anser {} is ready; its data is in {}\n\n\
         \x20 http    http://{:21}  REST (see /docs), WebSocket at /ws\n\
         \x20 native  tcp://{:22}  TLS on the same port\n\
         \x20 admin   http://{:21}  /metrics /livez /readyz\n\n",
        env!("CARGO_PKG_VERSION"),
        data_dir.display(),
        at.http.to_string(),
        at.native.to_string(),
        at.admin.to_string(),
    );
    match demo {
        Some(demo) => demo_part(&mut out, program, data_flag, demo),
        None => {
            let _ = write!(
                out,
                "Make a user and chat, in another terminal:\n\
                 \x20 {program} user add alice{data_flag}\n\
                 \x20 {program} chat --user alice{data_flag}\n\n"
            );
        }
    }
    out.push_str("Ctrl-C stops the server.\n");
    out
}

fn demo_part(out: &mut String, program: &str, data_flag: &str, demo: &Demo) {
    out.push_str("Demo users, all in the group g:geese:\n");
    for (name, password) in &demo.passwords {
        let _ = writeln!(out, "  {name:6} {password}");
    }
    let _ = write!(
        out,
        "(also in {})\n\n\
         Chat, in two other terminals:\n\
         \x20 {program} chat --user alice --to u:bob{data_flag}\n\
         \x20 {program} chat --user bob --to u:alice{data_flag}\n\n",
        demo.file.display(),
    );
}
