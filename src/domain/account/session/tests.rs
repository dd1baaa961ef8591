use crate::domain::account::session::*;

fn phone(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

fn me(number: &str) -> Me {
    Me {
        phone: phone(number),
        lid: None,
        name: None,
    }
}

fn ready_page(epoch: &str) -> PageStatus {
    PageStatus {
        epoch: epoch.into(),
        full_ready: true,
        authenticated: true,
        main: true,
        synced: true,
        online: true,
        me: Some(me("+447700900001")),
        ..PageStatus::default()
    }
}

fn qr_page(code: &str) -> PageStatus {
    PageStatus {
        epoch: "a".into(),
        full_ready: true,
        main: true,
        online: true,
        qr: Some(code.into()),
        ..PageStatus::default()
    }
}

#[test]
fn login_passes_qr_and_syncing_to_ready() {
    let session = Session::starting().handle(SessionEvent::Page(qr_page("2@x")), None);
    assert_eq!((session.state, session.qr.as_deref()), (SessionState::Qr, Some("2@x")));

    let syncing = PageStatus {
        synced: false,
        ..ready_page("a")
    };
    let session = session.handle(SessionEvent::Page(syncing), None);
    assert_eq!((session.state, session.qr.clone()), (SessionState::Syncing, None));

    let session = session.handle(SessionEvent::Page(ready_page("a")), None);
    assert_eq!(session.state, SessionState::Ready);
}

/// The library's `conn.main_ready` is true at the QR screen too.
#[test]
fn main_ready_at_qr_screen_is_no_login() {
    let session = Session::starting().handle(SessionEvent::Page(qr_page("2@x")), None);
    assert!(!session.state.is_linked() && !session.state.can_send());
}

/// rule 7.
#[test]
fn scan_by_other_number_is_refused() {
    let session = Session::starting().handle(
        SessionEvent::Page(ready_page("a")),
        Some(&Binding::To(phone("+447700900999"))),
    );
    assert_eq!(session.state, SessionState::WrongNumber);
    assert!(!session.state.can_send() && !session.state.is_linked());
    assert_eq!(session.resync, 0, "nothing of a wrong number may be stored");
}

/// rule 7: two accounts with one number would report and send everything twice.
#[test]
fn number_of_other_account_is_refused() {
    let me = ready_page("a").me.unwrap().phone;
    let taken = Binding::FirstBut(vec![phone("+447700900998"), me]);
    let session = Session::starting().handle(SessionEvent::Page(ready_page("a")), Some(&taken));
    assert_eq!(session.state, SessionState::WrongNumber);
    assert!(session.detail.unwrap().contains("another account on this server"));
    let free = Binding::FirstBut(vec![phone("+447700900998")]);
    let session = Session::starting().handle(SessionEvent::Page(ready_page("a")), Some(&free));
    assert_eq!(session.state, SessionState::Ready);
}

/// rule 11.
#[test]
fn attach_reload_and_reconnect_ask_for_resync() {
    let attached = Session::starting().handle(SessionEvent::Page(ready_page("a")), None);
    assert_eq!(attached.resync, 1);
    let unchanged = attached.handle(SessionEvent::Page(ready_page("a")), None);
    assert_eq!(unchanged.resync, 1, "nothing happened");
    let reloaded = unchanged.handle(SessionEvent::Page(ready_page("b")), None);
    assert_eq!(reloaded.resync, 2);
    let offline = reloaded.handle(
        SessionEvent::Page(PageStatus {
            online: false,
            ..ready_page("b")
        }),
        None,
    );
    assert_eq!((offline.state, offline.resync), (SessionState::Offline, 3));
    let back = offline.handle(SessionEvent::Page(ready_page("b")), None);
    assert_eq!((back.state, back.resync), (SessionState::Ready, 4));
    let again = back
        .handle(SessionEvent::Starting, None)
        .handle(SessionEvent::Page(ready_page("b")), None);
    assert_eq!(again.resync, 5, "attached again");
}

/// rule 11: otherwise the events after the page is back would be stored before those that it received while loading.
#[test]
fn page_first_seen_offline_asks_for_resync() {
    let offline = |epoch: &str| PageStatus {
        online: false,
        ..ready_page(epoch)
    };
    let loading = Session::starting().handle(SessionEvent::Page(PageStatus::default()), None);
    let attached = loading.handle(SessionEvent::Page(offline("a")), None);
    assert_eq!((attached.state, attached.resync), (SessionState::Offline, 1));
    let unchanged = attached.handle(SessionEvent::Page(offline("a")), None);
    assert_eq!(unchanged.resync, 1, "nothing happened");
    let loaded_anew = unchanged.handle(SessionEvent::Page(offline("b")), None);
    assert_eq!(loaded_anew.resync, 2);
}

#[test]
fn logout_shows_reason_until_new_code() {
    let ready = Session::starting().handle(SessionEvent::Page(ready_page("a")), None);
    let out = ready.handle(SessionEvent::LoggedOut(Some("unlinked".into())), None);
    assert_eq!(out.state, SessionState::LoggedOut);
    assert!(out.detail.as_deref().is_some_and(|detail| detail.contains("unlinked")));
    let loading = PageStatus {
        qr: None,
        ..qr_page("")
    };
    assert_eq!(
        out.handle(SessionEvent::Page(loading), None).state,
        SessionState::LoggedOut
    );
    assert_eq!(
        out.handle(SessionEvent::Page(qr_page("2@y")), None).state,
        SessionState::Qr
    );
}

#[test]
fn pairing_code_stays_until_login() {
    let session = Session::starting()
        .handle(SessionEvent::Page(qr_page("2@x")), None)
        .handle(SessionEvent::PairingCode("2F6C48JE".into()), None)
        .handle(SessionEvent::Page(qr_page("2@y")), None);
    assert_eq!(
        (session.state, session.pairing_code.as_deref()),
        (SessionState::Code, Some("2F6C48JE"))
    );
    let session = session.handle(SessionEvent::Page(ready_page("a")), None);
    assert_eq!((session.state, session.pairing_code), (SessionState::Ready, None));
}

/// rule 3: between two looks at the session a device may be unlinked and another linked.
#[test]
fn each_logout_counts_once() {
    let ready = Session::starting().handle(SessionEvent::Page(ready_page("a")), None);
    assert_eq!(ready.logouts, 0);
    let out = ready.handle(SessionEvent::LoggedOut(None), None);
    let code = out.handle(SessionEvent::Page(qr_page("2@x")), None);
    assert_eq!((out.logouts, code.logouts), (1, 1));
    let again = code.handle(SessionEvent::Page(ready_page("b")), None);
    assert_eq!((again.state, again.logouts), (SessionState::Ready, 1));
}

/// A reloaded page does not accept the code any more, so it must not be shown.
#[test]
fn pairing_code_ends_with_page_reload() {
    let session = Session::starting()
        .handle(SessionEvent::Page(qr_page("2@x")), None)
        .handle(SessionEvent::PairingCode("2F6C48JE".into()), None);
    let reloaded = PageStatus {
        epoch: "b".into(),
        ..qr_page("2@y")
    };
    let session = session.handle(SessionEvent::Page(reloaded), None);
    assert_eq!((session.state, session.pairing_code), (SessionState::Qr, None));
}

/// rule 10.
#[test]
fn missed_events_resync_only_live_session() {
    let ready = Session::starting().handle(SessionEvent::Page(ready_page("a")), None);
    let missed = ready.handle(SessionEvent::Missed, None);
    assert_eq!((missed.state, missed.resync), (SessionState::Ready, ready.resync + 1));
    assert_eq!(Session::starting().handle(SessionEvent::Missed, None).resync, 0);
}

#[test]
fn failure_stays_shown_while_page_reloads() {
    let failed = Session::starting().handle(SessionEvent::Failed("no network".into()), None);
    let loading = PageStatus::default();
    let session = failed.handle(SessionEvent::Page(loading), None);
    assert_eq!(
        (session.state, session.detail.as_deref()),
        (SessionState::Failed, Some("no network"))
    );
    assert_eq!(
        session.handle(SessionEvent::Page(ready_page("b")), None).state,
        SessionState::Ready
    );
}

#[test]
fn codes_do_not_show_in_debug_output() {
    let session = Session::starting().handle(SessionEvent::Page(qr_page("2@secret")), None);
    assert!(!format!("{session:?}").contains("secret"));
}

/// A blocked account says what to do, and a page that does not fit says what is missing.
#[test]
fn restriction_and_mismatch_are_own_states() {
    let ready = Session::starting().handle(SessionEvent::Page(ready_page("a")), None);
    let seen = |change: fn(&mut PageStatus)| {
        let mut page = ready_page("a");
        change(&mut page);
        ready.handle(SessionEvent::Page(page), None)
    };
    let blocked = seen(|page| (page.restricted, page.full_ready) = (true, false));
    assert_eq!(blocked.state, SessionState::Restricted);
    assert!(blocked.detail.unwrap().contains("ask for a review"));
    let half = seen(|page| page.missing = vec!["MsgStore".into()]);
    assert_eq!(half.state, SessionState::Mismatch);
    assert!(half.detail.as_ref().unwrap().contains("MsgStore"));
    let old = seen(|page| page.outdated = true);
    assert_eq!(old.state, SessionState::Mismatch);
    for state in [SessionState::Restricted, SessionState::Mismatch] {
        assert!(!state.can_send() && !state.is_linked() && !state.needs_login() && state.has_device());
    }
    let loading = half.handle(
        SessionEvent::Page(PageStatus {
            epoch: "b".into(),
            ..PageStatus::default()
        }),
        None,
    );
    assert_eq!(loading.detail, half.detail, "to be read until the page is there again");
    let healed = loading.handle(SessionEvent::Page(ready_page("b")), None);
    assert_eq!((healed.state, healed.detail), (SessionState::Ready, None));
    assert_eq!(healed.resync, ready.resync + 1, "what was missed is looked for");
    assert_eq!(healed.missed, 0, "and nobody was deaf");
}
