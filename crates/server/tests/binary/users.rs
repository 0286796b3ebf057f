//! `anser user`, with and without a server.

use std::path::Path;

use crate::support::{Rest, Server, complaint, run, run_with_input, text};

fn user(dir: &Path, args: &[&str], password: &str) -> std::process::Output {
    let dir = dir.to_str().unwrap();
    let args = [&["user"], args, &["--data-dir", dir]].concat();
    run_with_input(&args, &format!("{password}\n"))
}

#[tokio::test]
async fn a_user_made_while_the_server_runs_logs_in() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let made = user(dir.path(), &["add", "Dora", "--password-stdin"], "correct horse");
    assert_eq!(text(&made.stdout), "Made dora.\n", "{}", text(&made.stderr));
    let dora = Rest::login(&server, "dora", "correct horse").await;
    assert_eq!(dora.get("/v1/me").await["user"], "dora");

    let again = user(dir.path(), &["add", "dora", "--password-stdin"], "correct horse");
    assert!(complaint(&again).contains("dora exists; `anser user passwd dora`"));
}

#[tokio::test]
async fn who_is_shut_out_cannot_log_in_until_let_in_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    user(dir.path(), &["add", "dora", "--password-stdin"], "correct horse");
    assert!(user(dir.path(), &["disable", "dora"], "").status.success());
    assert_eq!(Rest::try_login(&server, "dora", "correct horse").await.status(), 403);
    assert!(user(dir.path(), &["enable", "dora"], "").status.success());
    assert_eq!(Rest::try_login(&server, "dora", "correct horse").await.status(), 200);

    assert!(
        user(dir.path(), &["passwd", "dora", "--password-stdin"], "battery staple")
            .status
            .success()
    );
    assert_eq!(Rest::try_login(&server, "dora", "correct horse").await.status(), 401);
    assert_eq!(Rest::try_login(&server, "dora", "battery staple").await.status(), 200);
}

#[test]
fn users_are_listed_with_their_standing() {
    let dir = tempfile::tempdir().unwrap();
    Server::start(dir.path(), &[]).stop();
    user(dir.path(), &["add", "dora", "--admin", "--password-stdin"], "correct horse");
    user(
        dir.path(),
        &["add", "eve", "--display-name", "Eve E.", "--password-stdin"],
        "correct horse",
    );
    user(dir.path(), &["disable", "eve"], "");
    assert_eq!(
        text(&user(dir.path(), &["list"], "").stdout),
        "NAME  ROLE   STATE     DISPLAY NAME\n\
         dora  admin  active\n\
         eve   user   disabled  Eve E.\n"
    );
}

#[test]
fn mistakes_are_told_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere");
    let told = complaint(&run(&["user", "list", "--data-dir", nowhere.to_str().unwrap()]));
    assert!(told.contains("there is no database at") && told.contains("anser serve"), "{told}");
    assert!(!nowhere.exists(), "nothing was made");

    Server::start(dir.path(), &[]).stop();
    let told = complaint(&user(dir.path(), &["add", "a b", "--password-stdin"], "correct horse"));
    assert!(told.contains("\"a b\" is no user name"), "{told}");
    let told = complaint(&user(dir.path(), &["add", "dora", "--password-stdin"], "short"));
    assert!(told.contains("at least 8 characters"), "{told}");
    let told = complaint(&user(dir.path(), &["passwd", "nobody", "--password-stdin"], "x"));
    assert!(told.contains("there is no user nobody"), "{told}");
}
