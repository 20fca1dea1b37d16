//! Stored data sets as bytes: read as they arrive, written in the form that is wanted, exactly as DCMTK would write them.
//!
//! # The way of a data set
//!
//! `walk` is given bytes, cut anywhere, and tells elements, sequences, items and fragments; it knows the VR of each. `emit`
//! turns what it is told into a [`Form`]: values padded, byte order and headers changed, group lengths and padding added or
//! removed, lengths corrected once they are known. `pending` holds what is to be written: large unchanged values as slices
//! of the input, never copied.
//!
//! * A receiver has a [`Rewriter`]: one pass from the network into a file that can be patched. Only data sets that are out of
//!   order, and deflated output, need [`Rewritten::second_pass`] (`arrange`, `deflate`).
//! * A sender has [`Prepared`]: the source is read once to `plan` all lengths, and a second time to be sent.
//!
//! Memory is bounded by constants, whatever is sent: a few hundred KiB, and [`Limits::memory`] for the lists of data sets with
//! very many items or elements out of order, which then move to scratch files (`spill`, `sort`).
//!
//! # What is read, repaired and refused
//!
//! As by DCMTK 3.7.0, of which the places say so that copy more than the standard says. On purpose otherwise:
//!
//! * What is cut short is refused, wherever the end is. DCMTK's receiver drops an incomplete header at the very end, keeps an
//!   element without its value as an empty one, and stores what it got of a deflate stream, all with success; after an empty
//!   last fragment even with memory that nobody has written. (Its file reader refuses all of these, and so do we.) Kept is its
//!   repair of items that claim more than there is, for their sequence tells where the data end.
//! * Where the data are cut on their way does not matter. In DCMTK, an element that is out of order and comes in two
//!   fragments derails the parser.
//! * With padding to create, DCMTK adds the length of the padding to the first value of whatever element of group FFFC comes
//!   first. Here only a group length changes.
//! * A deflated data set may inflate to [`Limits::inflated`] and no further.
//! * Of private creators that the dictionary knows, 65536 are remembered at a time.
//!
//! Warnings that need the final order (out of order, or found twice) come at the end, not as the elements come.

#[cfg(feature = "archive")]
pub mod charset;
pub mod elements;
pub mod head;
pub mod identifier;
pub mod meta;
pub mod vr;

mod arrange;
mod deflate;
mod emit;
mod form;
mod pending;
mod plan;
mod refusal;
mod rewrite;
mod send;
mod sort;
mod spill;
mod storage;
mod tag;
mod value;
mod walk;
mod watch;

pub use emit::Replacement;
pub use form::{Encoding, Form, GroupLengths, LengthForm, OutputSyntax, Syntax, TrailingPadding};
pub use refusal::{Consequence, Error, Reason, Refusal, Warning, Warnings};
pub use rewrite::{Context, Limits, Outcome, Rewriter, Rewritten};
pub use send::Prepared;
pub use storage::{Append, Scratch, ScratchMaker, Sink, Source};
pub use tag::Tag;
pub use watch::{Found, Wanted};

#[cfg(test)]
mod tests;
