//! The command line: what can be typed, and the help that explains it.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Override};

/// A chat and push server.
///
/// `anser serve --demo` starts one to play with.
#[derive(Parser)]
#[command(name = "anser", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server: all roles in one process
    Serve(Serve),
    /// Run a connection manager: links of clients, and nothing else
    Cm(Place),
    /// Run a session manager: business logic, routing, the store
    Sm(Sm),
    /// Run the REST tier
    Web(Place),
    /// Run a whole cluster on this machine, to try it out; needs MariaDB and Redis installed
    Cluster(crate::cluster::Args),
    /// Make users, change their passwords, shut them out
    #[command(subcommand)]
    User(User),
    /// Write everything that is kept as lines of JSON
    Export(crate::moving::Export),
    /// Take in what an export has written, or another system
    Import(crate::moving::Import),
    /// Chat in the terminal
    Chat(crate::chat::Args),
    /// Send one message and print its id and seq
    Send(crate::send::Args),
    /// Put load on a server and measure it
    Bench(crate::bench::Args),
    /// Say whether this machine is fit to hold many links, and what mends it where it is not
    Doctor(crate::doctor::Args),
    /// Print or check settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Where the settings and the data are.
#[derive(Args, Clone)]
pub(crate) struct Place {
    /// Settings file; `anser config default` prints one
    #[arg(long, value_name = "FILE", env = "ANSER_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept [default: ./anser-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Place {
    /// Loads the settings, with `flags` over them.
    pub(crate) fn load(&self, mut flags: Vec<Override>) -> anyhow::Result<Config> {
        if let Some(dir) = &self.data_dir {
            flags.push(Override {
                section: "server",
                key: "data_dir",
                text: dir.to_string_lossy().into_owned(),
                name: "--data-dir".to_owned(),
            });
        }
        config::load(self.config.as_deref(), &flags)
    }
}

#[derive(Args)]
pub(crate) struct Sm {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Make users alice, bob and carol and a group of them; passwords go to demo.json
    #[arg(long)]
    pub(crate) demo: bool,
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Make users alice, bob and carol and a group of them, and print their passwords
    #[arg(long)]
    pub(crate) demo: bool,
    /// REST and WebSocket [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen_http: Option<SocketAddr>,
    /// Native protocol over TCP [default: 127.0.0.1:7700]
    #[arg(long, value_name = "ADDRESS")]
    listen_native: Option<SocketAddr>,
    /// Metrics and health [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS")]
    listen_admin: Option<SocketAddr>,
}

impl Serve {
    /// The settings that this command line asks for.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        let listeners = [
            ("http", "--listen-http", self.listen_http),
            ("native", "--listen-native", self.listen_native),
            ("admin", "--listen-admin", self.listen_admin),
        ];
        let flags = listeners.into_iter().filter_map(|(key, name, address)| {
            Some(Override {
                section: "listen",
                key,
                text: address?.to_string(),
                name: name.to_owned(),
            })
        });
        self.place.load(flags.collect())
    }
}

/// Works on the data directory itself, whether a server runs there or not.
#[derive(Subcommand)]
pub(crate) enum User {
    /// Make a user
    Add {
        /// Their name, such as alice
        name: String,
        /// Let them administer the server
        #[arg(long)]
        admin: bool,
        /// The name that people read
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        display_name: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        place: Place,
    },
    /// Set a user's password; all their sessions end
    Passwd {
        /// Whose
        name: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        place: Place,
    },
    /// List all users
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Shut a user out; all their sessions end
    Disable {
        /// Whom
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Let a user in again
    Enable {
        /// Whom
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Where a password comes from: the terminal, unless told otherwise.
#[derive(Args)]
pub(crate) struct PasswordSource {
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a settings file with every key at its default, explained
    Default,
    /// Check the settings and say where they are wrong
    Check {
        #[command(flatten)]
        place: Place,
    },
}
