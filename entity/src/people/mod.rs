//! Customers, the names by which WhatsApp knows them, and their merges.

pub mod customer;
pub mod customer_apart;
pub mod customer_identity;
pub mod merge;
