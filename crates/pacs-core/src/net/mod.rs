//! The socket: listening, and one byte stream to a peer on which every wait has a deadline.

pub mod link;
pub mod listen;
pub mod resolve;

pub use link::{Deadline, Link, LinkError, SocketOptions};
pub use listen::{IpVersion, Listener};
