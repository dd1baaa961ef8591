//! Results of one run, and their table.

use std::fmt;
use std::time::Duration;

/// Latencies of single operations.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds the latency of one operation.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Returns the percentile by the nearest rank.
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Rows of the table: name and result of each measurement.
#[derive(Debug, Default)]
pub struct Figures(Vec<(String, String)>);

impl Figures {
    /// Adds a row with the percentiles of latencies.
    pub fn latency(&mut self, what: &str, latencies: &Latencies) {
        let [p50, p99] = [50, 99].map(|percent| latencies.percentile(percent).as_secs_f64() * 1e3);
        self.row(
            what,
            format!("p50 {p50:.1} ms, p99 {p99:.1} ms (of {})", latencies.0.len()),
        );
    }

    /// Adds a row with our latency divided by the peer's.
    pub fn ratio(&mut self, what: &str, ours: &Latencies, peer: &Latencies) {
        let [p50, p99] = [50, 99].map(|percent| {
            let [ours, peer] = [ours, peer].map(|latencies| latencies.percentile(percent).as_secs_f64());
            ours / peer
        });
        self.row(what, format!("p50 {p50:.2} ×, p99 {p99:.2} ×"));
    }

    /// Adds a row with a number of operations per second.
    pub fn rate(&mut self, what: &str, count: usize, took: Duration) {
        let seconds = took.as_secs_f64();
        let each_second = u32::try_from(count).map_or(0.0, f64::from) / seconds;
        self.row(what, format!("{each_second:.0}/s ({count} in {seconds:.1} s)"));
    }

    /// Adds a row with an amount of memory. `bytes` is in bytes.
    pub fn memory(&mut self, what: &str, bytes: u64) {
        self.row(&format!("memory: {what}"), format!("{} MB", bytes / 1_000_000));
    }

    fn row(&mut self, what: &str, came_out: String) {
        eprintln!("    {what}: {came_out}");
        self.0.push((what.to_owned(), came_out));
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| what | measured |\n|---|---|")?;
        self.0
            .iter()
            .try_for_each(|(what, came_out)| writeln!(f, "| {what} | {came_out} |"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_nearest_rank() {
        let mut latencies = Latencies::default();
        for milliseconds in (1..=200).rev() {
            latencies.add(Duration::from_millis(milliseconds));
        }
        assert_eq!(latencies.percentile(50), Duration::from_millis(100));
        assert_eq!(latencies.percentile(99), Duration::from_millis(198));
        assert_eq!(latencies.percentile(100), Duration::from_millis(200));
        assert_eq!(Latencies::default().percentile(50), Duration::ZERO);
    }
}
