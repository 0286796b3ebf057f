//! Zipf's law: a few conversations are busy and most are quiet, the r-th getting a share
//! proportional to 1/r.

use rand::{Rng, RngExt};

/// Ranks `0..n`, the lower the likelier.
pub(super) struct Zipf {
    /// `cumulative[r]`: the weight of ranks up to and including `r`.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// A law over `n` ranks, at least one.
    pub(super) fn new(n: usize) -> Self {
        let mut sum = 0.0;
        let weights = (1..=n.max(1)).map(|rank| {
            #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
            let weight = 1.0 / rank as f64;
            sum += weight;
            sum
        });
        Self { cumulative: weights.collect() }
    }

    /// One rank.
    pub(super) fn pick(&self, rng: &mut impl Rng) -> usize {
        let Some(total) = self.cumulative.last().filter(|_| self.cumulative.len() > 1) else {
            return 0;
        };
        let at = rng.random::<f64>() * total;
        self.cumulative.partition_point(|sum| *sum <= at).min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn shares_fall_with_the_rank() {
        let zipf = Zipf::new(1000);
        let mut rng = rand::rngs::SmallRng::seed_from_u64(7);
        let mut counts = vec![0_u32; 1000];
        for _ in 0..100_000 {
            counts[zipf.pick(&mut rng)] += 1;
        }
        // H(1000) is about 7.49: the first rank gets 13.4 %, the second half of that.
        assert!((12_500..14_300).contains(&counts[0]), "{}", counts[0]);
        assert!((6_200..7_200).contains(&counts[1]), "{}", counts[1]);
        assert!(counts[999] < 40);
    }

    #[test]
    fn one_rank_is_always_picked() {
        let mut rng = rand::rngs::SmallRng::seed_from_u64(7);
        assert_eq!(Zipf::new(1).pick(&mut rng), 0);
        assert_eq!(Zipf::new(0).pick(&mut rng), 0);
    }
}
