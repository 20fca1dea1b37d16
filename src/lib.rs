//! What the programs share and an embedder of `pacs-core` must not carry: the command line, the log and the exit codes.
#![deny(unsafe_code)]

pub mod access;
pub mod cli;
pub mod dictionary;
pub mod door;
pub mod exit;
pub mod limits;
pub mod log;
pub mod logconfig;
pub mod options;
pub mod tls;
