//! `crm matrix release`: the way on when the server that kept the rooms of a shared database is gone for good.

use crate::bridge;
use crate::cli::account::refused;
use crate::cli::home::Home;
use crate::cli::terminal::output;
use crate::cli::{Exit, Shell};

/// Lets go of the rooms, unless the process that keeps them still runs here.
pub async fn run(shell: &Shell) -> anyhow::Result<Exit> {
    let home = Home::open(&shell.config, "crm matrix release").await?;
    let released = async {
        let is_alive = home.is_alive()?;
        bridge::release_rooms(&home.store, &is_alive).await.map_err(refused)
    };
    let released = released.await;
    home.store.close().await;
    output::note(&match released? {
        Some(holder) => format!(
            "The rooms of {} are released. The next server that starts keeps them.",
            holder.process
        ),
        None => "No server keeps the rooms. The next one that starts does.".to_owned(),
    });
    Ok(Exit::Ok)
}
