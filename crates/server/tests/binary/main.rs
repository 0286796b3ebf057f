//! The real `anser`, started, used, stopped and killed as people do it.

mod errors;
mod settings;
mod start;
mod support;
mod tls;
mod users;
