//! Options that two or more programs have: each file holds one struct of plain values and the rows that fill it.
//!
//! A program takes whole groups where its usage shows them whole, and single rows where it mixes them with its own.

pub mod general;
pub mod network;
pub mod output;
pub mod syntaxes;
pub mod tls;
