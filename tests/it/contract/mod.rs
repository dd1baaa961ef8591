//! Everything that is on disks and in other people's programs can still be read: each type of the contract parses what each
//! earlier version of it wrote (`v1/*.json`), and writes it again with the same names in the same order.
//!
//! When a type gets a new field, the files stay as they are: the field is optional when it is read. What a new version writes
//! besides goes into files of its own.

use std::collections::BTreeMap;

use crm::contract::{
    AccountStatusView, AccountView, AgentView, AliveView, AssignCommand, AssignRequest, AttributeView, CallerView,
    ConversationView, CountsView, CreateKey, CreatedKey, CustomerFile, CustomerView, DeleteCommand, EditAgent,
    EditAttribute, EditCommand, EditCustomer, EditLabel, EditRequest, EditTemplate, EventBody, EventType,
    ExportRequest, ExportView, FilterRequest, ForwardCommand, ForwardRequest, HistoryEvent, HistoryRequest,
    HistoryView, Identify, IdentityView, JournalEvent, KeyView, LabelCommand, LabelView, LoginEvent, LoginRequest,
    MarkReadCommand, MediaView, MergeRequest, MergeView, MessageCommand, MessageView, MovedView, NewAccount, NewAgent,
    NewAttributeRequest, NewCustomerRequest, NewLabelRequest, NewTemplateRequest, NoteCommand, NoteRequest, NoteView,
    OutboxView, Page, ProblemBody, QuarantineView, RawJson, ReactCommand, ReactRequest, ReadyView, RebindRequest,
    RenderRequest, RenderedView, ReplayView, ResolveRequest, RotateKey, SeedAck, SeedCustomer, SeedCustomerRow,
    SeedEvent, SeedInbox, SeedMessage, SeedPhoto, SeedSend, SendReport, SendRequest, ServerFrame, SessionView,
    StatusCommand, StatusRequest, StatusView, SyncRequest, SyncStarted, SyncView, TemplateView, TypingCommand,
};
use crm::domain::CustomerId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

type Samples = BTreeMap<String, Vec<RawJson>>;

/// Asserts that a sample was written by a `T` of an earlier version, and nothing of it is lost.
fn is_read<T: DeserializeOwned + Serialize>(name: &str, sample: &RawJson) {
    let read: T = sample
        .parse()
        .unwrap_or_else(|error| panic!("{name} can no longer be read: {error}\n{sample}"));
    is_kept(name, &sample.parse().unwrap(), &serde_json::to_value(read).unwrap());
}

/// Asserts that everything of `old` is in `new`, under the same names and in the same order.
fn is_kept(name: &str, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let names: Vec<_> = new.keys().filter(|name| old.contains_key(*name)).collect();
            assert_eq!(old.keys().collect::<Vec<_>>(), names, "{name}");
            for (field, value) in old {
                is_kept(&format!("{name}.{field}"), value, &new[field]);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len(), "{name}");
            for (old, new) in old.iter().zip(new) {
                is_kept(name, old, new);
            }
        }
        _ => assert_eq!(old, new, "{name}"),
    }
}

/// Takes the samples of each type; none may be left over, and each type has some.
macro_rules! read_all {
    ($samples:expr; $($name:literal => $type:ty),+ $(,)?) => {{
        let mut samples: Samples = serde_json::from_str($samples).unwrap();
        $(
            let of_type = samples.remove($name).unwrap_or_default();
            assert!(!of_type.is_empty(), "no sample of {}", $name);
            for sample in &of_type {
                is_read::<$type>($name, sample);
            }
        )+
        assert!(samples.is_empty(), "not read: {:?}", samples.keys());
    }};
}

#[test]
fn views_of_version_1_are_read() {
    read_all! {
        include_str!("v1/views.json");
        "MessageView" => MessageView,
        "MediaView" => MediaView,
        "CustomerView" => CustomerView,
        "IdentityView" => IdentityView,
        "ConversationView" => ConversationView,
        "MovedView" => MovedView<CustomerId>,
        "AccountView" => AccountView,
        "AccountStatusView" => AccountStatusView,
        "SessionView" => SessionView,
        "MergeView" => MergeView,
        "HistoryView" => HistoryView,
        "SyncView" => SyncView,
        "SyncStarted" => SyncStarted,
        "KeyView" => KeyView,
        "AgentView" => AgentView,
        "CreatedKey" => CreatedKey,
        "StatusView" => StatusView,
        "OutboxView" => OutboxView,
        "AliveView" => AliveView,
        "ReadyView" => ReadyView,
        "QuarantineView" => QuarantineView,
        "ReplayView" => ReplayView,
        "ProblemBody" => ProblemBody,
        "Page<CustomerView>" => Page<CustomerView>,
        "SendReport" => SendReport,
        "CustomerFile" => CustomerFile,
        "LoginEvent" => LoginEvent,
        "HistoryEvent" => HistoryEvent,
        "TemplateView" => TemplateView,
        "RenderedView" => RenderedView,
        "SeedCustomerRow" => SeedCustomerRow,
        "SeedCustomer" => SeedCustomer,
        "SeedMessage" => SeedMessage,
        "SeedEvent" => SeedEvent,
    }
}

#[test]
fn desk_types_of_version_1_are_read() {
    read_all! {
        include_str!("v1/desk.json");
        "ConversationView" => ConversationView,
        "NoteView" => NoteView,
        "LabelView" => LabelView,
        "ExportView" => ExportView,
        "ExportRequest" => ExportRequest,
        "AttributeView" => AttributeView,
        "CountsView" => CountsView,
        "ProblemBody" => ProblemBody,
        "SendRequest" => SendRequest,
        "EditRequest" => EditRequest,
        "AssignRequest" => AssignRequest,
        "StatusRequest" => StatusRequest,
        "NoteRequest" => NoteRequest,
        "NewCustomerRequest" => NewCustomerRequest,
        "NewLabelRequest" => NewLabelRequest,
        "EditLabel" => EditLabel,
        "NewAttributeRequest" => NewAttributeRequest,
        "EditAttribute" => EditAttribute,
        "AssignCommand" => AssignCommand,
        "StatusCommand" => StatusCommand,
        "NoteCommand" => NoteCommand,
        "LabelCommand" => LabelCommand,
        "MessageCommand" => MessageCommand,
        "AgentView" => AgentView,
        "NewAgent" => NewAgent,
        "EditAgent" => EditAgent,
        "CallerView" => CallerView,
        "CustomerView" => CustomerView,
        "ForwardRequest" => ForwardRequest,
        "ForwardCommand" => ForwardCommand,
        "MessageView" => MessageView,
    }
}

#[test]
fn requests_of_version_1_are_read() {
    read_all! {
        include_str!("v1/requests.json");
        "SendRequest" => SendRequest,
        "NewTemplateRequest" => NewTemplateRequest,
        "EditTemplate" => EditTemplate,
        "RenderRequest" => RenderRequest,
        "EditRequest" => EditRequest,
        "ReactRequest" => ReactRequest,
        "ResolveRequest" => ResolveRequest,
        "EditCustomer" => EditCustomer,
        "MergeRequest" => MergeRequest,
        "NewAccount" => NewAccount,
        "LoginRequest" => LoginRequest,
        "RebindRequest" => RebindRequest,
        "HistoryRequest" => HistoryRequest,
        "SyncRequest" => SyncRequest,
        "CreateKey" => CreateKey,
        "Identify" => Identify<FilterRequest>,
        "EditCommand" => EditCommand,
        "DeleteCommand" => DeleteCommand,
        "ReactCommand" => ReactCommand,
        "SeedSend" => SeedSend,
        "SeedInbox" => SeedInbox,
        "SeedAck" => SeedAck,
        "SeedPhoto" => SeedPhoto,
        "MarkReadCommand" => MarkReadCommand,
        "TypingCommand" => TypingCommand,
        "NewAgent" => NewAgent,
        "EditAgent" => EditAgent,
        "RotateKey" => RotateKey,
    }
}

/// The bytes of a [`SendRequest`] are what an idempotency key is bound to (rule 25): a field that is not given stays out.
#[test]
fn send_request_is_written_as_before() {
    let samples: Samples = serde_json::from_str(include_str!("v1/requests.json")).unwrap();
    for sample in &samples["SendRequest"] {
        let request: SendRequest = sample.parse().unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), sample.as_str());
    }
}

#[test]
fn events_of_version_1_are_read() {
    let samples: Samples = serde_json::from_str(include_str!("v1/events.json")).unwrap();
    assert_eq!(samples.len(), EventType::ALL.len());
    for kind in EventType::ALL {
        for sample in &samples[kind.as_str()] {
            let body = EventBody::parse(*kind, sample).unwrap_or_else(|error| panic!("{kind}: {error}\n{sample}"));
            assert_eq!(body.kind(), *kind);
            let data: Value = body.data().unwrap().parse().unwrap();
            is_kept(kind.as_str(), &sample.parse().unwrap(), &data);
        }
    }
}

#[test]
fn frames_of_version_1_are_read() {
    let samples: Vec<RawJson> = serde_json::from_str(include_str!("v1/frames.json")).unwrap();
    for sample in &samples {
        let frame: ServerFrame = ServerFrame::parse(sample.as_str()).unwrap().unwrap();
        let written = serde_json::to_value(&frame).unwrap();
        is_kept("frame", &sample.parse().unwrap(), &written);
    }
    assert_eq!(ServerFrame::<String>::parse(r#"{"op":"later"}"#).unwrap(), None);
}

/// Followers pass on what the journal keeps, whatever the types are by then.
#[test]
fn stored_data_is_passed_on_byte_for_byte() {
    let data = r#"{ "id":1,  "of_an_older_type": 1.50 }"#;
    let event = JournalEvent {
        seq: crm::domain::Seq(7),
        at: crm::domain::Timestamp(0),
        kind: EventType::MessageReceived,
        account_id: None,
        customer_id: None,
        conversation_id: None,
        data: RawJson::from_text(data.to_owned()).unwrap(),
    };
    assert!(event.data.parse::<MessageView>().is_err(), "nothing that is read today");
    assert!(serde_json::to_string(&event).unwrap().contains(data));
    let frame: ServerFrame = ServerFrame::Event(event.into());
    assert!(serde_json::to_string(&frame).unwrap().contains(data));
}
