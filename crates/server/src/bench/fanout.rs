//! `anser bench fanout`: a group whose members are all online.

use std::{io, time::Duration};

use anser_client::{Connection, fresh_client_id};
use anser_wire::{
    codec,
    frame::{self, Answer, Call, Frame},
};
use anyhow::{Context as _, bail};

use super::{
    link::{self, MAX_BODY, invalid},
    load::Stream,
    progress,
    report::Report,
    run::{self, Cast, LoadArgs},
    target::{Account, Target, allow_links},
};

/// Members that one call adds.
const MEMBERS: usize = 500;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) target: Target,
    #[command(flatten)]
    load: LoadArgs,
    /// Members of the group, all online
    #[arg(long, default_value_t = 1000)]
    members: usize,
    /// How many of them write
    #[arg(long, default_value_t = 1)]
    senders: usize,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<Report> {
    if args.senders == 0 || args.members < 2 || args.senders > args.members {
        bail!("a fan-out takes at least two members, of whom at least one writes");
    }
    allow_links(args.members)?;
    let gateway = args.target.gateway()?;
    let accounts = args.target.accounts(args.members).await?;
    let bar = progress(args.members as u64, "linking");
    let mut links = link::open_all(&gateway, &accounts, Duration::ZERO, &bar).await?;
    bar.set_message("making the group");
    let group = format!("bench-{:08x}", rand::random::<u32>());
    let owner = links.first_mut().context("no links")?;
    make_group(&mut owner.link, &group, &accounts).await.context("cannot make the group")?;
    bar.finish_and_clear();

    let to = format!("g:{group}");
    let users = links.into_iter().enumerate().map(|(index, link)| {
        let writes = u32::try_from(index).ok().filter(|_| index < args.senders);
        (link, writes.map(|id| Stream::new(id, to.clone())).into_iter().collect())
    });
    let cast = Cast { users: users.collect(), receivers: args.members as u64 - 1 };
    run::execute(cast, &args.load, args.target.process()).await
}

/// Makes the group and brings everyone in, through the owner's link.
async fn make_group(
    owner: &mut Connection,
    group: &str,
    accounts: &[Account],
) -> anyhow::Result<()> {
    let names = |accounts: &[Account]| accounts.iter().map(|it| it.name.to_string()).collect();
    let mut chunks = accounts.get(1..).unwrap_or_default().chunks(MEMBERS);
    let create = frame::CreateGroupCall {
        kind: 0,
        client_id: fresh_client_id().0.to_vec(),
        name: group.to_owned(),
        title: String::new(),
        members: chunks.next().map(names).unwrap_or_default(),
    };
    ask(owner, Call::CreateGroup(create)).await?;
    for chunk in chunks {
        let put = frame::PutMembersCall {
            client_id: fresh_client_id().0.to_vec(),
            group: group.to_owned(),
            users: names(chunk),
            role: 0,
        };
        ask(owner, Call::PutMembers(put)).await?;
    }
    Ok(())
}

async fn ask(link: &mut Connection, call: Call) -> anyhow::Result<()> {
    codec::write(&frame::Request { id: 1, call: Some(call) }.into(), link.out());
    let mut answer = None;
    while answer.is_none() {
        link.turn(&mut |bytes, out| {
            let Some((used, frame)) = codec::read(bytes, MAX_BODY).map_err(invalid)? else {
                return Ok(0);
            };
            match frame {
                Some(Frame::Response(frame)) => {
                    answer = Some(match frame.answer {
                        Some(Answer::Sent(_)) => Ok(()),
                        _ => Err("an answer to something else".to_owned()),
                    });
                }
                Some(Frame::Error(error)) => answer = Some(Err(error.reason)),
                Some(Frame::GoAway(frame)) => return Err(io::Error::other(frame.reason)),
                Some(Frame::Ping(ping)) => {
                    let pong = frame::Pong { nonce: ping.nonce, heartbeat_ms: 0 };
                    codec::write(&pong.into(), out);
                }
                _ => {}
            }
            Ok(used)
        })
        .await?;
    }
    match answer {
        Some(Err(reason)) => bail!(reason),
        _ => Ok(()),
    }
}
