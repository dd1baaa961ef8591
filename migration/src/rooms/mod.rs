//! Tables and columns of what crosses between rooms and WhatsApp.

pub mod m0033_room_files;
pub mod m0034_room_reactions;
pub mod m0035_questions;
pub mod m0036_cards;
pub mod m0037_taken_events;
pub mod m0039_room_places;
pub mod m0040_room_keepers;
pub mod m0041_replaced_rooms;
pub mod m0042_customers_own;
pub mod m0043_previews;
