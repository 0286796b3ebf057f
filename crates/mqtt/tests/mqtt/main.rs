//! MQTT as its standards see it: statements byte by byte, conversations between a client and a
//! session, and packets that nobody thought of.

#[cfg(test)]
mod any;
#[cfg(test)]
mod life;
#[cfg(test)]
mod page;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod script;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod states;
#[cfg(test)]
mod transcripts;
