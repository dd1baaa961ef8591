//! The store on each kind of database: what commits together, what is stored once, in which order it is told, and what
//! happens when things go wrong.

mod databases;
mod desk;
mod grouping;
mod journal;
mod messages;
