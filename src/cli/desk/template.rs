//! `crm template`: texts that messages are made of.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::{Method, header};

use crate::api::in_path;
use crate::api::secret;
use crate::cli::client::{self, Client};
use crate::cli::follow::{self, watch::Watch};
use crate::cli::generate::complete;
use crate::cli::send::fields::{assignment, filled};
use crate::cli::send::upload::upload;
use crate::cli::send::{Recipient, recipient, text};
use crate::cli::terminal::output::note;
use crate::cli::{Exit, Fault, Shell, listing};
use crate::contract::{
    EditTemplate, NewTemplateRequest, RawJson, RenderRequest, RenderedView, SendMedia, TemplateField,
};

/// Templates of messages
#[derive(Debug, Args)]
pub struct Template {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List templates
    List {
        #[command(flatten)]
        amount: listing::Amount,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show a template
    View {
        /// Name of the template
        #[arg(value_name = "NAME", add = complete::templates())]
        name: String,
    },
    /// Create a template
    Create {
        /// Name of the template
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        content: Content,
    },
    /// Change a template; what is not given stays
    Edit {
        /// Name of the template
        #[arg(value_name = "NAME", add = complete::templates())]
        name: String,
        #[command(flatten)]
        content: Content,
        /// Give it another name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// Remove its file
        #[arg(long, conflicts_with = "media")]
        no_media: bool,
        /// Remove all fields
        #[arg(long, conflicts_with_all = ["fields", "optional"])]
        no_fields: bool,
        /// Change it only if this is still its revision [default: as it is now]
        #[arg(long, value_name = "N")]
        revision: Option<i64>,
    },
    /// Delete a template; messages that were sent with it stay
    Delete {
        /// Name of the template
        #[arg(value_name = "NAME", add = complete::templates())]
        name: String,
    },
    /// Show what a template would send, and send nothing
    Render {
        /// Name of the template
        #[arg(value_name = "NAME", add = complete::templates())]
        name: String,
        /// A customer's name, customer:ID or conversation:ID
        #[arg(value_name = "TO", add = complete::recipients())]
        to: String,
        /// Fill a field
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = assignment)]
        fields: Vec<(String, String)>,
    },
}

/// Parts of a template.
#[derive(Debug, Args)]
struct Content {
    /// The text; - reads it from standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    body: Option<String>,
    /// Read the text from this file
    #[arg(long, value_name = "PATH", conflicts_with = "body")]
    file: Option<PathBuf>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Ask for this field, which has to be filled; may be given several times
    #[arg(long = "field", value_name = "NAME[=LABEL]", value_parser = declaration)]
    fields: Vec<(String, Option<String>)>,
    /// Ask for this field, which may be left out; may be given several times
    #[arg(long, value_name = "NAME[=DEFAULT]", value_parser = declaration)]
    optional: Vec<(String, Option<String>)>,
    /// Send this file with the text
    #[arg(long, value_name = "PATH")]
    media: Option<PathBuf>,
}

impl Content {
    fn text(&mut self) -> anyhow::Result<Option<String>> {
        if let Some(path) = &self.file {
            let read = std::fs::read_to_string(path);
            let read =
                read.map_err(|error| Fault::new(Exit::Usage, format!("{} cannot be read: {error}", path.display())))?;
            return Ok(Some(read.strip_suffix('\n').unwrap_or(&read).to_owned()));
        }
        self.body.take().map(text).transpose()
    }

    fn fields(&self) -> Vec<TemplateField> {
        let required = self.fields.iter().map(|(name, label)| TemplateField {
            name: name.clone(),
            label: label.clone(),
            required: true,
            default: None,
        });
        let optional = self.optional.iter().map(|(name, default)| TemplateField {
            name: name.clone(),
            label: None,
            required: false,
            default: default.clone(),
        });
        required.chain(optional).collect()
    }

    async fn media(&self, client: &Client) -> anyhow::Result<Option<SendMedia>> {
        let Some(path) = &self.media else { return Ok(None) };
        let media = upload(client, path, &secret::new_session_id()?).await?;
        Ok(Some(SendMedia {
            id: media.id,
            kind: None,
        }))
    }
}

const COLUMNS: &[&str] = &["name", "description", "body", "updated_by", "updated_at"];

impl Template {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List { amount, watch } => {
                let about = follow::events(&["template.created", "template.updated", "template.deleted"]);
                let show = |output| listing::show(output, &client, "/api/v1/templates", amount, COLUMNS);
                return watch.run(shell, about, show).await;
            }
            Verb::View { name } => {
                let template: RawJson = client.get(&path(&name)).await?;
                shell.output().one(&template)?;
            }
            Verb::Create { name, mut content } => {
                let request = NewTemplateRequest {
                    name,
                    body: content.text()?.unwrap_or_default(),
                    fields: content.fields(),
                    media: content.media(&client).await?,
                    description: content.description,
                };
                let template: RawJson = client.post("/api/v1/templates", &request).await?;
                shell.output().one(&template)?;
            }
            Verb::Edit {
                name,
                mut content,
                rename,
                no_media,
                no_fields,
                revision,
            } => {
                let fields = content.fields();
                let media = content.media(&client).await?;
                let request = EditTemplate {
                    name: rename,
                    body: content.text()?,
                    description: content.description.map(Some),
                    fields: (no_fields || !fields.is_empty()).then_some(fields),
                    media: (no_media || media.is_some()).then_some(media),
                };
                edit(shell, &client, &name, &request, revision).await?;
            }
            Verb::Delete { name } => {
                client::send(client.request(Method::DELETE, &path(&name))).await?;
                note(&format!("Template {name} is deleted."));
            }
            Verb::Render { name, to, fields } => {
                let mut request = RenderRequest {
                    fields: filled(fields)?,
                    ..RenderRequest::default()
                };
                match recipient(&client, &to, shell.may_ask()).await? {
                    Recipient::Customer(id) => request.customer_id = Some(id),
                    Recipient::Conversation(id) => request.conversation_id = Some(id),
                    Recipient::Phone(_) => {
                        let text = "a template is rendered for a customer that is known: give their name, customer:ID or \
                                    conversation:ID";
                        return Err(Fault::new(Exit::Usage, text).into());
                    }
                }
                let answer: RawJson = client.post(&format!("{}/render", path(&name)), &request).await?;
                let mut output = shell.output();
                if output.is_for_people() {
                    output.text(&client::read::<RenderedView>(&answer)?.content)?;
                } else {
                    output.one(&answer)?;
                }
            }
        }
        Ok(Exit::Ok)
    }
}

/// Changes a template, unless somebody else changes it meanwhile.
async fn edit(
    shell: &Shell,
    client: &Client,
    name: &str,
    request: &EditTemplate,
    revision: Option<i64>,
) -> anyhow::Result<()> {
    let seen: TemplateSeen = client.get(&path(name)).await?;
    let tag = format!("\"{}-{}\"", seen.id, revision.unwrap_or(seen.revision));
    let changed = client.request(Method::PATCH, &path(name)).header(header::IF_MATCH, tag);
    let changed = client::send(changed.json(request)).await?;
    let template: RawJson = changed.json().await?;
    shell.output().one(&template)
}

/// Fields of a template that an edit needs.
#[derive(serde::Deserialize)]
struct TemplateSeen {
    id: i64,
    revision: i64,
}

/// Returns the path of a template.
fn path(name: &str) -> String {
    format!("/api/v1/templates/{}", in_path(name))
}

/// Parses `NAME` or `NAME=TEXT`.
fn declaration(text: &str) -> Result<(String, Option<String>), String> {
    let (name, rest) = match text.split_once('=') {
        Some((name, rest)) => (name, Some(rest.to_owned())),
        None => (text, None),
    };
    if name.is_empty() {
        return Err("give a field as NAME, or as NAME=TEXT".to_owned());
    }
    Ok((name.to_owned(), rest.filter(|rest| !rest.is_empty())))
}
