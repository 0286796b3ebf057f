//! What is kept in memory: the link map of a server that is one process.

mod routes;

pub use routes::MemoryRoutes;
