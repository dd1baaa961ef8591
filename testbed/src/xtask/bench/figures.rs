//! Results of the runs, and their table.

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

/// Results of one run: name, value and unit of each measurement, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Figures(Vec<(String, f64, &'static str)>);

impl Figures {
    /// Adds two rows with percentiles of latencies.
    pub fn latency(&mut self, what: &str, latencies: &Latencies) {
        for percent in [50, 99] {
            let took = latencies.percentile(percent).as_secs_f64() * 1e3;
            self.row(format!("{what}, p{percent} of {}", latencies.0.len()), took, "ms");
        }
    }

    /// Adds two rows with our latency divided by the peer's.
    pub fn ratio(&mut self, what: &str, ours: &Latencies, peer: &Latencies) {
        for percent in [50, 99] {
            let [ours, peer] = [ours, peer].map(|latencies| latencies.percentile(percent).as_secs_f64());
            self.row(format!("{what}, p{percent}"), ours / peer, "×");
        }
    }

    /// Adds a row with a number of operations per second.
    pub fn rate(&mut self, what: &str, count: usize, took: Duration) {
        let each_second = u32::try_from(count).map_or(0.0, f64::from) / took.as_secs_f64();
        self.row(format!("{what}, of {count}"), each_second, "/s");
    }

    /// Adds a row with the share of one processor that was used in some time.
    pub fn share(&mut self, what: &str, used: Duration, time: Duration) {
        self.row(what.to_owned(), 100.0 * used.as_secs_f64() / time.as_secs_f64(), "%");
    }

    /// Adds a row with the time that something took once.
    pub fn duration(&mut self, what: &str, took: Duration) {
        self.row(what.to_owned(), took.as_secs_f64(), "s");
    }

    /// Adds a row with an amount of memory. `bytes` is in bytes.
    pub fn memory(&mut self, what: &str, bytes: u64) {
        let megabytes = u32::try_from(bytes / 100_000).map_or(f64::INFINITY, f64::from) / 10.0;
        self.row(format!("memory: {what}"), megabytes, "MB");
    }

    fn row(&mut self, what: String, value: f64, unit: &'static str) {
        eprintln!("    {what}: {value:.1} {unit}");
        self.0.push((what, value, unit));
    }
}

/// Medians of the runs of each program. Of two programs, also what the second needs divided by what the first needs.
pub struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<f64>, &'static str)>,
}

impl Table {
    /// Builds the table from the runs of each program, which all measured the same.
    pub fn of(programs: &[(String, Vec<Figures>)]) -> Self {
        let first = programs.first().and_then(|(_, runs)| runs.first());
        let rows = first.into_iter().flat_map(|figures| figures.0.iter().enumerate());
        let rows = rows.map(|(at, (what, _, unit))| {
            let of_program = |(_, runs): &(String, Vec<Figures>)| {
                let values = runs.iter().filter_map(|run| run.0.get(at));
                median(values.map(|(_, value, _)| *value).collect())
            };
            (what.clone(), programs.iter().map(of_program).collect(), *unit)
        });
        Self {
            rows: rows.collect(),
            columns: programs.iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compares = self.columns.len() == 2;
        write!(f, "\n| what |")?;
        self.columns.iter().try_for_each(|name| write!(f, " {name} |"))?;
        writeln!(f, "{}", if compares { " ratio |" } else { "" })?;
        write!(f, "|---|")?;
        self.columns.iter().try_for_each(|_| write!(f, "---|"))?;
        writeln!(f, "{}", if compares { "---|" } else { "" })?;
        for (what, values, unit) in &self.rows {
            write!(f, "| {what} |")?;
            values.iter().try_for_each(|value| write!(f, " {value:.1} {unit} |"))?;
            match values[..] {
                [old, new] if compares => writeln!(f, " {:.2} |", new / old)?,
                _ => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Returns the middle value, of an even number the lower one. NaN if there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
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

    #[test]
    fn table_compares_medians() {
        let run = |value| Figures(vec![("store".to_owned(), value, "/s")]);
        let old = ("old".to_owned(), [10.0, 90.0, 20.0].map(run).into());
        let new = ("new".to_owned(), [30.0, 30.0, 1.0].map(run).into());
        let table = Table::of(&[old, new]).to_string();
        assert!(table.contains("| store | 20.0 /s | 30.0 /s | 1.50 |"), "{table}");
    }
}
