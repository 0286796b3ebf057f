//! The protocol as its specification sees it: bytes, transcripts, documentation.

mod robustness;
mod runner;
mod table;
mod transcripts;
mod vectors;
