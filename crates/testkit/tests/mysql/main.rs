//! The store in MySQL, on a private MariaDB: it passes the suite of the durable port, and several
//! processes share it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking")]

mod layout;
mod shared;

use std::sync::{Arc, OnceLock};

use anser_domain::Clock;
use anser_store::{Store, conformance::StoreRig};
use anser_testkit::mariadb::MariaDb;
use async_trait::async_trait;

#[derive(Default)]
struct Rig(OnceLock<(Arc<MariaDb>, String)>);

impl Rig {
    fn database(&self) -> &(Arc<MariaDb>, String) {
        self.0.get_or_init(|| {
            let server = MariaDb::shared().unwrap();
            let url = server.database().unwrap();
            (server, url)
        })
    }
}

#[async_trait]
impl StoreRig for Rig {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        anser_store::open(&self.database().1, clock).await.unwrap()
    }
}

anser_store::store_suite!(Rig::default());
