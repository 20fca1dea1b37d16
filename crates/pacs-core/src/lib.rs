//! DICOM networking and storage for the PACS tools.
//!
//! The modules stand in the order data travels: [`net`] is the socket, [`pdu`] the protocol data units on it,
//! [`association`] what two applications agreed on, [`dimse`] the messages they exchange, [`service`] what is done with
//! a message, [`dataset`] the stored bytes and [`disk`] every call that changes a file system.
//!
//! Arrows point downwards only: `net`, `pdu`, `dataset` and `disk` know nothing of each other, but that `dataset` writes
//! through `disk`; `association` uses `net` and `pdu`; `dimse` uses `association` and `pdu`; `service` uses `dimse`,
//! `association`, `dataset` and `disk`. Nothing here knows a command line or an exit code.
#![deny(unsafe_code)]

#[cfg(feature = "archive")]
pub mod archive;
pub mod association;
pub mod dataset;
pub mod dimse;
pub mod disk;
pub mod names;
pub mod net;
pub mod pdu;
pub mod service;
pub mod uid;

/// The implementation class UID that every association and every file we write carries (PS3.7 D.3.3.2.1).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.258046698904790451085753231178076743198";

/// The implementation version name beside [`IMPLEMENTATION_CLASS_UID`], at most 16 characters (PS3.7 D.3.3.2.3).
pub const IMPLEMENTATION_VERSION_NAME: &str = "PACSTOOLS_010";
