//! With `hide_numbers`, callers below `manage` get no number of a customer.

mod crawl;
mod leaks;
