//! The socket: listening, connecting, and one byte stream to a peer on which every wait has a deadline.

pub mod connect;
pub mod link;
pub mod listen;
pub mod resolve;

pub use connect::{ConnectError, connect};
pub use link::{Deadline, Link, LinkError, SocketOptions, Waker};
pub use listen::{IpVersion, Listener};
