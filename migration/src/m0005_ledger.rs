//! The ledger of identities with begin and end, names with their sources, and merges: which customer was merged into
//! which, and the home of every row before, so that a merge can be undone.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, flag, id, number, optional, word};

/// Adds the ledger, names by source, and merges.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        identities(manager, &b).await?;
        people(manager, &b).await?;
        for table in ["conversations", "messages"] {
            b.add(table, optional(number("home_id"))).await?;
        }
        b.add("conversations", optional(number("merged_into"))).await?;
        b.index("conversations", &["merged_into"]).await?;
        merges(&b).await
    }
}

async fn identities(manager: &SchemaManager<'_>, b: &Builder<'_>) -> Result<(), DbErr> {
    let table = "customer_identities";
    b.add(table, optional(number("home_id"))).await?;
    b.add(table, optional(word("source"))).await?;
    // 0 while it is current, else the row's own id: one person at a time has a number, but any number of past rows may
    // have it.
    b.add(table, number("closed").default(0).take()).await?;
    let mut before = Index::drop();
    before.name("uq_customer_identities_kind_value").table(table);
    manager.drop_index(before).await?;
    b.unique(table, &["kind", "value", "closed"]).await
}

async fn people(manager: &SchemaManager<'_>, b: &Builder<'_>) -> Result<(), DbErr> {
    b.add("customers", optional(number("merged_into"))).await?;
    for name in ["given_name", "saved_name", "push_name"] {
        b.add("customers", optional(b.text(name))).await?;
    }
    b.add("customers", optional(number("names_told_at"))).await?;
    b.add("customers", optional(word("name_source"))).await?;
    b.index("customers", &["merged_into"]).await?;
    let given = Query::update()
        .table("customers")
        .value("given_name", Expr::col("name"))
        .value("name_source", "set")
        .and_where(Expr::col("named").eq(true))
        .take();
    manager.execute(given).await?;
    // The source of a name was not stored. A name that is none of those that crm made up came from WhatsApp.
    let told = Query::update()
        .table("customers")
        .value("push_name", Expr::col("name"))
        .value("name_source", "push")
        .and_where(Expr::col("named").eq(false))
        .and_where(Expr::col("name").not_like("+%"))
        .and_where(Expr::col("name").not_like("@%"))
        .and_where(Expr::col("name").not_like("WhatsApp %"))
        .take();
    manager.execute(told).await
}

async fn merges(b: &Builder<'_>) -> Result<(), DbErr> {
    b.table_with(
        "merges",
        vec![
            id(),
            number("customer_id"),
            number("merged_customer_id"),
            flag("automatic"),
            optional(b.text("made_by")),
            b.text("moved"),
            number("created_at"),
            optional(number("undone_at")),
            optional(b.text("undone_by")),
        ],
        &[("customer_id", "customers"), ("merged_customer_id", "customers")],
    )
    .await?;
    b.table_with(
        "customers_apart",
        vec![
            id(),
            number("first_id"),
            number("second_id"),
            number("newest_identity"),
            number("created_at"),
        ],
        &[("first_id", "customers"), ("second_id", "customers")],
    )
    .await?;
    b.unique("customers_apart", &["first_id", "second_id"]).await
}
