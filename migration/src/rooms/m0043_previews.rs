//! Previews: the small still pictures that come with videos.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, number};

/// Creates the table `media_previews`: apart from `media`, so that lists do not read the bytes.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0043_previews"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let medium = number("media_id").primary_key().take();
        b.table("media_previews", vec![medium, b.bytes("bytes")]).await
    }
}
