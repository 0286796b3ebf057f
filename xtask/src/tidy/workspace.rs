//! What there is to check: the packages, as cargo sees them, and the files.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// A package of the workspace.
#[derive(Clone, Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest: PathBuf,
    /// Its folder's name, if that is right under `crates/`.
    pub(super) crate_folder: Option<String>,
    /// Names of the packages it uses, and for what.
    pub(super) dependencies: Vec<(String, DependencyKind)>,
}

/// What a dependency is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DependencyKind {
    Normal,
    Build,
    Dev,
}

impl fmt::Display for DependencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "at all",
            Self::Build => "in its build script",
            Self::Dev => "in its tests",
        })
    }
}

/// A text file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// From the root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// The workspace's packages.
pub(super) fn packages() -> Result<Vec<Package>> {
    let text = shell::read(&mut shell::cargo(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages.context("cargo metadata lists no packages")?.iter().map(package).collect()
}

fn package(value: &Value) -> Result<Package> {
    let name = text(value, "name")?;
    let manifest = PathBuf::from(text(value, "manifest_path")?);
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let under_crates = folder.parent().is_some_and(|parent| parent.ends_with("crates"));
    let folder_name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let dependencies = value.get("dependencies").and_then(Value::as_array);
    let dependencies = dependencies
        .context("a package without dependencies")?
        .iter()
        .map(|dependency| {
            let kind = match dependency.get("kind").and_then(Value::as_str) {
                None => DependencyKind::Normal,
                Some("dev") => DependencyKind::Dev,
                Some(_) => DependencyKind::Build,
            };
            Ok((text(dependency, "name")?, kind))
        })
        .collect::<Result<_>>()?;
    Ok(Package { name, crate_folder: folder_name.filter(|_| under_crates), manifest, dependencies })
}

fn text(value: &Value, key: &str) -> Result<String> {
    let text = value.get(key).and_then(Value::as_str);
    Ok(text.with_context(|| format!("cargo metadata without {key}"))?.to_owned())
}

/// Every package takes the workspace's lints.
pub(super) fn check_lints(packages: &[Package]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = fs::read_to_string(&package.manifest)?;
        if !manifest.contains("[lints]\nworkspace = true") {
            findings.push(format!("{}: does not take the workspace's lints", package.name));
        }
    }
    Ok(findings)
}

/// Every file with this extension under the given folders, in order.
pub(super) fn files(folders: &[&str], extension: &str) -> Result<Vec<File>> {
    let mut found = Vec::new();
    for folder in folders {
        if Path::new(folder).is_dir() {
            walk(Path::new(folder), extension, &mut found)?;
        }
    }
    found.sort_by(|a: &File, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(folder: &Path, extension: &str, found: &mut Vec<File>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            // What was built, downloaded or hidden is not ours.
            if !name.starts_with('.') && !["target", "node_modules", "book"].contains(&&*name) {
                walk(&path, extension, found)?;
            }
        } else if path.extension().is_some_and(|it| it == extension) {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let path = path.strip_prefix("./").unwrap_or(&path).to_string_lossy().into_owned();
            found.push(File { path, text });
        }
    }
    Ok(())
}
