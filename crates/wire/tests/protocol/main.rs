//! The protocol as its specification sees it: bytes, transcripts, documentation.

#[cfg(test)]
mod robustness;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod specification;
#[cfg(test)]
mod table;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod vectors;
