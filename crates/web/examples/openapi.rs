//! Writes the OpenAPI document to `docs/openapi.json`, or to the file that is named.
//!
//! `cargo run -p anser-web --example openapi`

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let path = env::args().nth(1).unwrap_or_else(|| default.to_owned());
    let mut json = anser_web::document().to_pretty_json()?;
    json.push('\n');
    fs::write(path, json)?;
    Ok(())
}
