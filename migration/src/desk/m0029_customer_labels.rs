//! Labels of customers.

use sea_orm_migration::prelude::*;

use crate::columns::{Builder, id, number, optional};

/// Creates the table `customer_labels`, and the column with a copy of the names.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0029_customer_labels"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let b = Builder::new(manager).await?;
        let columns = vec![
            id(),
            number("customer_id"),
            number("home_id"),
            number("label_id"),
            number("created_at"),
        ];
        let references = [("customer_id", "customers"), ("label_id", "labels")];
        b.table_with("customer_labels", columns, &references).await?;
        // Two customers who were merged may both have a label.
        b.unique("customer_labels", &["home_id", "label_id"]).await?;
        b.index("customer_labels", &["customer_id", "label_id"]).await?;
        b.index("customer_labels", &["label_id", "customer_id"]).await?;
        b.add("customers", optional(b.text("labels"))).await
    }
}
