//! The link map in memory passes the suite of the live port.

use std::sync::Arc;

use anser_store::{Routes, backend::memory::MemoryRoutes, conformance::RoutesRig};
use async_trait::async_trait;

struct Rig(Arc<MemoryRoutes>);

#[async_trait]
impl RoutesRig for Rig {
    async fn open(&self) -> Arc<dyn Routes> {
        Arc::clone(&self.0) as Arc<dyn Routes>
    }

    async fn flush(&self) {
        self.0.flush();
    }
}

anser_store::routes_suite!(Rig(Arc::new(MemoryRoutes::new())));
