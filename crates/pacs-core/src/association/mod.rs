//! In work.

pub mod accept;
pub mod context;
pub mod dump;
pub mod profile;
