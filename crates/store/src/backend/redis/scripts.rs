//! What runs inside the server, each in one step: a script sees nobody else's half-done work.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// A script and its name on every server, which is its hash.
pub(super) struct Known(LazyLock<Script>);

pub(super) static REGISTER: Known =
    Known(LazyLock::new(|| Script::new(include_str!("scripts/register.lua"))));
pub(super) static UNREGISTER: Known =
    Known(LazyLock::new(|| Script::new(include_str!("scripts/unregister.lua"))));
pub(super) static LEASES: Known =
    Known(LazyLock::new(|| Script::new(include_str!("scripts/leases.lua"))));
pub(super) static GENERATION: Known =
    Known(LazyLock::new(|| Script::new(include_str!("scripts/generation.lua"))));

impl Known {
    /// Runs it by its hash: the text went to the server when the connection was made.
    pub(super) fn call(&self, keys: &[String]) -> Cmd {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(self.0.get_hash()).arg(keys.len());
        for key in keys {
            cmd.arg(key);
        }
        cmd
    }
}

/// What teaches them all to a server.
pub(super) fn load() -> Vec<Cmd> {
    let texts = [
        include_str!("scripts/register.lua"),
        include_str!("scripts/unregister.lua"),
        include_str!("scripts/leases.lua"),
        include_str!("scripts/generation.lua"),
    ];
    let load = |text: &&str| {
        let mut cmd = redis::cmd("SCRIPT");
        cmd.arg("LOAD").arg(*text);
        cmd
    };
    texts.iter().map(load).collect()
}
