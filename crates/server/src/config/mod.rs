//! Settings: where they are described, read and checked.

mod check;
mod into;
mod keys;
pub(crate) mod kind;
mod read;
mod table;
mod write;

use std::{fs, path::Path};

use anyhow::Context as _;

pub(crate) use self::{
    keys::{
        Cluster as ClusterSettings, Config, Listen as ListenSettings, Log as LogSettings,
        Tls as TlsSettings,
    },
    kind::{Discovery, LogFormat},
    read::{ConfigError, Override},
    write::default_file,
};

/// Settings from the defaults, `file`, the environment and flags, each over the one before, all
/// checked.
pub(crate) fn load(file: Option<&Path>, overrides: &[Override]) -> anyhow::Result<Config> {
    let text = match file {
        None => None,
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read the config file {}", path.display()))?;
            Some((path, text))
        }
    };
    // Values that are not Unicode cannot be right, and are shown as near as possible.
    let environment =
        std::env::vars_os().map(|(name, text)| (lossy(&name), lossy(&text))).collect::<Vec<_>>();
    let file = text.as_ref().map(|(path, text)| (*path, text.as_str()));
    Ok(assemble(file, environment, overrides)?)
}

fn lossy(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}

fn assemble(
    file: Option<(&Path, &str)>,
    environment: Vec<(String, String)>,
    overrides: &[Override],
) -> Result<Config, ConfigError> {
    let mut reading = read::Reading::new(Config::defaults()?);
    if let Some((path, text)) = file {
        reading.file(path, text)?;
    }
    reading.environment(environment.into_iter())?;
    reading.overrides(overrides)?;
    check::check(&reading)?;
    Ok(reading.config)
}

#[cfg(test)]
mod tests;
