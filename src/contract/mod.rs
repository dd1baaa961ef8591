//! The contract: types of everything that goes over the wire: REST bodies, WebSocket frames, journal events, `-o json`
//! of the shell. `From` converts the domain's types into views; nothing here decides, reads or waits. Knows only
//! `domain`, serde and schemars.
//!
//! What is written lives on: the journal keeps events for 30 days and the answers to idempotency keys for a day, as
//! bytes ([`RawJson`]), and older clients read newer answers. So a field that is added to a view is optional when read
//! (`#[serde(default)]`), and no field or word is ever renamed or removed. `tests/it/contract` parses every type as
//! each earlier version wrote it.

mod account;
mod audit;
mod conversation;
mod customer;
mod desk;
mod details;
mod event;
mod frame;
mod history;
mod key;
mod media;
mod merge;
mod message;
mod page;
mod problem;
mod quarantine;
mod raw;
mod schema;
mod seed;
mod send;
mod shell;
mod status;

pub use account::{AccountStatusView, AccountView, LoginRequest, MeView, NewAccount, RebindRequest, SessionView};
pub use audit::AuditView;
pub use conversation::{ConversationView, GroupView, MovedView, ParticipantView};
pub use customer::{CustomerView, EditCustomer, IdentityView, NewCustomerRequest};
pub use desk::template::{
    EditTemplate, NewTemplateRequest, RenderRequest, RenderedView, SendTemplate, TemplateField, TemplateFieldView,
    TemplateMediaView, TemplateView,
};
pub use desk::{
    AccountRef, AgentView, AssignCommand, AssignRequest, AttributeView, CallerView, CountsView, EditAgent,
    EditAttribute, EditLabel, ExportRequest, ExportView, ForwardCommand, ForwardRequest, HIDDEN, LabelCommand,
    LabelView, MessageCommand, MissedView, NewAgent, NewAttributeRequest, NewLabelRequest, NoteCommand, NoteRequest,
    NoteView, OpenCountView, StatusCommand, StatusRequest, hide_numbers, id_without, mentions_without, name_without,
    text_without,
};
pub use details::{AdView, ContactCardView, DetailsView, LocationView, MentionView, PollView, PollVoteView, QuoteView};
pub use event::{Event, EventBody, EventType, JournalEvent};
pub use frame::{
    ClientFrame, DeleteCommand, EditCommand, EventFrame, FilterRequest, FrameD, Hello, Identify, MarkReadCommand,
    ReactCommand, Ready, Reconnect, Reply, Resumed, ResyncRequired, ServerFrame, TypingCommand,
};
pub use history::{HistoryRequest, HistoryView, SyncRequest, SyncStarted, SyncView};
pub use key::{CreateKey, CreatedKey, KeyView, RotateKey, Scope};
pub use media::MediaView;
pub use merge::{JoinedView, MergeRequest, MergeView, MergedView, UnmergedView};
pub use message::{AuthorView, FailureView, MessageView, ReactionView, WaitingView};
pub use page::Page;
pub use problem::{Code, FieldError, MatrixErrorView, ProblemBody};
pub use quarantine::{QuarantineView, ReplayView};
pub use raw::RawJson;
pub use seed::{
    SeedAck, SeedCustomer, SeedCustomerRow, SeedEvent, SeedInbox, SeedMessage, SeedPhoto, SeedSend, SeedTime,
};
pub use send::{
    EditRequest, Empty, Outcome, ReactRequest, ResolveRequest, SendContact, SendLocation, SendMedia, SendPoll,
    SendRequest,
};
pub use shell::{CustomerFile, HistoryEvent, LoginEvent, SendReport};
pub use status::{
    AliveView, ApiStatusView, BacklogView, DatabaseStateView, DatabaseView, MatrixStateView, MatrixView, MediaRoomView,
    OutboxView, ReadyAccountView, ReadyView, StatusView,
};
