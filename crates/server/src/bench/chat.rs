//! `anser bench chat`: people who write to each other, one to one; every message is stored.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::{
    link,
    load::Stream,
    progress,
    report::Report,
    run::{self, Cast, LoadArgs},
    target::{Account, Target, allow_links},
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) target: Target,
    #[command(flatten)]
    load: LoadArgs,
    /// Pairs of users, of whom one writes to the other
    #[arg(long, default_value_t = 100)]
    pairs: usize,
    /// So many conversations instead, between as few users as that takes: everyone writes, to
    /// some peers often and to most rarely (Zipf)
    #[arg(long, value_name = "COUNT")]
    conversations: Option<usize>,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<Report> {
    let users = match args.conversations {
        Some(conversations) => users_for(conversations),
        None => args.pairs.max(1) * 2,
    };
    allow_links(users)?;
    let gateway = args.target.gateway()?;
    let accounts = args.target.accounts(users).await?;
    let streams = match args.conversations {
        Some(conversations) => everyone(&accounts, conversations),
        None => pairs(&accounts),
    };
    let bar = progress(users as u64, "linking");
    let links = link::open_all(&gateway, &accounts, Duration::ZERO, &bar).await?;
    bar.finish_and_clear();
    let cast = Cast { users: links.into_iter().zip(streams).collect(), receivers: 1 };
    run::execute(cast, &args.load, args.target.process()).await
}

/// The fewest users between whom there are so many conversations.
fn users_for(conversations: usize) -> usize {
    (2..).find(|users| users * (users - 1) / 2 >= conversations).unwrap_or(2)
}

/// Every even user writes to the odd one behind them.
fn pairs(accounts: &[Account]) -> Vec<Vec<Stream>> {
    let mut all = Vec::with_capacity(accounts.len());
    for (number, pair) in (0_u32..).zip(accounts.chunks(2)) {
        let peer = pair.last().map(|peer| format!("u:{}", peer.name)).unwrap_or_default();
        all.push(vec![Stream::new(number, peer)]);
        all.push(Vec::new());
    }
    all
}

/// Both sides of every conversation write; each user's peers in an order of their own, so that
/// nobody is everyone's favourite.
fn everyone(accounts: &[Account], conversations: usize) -> Vec<Vec<Stream>> {
    let mut all: Vec<Vec<Stream>> = accounts.iter().map(|_| Vec::new()).collect();
    let mut number = 0;
    let mut add = |all: &mut Vec<Vec<Stream>>, from: usize, to: usize| {
        if let (Some(streams), Some(peer)) = (all.get_mut(from), accounts.get(to)) {
            streams.push(Stream::new(number, format!("u:{}", peer.name)));
            number += 1;
        }
    };
    let every = (1..accounts.len()).flat_map(|high| (0..high).map(move |low| (low, high)));
    for (low, high) in every.take(conversations) {
        add(&mut all, low, high);
        add(&mut all, high, low);
    }
    let mut rng = SmallRng::seed_from_u64(1);
    for streams in &mut all {
        for left in (1..streams.len()).rev() {
            streams.swap(left, rng.random_range(0..=left));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use anser_domain::{Secret, UserName};

    use super::*;

    fn accounts(count: usize) -> Vec<Account> {
        let name = |index| UserName::new(&format!("u{index}")).unwrap();
        (0..count).map(|index| Account { name: name(index), token: Secret::new("") }).collect()
    }

    #[test]
    fn half_of_the_pairs_write_to_the_other_half() {
        let all = pairs(&accounts(4));
        let to: Vec<Vec<_>> =
            all.iter().map(|it| it.iter().map(|it| (it.id, it.to.as_str())).collect()).collect();
        assert_eq!(to, [vec![(0, "u:u1")], vec![], vec![(1, "u:u3")], vec![]]);
    }

    #[test]
    fn conversations_are_between_as_few_users_as_it_takes() {
        assert_eq!(users_for(1), 2);
        assert_eq!(users_for(3), 3);
        assert_eq!(users_for(100_000), 448);
        let all = everyone(&accounts(users_for(100)), 100);
        assert_eq!(all.iter().map(Vec::len).sum::<usize>(), 200);
        let mut ids: Vec<_> = all.iter().flatten().map(|stream| stream.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 200);
    }
}
