//! Files that are generated and checked in, so that readers and other languages find them without
//! building anything.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::shell;

/// One file and the program that prints it.
struct Generated {
    file: &'static str,
    /// In cargo's target directory.
    program: &'static str,
    args: &'static [&'static str],
}

const PRINTED: &[Generated] = &[
    Generated {
        file: "docs/src/default.toml",
        program: "debug/anser",
        args: &["config", "default"],
    },
    Generated {
        file: "docs/openapi.json",
        program: "debug/examples/openapi",
        args: &["/dev/stdout"],
    },
];

/// A test target and those of its tests that compare generated files with the code, and write them
/// anew when `BLESS` is set: the vectors, the tables in the protocol's specification, and what
/// holds of the MQTT standards.
const COMPARED: &[(&str, &[&str])] =
    &[("protocol", &["vectors::", "specification::"]), ("mqtt", &["page::"])];
const BLESS: &str = "ANSER_BLESS";

/// Writes them, or with `check` fails when one is stale.
pub(crate) fn run(check: bool) -> Result<()> {
    shell::build()?;
    let stale = printed(check)?;
    compared(check)?;
    if stale.is_empty() {
        return Ok(());
    }
    bail!("stale: {}; run `cargo xtask codegen`", stale.join(", "))
}

fn printed(check: bool) -> Result<Vec<&'static str>> {
    let programs = shell::target_dir()?;
    let mut stale = Vec::new();
    for generated in PRINTED {
        let mut print = Command::new(programs.join(generated.program));
        let text = shell::read(print.args(generated.args).env_clear())?;
        if fs::read_to_string(generated.file).is_ok_and(|there| there == text) {
            println!("{} is fresh", generated.file);
        } else if check {
            stale.push(generated.file);
        } else {
            fs::write(generated.file, text)
                .with_context(|| format!("cannot write {}", generated.file))?;
            println!("{} was written", generated.file);
        }
    }
    Ok(stale)
}

fn compared(check: bool) -> Result<()> {
    for (target, tests) in COMPARED {
        let mut cargo =
            shell::cargo(["test", "--quiet", "--workspace", "--locked", "--test", target, "--"]);
        cargo.args(*tests).env_remove(BLESS);
        if !check {
            cargo.env(BLESS, "1");
        }
        shell::run(&mut cargo)?;
    }
    Ok(())
}
