//! Whatever a page tells becomes an event, if need be one that is kept apart with its bytes (rule 13): the parser never
//! panics, never drops anything, and makes nothing that could not be kept.

#![no_main]

use crm::domain::whatsapp::PageEvent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let event = crm::wa::read_event(raw);
    if let PageEvent::Poison { bytes, error } = &event {
        assert_eq!(bytes, raw.as_bytes(), "kept byte for byte");
        assert!(!error.is_empty(), "with the reason");
    }
    // What the store refuses is kept in quarantine as JSON, and read again from there.
    let kept = serde_json::to_string(&event).expect("every event can be written down");
    let again: PageEvent = serde_json::from_str(&kept).expect("and be read again");
    let again = serde_json::to_string(&again).expect("and be written down again");
    assert_eq!(again, kept);
});
