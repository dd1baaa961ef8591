//! Logging: one line an event on standard error. Libraries never log below `info`, whatever the filter (rule 32): at
//! `debug` some of them log whole bodies, with customers' texts in them.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, LogFormat};

/// Starts logging for this process. `quiet` holds directives for verbose libraries; directives of the configuration
/// override them.
pub fn init(config: &Config, quiet: &str) -> anyhow::Result<()> {
    let filter = format!("{quiet},{}", config.log);
    subscriber(&filter, config.log_format, io::stderr)?.try_init()?;
    Ok(())
}

fn subscriber<W>(filter: &str, format: LogFormat, out: W) -> anyhow::Result<impl Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A line that cannot be written, as on a full disk, is dropped: telling of it on standard error would panic.
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(out)
        .log_internal_errors(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // The second filter alone says what is worth asking about. Without the first one's word each record of a library's, some for
    // every frame of a WebSocket, would be made and then dropped.
    let configured = EnvFilter::try_new(filter)?;
    let most = configured.max_level_hint().unwrap_or(LevelFilter::TRACE);
    // Two filters in a row: no directive of the configured one can widen the fixed one.
    Ok(tracing_subscriber::registry().with(
        layer
            .with_filter(configured)
            .with_filter(FilterFn::new(is_ours_or_harmless).with_max_level_hint(most)),
    ))
}

/// Returns whether an event may be logged: ours at any level, others from `info` up.
fn is_ours_or_harmless(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target() == "crm" || metadata.target().starts_with("crm::");
    ours || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat) -> String {
        let lines = Lines::default();
        let out = lines.clone();
        let subscriber = subscriber(filter, format, move || out.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "crm::wa", "ours");
            tracing::info!(target: "thirtyfour::session", "harmless");
            tracing::debug!(target: "thirtyfour::session", "a body");
            tracing::trace!(target: "crmother", "a stranger");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Rule 32.
    #[test]
    fn library_logs_at_most_info_at_any_filter() {
        for filter in ["trace", "thirtyfour=trace,crmother=trace,crm=trace,info"] {
            let lines = logged(filter, LogFormat::Text);
            assert!(lines.contains("ours") && lines.contains("harmless"), "{lines}");
            assert!(!lines.contains("a body") && !lines.contains("a stranger"), "{lines}");
        }
    }

    /// Nobody makes a record that nobody asks for.
    #[test]
    fn subscriber_asks_for_configured_level_alone() {
        for (filter, most) in [
            ("info", LevelFilter::INFO),
            ("warn,crm=debug", LevelFilter::DEBUG),
            ("crm=trace,info", LevelFilter::TRACE),
        ] {
            let subscriber = subscriber(filter, LogFormat::Text, io::sink).unwrap();
            assert_eq!(subscriber.max_level_hint(), Some(most), "{filter}");
        }
    }

    #[test]
    fn json_log_lines_are_json() {
        for line in logged("trace", LogFormat::Json).lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["message"].is_string() && line["target"].is_string());
        }
    }
}
