//! Stored data sets as bytes.

pub mod head;
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
