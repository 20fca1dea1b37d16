//! In work.

pub mod state;
