//! `anser chat`: a terminal client on the native protocol. Pleasant at a terminal, plain lines
//! in a script.

use anser_client::{Events, Stop};
use anser_domain::Address;
use anyhow::bail;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::sleep,
};

pub(crate) use self::access::Access;
use self::{
    app::App,
    screen::{Screen, TICK, Typed},
    show::Paint,
};

mod access;
mod app;
mod command;
mod screen;
pub(crate) mod server;
mod show;
mod talk;

/// Entries that may come in ahead of what is shown.
const CREDIT: u32 = 256;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    access: Access,
    /// Begin in this conversation: u:USER or g:GROUP
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

/// Chats until the person has enough.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(Box::pin(chat(args)));
    // A read from standard input may still be waiting, for ever.
    runtime.shutdown_background();
    done
}

async fn chat(args: Args) -> anyhow::Result<()> {
    let door = args.access.door().await?;
    let (client, events) = Box::pin(door.enter(&access::terminal_device(), CREDIT)).await?;
    let mut screen = Screen::open()?;
    let paint = Paint(screen.is_terminal() && std::env::var_os("NO_COLOR").is_none());
    if screen.is_terminal() {
        let me = &client.identity().user;
        let text = format!("You are {me} at {}. /help shows what can be typed.", door.server());
        screen.print(&paint.dim(&text))?;
    }
    let (answers, answered) = mpsc::unbounded_channel();
    let mut app = App::new(client, paint, answers);
    app.begin(args.to);
    let stop = pump(&mut app, events, answered, &mut screen).await;
    drop(screen);
    match stop? {
        None | Some(Stop::Closed) => {
            app.client().close().await;
            Ok(())
        }
        Some(stop) => bail!("the server ended the session: {stop}"),
    }
}

/// Goes on until somebody has enough: the person (`None`) or the server.
async fn pump(
    app: &mut App,
    mut events: Events,
    mut answers: mpsc::UnboundedReceiver<app::Answer>,
    screen: &mut Screen,
) -> anyhow::Result<Option<Stop>> {
    let mut sends = FuturesUnordered::new();
    let mut terminated = signal(SignalKind::terminate())?;
    let mut ending = false;
    while !ending || !sends.is_empty() {
        screen.prompt(&app.prompt())?;
        tokio::select! {
            // Cancel-safe: an unfinished line stays on the screen.
            typed = screen.next(), if !ending => match typed? {
                Typed::Line(line) => match app.line(&line, screen)? {
                    Ok(Some((at, sending))) => sends.push(async move { (at, sending.await) }),
                    Ok(None) => {}
                    Err(()) => ending = true,
                },
                Typed::Editing(message) => app.editing(message),
                Typed::End => ending = true,
            },
            // Cancel-safe: a channel.
            event = events.next() => match event {
                Some(event) => {
                    if let Some(stop) = app.event(event, screen)? {
                        return Ok(Some(stop));
                    }
                }
                None => return Ok(Some(Stop::Closed)),
            },
            // Cancel-safe: answered sends leave the set, others stay.
            Some((at, result)) = sends.next() => app.sent(&at, result, screen)?,
            // Cancel-safe: a channel.
            Some(answer) = answers.recv() => app.answer(answer, screen)?,
            // Cancel-safe: a signal that comes is seen the next time.
            _ = terminated.recv() => ending = true,
            () = sleep(TICK), if app.is_moving() => {}
        }
    }
    Ok(None)
}
