//! The store on each kind of database: what commits together, what is stored once, in which order it is told, and what
//! happens when things go wrong.

mod access;
mod accounts;
mod agents;
mod backup;
mod bounds;
mod customers;
mod databases;
mod desk;
mod grouping;
mod history;
mod journal;
mod kinds;
mod lost;
mod media;
mod merges;
mod merging_at_random;
mod messages;
mod opening;
mod outbox;
mod pace;
mod pages;
mod portraits;
mod raw;
mod resync;
mod rooms;
mod schema;
mod values;
