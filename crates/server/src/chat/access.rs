//! Getting in as a user: which server, which password, which road.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::PathBuf,
};

use anser_client::{Client, ConnectError, Endpoint, Events, Gateway, Options, Trust};
use anser_domain::{Secret, UserName};
use anyhow::{Context as _, anyhow, bail};
use reqwest::StatusCode;

use super::server::{self, Rest, RestError, Tokens};
use crate::cli::Place;

/// Where a password is looked for before the terminal is asked.
const PASSWORD: &str = "ANSER_PASSWORD";

/// Who, and where.
#[derive(clap::Args, Clone)]
pub(crate) struct Access {
    /// Who you are
    #[arg(long)]
    user: UserName,
    /// The server's REST address, such as https://im.example.org [default: the one running on
    /// the data directory]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Where to link, such as tls://im.example.org:7700 [default: as the server says]
    #[arg(long, value_name = "URL")]
    gateway: Option<Endpoint>,
    /// Certificate to trust beside the system's, for self-signed ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name of this device; each has one link and its own place in every conversation
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    place: Place,
}

/// A server, and what opens it.
pub(crate) struct Door {
    access: Access,
    data_dir: PathBuf,
    rest: Rest,
    password: Secret,
}

impl Access {
    /// Finds the server and the password.
    pub(crate) async fn door(&self) -> anyhow::Result<Door> {
        let data_dir = server::data_dir(&self.place)?;
        let rest = Rest::new(self.server.as_deref(), &data_dir, self.ca.as_deref())?;
        // Before anyone types a password for nothing.
        rest.reach().await?;
        let demo = || server::demo_password(&data_dir, &self.user).filter(|_| rest.is_local());
        let password = match std::env::var(PASSWORD) {
            _ if self.password_stdin => first_line()?,
            Ok(password) if !password.is_empty() => Secret::new(password),
            _ => match demo() {
                Some(password) => password,
                None => self.ask()?,
            },
        };
        Ok(Door { access: self.clone(), data_dir, rest, password })
    }

    fn ask(&self) -> anyhow::Result<Secret> {
        if !std::io::stdin().is_terminal() {
            bail!(
                "no password for {}: put it into {PASSWORD}, or on standard input with \
                 --password-stdin",
                self.user
            );
        }
        let password = rpassword::prompt_password(format!("Password of {}: ", self.user))
            .context("cannot read the password from the terminal")?;
        Ok(Secret::new(password))
    }
}

fn first_line() -> anyhow::Result<Secret> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => bail!("--password-stdin: the first line of standard input is empty"),
        password => Ok(Secret::new(password)),
    }
}

impl Door {
    /// Where the server is.
    pub(crate) fn server(&self) -> &str {
        self.rest.base()
    }

    /// Signs in and links up, ready for `credit` entries ahead of what is read.
    pub(crate) async fn enter(
        &self,
        device: &str,
        credit: u32,
    ) -> anyhow::Result<(Client, Events)> {
        let user = &self.access.user;
        let device = self.access.device.as_deref().unwrap_or(device);
        let session = self.rest.login(user, self.password.expose(), device).await;
        let session = session.map_err(|error| match error {
            RestError::Refused { status: StatusCode::UNAUTHORIZED, .. } => anyhow!(
                "{} does not know {user} by this password; `anser user passwd {user}` sets \
                 another one",
                self.rest.base()
            ),
            other => anyhow!(other),
        })?;
        let endpoint = match (&self.access.gateway, session.gateways.first()) {
            (Some(given), _) => given.clone(),
            (None, Some(told)) => told.clone(),
            (None, None) => bail!(
                "{} names no gateway that this program can use; say one with --gateway",
                self.rest.base()
            ),
        };
        let own = self.data_dir.join(crate::tls::OWN_CERT);
        let trust = match &self.access.ca {
            Some(file) => Trust::File(file.clone()),
            None if self.rest.is_local() && own.exists() => Trust::File(own),
            None => Trust::System,
        };
        let gateway = Gateway::new(endpoint.clone(), &trust)?;
        let tokens = Tokens::new(self.rest.clone(), &session);
        let mut options = Options::new(gateway, tokens);
        options.client = concat!("anser/", env!("CARGO_PKG_VERSION")).to_owned();
        options.credit = credit;
        let connected = Box::pin(Client::connect(options)).await;
        connected.map_err(|error| match error {
            ConnectError::Io(error) => {
                anyhow!("cannot link to {endpoint}: {error}; say another road with --gateway")
            }
            other => anyhow!("cannot link to {endpoint}: {other}"),
        })
    }
}

/// A device name that this terminal has every time: devices keep their place in conversations.
pub(crate) fn terminal_device() -> String {
    let tty = std::fs::read_link("/proc/self/fd/0").unwrap_or_default();
    match tty.to_str().and_then(|path| path.strip_prefix("/dev/")) {
        Some(tty) if tty.starts_with("pts/") || tty.starts_with("tty") => {
            format!("chat-{}", tty.replace('/', "-"))
        }
        _ => "chat".to_owned(),
    }
}
