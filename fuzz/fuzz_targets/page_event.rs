//! Fuzzes the parser of the page's events (rule 13). It never panics and never drops an event: text that it cannot
//! parse becomes an event with the original bytes, for the quarantine. Every event survives being serialised and
//! parsed.

#![no_main]

use crm::domain::whatsapp::PageEvent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let event = crm::wa::read_event(raw);
    if let PageEvent::Poison { bytes, error } = &event {
        assert_eq!(bytes, raw.as_bytes(), "kept byte for byte");
        assert!(!error.is_empty(), "with the reason");
    }
    // An event that the store refuses is quarantined as JSON, and parsed again from there.
    let kept = serde_json::to_string(&event).expect("every event can be written down");
    let again: PageEvent = serde_json::from_str(&kept).expect("and be read again");
    let again = serde_json::to_string(&again).expect("and be written down again");
    assert_eq!(again, kept);
});
