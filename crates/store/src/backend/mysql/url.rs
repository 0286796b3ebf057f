//! `mysql://USER@HOST[:PORT]/DATABASE`, and what may stand behind it.

use std::str::FromStr;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use crate::open::OpenError;

/// Where the password is looked for when the URL has none.
const PASSWORD: &str = "ANSER_STORE_PASSWORD";

/// A database, and how it is reached.
pub(super) struct Target {
    pub(super) options: MySqlConnectOptions,
    /// The URL, without what is secret in it.
    pub(super) shown: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let shown = without_password(url);
        let wrong = |what: String| OpenError::StoreUrl { url: shown.clone(), what };
        let (plain, plaintext) = match url.split_once("?plaintext") {
            Some((plain, "")) => (plain, true),
            _ => (url, false),
        };
        let options =
            MySqlConnectOptions::from_str(plain).map_err(|error| wrong(error.to_string()))?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(wrong("it names no database: mysql://USER@HOST/DATABASE".into()));
        }
        let options = match std::env::var(PASSWORD) {
            Ok(password) => options.password(&password),
            Err(_) => options,
        };
        let local = options.get_socket().is_some()
            || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
        let options = match options.get_ssl_mode() {
            // What the URL asks for is done; anything less than TLS only on one's own machine, or
            // where it was said in so many words.
            MySqlSslMode::Preferred | MySqlSslMode::Disabled if !local && !plaintext => {
                options.ssl_mode(MySqlSslMode::VerifyIdentity)
            }
            MySqlSslMode::Preferred => options.ssl_mode(MySqlSslMode::Disabled),
            _ => options,
        };
        // What the session is set to is said in one place, when a connection is made.
        let options = options
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .set_names(false)
            .timezone(None)
            .statement_cache_capacity(512);
        Ok(Self { options, shown })
    }
}

/// Whether `url` can name a database, without asking anybody.
pub(crate) fn check(url: &str) -> Result<(), OpenError> {
    Target::parse(url).map(drop)
}

/// A URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((user, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = user.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(without_password("mysql://anser:s3@cr:et@db/anser"), "mysql://anser@db/anser");
        let error = Target::parse("mysql://anser:secret@db/").err().unwrap().to_string();
        assert!(!error.contains("secret") && error.contains("database"), "{error}");
    }

    #[test]
    fn other_machines_are_reached_by_tls_unless_one_says_otherwise() {
        let mode = |url| Target::parse(url).unwrap().options.get_ssl_mode();
        assert!(matches!(mode("mysql://a@db/anser"), MySqlSslMode::VerifyIdentity));
        assert!(matches!(
            mode("mysql://a@db/anser?ssl-mode=DISABLED"),
            MySqlSslMode::VerifyIdentity
        ));
        assert!(matches!(mode("mysql://a@db/anser?plaintext"), MySqlSslMode::Disabled));
        assert!(matches!(mode("mysql://a@127.0.0.1/anser"), MySqlSslMode::Disabled));
    }
}
