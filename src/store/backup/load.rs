//! Reading a backup into an empty database.

use migration::Migrator;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityName, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, Statement, TransactionTrait,
};
use sea_orm::{ColumnTrait, sea_query::Expr};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use entity::{account, journal_head, message, outbox, setting};

use crate::store::database::connect::{immediate, limit, unlimit};
use crate::store::settings::{INSTANCE, PARKED, RESTORED, RESTORED_WORK, ROOMS_HOLDER};
use crate::store::{Store, StoreError, journal};

use super::{BackupReport, End, FORMAT, Header, VERSION, for_each_table};

/// Longest line of a backup, in bytes. A quarantined event is the largest row, and the page sends at most 1 MiB of it.
const MAX_LINE: u64 = 64 << 20;
/// Most rows that one statement writes, and most bytes of their lines.
const MAX_ROWS: usize = 100;
const MAX_BYTES: usize = 1 << 20;

impl Store {
    /// Loads a backup into this database, which must be empty, and parks the outbox (rule 5). Loads all of it or
    /// nothing.
    ///
    /// The new database gets a new instance name: ids that it gives next may have been given before, so Matrix must not
    /// mistake its transactions for those of the old instance (rule 18). All leases are cleared, so accounts can be
    /// driven from any folder.
    pub async fn load<R: AsyncBufRead + Unpin + Send>(&self, reader: R) -> Result<BackupReport, StoreError> {
        let mut lines = Lines {
            reader,
            line: Vec::new(),
        };
        let header: Header = lines.next().await?.ok_or_else(|| bad("it is empty"))?;
        check(&header)?;
        let transaction = self.inner.writer.begin_with_options(immediate()).await?;
        unlimit(&transaction).await?;
        let report = load(&transaction, &mut lines).await?;
        park(&transaction, self.inner.clock.now().0).await?;
        // A backup of an older version does not name the events' messages.
        migration::journal::fill_message_ids(&transaction).await?;
        let head = journal::range(&transaction).await?.head;
        transaction.commit().await?;
        limit(&self.inner.writer).await?;
        journal::raise(&self.inner.head, head);
        Ok(report)
    }
}

impl Store {
    /// Checks the first line of a file. Fails unless a backup begins with it that this version can load.
    pub fn check_backup(first_line: &[u8]) -> Result<(), StoreError> {
        let header = serde_json::from_slice(first_line).map_err(|_| bad("it is not a backup of crm"))?;
        check(&header)
    }
}

fn check(header: &Header) -> Result<(), StoreError> {
    if header.format != FORMAT {
        return Err(bad("it is not a backup of crm"));
    }
    if header.version > VERSION || !Migrator::names().contains(&header.schema) {
        return Err(StoreError::Newer {
            found: format!("backup format {}, {}", header.version, header.schema),
        });
    }
    // A backup of an older schema lacks the columns and tables that were added later; all of those may be empty.
    Ok(())
}

/// One row, as it stands in its line.
#[derive(Deserialize)]
struct Row<'a> {
    table: String,
    #[serde(borrow)]
    row: &'a RawValue,
}

async fn load<R: AsyncBufRead + Unpin>(
    transaction: &DatabaseTransaction,
    lines: &mut Lines<R>,
) -> Result<BackupReport, StoreError> {
    must_be_empty(transaction).await?;
    let mut report = BackupReport::default();
    let mut batch = Batch::default();
    loop {
        let Some(line) = lines.read().await? else {
            return Err(bad("its end is missing: it was cut off"));
        };
        if let Ok(End { end }) = serde_json::from_slice(line) {
            batch.write(transaction).await?;
            if end != report {
                return Err(bad("rows are missing"));
            }
            break;
        }
        let Row { table, row } = serde_json::from_slice(line).map_err(|error| unreadable(&error))?;
        report.rows += 1;
        report.messages += u64::from(table == message::Entity.table_name());
        batch.add(transaction, table, row.get()).await?;
    }
    count_on(transaction).await?;
    Ok(report)
}

/// Rows of one table that are written by one statement.
#[derive(Default)]
struct Batch {
    table: String,
    rows: Vec<String>,
    bytes: usize,
}

impl Batch {
    async fn add(&mut self, transaction: &DatabaseTransaction, table: String, row: &str) -> Result<(), StoreError> {
        if self.table != table || self.rows.len() == MAX_ROWS || self.bytes + row.len() > MAX_BYTES {
            self.write(transaction).await?;
            self.table = table;
        }
        self.bytes += row.len();
        self.rows.push(row.to_owned());
        Ok(())
    }

    async fn write(&mut self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        macro_rules! insert {
            ($($table:ident $($numbered:ident)?),+ $(,)?) => {
                $(if self.table == entity::$table::Entity.table_name() {
                    return insert::<entity::$table::Entity, _>(transaction, &rows).await;
                })+
            };
        }
        for_each_table!(insert);
        Err(bad("it contains a table that crm does not know"))
    }
}

async fn insert<E, A>(transaction: &DatabaseTransaction, rows: &[String]) -> Result<(), StoreError>
where
    E: EntityTrait<Model: DeserializeOwned + IntoActiveModel<A>>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let rows = rows
        .iter()
        .map(|row| {
            let row: E::Model = serde_json::from_str(row).map_err(|error| unreadable(&error))?;
            Ok(row.into_active_model())
        })
        .collect::<Result<Vec<A>, StoreError>>()?;
    E::insert_many(rows).exec_without_returning(transaction).await?;
    Ok(())
}

/// Fails unless the database contains only the row that the migration inserts, and deletes that row.
async fn must_be_empty(transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    macro_rules! count {
        ($($table:ident $($numbered:ident)?),+ $(,)?) => {
            0 $(+ entity::$table::Entity::find().count(transaction).await?)+
        };
    }
    let rows = for_each_table!(count);
    let head = journal::range(transaction).await?;
    if rows != 1 || head.head.0 != 0 {
        return Err(StoreError::NotEmpty);
    }
    journal_head::Entity::delete_many().exec(transaction).await?;
    Ok(())
}

/// Moves PostgreSQL's id sequences past the loaded ids; the other databases do so themselves.
async fn count_on(transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut tables = Vec::new();
    macro_rules! numbered {
        ($($table:ident $($numbered:ident)?),+ $(,)?) => {
            $($(
                let _ = stringify!($numbered);
                tables.push(entity::$table::Entity.table_name().to_owned());
            )?)+
        };
    }
    for_each_table!(numbered);
    for table in tables {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 1), max(id) IS NOT NULL) FROM {table}"
        );
        transaction
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await?;
    }
    Ok(())
}

/// Parks the outbox until a person resumes it, and clears all leases.
async fn park(transaction: &DatabaseTransaction, now: i64) -> Result<(), StoreError> {
    setting::Entity::delete_many()
        .filter(setting::Column::Name.is_in([RESTORED, RESTORED_WORK, PARKED]))
        .exec(transaction)
        .await?;
    setting::Entity::update_many()
        .col_expr(setting::Column::Name, Expr::value(RESTORED))
        .filter(setting::Column::Name.eq(INSTANCE))
        .exec(transaction)
        .await?;
    let last_work = outbox::Entity::find()
        .order_by_desc(outbox::Column::Id)
        .one(transaction)
        .await?
        .map_or(0, |row| row.id.0);
    let settings = [
        (PARKED, "restored from a backup".to_owned()),
        (RESTORED_WORK, last_work.to_string()),
    ];
    for (name, value) in settings {
        let row = setting::Model {
            name: name.to_owned(),
            value,
            updated_at: now,
        };
        setting::Entity::insert(row.into_active_model())
            .exec_without_returning(transaction)
            .await?;
    }
    setting::Entity::delete_by_id(ROOMS_HOLDER).exec(transaction).await?;
    account::Entity::update_many()
        .col_expr(account::Column::Folder, Expr::value(None::<String>))
        .col_expr(account::Column::Holder, Expr::value(None::<String>))
        .exec(transaction)
        .await?;
    Ok(())
}

struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(line) = self.read().await? else {
            return Ok(None);
        };
        serde_json::from_slice(line)
            .map(Some)
            .map_err(|error| unreadable(&error))
    }

    /// Returns the next line without its newline, or `None` at the end.
    async fn read(&mut self) -> Result<Option<&[u8]>, StoreError> {
        self.line.clear();
        let mut bounded = (&mut self.reader).take(MAX_LINE);
        let read = bounded.read_until(b'\n', &mut self.line).await;
        read.map_err(|error| StoreError::BadBackup(error.to_string()))?;
        match self.line.strip_suffix(b"\n") {
            Some(line) => Ok(Some(line)),
            None if self.line.is_empty() => Ok(None),
            None => Err(bad("a line is cut off or too long")),
        }
    }
}

/// Tells the column of the fault, not the line: the line may contain a customer's message.
fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::BadBackup(format!("a line cannot be parsed, at column {}", error.column()))
}

fn bad(why: &str) -> StoreError {
    StoreError::BadBackup(why.to_owned())
}
