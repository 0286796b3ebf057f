//! Logs: to standard error, written by a thread of their own, so that a terminal that has
//! stopped reading stops nobody else. Lines beyond what that thread can hold are dropped.

use anyhow::Context as _;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Starts logging. What is still to be written is written when the guard is dropped.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<WorkerGuard> {
    let filter = EnvFilter::try_new(&settings.level).context("[log] level")?;
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match settings.format {
        LogFormat::Text => lines.with_ansi(is_terminal()).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(guard)
}

fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// What is wrong with a `[log] level`, if anything. The filter itself would take a misspelt level
/// for the name of a part and log everything about it.
pub(crate) fn mistake_in(level: &str) -> Option<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in level.split(',') {
        let word = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if !LEVELS.contains(&word) {
            return Some(format!("expected one of {}, found {word:?}", LEVELS.join(", ")));
        }
    }
    EnvFilter::try_new(level).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::mistake_in;

    #[test]
    fn a_misspelt_level_is_noticed() {
        for right in ["info", "off", "info,anser_cm=debug", "warn,anser_sm=trace"] {
            assert_eq!(mistake_in(right), None, "{right}");
        }
        for wrong in ["", "inf", "info,anser_cm", "anser_cm=loud", "info,"] {
            assert!(mistake_in(wrong).is_some(), "{wrong}");
        }
    }
}
