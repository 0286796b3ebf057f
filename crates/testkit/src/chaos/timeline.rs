//! What happened when, for a reader.

use tokio::time::Instant;

/// A teller with a watch.
pub struct Timeline<S> {
    began: Instant,
    say: S,
}

impl<S: Fn(&str)> Timeline<S> {
    /// Time begins now.
    pub fn new(say: S) -> Self {
        Self { began: Instant::now(), say }
    }

    /// Tells `what`, with the seconds since the beginning.
    pub fn say(&mut self, what: &str) {
        (self.say)(&format!("{:7.2}  {what}", self.began.elapsed().as_secs_f64()));
    }
}
