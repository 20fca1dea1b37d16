//! In work.

pub mod resolve;
