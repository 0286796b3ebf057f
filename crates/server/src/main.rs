//! `anser`: the one binary. Reads the command line, runs what it names, and turns whatever goes
//! wrong into one line that says what and how to mend it.

mod bench;
mod chat;
mod cli;
mod cluster;
mod completions;
mod config;
mod data_dir;
mod doctor;
mod metrics;
mod moving;
mod send;
mod serve;
mod telemetry;
mod tls;
mod user;
mod words;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;

use crate::{
    cli::{Cli, Command, ConfigCommand},
    serve::Role,
};

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("anser: {error:#}").lines().collect::<Vec<_>>().join("; ");
            // If standard error is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{line}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Cm(place) => serve::run_one(Role::Cm, &place, false),
        Command::Sm(args) => serve::run_one(Role::Sm, &args.place, args.demo),
        Command::Web(place) => serve::run_one(Role::Web, &place, false),
        Command::Cluster(args) => cluster::run(&args),
        Command::User(command) => user::run(command),
        Command::Export(args) => moving::export(&args),
        Command::Import(args) => moving::import(&args),
        Command::Chat(args) => chat::run(args),
        Command::Send(args) => send::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Config(ConfigCommand::Default) => say(&config::default_file()),
        Command::Config(ConfigCommand::Check { place }) => {
            place.load(Vec::new())?;
            say("The settings are right.\n")
        }
        Command::Completions { shell } => completions::print(shell),
    }
}

/// Writes `text` to standard output.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Whether the reader of our output has gone, as `head` does: no mistake of anyone's.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
