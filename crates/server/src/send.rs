//! `anser send`: one message, stored for good before this returns.

use std::{io::Write as _, time::Duration};

use anser_client::{ErrorCode, Failed, Stop, Stored, fresh_client_id, message};
use anser_domain::{Address, ClientId, Content};
use anyhow::{anyhow, bail};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::chat::Access;

/// How long to try before giving up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often another link of the same device may get in the way.
const ATTEMPTS: u32 = 5;
/// The device that sends. Always the same one, since retries are recognised per device.
const DEVICE: &str = "send";

/// Nobody here reads what others say.
const CREDIT: u32 = 0;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    access: Access,
    /// The conversation: u:USER or g:GROUP
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// Your own id for this message: the same id sent again stores no second message
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    /// What to say
    text: String,
}

/// Sends and prints where the message came to stand.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let client_id = match &args.client_id {
        Some(text) => ClientId::from_text(text),
        None => fresh_client_id(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stored = runtime.block_on(async {
        let sent = timeout(PATIENCE, Box::pin(send(&args, client_id))).await;
        sent.unwrap_or_else(|_| {
            bail!(
                "no answer within {} s; whether it was stored is not known: send it again with \
                 --client-id {client_id}, which stores it once",
                PATIENCE.as_secs()
            )
        })
    })?;
    let Stored { id, seq, ts, duplicate, .. } = stored;
    let line = if args.json {
        json!({"id": id.to_string(), "seq": seq.0, "ts": ts.0, "duplicate": duplicate,
               "client_id": client_id.to_string()})
        .to_string()
    } else {
        format!("{id} {seq}")
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn send(args: &Args, client_id: ClientId) -> anyhow::Result<Stored> {
    let door = args.access.door().await?;
    for attempt in 1.. {
        let (client, events) = Box::pin(door.enter(DEVICE, CREDIT)).await?;
        let mut outgoing = message(args.to.clone(), Content::Text(args.text.as_str().into()));
        outgoing.client_id = client_id;
        drop(events);
        let result = client.send(outgoing).await;
        client.close().await;
        match result {
            Ok(stored) => return Ok(stored),
            // Somebody else sends from this device at this moment: they take turns.
            Err(Failed::Stopped(Stop::Refused(refused)))
                if attempt < ATTEMPTS
                    && matches!(
                        refused.code(),
                        Some(ErrorCode::TakenOver | ErrorCode::Revoked)
                    ) =>
            {
                sleep(Duration::from_millis(rand::random_range(20..200))).await;
            }
            Err(error) => return Err(anyhow!("not sent to {}: {error}", args.to)),
        }
    }
    bail!("not sent to {}", args.to)
}
