//! `anser bench`: puts load on a server and measures it. It makes its own users and checks every
//! message by its content.

use std::io::{IsTerminal as _, Write as _};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::report::Report;

mod body;
mod chat;
mod check;
mod cursor;
mod fanout;
mod link;
mod links;
mod load;
mod peek;
mod process;
mod report;
mod run;
mod target;
mod traffic;
mod user;
mod zipf;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Hold many idle links and measure what each costs the server. Start the server afresh for
    /// it: memory that earlier links left behind is used again and would not be counted
    Links(links::Args),
    /// Write one to one, in a window or at a rate
    Chat(chat::Args),
    /// Write to a group whose members are all online
    Fanout(fanout::Args),
}

/// Runs one of the `anser bench` commands.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (json, report) = runtime.block_on(async {
        Ok::<_, anyhow::Error>(match &args.what {
            What::Links(args) => (args.target.json, Box::pin(links::run(args)).await?),
            What::Chat(args) => (args.target.json, Box::pin(chat::run(args)).await?),
            What::Fanout(args) => (args.target.json, Box::pin(fanout::run(args)).await?),
        })
    })?;
    print(&report, json)?;
    if !report.is_sound() {
        bail!(
            "{} lost, {} duplicated, {} reordered: the server broke its promises",
            report.lost,
            report.duplicated,
            report.reordered
        );
    }
    Ok(())
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string(report)? + "\n" } else { report.table() };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// A bar on standard error, where there is somebody to look at it.
fn progress(length: u64, message: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
    // The template is a constant that the tests draw.
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style);
    }
    bar.with_message(message)
}

const TEMPLATE: &str = "{msg:>10} [{bar:40}] {pos}/{len} {elapsed}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_can_be_drawn() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
