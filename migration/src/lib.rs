//! The migrations of the database, one file each. A released migration is never edited: a change is a new migration.

mod columns;
mod desk;
mod gateways;
pub mod journal;
mod m0001_foundation;
mod m0002_changes;
mod m0003_media;
mod m0004_kinds;
mod m0005_ledger;
mod m0006_history;
mod m0007_pace;
mod m0008_accounts;
mod m0009_portraits;
mod m0010_group_pictures;
mod m0011_agents;
mod m0012_wanted_links;
mod m0013_indexes;
mod m0014_addressees;
mod m0015_second_uploads;
mod m0044_hand_overs;
mod rooms;

use sea_orm_migration::prelude::*;

/// All migrations, in order.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_foundation::Migration),
            Box::new(m0002_changes::Migration),
            Box::new(m0003_media::Migration),
            Box::new(m0004_kinds::Migration),
            Box::new(m0005_ledger::Migration),
            Box::new(m0006_history::Migration),
            Box::new(m0007_pace::Migration),
            Box::new(m0008_accounts::Migration),
            Box::new(m0009_portraits::Migration),
            Box::new(m0010_group_pictures::Migration),
            Box::new(m0011_agents::Migration),
            Box::new(m0012_wanted_links::Migration),
            Box::new(m0013_indexes::Migration),
            Box::new(m0014_addressees::Migration),
            Box::new(m0015_second_uploads::Migration),
            Box::new(gateways::m0018_account_kinds::Migration),
            Box::new(gateways::m0019_early_acks::Migration),
            Box::new(desk::m0020_conversation_work::Migration),
            Box::new(desk::m0021_notes_and_labels::Migration),
            Box::new(desk::m0022_scheduled_sends::Migration),
            Box::new(desk::m0025_templates::Migration),
            Box::new(desk::m0026_agent_roles::Migration),
            Box::new(desk::m0027_key_owners::Migration),
            Box::new(desk::m0028_agent_signatures::Migration),
            Box::new(desk::m0029_customer_labels::Migration),
            Box::new(desk::m0030_attributes::Migration),
            Box::new(desk::m0031_exports::Migration),
            Box::new(desk::m0032_internal_events::Migration),
            Box::new(rooms::m0033_room_files::Migration),
            Box::new(rooms::m0034_room_reactions::Migration),
            Box::new(rooms::m0035_questions::Migration),
            Box::new(rooms::m0036_cards::Migration),
            Box::new(rooms::m0037_taken_events::Migration),
            Box::new(rooms::m0039_room_places::Migration),
            Box::new(rooms::m0040_room_keepers::Migration),
            Box::new(rooms::m0041_replaced_rooms::Migration),
            Box::new(rooms::m0042_customers_own::Migration),
            Box::new(rooms::m0043_previews::Migration),
            Box::new(m0044_hand_overs::Migration),
        ]
    }
}

impl Migrator {
    /// Applies the missing migrations.
    pub async fn migrate<'c>(database: impl IntoSchemaManagerConnection<'c>) -> Result<(), DbErr> {
        Self::up(database, None).await
    }

    /// Returns the names of all migrations, in order: those that an up-to-date database has.
    pub fn names() -> Vec<String> {
        Self::migrations()
            .iter()
            .map(|migration| migration.name().to_owned())
            .collect()
    }
}
