//! The kinds of value a setting can have: how each is read from text, and how it is described
//! to someone who wrote it wrong.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use anser_client::Endpoint;
use anser_domain::{MediaRange, UserName};
use anser_pace::Rate;
use anser_sm::{OnWord, Unanswered, rule::WhoMayWrite};
use anser_web::Origin;
use ipnet::IpNet;

/// A kind of value. There is one reading, from text: TOML strings, numbers and booleans,
/// environment variables and flags all come down to it.
pub(super) trait Setting: Sized {
    /// What would be right, to follow "expected".
    const EXPECTS: &'static str;
    /// How the value is written in TOML.
    const SHAPE: Shape;

    /// Reads the value; `None` when the text is not of this kind.
    fn read(text: &str) -> Option<Self>;
}

/// How a kind is written in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// In quotes.
    Quoted,
    /// A number or a boolean.
    Bare,
    /// Strings in brackets; elsewhere separated by commas.
    List,
}

/// A size in bytes, written `64 KiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

/// A number of days; `None` when there is no end to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(pub(crate) Option<Duration>);

/// A path that may be left empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OptionalPath(pub(crate) Option<PathBuf>);

/// A rate, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace(pub(crate) Option<Rate>);

/// How roles find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// By a list in the settings.
    List,
    /// By records in Redis.
    Redis,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Setting for String {
    const EXPECTS: &'static str = "a text in quotes";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Setting for PathBuf {
    const EXPECTS: &'static str = "a path in quotes";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }
}

impl Setting for OptionalPath {
    const EXPECTS: &'static str = "a path in quotes, or \"\" for none";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        Some(Self((!text.is_empty()).then(|| PathBuf::from(text))))
    }
}

impl Setting for SocketAddr {
    const EXPECTS: &'static str = "an address and port such as \"127.0.0.1:8080\" or \"[::1]:0\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for bool {
    const EXPECTS: &'static str = "true or false";
    const SHAPE: Shape = Shape::Bare;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for u32 {
    const EXPECTS: &'static str = "a whole number above 0";
    const SHAPE: Shape = Shape::Bare;

    fn read(text: &str) -> Option<Self> {
        text.replace('_', "").parse().ok().filter(|n| *n > 0)
    }
}

impl Setting for Days {
    const EXPECTS: &'static str = "a whole number of days, or 0 for no end";
    const SHAPE: Shape = Shape::Bare;

    fn read(text: &str) -> Option<Self> {
        let days: u32 = text.replace('_', "").parse().ok()?;
        let time = Duration::from_secs(u64::from(days) * 24 * 3600);
        Some(Self((days > 0).then_some(time)))
    }
}

impl Setting for Size {
    const EXPECTS: &'static str = "a size such as \"512 B\", \"64 KiB\" or \"1 MiB\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let bytes = match unit {
            "B" => 1,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            "GiB" => 1024 * 1024 * 1024,
            _ => return None,
        };
        usize::try_from(number).ok()?.checked_mul(bytes).filter(|n| *n > 0).map(Self)
    }
}

impl Setting for Duration {
    const EXPECTS: &'static str =
        "a time such as \"500 ms\", \"30 s\", \"15 min\", \"1 h\" or \"30 d\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "min" | "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return None,
        };
        number.checked_mul(millis).filter(|n| *n > 0).map(Self::from_millis)
    }
}

impl Setting for Pace {
    const EXPECTS: &'static str = "a rate such as \"100/s\", \"30/min\" or \"none\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self(None));
        }
        let (count, unit) = text.split_once('/')?;
        let seconds = match unit.trim() {
            "s" => 1,
            "min" | "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let count = count.trim().parse().ok()?;
        Some(Self(Some(Rate { count, seconds: NonZeroU32::new(seconds)? })))
    }
}

/// A kind that lists are made of.
pub(super) trait Item: Sized {
    /// What would be right, to follow "expected".
    const EXPECTS: &'static str;

    /// Reads one item.
    fn read(text: &str) -> Option<Self>;
}

impl<T: Item> Setting for Vec<T> {
    const EXPECTS: &'static str = T::EXPECTS;
    const SHAPE: Shape = Shape::List;

    fn read(text: &str) -> Option<Self> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::read).collect()
    }
}

impl Item for String {
    const EXPECTS: &'static str = "a list of names such as [\"chat.example.org\"]";

    fn read(text: &str) -> Option<Self> {
        (!text.contains(char::is_whitespace)).then(|| text.to_owned())
    }
}

impl Item for IpNet {
    const EXPECTS: &'static str =
        "a list of addresses and networks such as [\"127.0.0.1\", \"10.0.0.0/8\"]";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().or_else(|| Some(text.parse::<IpAddr>().ok()?.into()))
    }
}

impl Item for Origin {
    const EXPECTS: &'static str = "a list of origins such as [\"https://app.example.org\"]";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Item for MediaRange {
    const EXPECTS: &'static str =
        "a list of media types such as [\"image/*\", \"application/pdf\"]";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Item for Endpoint {
    const EXPECTS: &'static str =
        "a list of URLs such as [\"tls://chat.example.org:7700\", \"wss://chat.example.org/ws\"]";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for LogFormat {
    const EXPECTS: &'static str = "\"text\" or \"json\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Setting for Discovery {
    const EXPECTS: &'static str = "\"list\" or \"redis\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        match text {
            "list" => Some(Self::List),
            "redis" => Some(Self::Redis),
            _ => None,
        }
    }
}

impl Setting for WhoMayWrite {
    const EXPECTS: &'static str = "\"anyone\" or \"friends\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        match text {
            "anyone" => Some(Self::Anyone),
            "friends" => Some(Self::Friends),
            _ => None,
        }
    }
}

impl Setting for Unanswered {
    const EXPECTS: &'static str = "\"deny\" or \"allow\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        match text {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl Setting for UserName {
    const EXPECTS: &'static str = "a user's name";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

impl Setting for OnWord {
    const EXPECTS: &'static str = "\"deny\" or \"mask\"";
    const SHAPE: Shape = Shape::Quoted;

    fn read(text: &str) -> Option<Self> {
        match text {
            "deny" => Some(Self::Deny),
            "mask" => Some(Self::Mask),
            _ => None,
        }
    }
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    Some((number.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_with_their_units_and_not_without() {
        assert_eq!(Size::read("64 KiB"), Some(Size(65536)));
        assert_eq!(Size::read("1MiB"), Some(Size(1 << 20)));
        assert_eq!(Duration::read("30 s"), Some(Duration::from_secs(30)));
        assert_eq!(Duration::read("500ms"), Some(Duration::from_millis(500)));
        for bad in ["", "64", "KiB", "64 kb", "-1 B", "0 B", "99999999999999999999 B"] {
            assert_eq!(Size::read(bad), None, "{bad}");
        }
        let rate =
            |text| Pace::read(text).map(|it| it.0.map(|it| (it.count.get(), it.seconds.get())));
        assert_eq!(rate("100/s"), Some(Some((100, 1))));
        assert_eq!(rate("30 / min"), Some(Some((30, 60))));
        assert_eq!(rate("none"), Some(None));
        for bad in ["", "5", "/s", "0/s", "-1/s", "1/day", "1.5/s", "99999999999/s"] {
            assert_eq!(rate(bad), None, "{bad}");
        }
        for bad in ["", "5", "s", "0 s", "1 week", "1.5 h"] {
            assert_eq!(Duration::read(bad), None, "{bad}");
        }
    }
}
