//! Writes the OpenAPI document to `docs/openapi.json`, to the file that is named, or with `-` to
//! standard output.
//!
//! `cargo run -p anser-web --example openapi`

use std::{
    env,
    error::Error,
    fs,
    io::{Write, stdout},
};

fn main() -> Result<(), Box<dyn Error>> {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let mut json = anser_web::document().to_pretty_json()?;
    json.push('\n');
    match env::args().nth(1).as_deref() {
        Some("-") => stdout().write_all(json.as_bytes())?,
        path => fs::write(path.unwrap_or(published), json)?,
    }
    Ok(())
}
