//! Exit codes by name. Only a program's `main` ends a process; everything else hands it one of these.
//!
//! DCMTK defines a wider table than its network programs use; the names and numbers here are that table's, so that a
//! code means the same to a script whichever program it came from. storescp ends with [`NO_ERROR`] or
//! [`COMMANDLINE_SYNTAX_ERROR`] and, where the descriptor handed over by inetd is unusable, with [`INETD_FAILED`].

/// The program did what it was asked to, or only printed its usage, its version or a list.
pub const NO_ERROR: u8 = 0;
/// The command line is wrong, or the program could not start with what it says (a busy port, a missing folder).
pub const COMMANDLINE_SYNTAX_ERROR: u8 = 1;
/// The system does not allow what was asked for.
pub const INSUFFICIENT_PRIVILEGES: u8 = 2;
/// Giving up set-uid privileges failed.
pub const SETUID_FAILED: u8 = 3;
/// No memory is left.
pub const MEMORY_EXHAUSTED: u8 = 4;
/// The program was built without TLS and is asked for it.
pub const NO_TLS: u8 = 5;
/// An input file cannot be read.
pub const CANNOT_READ_INPUT_FILE: u8 = 20;
/// There is no input file at all.
pub const NO_INPUT_FILES: u8 = 21;
/// An input file is not what it should be.
pub const INVALID_INPUT_FILE: u8 = 22;
/// None of the input files is usable.
pub const NO_VALID_INPUT_FILES: u8 = 23;
/// A folder to read from does not exist or is none.
pub const INVALID_INPUT_DIRECTORY: u8 = 25;
/// An output file cannot be written.
pub const CANNOT_WRITE_OUTPUT_FILE: u8 = 40;
/// A folder to write to does not exist or is none.
pub const INVALID_OUTPUT_DIRECTORY: u8 = 45;
/// Descriptor 0, handed over by inetd, cannot be taken as the connection.
pub const INETD_FAILED: u8 = 99;
/// A sender lost the connection while it waited for a response.
pub const CONNECTION_LOST: u8 = 10;
/// The archive could not start with its configuration, port, TLS keys or privileges.
pub const ARCHIVE_FAILED: u8 = 10;

/// The code of a sender whose last object was answered with this failure status: its high byte, so 0 for a status below
/// 0x0100.
pub const fn of_status(status: u16) -> u8 {
    status.to_be_bytes()[0]
}
