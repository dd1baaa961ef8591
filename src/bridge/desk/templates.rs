//! Templates: people change them, and messages are made of them. A message is rendered in the transaction that queues it,
//! so that it says what the template and the customer are then; later changes do not reach it.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use crate::bridge::core::command::{Answered, Idempotency, SendCommand, SendFile, TemplateFill, check_key};
use crate::bridge::core::refusal::{Refusal, not_found};
use crate::bridge::outbound::queue;
use crate::contract::{Event, TemplateView};
use crate::domain::conversation::Conversation;
use crate::domain::customer::Customer;
use crate::domain::media::{FileKind, Media, MediaState};
use crate::domain::message::Kind;
use crate::domain::rights::Sight;
use crate::domain::signature::Signature;
use crate::domain::template::{Draft, Field, Template, TemplateFault, TemplateFile, Values};
use crate::domain::{AgentId, ConversationId, CustomerId};
use crate::store::{NewTemplate, Store, StoredMedia, Tx};

use super::handle::Desk;
use super::idempotency;

/// HTTP status of the answer to a new template ("created").
const CREATED: u16 = 201;
/// Pointer to the file of a template.
const FILE: &str = "/media/id";

/// Change of a template. `None`: not changed.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateEdit {
    /// Another name.
    pub name: Option<String>,
    /// Its purpose.
    pub description: Option<Option<String>>,
    /// The text.
    pub body: Option<String>,
    /// All fields.
    pub fields: Option<Vec<Field>>,
    /// The file.
    pub file: Option<Option<TemplateFile>>,
    /// Revision that the caller has seen; refused if the template has another. `None`: not checked.
    pub expected: Option<String>,
}

/// To whom a template would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewFor {
    /// A customer, in their conversation that was active last.
    Customer(CustomerId),
    /// A conversation.
    Conversation(ConversationId),
}

/// Message that a template would become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text, or the caption of the file.
    pub content: String,
    /// The file.
    pub media: Option<Media>,
}

impl Desk {
    /// Creates a template. Refuses one that cannot be rendered, and a name that is taken. `by`: the person or program that
    /// asks.
    pub async fn create_template(
        &self,
        draft: Draft,
        by: String,
        idempotency: Option<Idempotency>,
    ) -> Result<Answered<Template>, Refusal> {
        check_key(idempotency.as_ref())?;
        draft.check()?;
        self.core
            .write((NewTemplate { draft, by }, idempotency), |tx, (new, asked)| {
                async move { create(tx, new, asked.as_ref()).await }.boxed()
            })
            .await
    }

    /// Changes a template and returns it as it is afterwards. `by`: the person or program that asks.
    pub async fn edit_template(&self, name: String, edit: TemplateEdit, by: String) -> Result<Template, Refusal> {
        self.core
            .write((name, edit, by), |tx, (name, edit, by)| {
                async move { change(tx, name, edit, by).await }.boxed()
            })
            .await
    }

    /// Deletes a template. Messages that were sent with it keep their text. `expected`: the revision that the caller has
    /// seen; refused if the template has another.
    pub async fn delete_template(&self, name: String, expected: Option<String>) -> Result<Template, Refusal> {
        self.core
            .write((name, expected), |tx, (name, expected)| {
                async move {
                    let template = named(tx, name, expected.as_deref()).await?;
                    tx.templates().delete(template.id).await?;
                    tx.emit(Event::template_deleted(&template));
                    Ok(template)
                }
                .boxed()
            })
            .await
    }

    /// Renders a template without sending it. `by`: the person or program that would send it. `sight`: theirs.
    pub async fn preview_template(
        &self,
        name: &str,
        to: PreviewFor,
        fields: &BTreeMap<String, String>,
        by: (&str, Option<AgentId>),
        sight: &Sight,
    ) -> Result<Rendered, Refusal> {
        let store = &self.core.store;
        let template = store.templates().named(name).await?;
        let template = template.ok_or_else(|| not_found("template", name))?;
        let (customer, conversation) = whom(store, to, sight).await?;
        let account = match &conversation {
            Some(conversation) => store.accounts().get(conversation.account_id).await?,
            None => None,
        };
        let agent = match by.1 {
            Some(agent) => store.agents().get(agent).await?,
            None => None,
        };
        let signature = agent.and_then(|agent| agent.signature);
        let values = Values {
            customer: customer.as_ref(),
            agent: by.0,
            signature: signature.as_ref().map_or("", Signature::as_str),
            account: account.as_ref().map(|account| account.name.as_str()),
            conversation: conversation.map(|conversation| conversation.id),
            hides_numbers: sight.hides_numbers(),
        };
        let mut content = template.draft.render(fields, &values)?;
        let stored = match template.draft.file {
            Some(file) => store.media().get(file.id).await?,
            None => None,
        };
        let kind = template.draft.file.map(|file| {
            let sniffed = stored.as_ref().and_then(|stored| stored.sniffed.as_deref());
            file.kind.unwrap_or_else(|| FileKind::of_type(sniffed)).kind()
        });
        let media = match template.draft.file {
            Some(_) => Some(still_there(&template, stored)?),
            None => None,
        };
        if let Some(signature) = signature
            && !content.is_empty()
            && !signature.is_within(&content)
            && kind.is_none_or(Kind::takes_caption)
        {
            content = queue::signed(&signature, &content)?;
        }
        Ok(Rendered { content, media })
    }
}

/// Returns the message that a request with a template means, as if its text and file had been given.
pub(super) async fn fill(
    tx: &mut Tx,
    command: &SendCommand,
    wanted: &TemplateFill,
    conversation: &Conversation,
) -> Result<SendCommand, Refusal> {
    let template = named(tx, &wanted.name, None).await?;
    let account = tx.accounts().get(conversation.account_id).await?;
    let customer = match conversation.customer_id {
        Some(id) => tx.customers().current(id).await?,
        None => None,
    };
    let signature = match command.agent {
        Some(agent) => tx.agents().signature(agent).await?,
        None => None,
    };
    let values = Values {
        customer: customer.as_ref(),
        agent: &command.author.name,
        signature: signature.as_ref().map_or("", Signature::as_str),
        account: account.as_ref().map(|account| account.name.as_str()),
        conversation: Some(conversation.id),
        hides_numbers: command.sight.hides_numbers(),
    };
    let content = template.draft.render(&wanted.fields, &values);
    let content = content.map_err(|fault| Refusal::Template(within_template(fault)))?;
    if let Some(file) = template.draft.file {
        still_there(&template, tx.media().get(file.id).await?)?;
    }
    Ok(SendCommand {
        content,
        file: template
            .draft
            .file
            .map(|TemplateFile { id, kind }| SendFile { id, kind }),
        template: None,
        ..command.clone()
    })
}

/// Moves a fault into the field of a request that names the template: whoever sends it cannot point into its text.
fn within_template(fault: TemplateFault) -> TemplateFault {
    let inside = match fault.pointer.strip_prefix("/fields") {
        Some(field) => format!("/template/fields{field}"),
        None => "/template".to_owned(),
    };
    TemplateFault {
        pointer: inside,
        ..fault
    }
}

async fn create(tx: &mut Tx, new: &NewTemplate, asked: Option<&Idempotency>) -> Result<Answered<Template>, Refusal> {
    if let Some(stored) = idempotency::earlier(tx, asked).await? {
        return Ok(Answered::Replayed(stored));
    }
    check_free(tx, &new.draft.name).await?;
    check_file(tx, new.draft.file).await?;
    let template = tx.templates().create(new).await?;
    tx.emit(Event::template_created(&template));
    idempotency::store(tx, asked, CREATED, &TemplateView::from(template.clone()), None).await?;
    Ok(Answered::New(template))
}

async fn change(tx: &mut Tx, name: &str, edit: &TemplateEdit, by: &str) -> Result<Template, Refusal> {
    let template = named(tx, name, edit.expected.as_deref()).await?;
    let old = &template.draft;
    let draft = Draft {
        name: edit.name.as_ref().unwrap_or(&old.name).clone(),
        description: edit.description.as_ref().unwrap_or(&old.description).clone(),
        body: edit.body.as_ref().unwrap_or(&old.body).clone(),
        fields: edit.fields.as_ref().unwrap_or(&old.fields).clone(),
        file: edit.file.unwrap_or(old.file),
    };
    if draft == *old {
        return Ok(template);
    }
    draft.check()?;
    if draft.name != old.name {
        check_free(tx, &draft.name).await?;
    }
    if draft.file != old.file {
        check_file(tx, draft.file).await?;
    }
    let new = NewTemplate {
        draft,
        by: by.to_owned(),
    };
    let changed = tx.templates().replace(&template, &new).await?;
    tx.emit(Event::template_updated(&changed));
    Ok(changed)
}

/// Returns the template with this name. Refused if it has not the revision `expected`.
async fn named(tx: &mut Tx, name: &str, expected: Option<&str>) -> Result<Template, Refusal> {
    let template = tx.templates().named(name).await?;
    let template = template.ok_or_else(|| not_found("template", name))?;
    if expected.is_some_and(|expected| expected != template.tag()) {
        return Err(Refusal::Changed(format!(
            "template {name} has changed since you looked at it: {} made revision {} of it; load it again, then repeat your \
             change",
            template.updated_by, template.revision
        )));
    }
    Ok(template)
}

async fn check_free(tx: &mut Tx, name: &str) -> Result<(), Refusal> {
    if tx.templates().named(name).await?.is_none() {
        return Ok(());
    }
    Err(Refusal::Conflict(format!(
        "there is a template {name} already; choose another name, or change that one"
    )))
}

/// Refuses a file that could not be sent.
async fn check_file(tx: &mut Tx, file: Option<TemplateFile>) -> Result<(), Refusal> {
    let Some(TemplateFile { id, kind }) = file else {
        return Ok(());
    };
    let Some(StoredMedia { media, sniffed, .. }) = tx.media().get(id).await? else {
        let detail = format!("there is no medium {id}; upload it first, with POST /api/v1/media");
        return Err(TemplateFault::at(FILE, detail).into());
    };
    if media.state != MediaState::Stored {
        let detail = format!(
            "medium {id} is not here ({}); upload it, with POST /api/v1/media",
            media.state
        );
        return Err(TemplateFault::at(FILE, detail).into());
    }
    let sniffed = sniffed.as_deref();
    if !kind.unwrap_or_else(|| FileKind::of_type(sniffed)).takes(sniffed) {
        let detail = "this file cannot go out as that kind; send it as a document";
        return Err(TemplateFault::at("/media/kind", detail).into());
    }
    Ok(())
}

/// Returns the file of a template. Refused, with what to do, if it is not stored any more.
fn still_there(template: &Template, stored: Option<StoredMedia>) -> Result<Media, Refusal> {
    let name = &template.draft.name;
    let why = match stored {
        Some(stored) if stored.media.state == MediaState::Stored => return Ok(stored.media),
        Some(stored) => stored.media.state.to_string(),
        None => "deleted".to_owned(),
    };
    Err(Refusal::Conflict(format!(
        "the file of template {name} is not here any more ({why}); upload it again and set it, with `crm template edit {name} \
         --media PATH`"
    )))
}

/// Returns the customer and the conversation to which a preview belongs: of a customer the one that was active last, of those
/// that the caller sees.
async fn whom(
    store: &Store,
    to: PreviewFor,
    sight: &Sight,
) -> Result<(Option<Customer>, Option<Conversation>), Refusal> {
    match to {
        PreviewFor::Conversation(id) => {
            let conversation = store.conversations().live(id).await?;
            let conversation = conversation.ok_or_else(|| not_found("conversation", id))?;
            let customer = match conversation.customer_id {
                Some(id) => store.customers().current(id).await?,
                None => None,
            };
            Ok((customer, Some(conversation)))
        }
        PreviewFor::Customer(id) => {
            let customer = store.customers().current(id).await?;
            let customer = customer.ok_or_else(|| not_found("customer", id))?;
            let mut latest: Option<Conversation> = None;
            let within = sight.accounts();
            for id in store.conversations().ids_of_customer(customer.id, within).await? {
                let conversation = store.conversations().get(id).await?;
                let rank = |of: &Conversation| (of.last_message_at, of.id);
                let conversation = conversation.filter(|of| of.merged_into.is_none());
                latest = latest.into_iter().chain(conversation).max_by_key(rank);
            }
            Ok((Some(customer), latest))
        }
    }
}
