//! Memory and file descriptors of this process, under the metric names that every Prometheus client uses.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::api::server::descriptors;

/// Returns the metrics of the process at this moment. Empty where `/proc` does not exist.
pub fn figures() -> Registry {
    let mut registry = Registry::default();
    if let Some(bytes) = resident() {
        let gauge: Gauge = Gauge::default();
        gauge.set(bytes);
        registry.register("process_resident_memory_bytes", "Resident memory of the server", gauge);
    }
    if let Some(files) = descriptors::now() {
        let [open, max] = [files.open, files.limit].map(|count| {
            let gauge: Gauge = Gauge::default();
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
            gauge
        });
        registry.register("process_open_fds", "Open file descriptors of the server", open);
        registry.register("process_max_fds", "File descriptors that the server may open", max);
    }
    registry
}

/// Returns the resident memory in bytes.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let told = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = told.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn resident_memory_of_own_process_is_known() {
        assert!(super::resident().unwrap() > 1 << 20);
    }
}
