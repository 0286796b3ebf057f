//! Which processes a cluster has: each puts a record in that it renews, so that the record of one
//! that died goes by itself. Like the links, a record is never the only copy of anything: a
//! directory that was emptied is filled again with the next renewals.

use std::{fmt, sync::Arc, time::Duration};

use redis::{Cmd, Value, cmd, from_redis_value};
use serde::{Deserialize, Serialize};

use super::{Target, failed, fields, keys, servers::Servers, within, without_password};
use crate::{OpenError, port::RoutesError};

/// How long a record counts without being renewed: three renewals, of which two may be lost.
pub const LEASE: Duration = Duration::from_secs(9);
/// How long it is told of a process that it has gone: whoever looks every second hears of it.
const GONE_FOR: Duration = Duration::from_secs(30);

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Links of clients.
    Cm,
    /// Logic and the store.
    Sm,
    /// REST.
    Web,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cm => "cm",
            Self::Sm => "sm",
            Self::Web => "web",
        })
    }
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it does.
    pub part: Part,
    /// This life of it: another after every start.
    pub boot: u64,
    /// Where the other roles reach it, `HOST:PORT`.
    pub address: String,
    /// Its release.
    pub version: String,
    /// How busy it is: of two of one part, the one with more has more to do.
    pub load: u64,
    /// It has taken leave: nobody is to ask it anything more.
    pub gone: bool,
    /// Where clients link to a CM, best first, as URLs. An earlier release does not say.
    #[serde(default)]
    pub gateways: Vec<String>,
}

/// The directory.
pub struct Directory {
    servers: Servers,
}

impl Directory {
    /// Reaches the servers of a link map in Redis.
    ///
    /// # Errors
    /// [`OpenError`], fit to be shown as it is.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        // Nothing is remembered of what is read here, so nothing has to be told to be forgotten.
        let servers = Servers::new(Target::parse(url)?, Arc::new(|_| {}));
        servers.mend().await.map_err(|error| OpenError::RoutesUnreachable {
            url: without_password(url),
            reason: error.to_string(),
        })?;
        Ok(Self { servers })
    }

    /// Puts a record in, or renews it. One that is [`gone`](Record::gone) stays for a moment, so
    /// that everybody hears of it at once.
    ///
    /// # Errors
    /// [`RoutesError`]; then it may have been put in.
    pub async fn put(&self, record: &Record) -> Result<(), RoutesError> {
        let text = serde_json::to_string(record).map_err(|error| RoutesError(error.to_string()))?;
        let lease = if record.gone { GONE_FOR } else { LEASE };
        let mut set = cmd("SET");
        set.arg(keys::record(record.part, record.boot)).arg(text);
        set.arg("PX").arg(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX));
        let mut add = cmd("SADD");
        add.arg(keys::records(record.part)).arg(format!("{:016x}", record.boot));
        self.ask(vec![set, add]).await.map(|_| ())
    }

    /// Everyone of a part who is there or has just taken leave.
    ///
    /// # Errors
    /// [`RoutesError`]; nothing is known then.
    pub async fn all(&self, part: Part) -> Result<Vec<Record>, RoutesError> {
        let mut members = cmd("SMEMBERS");
        members.arg(keys::records(part));
        let known = self.ask(vec![members]).await?.into_iter().next();
        let known: Vec<u64> = fields(known.unwrap_or(Value::Nil))
            .iter()
            .filter_map(|it| u64::from_str_radix(str::from_utf8(it).ok()?, 16).ok())
            .collect();
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let mut read = cmd("MGET");
        known.iter().for_each(|boot| {
            read.arg(keys::record(part, *boot));
        });
        let found = self.ask(vec![read]).await?.into_iter().next();
        let found: Vec<Option<String>> =
            found.and_then(|it| from_redis_value(it).ok()).unwrap_or_default();
        let mut records = Vec::new();
        let mut ended = cmd("SREM");
        ended.arg(keys::records(part));
        let mut any_ended = false;
        for (boot, text) in known.into_iter().zip(found) {
            // What another release writes and this one cannot read is not spoken to, and stays.
            match text.map(|it| serde_json::from_str(&it)) {
                Some(Ok(record)) => records.push(record),
                Some(Err(_)) => {}
                None => {
                    ended.arg(format!("{boot:016x}"));
                    any_ended = true;
                }
            }
        }
        if any_ended {
            // A name without a record costs a look more each time; another look takes it out.
            let _ = self.ask(vec![ended]).await;
        }
        Ok(records)
    }

    async fn ask(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, RoutesError> {
        let asks: Vec<(usize, Cmd)> =
            commands.into_iter().map(|it| (keys::LEASES_BUCKET, it)).collect();
        within(async {
            let answers = self.servers.ask(&asks).await;
            answers.into_iter().collect::<Result<Vec<Value>, _>>().map_err(failed)
        })
        .await
        .inspect_err(|_| self.servers.doubt())
    }
}
