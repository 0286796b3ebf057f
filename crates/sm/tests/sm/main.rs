//! The SM over a real embedded store, seen from the peers that ask it.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod files;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod oversight;
#[cfg(test)]
mod paces;
#[cfg(test)]
mod people;
#[cfg(test)]
mod push;
#[cfg(test)]
mod support;
#[cfg(test)]
mod turned;
#[cfg(test)]
mod vetting;
#[cfg(test)]
mod windows;
#[cfg(test)]
mod words;
