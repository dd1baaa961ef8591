//! `crm matrix abandon`: the way on when the former login is gone for good while rooms move from it.

use super::confirm;
use crate::bridge;
use crate::cli::home::Home;
use crate::cli::terminal::output;
use crate::cli::{Exit, Fault, Shell};

/// Ends the move, after a person has agreed. The next start forgets the rooms.
pub async fn run(shell: &Shell, yes: bool) -> anyhow::Result<Exit> {
    let home = Home::open(&shell.config, "crm matrix abandon").await?;
    let done = abandon(shell, &home, yes).await;
    home.store.close().await;
    done
}

async fn abandon(shell: &Shell, home: &Home, yes: bool) -> anyhow::Result<Exit> {
    if !bridge::rooms_move(&home.store).await? {
        let text = "no rooms move from a former login, so there is nothing to give up";
        return Err(Fault::new(Exit::NotFound, text).into());
    }
    if !yes {
        let lost = "Each conversation gets a new room with its next message; what agents wrote in the old ones and was not taken \
                    in is lost";
        confirm(shell, "give up the rooms of the former login", lost).await?;
    }
    bridge::abandon_former(&home.store).await?;
    output::note("The rooms of the former login are given up. Start the server; it needs that login no more.");
    Ok(Exit::Ok)
}
