//! Compiles the contract. `protox` reads the `.proto` itself, so no `protoc` is needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["proto/anser.proto"], ["proto"])?;
    tonic_prost_build::configure().bytes(".anser.rpc.v1").compile_fds(files)?;
    Ok(())
}
