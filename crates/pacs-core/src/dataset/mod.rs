//! In work.

pub mod vr;
