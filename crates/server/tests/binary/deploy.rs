//! What `deploy/` has is what this binary takes: units whose commands it knows and which systemd
//! understands, and containers whose settings it reads.

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{FREE_PORTS, anser, run, text};

fn deploy(place: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(place)
}

/// The value behind `key=`.
fn value<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn units_run_what_there_is_and_drain_before_they_are_killed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut commands = Vec::new();
    for entry in std::fs::read_dir(deploy("systemd")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|it| it != "service") {
            continue;
        }
        let unit = std::fs::read_to_string(&file).unwrap();
        let [start] = value(&unit, "ExecStart")[..] else { panic!("{file:?}: one ExecStart") };
        let mut words = start.strip_prefix("/usr/bin/anser ").unwrap().split(' ');
        let command = words.next().unwrap();
        let help = text(&run(&[command, "--help"]).stdout);
        for flag in words.filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{command} has no {flag}: {help}");
        }
        commands.push(command.to_owned());
        let stop: u64 = value(&unit, "TimeoutStopSec")[0].trim_end_matches('s').parse().unwrap();
        assert!(stop >= 10, "twice what [limits] drain is by default");
        for hard in ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictNamespaces"] {
            assert_eq!(value(&unit, hard), ["true"], "{hard} in {file:?}");
        }
        assert_eq!(value(&unit, "Type"), ["notify"]);
        // The program is not installed where tests run.
        let copy = scratch.path().join(file.file_name().unwrap());
        std::fs::write(&copy, unit.replace("/usr/bin/anser", env!("CARGO_BIN_EXE_anser"))).unwrap();
        if let Ok(said) = Command::new("systemd-analyze").arg("verify").arg(&copy).output() {
            let said = [said.stdout, said.stderr].concat();
            let about = text(&said);
            assert!(!about.contains(&*copy.to_string_lossy()), "{about}");
        }
    }
    commands.sort();
    assert_eq!(commands, ["cm", "serve", "sm", "web"]);
}

#[test]
fn containers_are_given_settings_that_there_are() {
    let compose = std::fs::read_to_string(deploy("container/compose.yaml")).unwrap();
    let settings: Vec<(&str, String)> = compose
        .lines()
        .filter_map(|line| {
            let (key, value) = line.trim().split_once(": \"")?;
            let value = value.strip_suffix('"')?;
            // What the operator chooses; any text will do.
            let (before, after) = value.split_once("${").unwrap_or((value, ""));
            let after = after.split_once('}').map_or("", |(_, after)| after);
            key.starts_with("ANSER_").then(|| (key, format!("{before}{after}")))
        })
        .collect();
    assert!(settings.len() > 15, "{settings:?}");
    let checked = anser(&["config", "check"]).envs(settings.iter().cloned()).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    // A misspelt one would not pass.
    let wrong =
        anser(&["config", "check"]).env("ANSER_CLUSTER__DISCOVRY", "redis").output().unwrap();
    assert!(!wrong.status.success());
}

#[test]
fn systemd_is_told_when_it_is_up_and_when_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("notify");
    let socket = UnixDatagram::bind(&place).unwrap();
    let mut command = anser(&["serve", "--data-dir", dir.path().join("data").to_str().unwrap()]);
    let mut child = command
        .args(FREE_PORTS)
        .env("NOTIFY_SOCKET", &place)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut heard = [0; 64];
    let mut next = || {
        let length = socket.recv(&mut heard).unwrap();
        text(&heard[..length])
    };
    assert_eq!(next(), "READY=1");
    assert!(dir.path().join("data/listen.json").exists());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(next(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
}
