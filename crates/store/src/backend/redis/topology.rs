//! Where the buckets are: what the URL says, what Sentinels say, or what a Cluster says.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, RedisError, RedisResult, Value,
    aio::MultiplexedConnection, from_redis_value,
};

use super::{
    keys::BUCKETS,
    servers::{CONNECT_WITHIN, slot_questions},
    url::{Kind, Target},
};

/// A server and the buckets it has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) address: ConnectionAddr,
    pub(super) buckets: Vec<usize>,
}

/// Finds all places. `known` are servers that were reached a moment ago: as good as the URL's own,
/// and there when those have been replaced.
pub(super) async fn find(target: &Target, known: &[ConnectionAddr]) -> RedisResult<Vec<Place>> {
    let mut last = RedisError::from((ErrorKind::Io, "no server answers"));
    match &target.kind {
        Kind::Alone => {
            let all = |address: &ConnectionAddr| Place {
                address: address.clone(),
                buckets: (0..BUCKETS).collect(),
            };
            return Ok(target.seeds.first().map(all).into_iter().collect());
        }
        Kind::Sentinel(master) => {
            for seed in &target.seeds {
                match master_of(target, seed, master).await {
                    Ok(place) => return Ok(vec![place]),
                    Err(error) => last = error,
                }
            }
        }
        Kind::Cluster => {
            for seed in known.iter().chain(&target.seeds) {
                match slots_of(target, seed).await {
                    Ok(places) => return Ok(places),
                    Err(error) => last = error,
                }
            }
        }
    }
    Err(last)
}

async fn open(client: Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(CONNECT_WITHIN));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Asks a Sentinel, and then the server itself, since a Sentinel may not have noticed yet.
async fn master_of(target: &Target, seed: &ConnectionAddr, name: &str) -> RedisResult<Place> {
    let mut sentinel = open(target.sentinel(seed.clone())?).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(name);
    let answer: Option<(String, u16)> = question.query_async(&mut sentinel).await?;
    let Some((host, port)) = answer else {
        return Err((ErrorKind::Io, "the Sentinels know no master of that name").into());
    };
    let address = target.address(&host, port);
    let mut server = open(target.holder(address.clone())?).await?;
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut server).await?;
    let role = role.into_iter().next().map(from_redis_value::<String>).transpose()?;
    if role.as_deref() != Some("master") {
        return Err((ErrorKind::Io, "the Sentinels' master is not one yet").into());
    }
    Ok(Place { address, buckets: (0..BUCKETS).collect() })
}

/// A stretch of slots, and its servers, the master first.
type Range = (u16, u16, Vec<Value>);

async fn slots_of(target: &Target, seed: &ConnectionAddr) -> RedisResult<Vec<Place>> {
    let mut node = open(target.holder(seed.clone())?).await?;
    let mut pipeline = redis::pipe();
    for question in slot_questions() {
        pipeline.add_command(question);
    }
    let slots: Vec<u16> = pipeline.query_async(&mut node).await?;
    let mut question = redis::cmd("CLUSTER");
    let ranges: Vec<Vec<Value>> = question.arg("SLOTS").query_async(&mut node).await?;
    let ranges = ranges.into_iter().filter_map(range);
    let here = match seed {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.as_str(),
        _ => "",
    };
    places(target, here, &slots, ranges)
}

fn range(of: Vec<Value>) -> Option<Range> {
    let mut of = of.into_iter();
    let first = from_redis_value(of.next()?).ok()?;
    let last = from_redis_value(of.next()?).ok()?;
    Some((first, last, from_redis_value(of.next()?).ok()?))
}

fn places(
    target: &Target,
    here: &str,
    slots: &[u16],
    ranges: impl Iterator<Item = Range>,
) -> RedisResult<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    for (first, last, master) in ranges {
        let mut master = master.into_iter();
        let host: Option<String> = master.next().map(from_redis_value).transpose()?.flatten();
        let port: Option<u16> = master.next().map(from_redis_value).transpose()?;
        let Some(port) = port else { continue };
        // A node that does not know its own name means the one it was asked by.
        let host = host.filter(|it| !it.is_empty() && it != "?").unwrap_or_else(|| here.to_owned());
        let address = target.address(&host, port);
        let inside = slots.iter().enumerate().filter(|(_, slot)| (first..=last).contains(*slot));
        let buckets = inside.map(|(bucket, _)| bucket);
        match places.iter_mut().find(|place| place.address == address) {
            Some(place) => place.buckets.extend(buckets),
            None => places.push(Place { address, buckets: buckets.collect() }),
        }
    }
    if places.is_empty() {
        return Err((ErrorKind::Io, "the Cluster has no slots yet").into());
    }
    Ok(places)
}
