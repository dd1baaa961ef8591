//! Notes of colleagues about a conversation.

use entity::note;
use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::domain::message::Author;
use crate::domain::note::Note;
use crate::domain::{ConversationId, NoteId, Timestamp};
use crate::store::database::bounds::MAX_NAMED;
use crate::store::database::page;
use crate::store::database::page::{Cursor, Page, PageRequest};
use crate::store::database::row::word;
use crate::store::facet::{Database, Notes};
use crate::store::{Store, StoreError, Tx};

impl<D: Database> Notes<'_, D> {
    /// Returns a note.
    pub async fn get(&self, id: NoteId) -> Result<Option<Note>, StoreError> {
        let row = note::Entity::find_by_id(id).one(self.0.connection()).await?;
        row.map(read).transpose()
    }
}

impl Notes<'_, Store> {
    /// Returns a page of a conversation's notes, ordered by id.
    pub async fn page(&self, page: PageRequest, conversation: ConversationId) -> Result<Page<Note>, StoreError> {
        let query = note::Entity::find().filter(note::Column::ConversationId.eq(conversation));
        let key = |row: &note::Model| Cursor::of_id(row.id.0);
        page::read(query, page, (None, note::Column::Id), self.0.readers(), key, read).await
    }
}

impl Notes<'_, Tx> {
    /// Stores a note and returns it.
    pub async fn add(&self, conversation: ConversationId, content: &str, author: &Author) -> Result<Note, StoreError> {
        let mut row = note::Model {
            id: NoteId(0),
            conversation_id: conversation,
            home_id: None,
            content: content.to_owned(),
            author_origin: author.origin.map(|origin| origin.to_string()).unwrap_or_default(),
            author_name: author.name.clone(),
            created_at: self.0.now.0,
        };
        let new = note::ActiveModel {
            id: NotSet,
            ..row.clone().into()
        };
        row.id = note::Entity::insert(new).exec(&self.0.session).await?.last_insert_id;
        read(row)
    }

    /// Deletes a note. Returns whether it was there.
    pub async fn remove(&self, id: NoteId) -> Result<bool, StoreError> {
        let deleted = note::Entity::delete_by_id(id).exec(&self.0.session).await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Moves the notes of a conversation that goes on in another one.
    pub(in crate::store) async fn hand_over(&self, from: ConversationId, to: ConversationId) -> Result<(), StoreError> {
        let home = Func::coalesce([Expr::col(note::Column::HomeId), Expr::col(note::Column::ConversationId)]);
        note::Entity::update_many()
            .col_expr(note::Column::HomeId, home.into())
            .col_expr(note::Column::ConversationId, Expr::value(to))
            .filter(note::Column::ConversationId.eq(from))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }

    /// Gives a conversation the notes of another one that were written for it, or for one of those that ended in it.
    pub(in crate::store) async fn give_back(
        &self,
        from: ConversationId,
        to: ConversationId,
        ended: &[ConversationId],
    ) -> Result<(), StoreError> {
        for some in ended.chunks(MAX_NAMED) {
            note::Entity::update_many()
                .col_expr(note::Column::ConversationId, Expr::value(to))
                .filter(note::Column::ConversationId.eq(from))
                .filter(note::Column::HomeId.is_in(some.iter().copied()))
                .exec(&self.0.session)
                .await?;
        }
        note::Entity::update_many()
            .col_expr(note::Column::ConversationId, Expr::value(to))
            .col_expr(note::Column::HomeId, Expr::value(None::<i64>))
            .filter(note::Column::ConversationId.eq(from))
            .filter(note::Column::HomeId.eq(to))
            .exec(&self.0.session)
            .await?;
        Ok(())
    }
}

fn read(row: note::Model) -> Result<Note, StoreError> {
    Ok(Note {
        id: row.id,
        conversation_id: row.conversation_id,
        content: row.content,
        author: Author {
            origin: match row.author_origin.as_str() {
                "" => None,
                origin => Some(word("notes", origin)?),
            },
            name: row.author_name,
        },
        created_at: Timestamp(row.created_at),
    })
}
