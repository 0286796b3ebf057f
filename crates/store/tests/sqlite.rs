//! The embedded store passes the suite of the durable port.
#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::sync::Arc;

use anser_domain::Clock;
use anser_store::{Store, conformance::StoreRig};
use async_trait::async_trait;

struct Rig(tempfile::TempDir);

#[async_trait]
impl StoreRig for Rig {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let url = format!("sqlite:{}", self.0.path().join("anser.db").display());
        anser_store::open(&url, clock).await.unwrap()
    }
}

fn rig() -> Rig {
    Rig(tempfile::tempdir().unwrap())
}

anser_store::store_suite!(rig());

/// A suite that would pass with a fault in the store is no suite.
#[cfg(feature = "planted")]
#[test]
fn the_suite_finds_every_planted_fault() {
    let finds = |fault: &str, test: &str| {
        let suite = std::env::current_exe().unwrap();
        let run = std::process::Command::new(suite)
            .args(["--exact", test])
            .env("ANSER_PLANT", fault)
            .output()
            .unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        assert!(said.contains("running 1 test"), "{said}");
        !run.status.success()
    };
    for (fault, test) in [
        ("ack-before-commit", "pages_follow_one_another_without_a_gap"),
        ("no-dedupe", "a_retry_gets_the_first_answer"),
        ("seq-outside-tx", "everything_is_there_after_reopening"),
        ("cursor-ahead", "delivered_moves_forward_only"),
    ] {
        assert!(!finds("none", test), "{test} passes without a fault");
        assert!(finds(fault, test), "{test} finds {fault}");
    }
}
