//! Writes the OpenAPI document to `docs/openapi.json`, or to the file that is named.
//!
//! `cargo run -p anser-web --example openapi`

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let mut json = anser_web::document().to_pretty_json()?;
    json.push('\n');
    fs::write(env::args().nth(1).as_deref().unwrap_or(published), json)?;
    Ok(())
}
