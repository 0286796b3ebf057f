//! `anser user`: works on the database itself, whether a server runs on it or not. A running
//! server follows the durable list of ended sessions, and so closes links within seconds.

use std::{io::BufRead as _, sync::Arc};

use anser_domain::{Clock, NewUser, Refusal, Role, Secret, SystemClock, UserName};
use anser_store::{Store, UserChange, UserRow};
use anyhow::{Context as _, bail};

use crate::{
    cli::{PasswordSource, Place, User},
    config::Config,
    data_dir::keep_private,
    say,
};

/// Users of one page of the list.
const PAGE: u16 = 200;

/// Runs one of the `anser user` commands.
pub(crate) fn run(command: User) -> anyhow::Result<()> {
    let place = match &command {
        User::Add { place, .. }
        | User::Passwd { place, .. }
        | User::List { place }
        | User::Disable { place, .. }
        | User::Enable { place, .. } => place.clone(),
    };
    let config = load(&place)?;
    keep_private();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = anser_store::open(&config.store_url(), clock).await?;
        let done = apply(&store, &config, command).await;
        store.close().await;
        say(&done?)
    })
}

/// The settings, once it is sure that there is a database: making one here, in a directory that
/// was only misspelt, would help nobody.
pub(crate) fn load(place: &Place) -> anyhow::Result<Config> {
    let config = place.load(Vec::new())?;
    if let Some(database) = config.database()
        && !database.exists()
    {
        bail!(
            "there is no database at {}; start the server once with `anser serve`, or say with \
             --data-dir where it keeps its data",
            database.display()
        );
    }
    Ok(config)
}

/// Does what was asked; answers with what to print.
async fn apply(store: &Arc<dyn Store>, config: &Config, command: User) -> anyhow::Result<String> {
    match command {
        User::Add { name, admin, display_name, password, .. } => {
            let name = user_name(&name)?;
            // Before anyone thinks up a password for nothing.
            if store.user(&name).await?.is_some() {
                bail!("{name} exists; `anser user passwd {name}` sets another password");
            }
            let new = NewUser {
                name: name.clone(),
                password: read_password(&password, &name)?,
                display_name: display_name.into(),
                role: if admin { Role::Admin } else { Role::User },
            };
            anser_sm::create_user(store, &config.sm(), new).await.map_err(denied)?;
            Ok(format!("Made {}{name}.\n", if admin { "administrator " } else { "" }))
        }
        User::Passwd { name, password, .. } => {
            let user = find(store, &name).await?;
            let password = read_password(&password, &user.name)?;
            anser_sm::set_password(store, &config.sm(), user.id, &password)
                .await
                .map_err(denied)?;
            Ok(format!("Set the password of {}; all their sessions have ended.\n", user.name))
        }
        User::List { .. } => list(store).await,
        User::Disable { name, .. } => {
            let user = find(store, &name).await?;
            store.change_user(user.id, UserChange::Disabled(true)).await?;
            Ok(format!("Shut out {}; all their sessions have ended.\n", user.name))
        }
        User::Enable { name, .. } => {
            let user = find(store, &name).await?;
            store.change_user(user.id, UserChange::Disabled(false)).await?;
            Ok(format!("{} may log in again.\n", user.name))
        }
    }
}

fn user_name(text: &str) -> anyhow::Result<UserName> {
    text.parse().with_context(|| format!("{text:?} is no user name"))
}

fn denied(refusal: Refusal) -> anyhow::Error {
    anyhow::Error::new(refusal)
}

async fn find(store: &Arc<dyn Store>, name: &str) -> anyhow::Result<UserRow> {
    let name = user_name(name)?;
    match store.user(&name).await? {
        Some(user) => Ok(user),
        None => bail!("there is no user {name}; `anser user list` shows all"),
    }
}

/// Asks twice at the terminal, or reads a line of standard input.
fn read_password(source: &PasswordSource, user: &UserName) -> anyhow::Result<Secret> {
    if source.password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
        return Ok(Secret::new(line.trim_end_matches(['\n', '\r'])));
    }
    let ask = |prompt: String| {
        rpassword::prompt_password(prompt)
            .context("cannot ask for the password here; give it by --password-stdin")
    };
    let first = ask(format!("Password for {user}: "))?;
    if first != ask("The same again: ".to_owned())? {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(Secret::new(first))
}

async fn list(store: &Arc<dyn Store>) -> anyhow::Result<String> {
    let mut users = Vec::new();
    loop {
        let page = store.users(users.last().map(|user: &UserRow| &user.name), PAGE).await?;
        let full = page.len() >= usize::from(PAGE);
        users.extend(page);
        if !full {
            return Ok(table(&users));
        }
    }
}

fn table(users: &[UserRow]) -> String {
    if users.is_empty() {
        return "There are no users yet; `anser user add NAME` makes one.\n".to_owned();
    }
    let width = users.iter().map(|user| user.name.as_str().chars().count()).max().unwrap_or(0);
    let width = width.max("NAME".len());
    let mut out = format!("{:width$}  ROLE   STATE     DISPLAY NAME\n", "NAME");
    for user in users {
        let role = if user.role == Role::Admin { "admin" } else { "user" };
        let state = if user.disabled { "disabled" } else { "active" };
        let line =
            format!("{:width$}  {role:5}  {state:8}  {}", user.name.as_str(), user.display_name);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use anser_domain::UserId;
    use anser_store::ScramKeys;

    use super::*;

    fn row(name: &str, role: Role, disabled: bool, display_name: &str) -> UserRow {
        let keys =
            ScramKeys { salt: vec![], iterations: 1, stored_key: [0; 32], server_key: [0; 32] };
        UserRow {
            id: UserId(1),
            name: UserName::new(name).unwrap(),
            display_name: display_name.into(),
            role,
            disabled,
            keys,
            credential_version: 1,
        }
    }

    #[test]
    fn users_are_listed_in_columns() {
        let users = [row("al", Role::Admin, false, "Al B."), row("barnacle", Role::User, true, "")];
        assert_eq!(
            table(&users),
            "NAME      ROLE   STATE     DISPLAY NAME\n\
             al        admin  active    Al B.\n\
             barnacle  user   disabled\n"
        );
    }
}
