//! In work.

pub mod command;
pub mod dump;
pub mod status;
