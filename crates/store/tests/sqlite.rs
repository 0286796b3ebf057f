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
