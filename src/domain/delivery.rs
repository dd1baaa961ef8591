//! Decisions about an outbound message whose sending was interrupted or failed (rule 2–4). Pure functions.

use std::time::Duration;

use super::message::MessageState;
use super::whatsapp::{LookUp, SendError};

/// Refusals after which a message fails.
pub const MAX_ATTEMPTS: u32 = 5;

/// Next step for a message that has a stanza id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// WhatsApp has the message in this state.
    Is(MessageState),
    /// The page has the message and will send it: look again in the next epoch.
    PageHasIt,
    /// The message was certainly not sent in this login: send it again under the same id.
    SendAgain,
    /// The login in which the message was sent has ended, so nobody can know. A person decides.
    GiveUpUnknown,
    /// Not known now: look again later.
    Wait,
}

/// Returns the next step after a lookup. `same_login`: the message's id was chosen in the login that the page has now.
pub fn after_look_up(look_up: &LookUp, same_login: bool) -> Next {
    match look_up {
        LookUp::Found { ack } if *ack < 0 => Next::Is(MessageState::Failed),
        LookUp::Found { ack: 0 } => Next::PageHasIt,
        LookUp::Found { ack } => MessageState::Sending.after_ack(*ack).map_or(Next::Wait, Next::Is),
        LookUp::Absent if same_login => Next::SendAgain,
        LookUp::Absent => Next::GiveUpUnknown,
        LookUp::Unclear(_) => Next::Wait,
    }
}

/// Next step after a failed send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The account is in trouble: pause it, and count no attempt.
    Pause,
    /// Try this message again after a pause; its lane waits.
    Retry { after: Duration },
    /// The message failed and was certainly not sent.
    Fail { code: String, detail: String },
    /// Look up its stanza id first.
    LookUp,
}

/// Returns the next step after a failed send. `attempts` is the number of refusals before this one.
pub fn after_failure(error: &SendError, attempts: u32) -> AfterFailure {
    match error {
        SendError::Unreachable(_) => AfterFailure::Pause,
        SendError::Refused { code, detail } => AfterFailure::Fail {
            code: (*code).to_owned(),
            detail: detail.clone(),
        },
        SendError::NotSent { why } if attempts + 1 >= MAX_ATTEMPTS => AfterFailure::Fail {
            code: "gave_up".to_owned(),
            detail: format!(
                "refused {MAX_ATTEMPTS} times, the last time because: {why}; try again with `crm message retry`"
            ),
        },
        SendError::NotSent { .. } => AfterFailure::Retry {
            after: back_off(attempts),
        },
        SendError::Unknown { .. } => AfterFailure::LookUp,
    }
}

/// Returns the pause before the next attempt: 1 s, 2 s, 4 s … at most 5 min.
pub fn back_off(attempts: u32) -> Duration {
    const LONGEST: Duration = Duration::from_mins(5);
    Duration::from_secs(1 << attempts.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::whatsapp::Unreachable;

    /// rule 3.
    #[test]
    fn only_certain_absence_in_same_login_resends() {
        assert_eq!(after_look_up(&LookUp::Absent, true), Next::SendAgain);
        assert_eq!(after_look_up(&LookUp::Absent, false), Next::GiveUpUnknown);
        assert_eq!(after_look_up(&LookUp::Unclear("syncing".into()), true), Next::Wait);
        assert_eq!(after_look_up(&LookUp::Found { ack: 0 }, true), Next::PageHasIt);
        assert_eq!(after_look_up(&LookUp::Found { ack: 0 }, false), Next::PageHasIt);
        assert_eq!(
            after_look_up(&LookUp::Found { ack: 1 }, false),
            Next::Is(MessageState::Sent)
        );
        assert_eq!(
            after_look_up(&LookUp::Found { ack: 3 }, true),
            Next::Is(MessageState::Read)
        );
        assert_eq!(
            after_look_up(&LookUp::Found { ack: -1 }, true),
            Next::Is(MessageState::Failed)
        );
    }

    /// rule 4.
    #[test]
    fn outage_uses_no_attempt_refusal_fails() {
        let trouble = SendError::Unreachable(Unreachable("offline".into()));
        assert_eq!(after_failure(&trouble, 100), AfterFailure::Pause);
        let refusal = SendError::NotSent { why: "busy".into() };
        assert_eq!(
            after_failure(&refusal, 0),
            AfterFailure::Retry {
                after: Duration::from_secs(1)
            }
        );
        assert!(matches!(
            after_failure(&refusal, MAX_ATTEMPTS - 1),
            AfterFailure::Fail { .. }
        ));
        assert_eq!(
            after_failure(&SendError::Unknown { why: "lost".into() }, 100),
            AfterFailure::LookUp
        );
    }

    #[test]
    fn back_off_grows_up_to_limit() {
        assert_eq!(back_off(3), Duration::from_secs(8));
        assert_eq!(back_off(u32::MAX), Duration::from_mins(5));
    }
}
