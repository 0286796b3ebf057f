//! `anser config` and `anser completions`.

use crate::support::{complaint, run, text};

#[test]
fn the_default_file_passes_its_own_check() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("anser.toml");
    let printed = run(&["config", "default"]);
    assert!(printed.status.success());
    std::fs::write(&file, &printed.stdout).unwrap();
    let checked = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stdout), "The settings are right.\n");
}

#[test]
fn a_wrong_key_is_told_with_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("anser.toml");
    std::fs::write(&file, "# mine\n[listen]\nhtpp = \"127.0.0.1:1\"\n").unwrap();
    let file = file.to_str().unwrap();
    let said = format!("anser: {file}:3:1: [listen] htpp: no such key; did you mean http?");
    assert_eq!(complaint(&run(&["config", "check", "--config", file])), said);
    assert_eq!(complaint(&run(&["serve", "--config", file])), said);
}

#[test]
fn the_printed_documentation_is_the_default_file() {
    let printed = text(&run(&["config", "default"]).stdout);
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/default.toml");
    let fresh = std::fs::read_to_string(book).unwrap() == printed;
    assert!(fresh, "stale; write it anew with `anser config default > docs/src/default.toml`");
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let printed = run(&["completions", shell]);
        assert!(printed.status.success());
        assert!(text(&printed.stdout).contains("password-stdin"), "{shell}");
    }
}

#[test]
fn help_is_there_for_every_command() {
    for command in [
        "serve",
        "cluster",
        "cm",
        "sm",
        "web",
        "user",
        "chat",
        "send",
        "bench",
        "config",
        "completions",
    ] {
        let printed = run(&[command, "--help"]);
        assert!(printed.status.success(), "{command}");
        assert!(text(&printed.stdout).contains("Usage: anser "), "{command}");
    }
}
