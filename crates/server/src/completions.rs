//! `anser completions SHELL`.

use clap::CommandFactory as _;

/// Prints the script that makes `shell` complete `anser`'s commands.
pub(crate) fn print(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::Cli::command(), "anser", &mut script);
    crate::say(&String::from_utf8_lossy(&script))
}
