//! What can be wrong at a start: one line each that says what, and how to mend it.

use std::{
    io::{Seek as _, SeekFrom, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{FREE_PORTS, Rest, Server, complaint, run};

/// What a server on `dir` complains about.
fn told(dir: &Path, more: &[&str]) -> String {
    let dir = dir.to_str().unwrap();
    let args = [&["serve", "--data-dir", dir], &FREE_PORTS[..], more].concat();
    complaint(&run(&args))
}

#[test]
fn a_port_that_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    for name in ["http", "native", "admin"] {
        let flag = format!("--listen-{name}");
        let mut args = ["serve", "--data-dir", dir.path().to_str().unwrap()].to_vec();
        args.extend(FREE_PORTS);
        let at = args.iter().position(|arg| *arg == flag).unwrap();
        args[at + 1] = &address;
        let told = complaint(&run(&args));
        assert!(told.contains(&address) && told.contains(&flag), "{told}");
    }
}

#[test]
fn two_servers_on_one_port_with_a_database_each() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(one.path(), &[]);
    let address = server.address("native");
    let args = ["serve", "--data-dir", two.path().to_str().unwrap(), "--listen-native", address];
    assert!(complaint(&run(&args)).contains("another program has that port"));
}

#[test]
fn another_server_on_the_same_directory() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let told = told(dir.path(), &[]);
    assert!(told.contains("another server (process ") && told.contains("--data-dir"), "{told}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_data_directory_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    // Root may write everywhere, but nobody makes a directory of a file.
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let told = told(&file, &[]);
    assert!(told.contains("cannot write to the data directory"), "{told}");
    assert!(told.contains("--data-dir"), "{told}");
}

#[test]
fn a_database_that_is_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("anser.db"), "not a database, ".repeat(1000)).unwrap();
    let told = told(dir.path(), &[]);
    assert!(told.contains("anser.db is damaged or not a database"), "{told}");
    assert!(told.contains("restore it from a backup"), "{told}");
}

#[test]
fn a_database_of_a_newer_version() {
    /// <https://sqlite.org/fileformat2.html>: the user version, which holds our layout's number.
    const USER_VERSION: SeekFrom = SeekFrom::Start(60);
    let dir = tempfile::tempdir().unwrap();
    Server::start(dir.path(), &[]).stop();
    let database = dir.path().join("anser.db");
    let mut file = std::fs::OpenOptions::new().write(true).open(&database).unwrap();
    file.seek(USER_VERSION).unwrap();
    file.write_all(&9999_u32.to_be_bytes()).unwrap();
    let before = std::fs::read(&database).unwrap();
    let told = told(dir.path(), &[]);
    assert!(told.contains("written by a newer anser (layout 9999"), "{told}");
    assert_eq!(std::fs::read(&database).unwrap(), before, "nothing was changed");
}

#[test]
fn a_certificate_that_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, "nothing").unwrap();
    std::fs::write(&key, "nothing").unwrap();
    let config = dir.path().join("anser.toml");
    std::fs::write(&config, format!("[tls]\ncert = {cert:?}\nkey = {key:?}\n")).unwrap();
    let told = told(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    assert!(told.contains("cert.pem") && told.contains("[tls]"), "{told}");
}

#[test]
fn a_listener_for_everyone_without_a_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let args = ["serve", "--data-dir", data, "--listen-native", "0.0.0.0:0"];
    let told = complaint(&run(&args));
    assert!(told.starts_with("anser: --listen-native: [listen] native: other machines"), "{told}");
}

#[test]
fn playing_with_people_who_exist() {
    let dir = tempfile::tempdir().unwrap();
    Server::start(dir.path(), &["--demo"]).stop();
    std::fs::remove_file(dir.path().join("demo.json")).unwrap();
    let told = told(dir.path(), &["--demo"]);
    assert!(told.contains("there is one already"), "{told}");
}

/// A file system of its own, so small that it fills up. Making one takes root.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Fails where it cannot be made: a test that did not look must not pass.
    fn new(at: &Path, size: &str) -> Self {
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|done| done.status.success());
        assert!(mounted, "a disk that fills up is a tmpfs, which only root may mount: run as root");
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    for size in ["16k", "64k", "128k"] {
        let disk = SmallDisk::new(dir.path(), size);
        let told = told(&disk.0.join("data"), &["--demo"]);
        assert!(told.contains("free some space"), "{size}: {told}");
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_and_is_emptied_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::new(dir.path(), "8m");
    let server = Server::start(&disk.0.join("data"), &["--demo"]);
    let alice = Rest::login(&server, "alice", &server.demo_password("alice")).await;
    alice.send("u:bob", "before").await;

    let ballast = disk.0.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    let words = "x".repeat(15_000);
    let mut stored = 1;
    let refused = loop {
        let answer = alice.try_send("u:bob", &words).await;
        if !answer.status().is_success() {
            break answer;
        }
        stored += 1;
        assert!(stored < 1000, "the disk is full and messages are taken all the same");
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"), "worth another try");
    server.ready_answers(503).await;

    std::fs::remove_file(&ballast).unwrap();
    drop(file);
    let seq = alice.send("u:bob", "after").await;
    assert_eq!(seq, stored + 1, "what was refused took no place in the log");
    server.ready_answers(200).await;
    assert_eq!(server.stop().code(), Some(0));

    let server = Server::start(&disk.0.join("data"), &[]);
    let bob = Rest::login(&server, "bob", &server.demo_password("bob")).await;
    let texts = bob.texts("u:alice").await;
    assert_eq!(texts.len() as u64, seq);
    assert_eq!(texts.last().map(String::as_str), Some("after"));
}

#[tokio::test]
async fn a_disk_for_files_that_fills_up_and_is_emptied_again() {
    const SIZE: usize = 4 << 20;
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::new(dir.path(), "12m");
    let data = tempfile::tempdir().unwrap();
    let files = disk.0.join("files");
    let config = data.path().join("anser.toml");
    std::fs::write(&config, format!("[files]\nurl = {files:?}\n")).unwrap();
    let config = config.to_str().unwrap();
    let server = Server::start(&data.path().join("data"), &["--demo", "--config", config]);
    let alice = Rest::login(&server, "alice", &server.demo_password("alice")).await;
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![0; 9 << 20]).unwrap();

    let described = serde_json::json!({"name": "goose.bin", "size": SIZE});
    let file = alice.post("/v1/files", described).await["id"].as_str().unwrap().to_owned();
    let bytes: Vec<u8> = (0..SIZE).map(|n| (n % 251) as u8).collect();
    let full = alice.patch_file(&file, 0, &bytes).await;
    assert_eq!(full.status(), 507);
    let problem: serde_json::Value = full.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/storage-full", "{problem}");
    // Messages are somewhere else, and go on.
    alice.send("u:bob", "meanwhile").await;

    std::fs::remove_file(&ballast).unwrap();
    let at = alice.file_offset(&file).await;
    assert!(at > 0 && at < SIZE, "what arrived before is kept: {at}");
    let done = alice.patch_file(&file, at, &bytes[at..]).await;
    assert_eq!(done.status(), 200);
    assert!(alice.file(&file).await == bytes);
    assert_eq!(server.stop().code(), Some(0));
}
