//! How long things took: counts by upper bounds, and the sum.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::text::Text;

/// Upper bounds of the buckets, in microseconds; what is slower counts in the last, open one.
const BUCKETS_MICROS: [u64; 12] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

/// Times, counted without a lock.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    micros: AtomicU64,
    buckets: [AtomicU64; BUCKETS_MICROS.len() + 1],
}

impl Histogram {
    /// Counts one more. A time that is a bound counts below it.
    pub(crate) fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MICROS.partition_point(|bound| *bound < micros);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Histograms of several cores, added up at one moment: its buckets and its count agree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    micros: u64,
    buckets: [u64; BUCKETS_MICROS.len() + 1],
}

impl Added {
    pub(super) fn of<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Self {
        let mut added = Self::default();
        for histogram in histograms {
            added.micros += histogram.micros.load(Ordering::Relaxed);
            for (sum, bucket) in added.buckets.iter_mut().zip(&histogram.buckets) {
                *sum += bucket.load(Ordering::Relaxed);
            }
        }
        added
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The samples of one series.
    pub(super) fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        let bucket_name = format!("{name}_bucket");
        let mut below = 0;
        let bounds = BUCKETS_MICROS
            .iter()
            .map(|bound| seconds(*bound).to_string());
        let bounds = bounds.chain(["+Inf".to_owned()]);
        for (bound, bucket) in bounds.zip(self.buckets) {
            below += bucket;
            let labels: Vec<_> = labels.iter().copied().chain([("le", &*bound)]).collect();
            text.sample(&bucket_name, &labels, below);
        }
        text.sample(&format!("{name}_sum"), labels, seconds(self.micros));
        text.sample(&format!("{name}_count"), labels, below);
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_below_their_bounds_and_added_up() {
        let (one, other) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_micros(250));
        other.record(Duration::from_micros(251));
        other.record(Duration::from_secs(9));
        let added = Added::of([&one, &other].into_iter());
        assert_eq!(added.count(), 3);
        let mut text = Text::default();
        added.write(&mut text, "took", &[("api", "Fetch")]);
        let text = text.finish();
        for line in [
            "took_bucket{api=\"Fetch\",le=\"0.00025\"} 1",
            "took_bucket{api=\"Fetch\",le=\"0.0005\"} 2",
            "took_bucket{api=\"Fetch\",le=\"5\"} 2",
            "took_bucket{api=\"Fetch\",le=\"+Inf\"} 3",
            "took_sum{api=\"Fetch\"} 9.000501",
            "took_count{api=\"Fetch\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
