//! Roles that find each other in Redis: nobody is told where an SM is, and it may come, drain and
//! die.

#![expect(clippy::unwrap_used, reason = "a test")]

use anser_store::backend::redis::{Directory, Part, Record};
use anser_testkit::{
    mariadb::MariaDb,
    real::{Build, Rest, Role, Server, binary},
    redis::{self, until},
};
use tempfile::TempDir;

async fn process(role: Role, dirs: &mut Vec<TempDir>, env: &[(&str, &str)]) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_role(role, &binary(Build::Plain).unwrap(), dir.path(), env).await;
    dirs.push(dir);
    server.unwrap()
}

/// Those of a part who are there.
async fn there(directory: &Directory, part: Part) -> Vec<Record> {
    let mut all = directory.all(part).await.unwrap_or_default();
    all.retain(|it| !it.gone);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn sms_are_found_when_they_come_and_left_when_they_go() {
    let mut dirs = Vec::new();
    let mariadb = MariaDb::shared().unwrap();
    let store = mariadb.database().unwrap();
    let redis = redis::Server::start(&[]).await.unwrap();
    let (routes, bucket) = (redis.url(), tempfile::tempdir().unwrap());
    let files = bucket.path().display().to_string();
    let env = [
        ("ANSER_STORE__URL", store.as_str()),
        ("ANSER_ROUTES__URL", &routes),
        ("ANSER_CLUSTER__DISCOVERY", "redis"),
        ("ANSER_FILES__URL", &files),
    ];
    // Whoever asks may come before whoever answers.
    let cm = process(Role::Cm, &mut dirs, &env).await;
    let web = process(Role::Web, &mut dirs, &env).await;
    let mut one = process(Role::Sm, &mut dirs, &env).await;
    let rest = Rest::new(web.http());
    until("an SM that is found", || async { rest.create_user("alice").await.is_ok() })
        .await
        .unwrap();
    let mut two = process(Role::Sm, &mut dirs, &env).await;

    let directory = Directory::open(&routes).await.unwrap();
    until("records of everybody", || async { there(&directory, Part::Sm).await.len() == 2 })
        .await
        .unwrap();
    let cms = there(&directory, Part::Cm).await;
    let address = cm.native().to_string();
    assert!(cms.iter().any(|it| it.address == address && !it.version.is_empty()), "{cms:?}");
    assert_eq!(there(&directory, Part::Web).await.len(), 1);

    // Whoever signs in is told of the CMs that there are: where they listen, or as one of them says.
    let own = [&env[..], &[("ANSER_CLUSTER__GATEWAYS", "tls://cm.example.org:7700")]].concat();
    let mut other = process(Role::Cm, &mut dirs, &own).await;
    let first = format!("tcp://{}", cm.native());
    let told = async || rest.gateways("alice").await.unwrap_or_default();
    let elsewhere = |told: &[String]| told.iter().any(|it| it == "tls://cm.example.org:7700");
    until("two CMs at sign-in", || async {
        let told = told().await;
        told.contains(&first) && elsewhere(&told)
    })
    .await
    .unwrap();
    other.stop().await.unwrap();
    until("one CM at sign-in", || async {
        let told = told().await;
        told.contains(&first) && !elsewhere(&told)
    })
    .await
    .unwrap();

    // One drains: it takes itself out before it ends.
    one.stop().await.unwrap();
    let left: Vec<_> = there(&directory, Part::Sm).await;
    assert_eq!(left.iter().map(|it| &it.address).collect::<Vec<_>>(), [&two.sm().to_string()]);
    until("going on with the other", || async { rest.create_user("bob").await.is_ok() })
        .await
        .unwrap();

    // Redis loses everything; whoever is there is asked on, and comes back by itself.
    redis.flush().await.unwrap();
    rest.create_user("carol").await.unwrap();
    until("records after a flush", || async { there(&directory, Part::Sm).await.len() == 1 })
        .await
        .unwrap();

    // It dies, and another comes at another place: the dead one's record ends with its lease.
    two.kill().await.unwrap();
    one.restart().await.unwrap();
    until("going on with the one that came", || async { rest.create_user("dave").await.is_ok() })
        .await
        .unwrap();
    let address = one.sm().to_string();
    until("the end of a lease", || async {
        let all = there(&directory, Part::Sm).await;
        all.len() == 1 && all.iter().all(|it| it.address == address)
    })
    .await
    .unwrap();
}
