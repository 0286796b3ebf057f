//! Making users without a running server: for `anser user add`, for demos and for benchmarks.

use std::sync::Arc;

use anser_domain::{Clock, DeviceName, NewUser, Refusal, Role, Secret, UserId, UserName};
use anser_store::{DeviceSession, NewDevice, NewUserRow, Store, StoreError, UserChange};

use crate::{
    config::Config,
    credentials::new_refresh_token,
    password,
    token::{Keyring, Purpose},
};

/// Rows of one transaction when many users are made.
const BATCH: usize = 500;

/// Makes one user. Takes as long as hashing a password does.
///
/// # Errors
/// `NameTaken`, a password that is none, or the store's failure.
pub async fn create_user(
    store: &Arc<dyn Store>,
    config: &Config,
    new: NewUser,
) -> Result<UserId, Refusal> {
    let keys = password::keys_for(&new.password, config.scram_iterations)?;
    let NewUser { name, display_name, role, .. } = new;
    let created = store.create_users(vec![NewUserRow { name, display_name, role, keys }]).await?;
    created.into_iter().next().unwrap_or(Err(Refusal::Unavailable))
}

/// Sets a user's password and ends all their sessions; running servers close the links within
/// seconds. Takes as long as hashing a password does.
///
/// # Errors
/// A password that is none, or the store's failure.
pub async fn set_password(
    store: &Arc<dyn Store>,
    config: &Config,
    user: UserId,
    password: &Secret,
) -> Result<(), Refusal> {
    let keys = password::keys_for(password, config.scram_iterations)?;
    Ok(store.change_user(user, UserChange::Keys { keys, keep: None, checked: None }).await?)
}

/// A user made by [`provision`], signed in on one device.
#[derive(Clone, Debug)]
pub struct Provisioned {
    /// Who.
    pub user: UserName,
    /// The one device.
    pub device: DeviceName,
    /// Its access token.
    pub access: Secret,
}

/// Makes the users `{prefix}0`, `{prefix}1` … where they do not exist yet, and signs each in on
/// a device, cheaply: they share one random password that nobody is told, and hashing is done
/// once. The tokens last as long as tickets do.
///
/// # Errors
/// The store's failure, or names that are none.
pub async fn provision(
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    prefix: &str,
    count: usize,
) -> Result<Vec<Provisioned>, StoreError> {
    let config = Config::default();
    let secret = Secret::new(format!("{:032x}", rand::random::<u128>()));
    let keys = password::keys_for(&secret, 1)?;
    let keyring = Keyring::new(store.clone());
    keyring.reload(clock.wall(), &config).await?;
    let device = DeviceName::new("bench").map_err(|_| Refusal::Invalid("device"))?;
    let names = (0..count)
        .map(|index| UserName::new(&format!("{prefix}{index}")))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Refusal::Invalid("the prefix makes no valid user names"))?;

    let mut made = Vec::with_capacity(count);
    for names in names.chunks(BATCH) {
        let rows = names.iter().map(|name| NewUserRow {
            name: name.clone(),
            display_name: Box::default(),
            role: Role::User,
            keys: keys.clone(),
        });
        store.create_users(rows.collect()).await?;
        let sessions = names.iter().map(|name| sign_in(store, clock, name, &device));
        for session in futures_util::future::try_join_all(sessions).await? {
            let access =
                keyring.sign(Purpose::Access, &session, clock.wall(), config.ticket_ttl)?;
            made.push(Provisioned { user: session.user_name, device: session.device.name, access });
        }
    }
    Ok(made)
}

async fn sign_in(
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    name: &UserName,
    device: &DeviceName,
) -> Result<DeviceSession, StoreError> {
    let row = store.user(name).await?.ok_or(Refusal::NoSuchUser)?;
    let (_, refresh_hash) = new_refresh_token();
    let new = NewDevice {
        user: row.id,
        name: device.clone(),
        refresh_hash,
        checked: Some(row.credential_version),
        now: clock.wall(),
    };
    let device = store.sign_in(new).await?;
    Ok(DeviceSession {
        device,
        user_name: row.name,
        role: row.role,
        disabled: row.disabled,
        credential_version: row.credential_version,
    })
}
