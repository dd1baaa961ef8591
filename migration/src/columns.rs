//! Tables and columns that mean the same in every database: keys compare bytewise, text has no small limit, times and
//! flags are plain numbers.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// Longest key in characters: what an index of `MySQL` takes in a row of several.
pub const KEY_CHARS: u32 = 255;
/// Longest word (`kind`, `state` …) in characters.
const WORD_CHARS: u32 = 32;

/// Makes tables and indexes in one database's own words.
pub struct Builder<'a> {
    manager: &'a SchemaManager<'a>,
    backend: DbBackend,
    collation: Option<&'static str>,
}

impl<'a> Builder<'a> {
    pub async fn new(manager: &'a SchemaManager<'a>) -> Result<Self, DbErr> {
        let backend = manager.get_database_backend();
        let collation = match backend {
            DbBackend::MySql => Some(bytewise_collation(manager).await?),
            _ => None,
        };
        Ok(Self {
            manager,
            backend,
            collation,
        })
    }

    pub async fn table(&self, name: &'static str, columns: Vec<ColumnDef>) -> Result<(), DbErr> {
        self.table_with(name, columns, &[]).await
    }

    /// A table whose columns point at the `id` of others: (column, table).
    pub async fn table_with(
        &self,
        name: &'static str,
        columns: Vec<ColumnDef>,
        references: &[(&'static str, &'static str)],
    ) -> Result<(), DbErr> {
        let mut table = Table::create();
        table.table(name);
        if let Some(collation) = self.collation {
            table.engine("InnoDB").character_set("utf8mb4").collate(collation);
        }
        for mut column in columns {
            table.col(&mut column);
        }
        for &(column, target) in references {
            table.foreign_key(
                ForeignKey::create()
                    .name(format!("fk_{name}_{column}"))
                    .from(name, column)
                    .to(target, "id"),
            );
        }
        self.manager.create_table(table).await
    }

    /// One more column of a table that there is. It has to be optional: there may be rows.
    pub async fn add(&self, table: &'static str, mut column: ColumnDef) -> Result<(), DbErr> {
        let change = Table::alter().table(table).add_column(&mut column).take();
        self.manager.alter_table(change).await
    }

    /// Only what no index has.
    pub async fn drop(&self, table: &'static str, column: &'static str) -> Result<(), DbErr> {
        let change = Table::alter().table(table).drop_column(column).take();
        self.manager.alter_table(change).await
    }

    pub async fn index(&self, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
        self.make_index(table, columns, false).await
    }

    /// Several nulls are allowed in it, in every database.
    pub async fn unique(&self, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
        self.make_index(table, columns, true).await
    }

    async fn make_index(&self, table: &'static str, columns: &[&'static str], unique: bool) -> Result<(), DbErr> {
        let kind = if unique { "uq" } else { "ix" };
        let mut index = Index::create();
        index.name(format!("{kind}_{table}_{}", columns.join("_"))).table(table);
        for column in columns {
            index.col(*column);
        }
        if unique {
            index.unique();
        }
        self.manager.create_index(index).await
    }

    /// Text that is compared and indexed: at most [`KEY_CHARS`].
    pub fn key(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name).string_len(KEY_CHARS).not_null().take();
        if self.backend == DbBackend::Sqlite {
            // The others refuse what is longer by themselves.
            column.check(Expr::cust(format!("length(\"{name}\") <= {KEY_CHARS}")));
        }
        column
    }

    /// Text of whatever length.
    pub fn text(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.backend {
            // MySQL's own `text` ends at 64 KiB.
            DbBackend::MySql => column.custom("longtext"),
            _ => column.text(),
        };
        column.not_null().take()
    }

    pub fn bytes(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.backend {
            DbBackend::MySql => column.custom("longblob"),
            _ => column.blob(),
        };
        column.not_null().take()
    }
}

/// Our own number for a row. Never used again for another row.
pub fn id() -> ColumnDef {
    ColumnDef::new("id")
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key()
        .take()
}

/// A number, a time in milliseconds, or another row's id.
pub fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

pub fn small_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

pub fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

pub fn word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(WORD_CHARS).not_null().take()
}

/// The same column, where nothing may stand in it.
pub fn optional(mut column: ColumnDef) -> ColumnDef {
    column.null().take()
}

/// `utf8mb4_bin` takes trailing spaces for nothing: of the bytewise collations, the one that does not is named
/// differently by the two families.
async fn bytewise_collation(manager: &SchemaManager<'_>) -> Result<&'static str, DbErr> {
    let version = Statement::from_string(DbBackend::MySql, "SELECT VERSION() AS version");
    let row = manager.get_connection().query_one_raw(version).await?;
    let version: String = row
        .ok_or_else(|| DbErr::Migration("the server does not tell its version".to_owned()))?
        .try_get("", "version")?;
    Ok(if version.contains("MariaDB") {
        "utf8mb4_nopad_bin"
    } else {
        "utf8mb4_0900_bin"
    })
}
