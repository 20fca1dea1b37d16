//! The command line: options are rows of a table, and everything else follows from the table.
//!
//! A [`Row`] carries an option's names, values, help text, rules and the assignment into the struct of its [`Group`].
//! A [`Program`] strings groups together and adds two things no row can know: its positional parameters, and the order
//! in which it looks at its options, which decides what a call with several faults is told first. [`dialect`] reads
//! DCMTK's way of writing a command line, [`help`] writes the usage text, [`metadata`] hands the rows to `clap`.
//!
//! The parser is ours because `clap` cannot speak the dialect: options that begin with `+`, short names of several
//! letters, values taken blindly, families of which the rightmost wins, and messages that scripts look for.

pub mod dialect;
pub mod help;
pub mod metadata;
mod number;
mod program;
mod row;
mod value;

pub use program::{Entry, LOGGING, Logging, Outcome, Parameter, Program, Stop};
pub use row::{Exclusive, Group, Row, Rule, flag, option};
pub use value::{Kind, Value, ValueSpec, Values, int, text, uint, word};
