//! Telling systemd, where it wants to know, that the process is up, or has begun to go
//! (sd_notify(3)).

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// Where a service that is of `Type=notify` is to tell.
const SOCKET: &str = "NOTIFY_SOCKET";

/// It is up.
pub(super) const UP: &str = "READY=1";
/// It has begun to go.
pub(super) const GOING: &str = "STOPPING=1";

/// Tells whoever has asked to be told. Nobody has, as a rule.
pub(super) fn tell(state: &str) {
    let Some(place) = env::var_os(SOCKET) else { return };
    if let Err(error) = send(&place, state) {
        tracing::warn!(%error, "systemd was not told");
    }
}

fn send(place: &OsStr, state: &str) -> io::Result<()> {
    let to = match place.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(place)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &to)?;
    Ok(())
}
