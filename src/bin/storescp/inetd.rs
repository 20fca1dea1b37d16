//! The connection that inetd hands over.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};

/// Takes descriptor 0 if it is a connection and the command line has `--inetd`. Descriptors 0 to 2 then lead nowhere, so
/// that nothing that is printed, not even a complaint about the command line, gets to the peer.
pub(crate) fn connection(argv: impl Iterator<Item = OsString>) -> Option<TcpStream> {
    let mut argv = argv.skip(1);
    if !argv.any(|word| word == "-id" || word == "--inetd") {
        return None;
    }
    take().ok()
}

fn take() -> io::Result<TcpStream> {
    let connection: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let socket = socket2::SockRef::from(&connection);
    // A peer that has gone again is one all the same; a socket that listens is inetd's mistake.
    if socket.r#type()? != socket2::Type::STREAM || socket.is_listener()? {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    socket.set_nonblocking(false)?;
    let connection = TcpStream::from(connection);
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(connection)
}
