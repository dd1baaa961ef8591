//! Tables and columns that behave the same in every database: keys compare bytewise, text has no small limit, times and
//! flags are plain numbers.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// Longest key, in characters: the limit of a `MySQL` index with several columns.
pub const KEY_CHARS: u32 = 255;
/// Longest word (`kind`, `state` …), in characters.
const WORD_CHARS: u32 = 32;

/// Creates tables and indexes in the dialect of one database.
pub struct Builder<'a> {
    manager: &'a SchemaManager<'a>,
    backend: DbBackend,
    collation: Option<&'static str>,
}

impl<'a> Builder<'a> {
    /// Creates a builder for the manager's database. On `MySQL` this reads the server's version.
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

    /// Creates a table without references.
    pub async fn table(&self, name: &'static str, columns: Vec<ColumnDef>) -> Result<(), DbErr> {
        self.table_with(name, columns, &[]).await
    }

    /// Creates a table whose columns reference the `id` of others: (column, table).
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

    /// Adds a column to an existing table. It must be optional, because there may be rows.
    pub async fn add(&self, table: &'static str, mut column: ColumnDef) -> Result<(), DbErr> {
        let change = Table::alter().table(table).add_column(&mut column).take();
        self.manager.alter_table(change).await
    }

    /// Drops a column that no index contains.
    pub async fn drop(&self, table: &'static str, column: &'static str) -> Result<(), DbErr> {
        let change = Table::alter().table(table).drop_column(column).take();
        self.manager.alter_table(change).await
    }

    /// Creates an index.
    pub async fn index(&self, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
        self.make_index(table, columns, false, None).await
    }

    /// Creates an index of the rows in which the column `set` is not null. `MySQL` and `MariaDB` cannot leave rows out
    /// of an index, so there it has all rows.
    pub async fn index_where_set(
        &self,
        table: &'static str,
        columns: &[&'static str],
        set: &'static str,
    ) -> Result<(), DbErr> {
        let set = (self.backend != DbBackend::MySql).then_some(set);
        self.make_index(table, columns, false, set).await
    }

    /// Drops an index that [`Builder::index`] created.
    pub async fn drop_index(&self, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name(index_name("ix", table, columns)).table(table);
        self.manager.drop_index(index).await
    }

    /// Creates a unique index. It allows several nulls, in every database.
    pub async fn unique(&self, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
        self.make_index(table, columns, true, None).await
    }

    async fn make_index(
        &self,
        table: &'static str,
        columns: &[&'static str],
        unique: bool,
        set: Option<&'static str>,
    ) -> Result<(), DbErr> {
        let kind = if unique { "uq" } else { "ix" };
        let mut index = Index::create();
        index.name(index_name(kind, table, columns)).table(table);
        for column in columns {
            index.col(*column);
        }
        if unique {
            index.unique();
        }
        if let Some(set) = set {
            index.and_where(Expr::col(set).is_not_null());
        }
        self.manager.create_index(index).await
    }

    /// Returns a column for text that is compared and indexed: at most [`KEY_CHARS`].
    pub fn key(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name).string_len(KEY_CHARS).not_null().take();
        if self.backend == DbBackend::Sqlite {
            // The other databases refuse longer text by themselves.
            column.check(Expr::cust(format!("length(\"{name}\") <= {KEY_CHARS}")));
        }
        column
    }

    /// Returns a column for text of any length.
    pub fn text(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.backend {
            // MySQL's `text` ends at 64 KiB.
            DbBackend::MySql => column.custom("longtext"),
            _ => column.text(),
        };
        column.not_null().take()
    }

    /// Returns a column for bytes of any length.
    pub fn bytes(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.backend {
            DbBackend::MySql => column.custom("longblob"),
            _ => column.blob(),
        };
        column.not_null().take()
    }
}

fn index_name(kind: &str, table: &str, columns: &[&str]) -> String {
    format!("{kind}_{table}_{}", columns.join("_"))
}

/// Returns the column of a row's own id. An id is never used again for another row.
pub fn id() -> ColumnDef {
    ColumnDef::new("id")
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key()
        .take()
}

/// Returns a column for a number, a time in milliseconds, or another row's id.
pub fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// Returns a column for a 32-bit number.
pub fn small_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

/// Returns a column for a truth value.
pub fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// Returns a column for a word (`kind`, `state` …).
pub fn word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(WORD_CHARS).not_null().take()
}

/// Makes a column nullable.
pub fn optional(mut column: ColumnDef) -> ColumnDef {
    column.null().take()
}

/// Returns the name of the bytewise collation that respects trailing spaces. (`utf8mb4_bin` ignores them.) `MySQL` and
/// `MariaDB` have different names for it.
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
