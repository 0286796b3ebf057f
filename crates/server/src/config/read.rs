//! Reading settings: the file, then the environment, then flags, each over the one before.

use std::{fmt, ops::Range, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    keys::{Config, SECTIONS},
    kind::Shape,
    table::{BadDefault, Key, Section},
};

/// What stands before a setting's name in the environment: `ANSER_LISTEN__HTTP`.
const ENV_PREFIX: &str = "ANSER_";

/// One line that says where a setting is wrong, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {what}")]
pub(crate) struct ConfigError {
    at: Origin,
    what: String,
}

impl From<BadDefault> for ConfigError {
    fn from(error: BadDefault) -> Self {
        Self { at: Origin::Default, what: error.to_string() }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The table.
    Default,
    /// A place in the file.
    File { path: String, line: usize, column: usize },
    /// An environment variable or a flag, by name.
    Named(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default settings"),
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A setting given outside the file.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// The section.
    pub(crate) section: &'static str,
    /// The key.
    pub(crate) key: &'static str,
    /// The value.
    pub(crate) text: String,
    /// Its flag or variable.
    pub(crate) name: String,
}

/// Settings while they are read, with where each came from.
pub(super) struct Reading {
    pub(super) config: Config,
    origins: Vec<(&'static str, &'static str, Origin)>,
}

impl Reading {
    pub(super) fn new(config: Config) -> Self {
        Self { config, origins: Vec::new() }
    }

    /// Reads the text of a file.
    pub(super) fn file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let place = |span: Range<usize>| place(path, text, span.start);
        let document = DeTable::parse(text).map_err(|error| ConfigError {
            at: place(error.span().unwrap_or(0..0)),
            what: one_line(error.message()),
        })?;
        for (name, value) in document.get_ref() {
            let at = place(name.span());
            let Some(section) = section(name.get_ref()) else {
                return Err(ConfigError { at, what: no_section(name.get_ref()) });
            };
            let DeValue::Table(table) = value.get_ref() else {
                let what =
                    format!("{0} is a section: write [{0}] on a line of its own", section.name);
                return Err(ConfigError { at, what });
            };
            self.section(section, table, &place)?;
        }
        Ok(())
    }

    fn section(
        &mut self,
        section: &'static Section,
        table: &DeTable<'_>,
        place: &dyn Fn(Range<usize>) -> Origin,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let Some(key) = key(section, name.get_ref()) else {
                let what = no_key(section, name.get_ref());
                return Err(ConfigError { at: place(name.span()), what });
            };
            let at = place(value.span());
            match text_of(value.get_ref(), key.shape) {
                Ok(text) => self.set(section, key, &text, at)?,
                Err(found) => return Err(wrong(section, key, at, &found)),
            }
        }
        Ok(())
    }

    /// Reads `ANSER_SECTION__KEY` variables. Others that begin with `ANSER_` are not settings.
    pub(super) fn environment(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, text) in variables {
            let path = name.strip_prefix(ENV_PREFIX).and_then(|rest| rest.split_once("__"));
            let Some((section_name, key_name)) = path else { continue };
            let at = Origin::Named(name.clone());
            let Some(section) = section(&section_name.to_lowercase()) else {
                return Err(ConfigError { at, what: no_section(&section_name.to_lowercase()) });
            };
            let Some(key) = key(section, &key_name.to_lowercase()) else {
                return Err(ConfigError { at, what: no_key(section, &key_name.to_lowercase()) });
            };
            self.set(section, key, &text, at)?;
        }
        Ok(())
    }

    /// Takes what flags say.
    pub(super) fn overrides(&mut self, overrides: &[Override]) -> Result<(), ConfigError> {
        for given in overrides {
            let at = Origin::Named(given.name.clone());
            let found = section(given.section).and_then(|s| Some((s, key(s, given.key)?)));
            let Some((section, key)) = found else {
                return Err(ConfigError { at, what: "no such setting".to_owned() });
            };
            self.set(section, key, &given.text, at)?;
        }
        Ok(())
    }

    /// An error about a key whose value is of its kind and wrong all the same.
    pub(super) fn error(&self, section: &str, key: &str, what: impl fmt::Display) -> ConfigError {
        let origin = self.origins.iter().rev().find(|(s, k, _)| *s == section && *k == key);
        let at = origin.map_or(Origin::Default, |(_, _, origin)| origin.clone());
        ConfigError { at, what: format!("[{section}] {key}: {what}") }
    }

    fn set(
        &mut self,
        section: &'static Section,
        key: &'static Key,
        text: &str,
        at: Origin,
    ) -> Result<(), ConfigError> {
        if self.config.set(section.name, key.name, text).is_none() {
            return Err(wrong(section, key, at, &format!("{text:?}")));
        }
        self.origins.push((section.name, key.name, at));
        Ok(())
    }
}

/// A TOML value as the text that its kind reads; what was found instead, when it is of another.
fn text_of(value: &DeValue<'_>, shape: Shape) -> Result<String, String> {
    match (value, shape) {
        (DeValue::String(text), Shape::Quoted) => Ok(text.to_string()),
        (DeValue::Integer(number), Shape::Bare) => Ok(number.to_string()),
        (DeValue::Boolean(flag), Shape::Bare) => Ok(flag.to_string()),
        (DeValue::Array(items), Shape::List) => {
            let items = items.iter().map(|item| text_of(item.get_ref(), Shape::Quoted));
            Ok(items.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        (DeValue::String(text), _) => Err(format!("the text {text:?}")),
        (DeValue::Integer(number), _) => Err(format!("the number {number}")),
        (DeValue::Float(number), _) => Err(format!("the number {number}")),
        (DeValue::Boolean(flag), _) => Err(flag.to_string()),
        (DeValue::Datetime(_), _) => Err("a date".to_owned()),
        (DeValue::Array(_), _) => Err("a list".to_owned()),
        (DeValue::Table(_), _) => Err("a table".to_owned()),
    }
}

fn wrong(section: &Section, key: &Key, at: Origin, found: &str) -> ConfigError {
    let what = format!("[{}] {}: expected {}, found {found}", section.name, key.name, key.expects);
    ConfigError { at, what }
}

fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

fn key(section: &'static Section, name: &str) -> Option<&'static Key> {
    section.keys.iter().find(|key| key.name == name)
}

fn no_section(name: &str) -> String {
    // A key that was written before the first section, or under a wrong one.
    if let Some(home) = SECTIONS.iter().find(|section| key(section, name).is_some()) {
        return format!("{name} belongs under [{}]", home.name);
    }
    let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
    format!("[{name}]: no such section; {}", suggestion(name, &names))
}

fn no_key(section: &Section, name: &str) -> String {
    let names: Vec<_> = section.keys.iter().map(|key| key.name).collect();
    if nearest(name, &names).is_none()
        && let Some(home) = SECTIONS.iter().find(|other| key(other, name).is_some())
    {
        return format!(
            "[{}] {name}: no such key here; it belongs under [{}]",
            section.name, home.name
        );
    }
    format!("[{}] {name}: no such key; {}", section.name, suggestion(name, &names))
}

fn suggestion(name: &str, names: &[&str]) -> String {
    match nearest(name, names) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", names.join(", ")),
    }
}

/// The name that was most likely meant: near enough that a slip of the fingers explains it.
fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    const NEAR: f64 = 0.6;
    names
        .iter()
        .map(|candidate| (*candidate, strsim::normalized_damerau_levenshtein(name, candidate)))
        .filter(|(_, score)| *score >= NEAR)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(candidate, _)| candidate)
}

fn place(path: &Path, text: &str, offset: usize) -> Origin {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let line = before.matches('\n').count() + 1;
    Origin::File { path: path.display().to_string(), line, column }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
