//! Every metric of the REST tier, by name.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// Counts of requests. Clones share their numbers.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    /// `anser_http_requests_total`, by route, method and status.
    pub(crate) requests: Family<RequestLabels, Counter>,
    /// `anser_http_request_seconds`, by route.
    pub(crate) seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// `anser_http_requests_in_flight`.
    pub(crate) in_flight: Gauge,
    files: FileMetrics,
}

/// Counts of files' bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileMetrics {
    /// `anser_file_bytes_in_total`.
    pub(crate) bytes_in: Counter,
    /// `anser_file_bytes_out_total`.
    pub(crate) bytes_out: Counter,
}

/// Routes are templates such as `/v1/users/{user}`, never what callers typed, so that there are
/// only as many series as routes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) route: String,
    pub(crate) method: String,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RouteLabels {
    pub(crate) route: String,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            // 0.5 ms to 16 s: from an answer out of memory to beyond the deadline.
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.0005, 2.0, 16))
            }),
            in_flight: Gauge::default(),
            files: FileMetrics::default(),
        }
    }
}

impl HttpMetrics {
    /// Makes the numbers part of what `/metrics` shows.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "anser_http_requests",
            "Requests answered, by route template, method and status",
            self.requests.clone(),
        );
        registry.register(
            "anser_http_request_seconds",
            "Time from a request's head to its answer's head",
            self.seconds.clone(),
        );
        registry.register(
            "anser_http_requests_in_flight",
            "Requests being worked on",
            self.in_flight.clone(),
        );
        registry.register(
            "anser_file_bytes_in",
            "Bytes of files stored",
            self.files.bytes_in.clone(),
        );
        registry.register(
            "anser_file_bytes_out",
            "Bytes of files and thumbnails sent",
            self.files.bytes_out.clone(),
        );
    }

    pub(crate) fn files(&self) -> FileMetrics {
        self.files.clone()
    }
}
