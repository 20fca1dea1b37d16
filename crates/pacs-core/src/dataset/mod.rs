//! Stored data sets as bytes.

pub mod meta;
pub mod vr;
