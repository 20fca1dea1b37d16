//! What is done with a message. Each service is one file with its SOP classes, `serve` for the provider, and the trait that
//! the provider's owner implements; which service a call belongs to is decided by one visible `match` in the program.

pub mod c_echo;
pub mod c_store;
