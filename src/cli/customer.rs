//! `crm customer`: the people who write to us.

use clap::{Args, Subcommand};
use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::client::{Client, send, send_expecting, with_query};
use super::desk::{attribute, label};
use super::follow::{self, watch::Watch};
use super::generate::complete;
use super::terminal::output::Output;
use super::{Exit, Fault, Shell, listing};
use crate::contract::{
    CustomerFile, CustomerView, EditCustomer, Empty, IdentityView, MergeRequest, MergeView, NewCustomerRequest, Page,
    RawJson,
};
use crate::domain::CustomerId;
use crate::domain::display_name::clean;

/// The people who write to us
#[derive(Debug, Args)]
pub struct Customer {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List customers
    List {
        #[command(flatten)]
        amount: listing::Amount,
        /// Only customers with this text in their name or number
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Only customers with whom this account has a conversation
        #[arg(long, value_name = "NAME", add = complete::accounts())]
        account: Option<String>,
        /// Only customers with this label
        #[arg(long, value_name = "NAME", add = complete::labels())]
        label: Option<String>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show a customer with their WhatsApp identities and their merges
    View {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
    },
    /// Create a customer before they have written
    Create {
        /// Phone number, such as +447700900123
        #[arg(value_name = "NUMBER")]
        phone: String,
        /// Name that goes before WhatsApp's
        #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
        name: Option<String>,
    },
    /// Change a customer: name, number, status, attributes
    Edit {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
        /// Name that goes before WhatsApp's
        #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
        name: Option<String>,
        /// Phone number that goes before WhatsApp's
        #[arg(long, value_name = "NUMBER")]
        phone: Option<String>,
        /// Status, a word of your own
        #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
        status: Option<String>,
        #[command(flatten)]
        attributes: attribute::Changes,
    },
    /// Rename a customer
    Rename {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
        /// The new name
        #[arg(value_name = "NAME", required_unless_present = "reset", allow_hyphen_values = true)]
        name: Option<String>,
        /// Use their name from WhatsApp again
        #[arg(long, conflicts_with = "name")]
        reset: bool,
    },
    /// Put labels on a customer and take others off
    Label {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
        /// +vip puts a label on, -new takes one off
        #[arg(value_name = "+LABEL|-LABEL", required = true, allow_hyphen_values = true, add = complete::label_changes())]
        labels: Vec<String>,
    },
    /// Merge OTHER into ID
    Merge {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
        /// Id of the customer who is merged into that one
        #[arg(value_name = "OTHER", add = complete::customers())]
        other: i64,
    },
    /// Undo a merge, given the id of the merge
    Unmerge {
        /// Id of the merge, from `crm customer view`
        #[arg(value_name = "MERGE")]
        merge: i64,
    },
    /// Stop sending to a customer
    OptOut {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
    },
    /// Allow sending to a customer again
    OptIn {
        /// Id of the customer, from `crm customer list`
        #[arg(value_name = "ID", add = complete::customers())]
        id: i64,
    },
}

const COLUMNS: &[&str] = &["id", "name", "phone", "status", "unread_count", "updated_at"];

/// Types of events after which a list of customers may be another.
const CHANGES: &[&str] = &[
    "conversation.read",
    "customer.created",
    "customer.merged",
    "customer.unmerged",
    "customer.updated",
    "message.queued",
    "message.received",
];

impl Customer {
    /// Runs the command.
    pub async fn run(self, shell: &Shell) -> anyhow::Result<Exit> {
        let client = shell.client()?;
        match self.verb {
            Verb::List {
                amount,
                search,
                account,
                label,
                watch,
            } => {
                let search = search.as_deref().map(|search| ("search", search));
                let account = account.as_deref().map(|account| ("account", account));
                let label = label.as_deref().map(|label| ("label", label));
                let path = with_query("/api/v1/customers", search.into_iter().chain(account).chain(label));
                let show = |output| listing::show(output, &client, &path, amount, COLUMNS);
                return watch.run(shell, follow::events(CHANGES), show).await;
            }
            Verb::View { id } => {
                view(shell, &client, id).await?;
            }
            Verb::Create { phone, name } => {
                let body = NewCustomerRequest {
                    phone,
                    name,
                    status: None,
                    attributes: None,
                };
                let customer: RawJson = client.post("/api/v1/customers", &body).await?;
                shell.output().one(&customer)?;
            }
            Verb::Edit {
                id,
                name,
                phone,
                status,
                attributes,
            } => {
                let name = name.map(|name| visible(name, id)).transpose()?;
                let edit = EditCustomer {
                    name: name.map(Some),
                    phone: phone.map(Some),
                    status,
                    attributes: None,
                };
                let attributes = attributes.read(&client).await?;
                let customer = change(&client, id, edit, attributes.as_ref()).await?;
                shell.output().one(&customer)?;
            }
            Verb::Rename { id, name, reset } => {
                let name = name.filter(|_| !reset).map(|name| visible(name, id)).transpose()?;
                let path = format!("/api/v1/customers/{id}");
                let edit = EditCustomer {
                    name: Some(name),
                    ..EditCustomer::default()
                };
                let customer: RawJson = client.change(Method::PATCH, &path, &edit).await?;
                shell.output().one(&customer)?;
            }
            Verb::Label { id, labels } => {
                label::apply(shell, &client, &format!("/api/v1/customers/{id}"), &labels).await?;
            }
            Verb::Merge { id, other } => {
                let path = format!("/api/v1/customers/{id}/merge");
                let with = CustomerId(other);
                let merge: RawJson = client.post(&path, &MergeRequest { with }).await?;
                shell.output().one(&merge)?;
            }
            Verb::Unmerge { merge } => {
                let path = format!("/api/v1/merges/{merge}/undo");
                let merge: RawJson = client.post(&path, &Empty {}).await?;
                shell.output().one(&merge)?;
            }
            Verb::OptOut { id } => consent(shell, &client, id, "opt-out").await?,
            Verb::OptIn { id } => consent(shell, &client, id, "opt-in").await?,
        }
        Ok(Exit::Ok)
    }
}

const IDENTITY_COLUMNS: &[&str] = &["kind", "value", "current", "first_seen", "last_seen"];
const ATTRIBUTE_COLUMNS: &[&str] = &["name", "value"];
const MERGE_COLUMNS: &[&str] = &[
    "id",
    "customer_id",
    "merged_customer_id",
    "automatic",
    "at",
    "undone_at",
];

/// Attempts to change a customer whom others change too.
const ATTEMPTS: u32 = 3;

/// Changes a customer. Attributes are changed as they are at that moment: if a colleague changes them meanwhile, all is
/// done again.
async fn change(
    client: &Client,
    id: i64,
    mut edit: EditCustomer,
    attributes: Option<&attribute::ReadChanges>,
) -> anyhow::Result<RawJson> {
    let path = format!("/api/v1/customers/{id}");
    let Some(attributes) = attributes else {
        return client.change(Method::PATCH, &path, &edit).await;
    };
    for _ in 1..ATTEMPTS {
        let request = conditional(client, &path, &mut edit, attributes).await?;
        let response = send_expecting(request, StatusCode::PRECONDITION_FAILED).await?;
        if response.status() != StatusCode::PRECONDITION_FAILED {
            return Ok(response.json().await?);
        }
    }
    let request = conditional(client, &path, &mut edit, attributes).await?;
    Ok(send(request).await?.json().await?)
}

/// Returns the request that changes a customer as they are now, and that is refused if they change meanwhile.
async fn conditional(
    client: &Client,
    path: &str,
    edit: &mut EditCustomer,
    attributes: &attribute::ReadChanges,
) -> anyhow::Result<RequestBuilder> {
    let response = send(client.request(Method::GET, path)).await?;
    let tag = response.headers().get(ETAG).cloned();
    let customer: CustomerView = response.json().await?;
    edit.attributes = Some(attributes.applied(customer.attributes));
    // A merged customer redirects to the surviving one, who is the one to change.
    let path = format!("/api/v1/customers/{}", customer.id);
    let request = client.request(Method::PATCH, &path).json(edit);
    Ok(match tag {
        Some(tag) => request.header(IF_MATCH, tag),
        None => request,
    })
}

/// Prints a customer with identities and merges: as tables for people, as one object for programs.
async fn view(shell: &Shell, client: &Client, id: i64) -> anyhow::Result<()> {
    let customer: CustomerView = client.get(&format!("/api/v1/customers/{id}")).await?;
    // A merged customer redirects to the surviving one, whose id is used from here on.
    let id = customer.id;
    let identities: Page<IdentityView> = client.get(&format!("/api/v1/customers/{id}/identities")).await?;
    let merges: Page<MergeView> = client.get(&format!("/api/v1/customers/{id}/merges")).await?;
    let mut output = shell.output();
    if !output.is_for_people() {
        return output.one(&CustomerFile {
            customer,
            identities: identities.data,
            merges: merges.data,
        });
    }
    let attributes: Vec<_> = customer
        .attributes
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let mut shown = serde_json::to_value(&customer)?;
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| name != "attributes");
    }
    output.one(&shown)?;
    table(&mut output, "Attributes", &attributes, ATTRIBUTE_COLUMNS)?;
    table(&mut output, "Identities", &identities.data, IDENTITY_COLUMNS)?;
    table(&mut output, "Merges", &merges.data, MERGE_COLUMNS)
}

fn table(output: &mut Output, title: &str, rows: &[impl Serialize], columns: &[&str]) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    output.line(&format!("\n{title}"))?;
    output.list(rows, columns)
}

/// Returns a name unless nobody could see it.
fn visible(name: String, customer: i64) -> anyhow::Result<String> {
    if clean(&name).is_some() {
        return Ok(name);
    }
    let text = format!(
        "the name has no visible characters; write one, or take WhatsApp's with `crm customer rename {customer} --reset`"
    );
    Err(Fault::new(Exit::Usage, text).into())
}

async fn consent(shell: &Shell, client: &Client, id: i64, verb: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/customers/{id}/{verb}");
    let customer: RawJson = client.post(&path, &Empty {}).await?;
    shell.output().one(&customer)
}
