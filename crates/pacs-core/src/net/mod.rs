//! The socket: listening, connecting, and one byte stream to a peer on which every wait has a deadline.

pub mod access;
pub mod connect;
pub mod layer;
pub mod link;
pub mod listen;
pub mod resolve;
#[cfg(feature = "tls")]
pub mod tls;

pub use connect::{ConnectError, connect};
pub use layer::Failure;
pub use link::{Deadline, Link, LinkError, SocketOptions, Waker};
pub use listen::{IpVersion, Listener};
