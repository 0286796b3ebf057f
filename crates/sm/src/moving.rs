//! Moving in and out: what is kept, a record a line.

use std::sync::Arc;

use anser_domain::{Clock, Landed, Refusal, Role};
use anser_store::{MovingPlace, Record, Store};

use self::{line::Line, read::Parsed};
use crate::{config::Config, credentials::Credentials, token::Keyring};

mod line;
mod read;
mod write;

/// Lines, and where those behind them begin; `None` at the end.
pub type ExportPart = (Vec<Box<str>>, Option<Box<str>>);

/// Lines taken in at a time, at most: a transaction of moderate length.
const MAX_LINES: usize = 200;

/// Moves records between the store and lines. It asks nobody whether they may.
pub struct Movers {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) credentials: Arc<Credentials>,
}

impl Movers {
    /// One for a store on which no SM runs in this process.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, config: Config) -> Self {
        let keyring = Arc::new(Keyring::new(store.clone()));
        let credentials = Credentials::new(store.clone(), clock, Arc::new(config), keyring);
        Self { store, credentials: Arc::new(credentials) }
    }

    /// A part of all that is kept, behind where the part before has ended.
    ///
    /// # Errors
    /// `after` is not the end of a part, or the store's failure.
    pub async fn export(&self, after: &str, limit: u16) -> Result<ExportPart, Refusal> {
        let from = place(after)?;
        let (records, next) = self.store.export(from, limit).await?;
        let lines = records.into_iter().map(|record| Line::of(record).text()).collect();
        let next = next.map(|it| format!("{}.{}.{}", it.stage, it.after[0], it.after[1]).into());
        Ok((lines, next))
    }

    /// Takes lines in. A bad one is refused with its reason and stops no other. `admins` says
    /// whether lines may make administrators.
    ///
    /// # Errors
    /// More than 200 lines, or the store's failure: then none of them was taken.
    pub async fn import(&self, lines: Vec<Box<str>>, admins: bool) -> Result<Vec<Landed>, Refusal> {
        if lines.len() > MAX_LINES {
            return Err(Refusal::TooLarge("at most 200 lines are taken in at a time"));
        }
        let mut landed = Vec::with_capacity(lines.len());
        let (mut records, mut places) = (Vec::new(), Vec::new());
        for line in lines {
            let (record, password) = match read::parse(&line) {
                Ok(Parsed::Record(record, password)) => (record, password),
                other => {
                    landed.push(match other {
                        Ok(Parsed::End(lines)) => Landed::Ended(lines),
                        Err(why) => Landed::Refused(why),
                        Ok(_) => Landed::Begun,
                    });
                    continue;
                }
            };
            let mut record = *record;
            if let Record::User(user) = &mut record {
                if !admins && user.role == Role::Admin {
                    landed.push(Landed::Refused("a key makes no administrators".into()));
                    continue;
                }
                if let Some(password) = password
                    && self.store.user(&user.name).await?.is_none()
                {
                    user.keys = self.credentials.keys_for(password).await?;
                }
            }
            places.push(landed.len());
            records.push(record);
            landed.push(Landed::There);
        }
        for (place, done) in places.into_iter().zip(self.store.import(records).await?) {
            let Some(slot) = landed.get_mut(place) else { continue };
            *slot = match done {
                Ok(true) => Landed::New,
                Ok(false) => Landed::There,
                Err(refusal) => Landed::Refused(refusal.to_string().into()),
            };
        }
        Ok(landed)
    }
}

fn place(text: &str) -> Result<MovingPlace, Refusal> {
    if text.is_empty() {
        return Ok(MovingPlace::default());
    }
    let read = || {
        let mut parts = text.split('.');
        let stage = parts.next()?.parse().ok()?;
        let after = [parts.next()?.parse().ok()?, parts.next()?.parse().ok()?];
        Some(MovingPlace { stage, after })
    };
    read().ok_or(Refusal::Invalid("not a place in an export"))
}
