//! Running other programs from the workspace's root.

use std::{
    collections::VecDeque,
    env,
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Makes the workspace's root the current directory, from wherever in it the task was started.
pub(crate) fn enter_root() -> Result<()> {
    let here = env::current_dir().context("cannot tell the current directory")?;
    // CARGO_MANIFEST_DIR is <root>/xtask when cargo runs us; a copied binary looks upwards.
    let from = env::var_os("CARGO_MANIFEST_DIR").map_or(here, PathBuf::from);
    let root = from
        .ancestors()
        .find(|dir| dir.join("xtask/Cargo.toml").is_file() && dir.join("Cargo.lock").is_file())
        .with_context(|| format!("{} is not inside Anser's workspace", from.display()))?;
    env::set_current_dir(root).with_context(|| format!("cannot enter {}", root.display()))
}

/// `cargo` with these arguments. The one that started us, so that the toolchain is the same.
pub(crate) fn cargo<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(args: I) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Runs a program to its end, its output going to the terminal. Fails unless it exits 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    say(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", name(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

/// Runs a program, shows each line of its standard output as it comes, and hands it to `each`.
/// Answers whether it exited 0.
pub(crate) fn watch(command: &mut Command, mut each: impl FnMut(&str)) -> Result<bool> {
    say(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", name(command)))?;
    let out = child.stdout.take().context("no standard output")?;
    for line in BufReader::new(out).split(b'\n') {
        let line = line.with_context(|| format!("cannot read from {}", name(command)))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        each(&line);
    }
    Ok(child.wait()?.success())
}

/// Runs a talkative program to its end. Of what it writes to standard error only the lines that
/// `tells` picks are shown, unless it fails: then all of the last ones are.
pub(crate) fn run_terse(command: &mut Command, tells: impl Fn(&str) -> bool) -> Result<()> {
    const LAST: usize = 80;
    say(command);
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", name(command)))?;
    let err = child.stderr.take().context("no standard error")?;
    let mut last = VecDeque::with_capacity(LAST);
    for line in BufReader::new(err).split(b'\n') {
        let line = line.with_context(|| format!("cannot read from {}", name(command)))?;
        let line = String::from_utf8_lossy(&line).into_owned();
        if tells(&line) {
            println!("{line}");
        }
        if last.len() == LAST {
            last.pop_front();
        }
        last.push_back(line);
    }
    let status = child.wait()?;
    if !status.success() {
        last.iter().for_each(|line| println!("{line}"));
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

/// Runs a program quietly and answers what it wrote to standard output.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", name(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}", name(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} wrote no UTF-8", name(command)))
}

/// Whether a program of this name is on the PATH.
pub(crate) fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Builds every program. The whole workspace at once and its examples too, so that the features of
/// dependencies, and with them what was built already, are those of the tests.
pub(crate) fn build() -> Result<()> {
    run(&mut cargo(["build", "--workspace", "--locked", "--bins", "--examples"]))
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let text = read(&mut cargo(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let dir = metadata.get("target_directory").and_then(|dir| dir.as_str());
    Ok(Path::new(dir.context("cargo metadata names no target directory")?).to_path_buf())
}

fn say(command: &Command) {
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    println!("$ {} {}", name(command), args.join(" "));
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
