//! Runs the stand-in as a program: `cargo run -p testbed --bin standin -- [PORT]`. Prints its address as one line of
//! JSON and runs until its standard input ends. It is controlled over HTTP.

use testbed::standin::{Options, StandIn};
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let standin = StandIn::start(Options {
        port,
        tls: true,
        ..Options::default()
    })
    .await?;
    println!(
        "{}",
        serde_json::json!({ "url": standin.url(), "tls": standin.tls_port() })
    );
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
