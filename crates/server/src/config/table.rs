//! The one table of settings. The types, the default file, the checks and the names of the
//! environment variables all come from it: a new setting is a row here.

use super::kind::Shape;

/// One section as it stands in the file.
pub(super) struct Section {
    /// Its name.
    pub(super) name: &'static str,
    /// The lines of its comment.
    pub(super) doc: &'static [&'static str],
    /// Its keys, in order.
    pub(super) keys: &'static [Key],
}

/// One key as it stands in the file.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// The lines of its comment.
    pub(super) doc: &'static [&'static str],
    /// Its default, as text.
    pub(super) default: &'static str,
    /// What it takes.
    pub(super) expects: &'static str,
    /// How it is written in TOML.
    pub(super) shape: Shape,
}

/// A default in the table that its own kind does not take; a test makes sure there is none.
#[derive(Debug, thiserror::Error)]
#[error("the default of [{0}] {1} is not valid")]
pub(crate) struct BadDefault(pub(super) &'static str, pub(super) &'static str);

macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])*
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])* $key:ident: $kind:ty = $default:literal, )*
        }
    )*) => {
        /// Every setting, each with a value.
        #[derive(Clone, Debug)]
        pub(crate) struct Config {
            $( $(#[doc = $section_doc])* pub(crate) $section: $Section, )*
        }

        $(
            $(#[doc = $section_doc])*
            #[derive(Clone, Debug)]
            pub(crate) struct $Section {
                $( $(#[doc = $doc])* pub(crate) $key: $kind, )*
            }
        )*

        /// The table.
        pub(super) static SECTIONS: &[Section] = &[$(
            Section {
                name: stringify!($section),
                doc: &[$($section_doc),*],
                keys: &[$(
                    Key {
                        name: stringify!($key),
                        doc: &[$($doc),*],
                        default: $default,
                        expects: <$kind as Setting>::EXPECTS,
                        shape: <$kind as Setting>::SHAPE,
                    },
                )*],
            },
        )*];

        impl Config {
            /// Every setting at its default.
            pub(crate) fn defaults() -> Result<Self, BadDefault> {
                Ok(Self {$(
                    $section: $Section {$(
                        $key: <$kind>::read($default)
                            .ok_or(BadDefault(stringify!($section), stringify!($key)))?,
                    )*},
                )*})
            }

            /// Sets one key of the table; `None` when the text is not of its kind.
            pub(super) fn set(&mut self, section: &str, key: &str, text: &str) -> Option<()> {
                match (section, key) {
                    $($(
                        (stringify!($section), stringify!($key)) => {
                            self.$section.$key = <$kind>::read(text)?;
                        }
                    )*)*
                    _ => return None,
                }
                Some(())
            }
        }
    };
}
pub(super) use settings;
