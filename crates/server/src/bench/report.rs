//! What a run found: counts, latencies, cost. As a table for people or JSON for scripts.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::process::Usage;

/// Latencies above this are recorded as this.
const LONGEST: Duration = Duration::from_secs(120);

/// Latencies, in microseconds, exact to three digits.
pub(super) struct Latency(Histogram<u64>);

impl Latency {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, micros(LONGEST), 3)?))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(micros(latency).max(1));
    }

    /// Takes another's records, and leaves it empty.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        // Both have the same bounds, so this cannot fail.
        let _ = self.0.add(&other.0);
        other.0.reset();
    }

    pub(super) fn clear(&mut self) {
        self.0.reset();
    }

    /// The latency, in ms, that this share of the records does not exceed.
    fn quantile(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| round(to_f64(self.0.value_at_quantile(share)) / 1000.0))
    }
}

/// Everything that a run is asked to report. Keys are part of the command line's contract.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Report {
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    pub(super) ack_p50_ms: Option<f64>,
    pub(super) ack_p99_ms: Option<f64>,
    pub(super) ack_p999_ms: Option<f64>,
    pub(super) delivery_p50_ms: Option<f64>,
    pub(super) delivery_p99_ms: Option<f64>,
    pub(super) delivery_p999_ms: Option<f64>,
    pub(super) server_cpu_us_per_msg: Option<f64>,
    pub(super) server_rss_bytes: Option<u64>,
    /// What the server's memory would be worth a link, where links are what is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_rss_bytes_per_link: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_anon_bytes_per_link: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) links: Option<u64>,
    /// Answers that were refusals; such sends count as sent and not as acked.
    pub(super) refused: u64,
    /// Deliveries a second over the measured phase.
    pub(super) delivered_per_second: f64,
    pub(super) seconds: f64,
    /// The generator's own processor time: that it was not the bottleneck.
    pub(super) generator_cpu_us_per_msg: Option<f64>,
}

impl Report {
    /// Fills in what latencies say.
    pub(super) fn latencies(&mut self, ack: &Latency, delivery: &Latency) {
        self.ack_p50_ms = ack.quantile(0.5);
        self.ack_p99_ms = ack.quantile(0.99);
        self.ack_p999_ms = ack.quantile(0.999);
        self.delivery_p50_ms = delivery.quantile(0.5);
        self.delivery_p99_ms = delivery.quantile(0.99);
        self.delivery_p999_ms = delivery.quantile(0.999);
    }

    /// Fills in how long the measured phase took.
    pub(super) fn time(&mut self, took: Duration) {
        self.seconds = round(took.as_secs_f64());
        if !took.is_zero() {
            self.delivered_per_second = round(to_f64(self.delivered) / took.as_secs_f64());
        }
    }

    /// Fills in what the server used between two readings, per delivered message.
    pub(super) fn server(&mut self, before: Usage, after: Usage) {
        self.server_cpu_us_per_msg = per_message(before, after, self.delivered);
        self.server_rss_bytes = Some(after.rss);
    }

    /// Fills in what this process used.
    pub(super) fn generator(&mut self, before: Usage, after: Usage) {
        self.generator_cpu_us_per_msg = per_message(before, after, self.delivered);
    }

    /// Fills in what `links` idle links added to the server's memory.
    pub(super) fn memory(&mut self, before: Usage, after: Usage, links: u64) {
        let each = |before: u64, after: u64| {
            (links > 0).then(|| round((to_f64(after) - to_f64(before)) / to_f64(links)))
        };
        self.server_rss_bytes = Some(after.rss);
        self.server_rss_bytes_per_link = each(before.rss, after.rss);
        self.server_anon_bytes_per_link = each(before.anonymous, after.anonymous);
    }

    /// Whether every promise held: what was acknowledged arrived, once, in order.
    pub(super) fn is_sound(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.reordered == 0
    }

    /// The table that people read.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            text.push_str(&format!("{name:<22} {value}\n"));
        };
        if let Some(links) = self.links {
            row("links", links.to_string());
        }
        if self.sent > 0 {
            row("sent / acked", format!("{} / {}", self.sent, self.acked));
            row("delivered", format!("{}", self.delivered));
            row(
                "lost / dup / reordered",
                format!("{} / {} / {}", self.lost, self.duplicated, self.reordered),
            );
            if self.refused > 0 {
                row("refused", self.refused.to_string());
            }
            row(
                "rate",
                format!("{:.0} msg/s over {:.1} s", self.delivered_per_second, self.seconds),
            );
            let ms = |value: Option<f64>| value.map_or("–".to_owned(), |ms| format!("{ms:.2}"));
            let three = |a, b, c| format!("{} / {} / {} ms", ms(a), ms(b), ms(c));
            row("ack p50/p99/p99.9", three(self.ack_p50_ms, self.ack_p99_ms, self.ack_p999_ms));
            row(
                "delivery p50/p99/p99.9",
                three(self.delivery_p50_ms, self.delivery_p99_ms, self.delivery_p999_ms),
            );
        }
        if let Some(us) = self.server_cpu_us_per_msg {
            row("server CPU", format!("{us:.2} µs per delivered message"));
        }
        if let Some(us) = self.generator_cpu_us_per_msg {
            row("generator CPU", format!("{us:.2} µs per delivered message"));
        }
        if let Some(rss) = self.server_rss_bytes {
            row("server RSS", format!("{:.1} MiB", to_f64(rss) / f64::from(1 << 20)));
        }
        if let Some(each) = self.server_rss_bytes_per_link {
            let anon = self.server_anon_bytes_per_link.unwrap_or_default();
            row("server RSS per link", format!("{each:.0} B ({anon:.0} B anonymous)"));
        }
        text
    }
}

fn per_message(before: Usage, after: Usage, messages: u64) -> Option<f64> {
    let spent = after.cpu.saturating_sub(before.cpu);
    (messages > 0).then(|| round(to_f64(micros(spent)) / to_f64(messages)))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Three decimals are more than any of these measurements is worth.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes here are far below 2^52")]
fn to_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(cpu_ms: u64, rss: u64) -> Usage {
        Usage { cpu: Duration::from_millis(cpu_ms), rss, anonymous: rss / 2 }
    }

    #[test]
    fn cost_is_processor_time_over_delivered_messages() {
        let mut report = Report { sent: 1000, delivered: 1000, ..Report::default() };
        report.server(usage(500, 1), usage(515, 9));
        assert_eq!(report.server_cpu_us_per_msg, Some(15.0));
        assert_eq!(report.server_rss_bytes, Some(9));
        report.time(Duration::from_millis(500));
        assert_eq!(report.delivered_per_second, 2000.0);
    }

    #[test]
    fn memory_is_divided_by_the_links_that_it_was_spent_on() {
        let mut report = Report::default();
        report.memory(usage(0, 1_000_000), usage(0, 14_000_000), 10_000);
        assert_eq!(report.server_rss_bytes_per_link, Some(1300.0));
        assert_eq!(report.server_anon_bytes_per_link, Some(650.0));
    }

    #[test]
    fn quantiles_come_in_milliseconds() {
        let mut latency = Latency::new().unwrap();
        for ms in 1..=1000 {
            latency.record(Duration::from_millis(ms));
        }
        let mut report = Report::default();
        let mut whole = Latency::new().unwrap();
        whole.absorb(&mut latency);
        report.latencies(&whole, &latency);
        let near = |value: Option<f64>, ms: f64| (value.unwrap() - ms).abs() < ms * 0.002;
        assert!(near(report.ack_p50_ms, 500.0) && near(report.ack_p99_ms, 990.0), "{report:?}");
        assert_eq!(report.delivery_p50_ms, None, "it was emptied");
    }

    #[test]
    fn the_keys_of_the_json_are_the_promised_ones() {
        let json = serde_json::to_value(Report::default()).unwrap();
        for key in [
            "sent",
            "acked",
            "delivered",
            "lost",
            "duplicated",
            "reordered",
            "ack_p50_ms",
            "ack_p99_ms",
            "delivery_p50_ms",
            "delivery_p99_ms",
            "server_cpu_us_per_msg",
            "server_rss_bytes",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
    }
}
