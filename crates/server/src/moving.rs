//! `anser export` and `anser import`: lines of JSON from and to the database itself. An export may
//! run beside a server; an import into the embedded store may not, since a server holds the ends of
//! its conversations in memory.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anser_domain::{Clock, Landed, SystemClock};
use anser_sm::Movers;
use anyhow::{Context as _, bail};

use crate::{cli::Place, config::Config, data_dir::keep_private, say, user};

/// The first line of an export.
const BEGIN: &str = r#"{"type":"anser","version":1}"#;
/// Records of one part of an export.
const PART: u16 = 500;
/// Lines of one transaction of an import, and about how many bytes.
const LINES: usize = 200;
/// The same, in bytes.
const BYTES: usize = 1 << 20;
/// The longest line, in bytes, as over REST.
const LINE: usize = 256 << 10;
/// Lines that were not taken of which each is named.
const NAMED: u64 = 100;

#[derive(clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    place: Place,
    /// Where to [default: standard output]. Whoever has it can try passwords at leisure
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Import {
    #[command(flatten)]
    place: Place,
    /// Where from [default: standard input]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Writes everything that is kept.
pub(crate) fn export(args: &Export) -> anyhow::Result<()> {
    let config = user::load(&args.place)?;
    keep_private();
    let named = file_of(args.file.as_deref());
    let mut out: Box<dyn Write> = match named {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let told = with_store(&config, async |movers| write_all(&movers, &mut out).await)?;
    out.flush()?;
    match named {
        Some(path) => say(&format!("Wrote {told} lines to {}.\n", path.display())),
        None => Ok(()),
    }
}

async fn write_all(movers: &Movers, out: &mut impl Write) -> anyhow::Result<u64> {
    writeln!(out, "{BEGIN}")?;
    let (mut told, mut after) = (1_u64, Some(Box::<str>::default()));
    while let Some(place) = after {
        let (lines, next) = movers.export(&place, PART).await?;
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        told += lines.len() as u64;
        after = next;
    }
    writeln!(out, r#"{{"type":"end","lines":{told}}}"#)?;
    Ok(told + 1)
}

/// Takes lines in, and says what became of them.
pub(crate) fn import(args: &Import) -> anyhow::Result<()> {
    let config = user::load(&args.place)?;
    keep_private();
    let _held = config.database().map(|_| alone(&config)).transpose()?;
    let named = file_of(args.file.as_deref());
    let mut lines: Box<dyn BufRead> = match named {
        Some(path) => Box::new(BufReader::new(
            File::open(path).with_context(|| format!("cannot read {}", path.display()))?,
        )),
        None => {
            if io::stdin().is_terminal() {
                bail!("name a file, or pass one on standard input");
            }
            Box::new(BufReader::new(io::stdin()))
        }
    };
    let told = with_store(&config, async |movers| read_all(&movers, &mut lines).await)?;
    say(&format!(
        "{} taken in, {} there already, {} refused\n",
        told.imported, told.there, told.refused
    ))?;
    if told.begun.is_some() && !told.whole {
        bail!("the export's last line is missing: what stood behind is not here");
    }
    if told.refused > 0 {
        bail!("not everything was taken; mend the lines named above and import them again");
    }
    Ok(())
}

/// Nobody else has the data directory as long as this is held.
fn alone(config: &Config) -> anyhow::Result<crate::data_dir::DataDir> {
    crate::data_dir::DataDir::take(&config.server.data_dir)
        .context("while a server runs, import over REST: POST /v1/admin/import")
}

/// What became of the lines.
#[derive(Default)]
struct Told {
    line: u64,
    imported: u64,
    there: u64,
    refused: u64,
    /// The line that began an export.
    begun: Option<u64>,
    /// Whether its last line came, and said how many there were.
    whole: bool,
}

impl Told {
    fn refuse(&mut self, line: u64, why: &str) {
        self.refused += 1;
        if self.refused <= NAMED {
            // If standard error is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "line {line}: {why}");
        }
    }

    fn landed(&mut self, line: u64, landed: &Landed) {
        match landed {
            Landed::New => self.imported += 1,
            Landed::There => self.there += 1,
            Landed::Refused(why) => self.refuse(line, why),
            Landed::Begun => self.begun = Some(line),
            Landed::Ended(lines) => {
                self.whole = line.checked_sub(self.begun.unwrap_or(1)) == Some(*lines);
            }
        }
    }
}

async fn read_all(movers: &Movers, lines: &mut impl BufRead) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let (mut waiting, mut numbers, mut bytes) = (Vec::new(), Vec::new(), 0);
    loop {
        let line = next_line(lines)?;
        let ended = line.is_none();
        if let Some(line) = line {
            told.line += 1;
            match line {
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    bytes += text.len();
                    waiting.push(text);
                    numbers.push(told.line);
                }
                Err(why) => told.refuse(told.line, why),
            }
        }
        if !waiting.is_empty() && (ended || waiting.len() >= LINES || bytes >= BYTES) {
            let all = movers.import(std::mem::take(&mut waiting), true).await?;
            for (line, landed) in std::mem::take(&mut numbers).into_iter().zip(&all) {
                told.landed(line, landed);
            }
            bytes = 0;
        }
        if ended {
            return Ok(told);
        }
    }
}

/// The next line, or why it is none that is taken. Of one that is too long, no more is held than a
/// line may have.
fn next_line(lines: &mut impl BufRead) -> anyhow::Result<Option<Result<Box<str>, &'static str>>> {
    let mut line = Vec::new();
    io::Read::take(&mut *lines, LINE as u64 + 2).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    } else if line.len() > LINE {
        lines.skip_until(b'\n')?;
    }
    if line.len() > LINE {
        return Ok(Some(Err("the line is longer than 256 KiB")));
    }
    let text = String::from_utf8(line).map_err(|_| "the line is not UTF-8");
    Ok(Some(text.map(Into::into)))
}

/// `-` is what other programs take for a standard stream.
fn file_of(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| *path != Path::new("-"))
}

fn with_store<T>(
    config: &Config,
    work: impl AsyncFnOnce(Movers) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = anser_store::open(&config.store_url(), clock.clone()).await?;
        let done = Box::pin(work(Movers::new(store.clone(), clock, config.sm()))).await;
        store.close().await;
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_ends_where_it_ends() {
        let long = "x".repeat(LINE + 1);
        let most = "y".repeat(LINE);
        let text = format!("a\r\n{long}\nb\n{most}\n{long}{long}\n\nc");
        let mut lines = text.as_bytes();
        let mut all = Vec::new();
        while let Some(line) = next_line(&mut lines).unwrap() {
            all.push(line.map_or_else(str::len, |it| it.len()));
        }
        let why = "the line is longer than 256 KiB".len();
        assert_eq!(all, [1, why, 1, LINE, why, 0, 1]);
        assert!(next_line(&mut &b"\xff\n"[..]).unwrap().unwrap().is_err());
    }
}
