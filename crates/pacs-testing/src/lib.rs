//! What the tests of the tools share: starting and stopping a program, scripted peers, tiny objects.
//!
//! A test reads as a script: send, expect, wait, hang up. A [`Tool`] is a program on a free port of its own, a [`Peer`]
//! one connection to it that may send correct messages or any bytes at all. [`Request`], [`Command`], [`pdu()`] and
//! [`pdv()`] build those bytes, each field of them missing or wrong where a case wants it so; [`Object`] and
//! [`Generated`] are the data sets that travel, [`Part10`] a file as it was stored.
//!
//! None of this uses the code under test, so that a mistake there cannot hide here. Every wait has a deadline, and a step
//! that fails panics with what was seen: this crate serves tests alone and is not published. Linux only, for `/proc`.
#![deny(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a step of a test that fails is a panic, and panics are all this crate has to report with"
)]

mod annotated;
mod associate;
mod command;
mod file;
mod generated;
mod object;
mod peer;
mod process;
mod query;
mod table;
mod tool;
mod wire;

use std::time::{Duration, Instant};

pub use annotated::bytes_of;
pub use associate::{Accepted, ContextAnswer, Request};
pub use command::{Command, Message, field, tag};
pub use file::{Part10, files, visible};
pub use generated::{Generated, same_bytes};
pub use object::{Object, element, values};
pub use peer::{Answer, Next, Peer};
pub use process::Usage;
pub use query::Retrieved;
pub use table::{Line, table};
pub use tool::{Finished, Start, Tool, free_port, run};
pub use wire::{ABORT, Pdu, RELEASE_RP, RELEASE_RQ, item, items, message, pdu, pdv};

/// How long a test waits for something that must happen, unless it says otherwise: long enough for a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);

/// UIDs that tests name (PS3.6 annex A).
pub mod uid {
    #![allow(missing_docs, reason = "the names are the standard's own")]
    pub const VERIFICATION: &str = "1.2.840.10008.1.1";
    pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
    pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
    pub const IMPLICIT: &str = "1.2.840.10008.1.2";
    pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    pub const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
    pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
    pub const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
    pub const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
    pub const RLE: &str = "1.2.840.10008.1.2.5";
    pub const FIND_PATIENT: &str = "1.2.840.10008.5.1.4.1.2.1.1";
    pub const MOVE_PATIENT: &str = "1.2.840.10008.5.1.4.1.2.1.2";
    pub const GET_PATIENT: &str = "1.2.840.10008.5.1.4.1.2.1.3";
    pub const FIND_STUDY: &str = "1.2.840.10008.5.1.4.1.2.2.1";
    pub const MOVE_STUDY: &str = "1.2.840.10008.5.1.4.1.2.2.2";
    pub const GET_STUDY: &str = "1.2.840.10008.5.1.4.1.2.2.3";
    pub const FIND_ONLY: &str = "1.2.840.10008.5.1.4.1.2.3.1";
    pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
}

/// Whether a condition comes true within the limit; it is asked every few milliseconds.
pub fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
