//! What may stand between a link and its socket: it makes records of what is written and takes them apart again when read,
//! and never touches the socket itself. [`super::tls`] is one; a build without it has none.

use std::fmt::{self, Debug};
use std::io::IoSlice;

use super::link::LinkError;

/// Puts bytes into a given space, as many as there are; the number of them.
pub type Source<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<usize, LinkError>;

/// Takes bytes away, at least one; none: it takes nothing at present.
pub type Sink<'a> = &'a mut dyn FnMut(&[IoSlice<'_>]) -> Result<Option<usize>, LinkError>;

/// A protocol of records over a byte stream. Holds at most what one call brings: memory stays the same however much passes.
pub trait Layer: Debug + Send {
    /// Whether it has come to terms with the peer; works through what has come so far.
    ///
    /// # Errors
    /// When it cannot. What the peer is to be told of that is output.
    fn is_open(&mut self) -> Result<bool, LinkError>;

    /// What an error of the socket means, while it is not open yet.
    fn lost(&self, error: LinkError) -> LinkError;

    /// Reads once from the source.
    ///
    /// # Errors
    /// The source's.
    fn fill(&mut self, source: Source<'_>) -> Result<(), LinkError>;

    /// Moves what has come and is good into the buffer; none: more must come first.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the peer has said that it sends no more, [`LinkError::Layer`] when what came is wrong.
    fn take(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError>;

    /// Makes output of the beginning of the slices, at least a byte; the number of bytes that are done with.
    ///
    /// # Errors
    /// When nothing can be sent any more.
    fn give(&mut self, slices: &[IoSlice<'_>]) -> Result<usize, LinkError>;

    /// Whether there is output.
    fn has_output(&self) -> bool;

    /// Gives output away once, as far as the sink takes it; the number of bytes it took.
    ///
    /// # Errors
    /// The sink's.
    fn drain(&mut self, sink: Sink<'_>) -> Result<usize, LinkError>;

    /// Makes the output that says that nothing more will be sent. Once is enough.
    fn close(&mut self);

    /// Protocol, suite and the peer's certificate, as DCMTK shows them.
    fn details(&self) -> String;
}

/// Why a layer does not go on. Display gives DCMTK's condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The condition's number in DCMTK's module 000b.
    pub code: u16,
    /// The condition's text.
    pub text: String,
    /// Sentences that say more: what was wrong, what helps. May be empty.
    pub cure: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "000b:{:04x} {}", self.code, self.text)
    }
}

impl std::error::Error for Failure {}
