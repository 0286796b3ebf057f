//! Compiles the contract. `protox` reads the `.proto` itself, so no `protoc` is needed.

use std::{env, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["proto/anser.proto"], ["proto"])?;
    prost_build::Config::new()
        .bytes([".anser.rpc.v1"])
        .out_dir(PathBuf::from(env::var("OUT_DIR")?))
        .compile_fds(files)?;
    Ok(())
}
