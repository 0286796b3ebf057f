//! The ladder of crates: who may use whom.

use std::fmt;

use super::workspace::{DependencyKind, Package};

/// One crate's place.
struct Rung {
    /// The crate, without the `anser-` in front.
    name: &'static str,
    /// How high it stands. A crate uses only crates below it, never sideways.
    floor: u8,
    /// The crates it may use: fewer than stand below it where a boundary is the point.
    uses: &'static [&'static str],
}

/// The whole ladder, with the rungs that are to come.
const LADDER: &[Rung] = &[
    Rung { name: "domain", floor: 0, uses: &[] },
    Rung { name: "topics", floor: 0, uses: &[] },
    Rung { name: "pace", floor: 1, uses: &["domain"] },
    Rung { name: "wire", floor: 1, uses: &["domain"] },
    Rung { name: "mqtt", floor: 1, uses: &["topics", "domain"] },
    Rung { name: "xmpp", floor: 1, uses: &["domain"] },
    Rung { name: "store", floor: 1, uses: &["domain"] },
    Rung { name: "blobs", floor: 1, uses: &["domain"] },
    Rung { name: "sm", floor: 2, uses: &["store", "topics", "pace", "domain"] },
    Rung { name: "client", floor: 3, uses: &["wire", "domain"] },
    Rung { name: "egress", floor: 3, uses: &["domain"] },
    Rung { name: "rpc", floor: 3, uses: &["domain"] },
    Rung { name: "web", floor: 3, uses: &["blobs", "pace", "domain"] },
    Rung { name: "cm", floor: 3, uses: &["xmpp", "mqtt", "wire", "topics", "pace", "domain"] },
    Rung {
        name: "server",
        floor: 4,
        uses: &[
            "client", "egress", "rpc", "web", "cm", "sm", "blobs", "store", "xmpp", "mqtt", "wire",
            "topics", "pace", "domain",
        ],
    },
    // Beside the ladder: it puts everything together to test it, and only tests may use it.
    Rung {
        name: TESTKIT,
        floor: 5,
        uses: &[
            "server", "client", "egress", "rpc", "web", "cm", "sm", "blobs", "store", "xmpp",
            "mqtt", "wire", "topics", "pace", "domain",
        ],
    },
];

const TESTKIT: &str = "testkit";

/// Names that promise nothing, and so collect everything.
pub(super) const VAGUE: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Folder { package: String, folder: String },
    Vague { package: String },
    NoRung { package: String },
    MayNotUse { package: String, dependency: String, kind: DependencyKind },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { package, folder } => {
                write!(f, "crates/{folder}: the package is called {package}, not anser-{folder}")
            }
            Self::Vague { package } => write!(f, "{package}: say what the crate is for"),
            Self::NoRung { package } => {
                write!(f, "{package}: has no rung in xtask/src/tidy/ladder.rs")
            }
            Self::MayNotUse { package, dependency, kind } => {
                write!(f, "{package}: may not use {dependency} {kind}")
            }
        }
    }
}

/// Holds the packages against the ladder.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(check_package).map(|finding| finding.to_string()).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(folder) = &package.crate_folder else {
        // The task runner: beside the workspace, and using nothing of it.
        for (dependency, kind) in ours(package) {
            findings.push(Finding::MayNotUse {
                package: package.name.clone(),
                dependency: format!("anser-{dependency}"),
                kind,
            });
        }
        return findings;
    };
    if package.name != format!("anser-{folder}") {
        findings.push(Finding::Folder { package: package.name.clone(), folder: folder.clone() });
    }
    if VAGUE.contains(&folder.as_str()) {
        findings.push(Finding::Vague { package: package.name.clone() });
        return findings;
    }
    let Some(rung) = rung(folder) else {
        findings.push(Finding::NoRung { package: package.name.clone() });
        return findings;
    };
    for (dependency, kind) in ours(package) {
        if !may_use(rung, dependency, kind) {
            findings.push(Finding::MayNotUse {
                package: package.name.clone(),
                dependency: format!("anser-{dependency}"),
                kind,
            });
        }
    }
    findings
}

/// Tests may reach down past a boundary, and use the testkit; nothing else may.
fn may_use(user: &Rung, dependency: &str, kind: DependencyKind) -> bool {
    match kind {
        DependencyKind::Normal | DependencyKind::Build => user.uses.contains(&dependency),
        DependencyKind::Dev => {
            dependency == TESTKIT
                || dependency == user.name
                || rung(dependency).is_some_and(|rung| rung.floor < user.floor)
        }
    }
}

fn rung(name: &str) -> Option<&'static Rung> {
    LADDER.iter().find(|rung| rung.name == name)
}

fn ours(package: &Package) -> impl Iterator<Item = (&str, DependencyKind)> {
    package
        .dependencies
        .iter()
        .filter_map(|(name, kind)| Some((name.strip_prefix("anser-")?, *kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, dependencies: &[(&str, DependencyKind)]) -> Package {
        Package {
            name: format!("anser-{folder}"),
            manifest: format!("crates/{folder}/Cargo.toml").into(),
            crate_folder: Some(folder.to_owned()),
            dependencies: dependencies.iter().map(|(n, k)| ((*n).to_owned(), *k)).collect(),
        }
    }

    #[test]
    fn the_table_itself_only_points_down() {
        for user in LADDER {
            for name in user.uses {
                let used = rung(name).unwrap();
                assert!(used.floor < user.floor, "{} → {name}", user.name);
            }
        }
    }

    #[test]
    fn a_crate_that_keeps_to_the_ladder_passes() {
        use DependencyKind::{Dev, Normal};
        let good = [
            package("wire", &[("anser-domain", Normal), ("bytes", Normal)]),
            package("sm", &[("anser-store", Normal), ("anser-testkit", Dev)]),
            package("web", &[("anser-domain", Normal), ("anser-sm", Dev)]),
            package("testkit", &[("anser-sm", Normal), ("anser-cm", Normal)]),
        ];
        assert_eq!(check(&good), Vec::<String>::new());
    }

    #[test]
    fn upward_sideways_and_forbidden_uses_are_found() {
        use DependencyKind::{Build, Dev, Normal};
        for (user, used, kind) in [
            ("domain", "anser-store", Normal),
            ("wire", "anser-store", Normal),
            ("store", "anser-sm", Normal),
            ("cm", "anser-sm", Normal),
            ("web", "anser-store", Normal),
            ("web", "anser-store", Build),
            ("store", "anser-sm", Dev),
            ("web", "anser-cm", Dev),
            ("sm", "anser-testkit", Normal),
            ("server", "anser-testkit", Normal),
        ] {
            let findings = check_package(&package(user, &[(used, kind)]));
            assert!(
                matches!(findings.as_slice(), [Finding::MayNotUse { .. }]),
                "{user} → {used}: {findings:?}"
            );
        }
    }

    #[test]
    fn misnamed_vague_and_unknown_crates_are_found() {
        let mut misnamed = package("wire", &[]);
        misnamed.name = "anser-native".to_owned();
        assert!(matches!(check_package(&misnamed).as_slice(), [Finding::Folder { .. }]));
        assert!(matches!(
            check_package(&package("common", &[])).as_slice(),
            [Finding::Vague { .. }]
        ));
        assert!(matches!(
            check_package(&package("bosh", &[])).as_slice(),
            [Finding::NoRung { .. }]
        ));
    }

    #[test]
    fn the_task_runner_uses_no_crate_of_ours() {
        let mut runner = package("xtask", &[("anser-domain", DependencyKind::Normal)]);
        runner.crate_folder = None;
        assert_eq!(check_package(&runner).len(), 1);
    }
}
