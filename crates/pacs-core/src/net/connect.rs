//! Making a connection: host name, Internet protocol version, time limit.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::link::{Link, SocketOptions};
use super::listen::IpVersion;

/// Why there is no connection. Display gives DCMTK's condition.
#[derive(Debug)]
pub enum ConnectError {
    /// The name is none, or has no address of the wanted version.
    UnknownHost(String),
    /// None of its addresses takes the connection: what the last one tried said.
    Refused {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost(host) => {
                write!(f, "0006:0320 Attempt to connect to unknown host: {}", crate::names::printable(host))
            }
            Self::Refused { error, .. } => write!(f, "0006:031c TCP Initialization Error: {}", reason(error)),
        }
    }
}

impl std::error::Error for ConnectError {}

/// The system's words for an error, without Rust's number behind them.
fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if error.kind() == io::ErrorKind::TimedOut {
        return "Connection timed out".to_owned();
    }
    if let Some(at) = text.rfind(" (os error ") {
        text.truncate(at);
    }
    text
}

/// Connects to a port of a host, trying its addresses in the resolver's order. `limit` is for all attempts together; none
/// leaves it to the system. Looking the name up is not limited: the resolver has limits of its own.
///
/// DCMTK knows the first address only. As with DCMTK 3.7.0 a numeric IPv4 address does for every version.
///
/// # Errors
/// When the host is unknown or cannot be reached.
pub fn connect(
    host: &str,
    port: u16,
    version: IpVersion,
    limit: Option<Duration>,
    options: SocketOptions,
) -> Result<Link, ConnectError> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut failed = None;
    for address in addresses(host, port, version)? {
        match open(address, deadline).and_then(|stream| Link::new(stream, options)) {
            Ok(link) => return Ok(link),
            Err(error) => failed = Some(ConnectError::Refused { address, error }),
        }
    }
    Err(failed.unwrap_or_else(|| ConnectError::UnknownHost(host.to_owned())))
}

fn open(address: SocketAddr, deadline: Option<Instant>) -> io::Result<TcpStream> {
    match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
        None => TcpStream::connect(address),
        Some(left) if left.is_zero() => Err(io::ErrorKind::TimedOut.into()),
        Some(left) => TcpStream::connect_timeout(&address, left),
    }
}

fn addresses(host: &str, port: u16, version: IpVersion) -> Result<Vec<SocketAddr>, ConnectError> {
    let unknown = || ConnectError::UnknownHost(host.to_owned());
    // The resolver would take an empty name for this machine.
    if host.is_empty() {
        return Err(unknown());
    }
    let numeric = host.parse::<std::net::Ipv4Addr>().is_ok();
    let wanted = |address: &SocketAddr| match version {
        IpVersion::V4 => address.is_ipv4(),
        IpVersion::V6 => address.is_ipv6() || numeric,
        IpVersion::Dual => true,
    };
    let found: Vec<_> = (host, port).to_socket_addrs().map_err(|_| unknown())?.filter(wanted).collect();
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const OPTIONS: SocketOptions = SocketOptions { no_delay: true, buffer_length: None };

    #[test]
    fn connects_by_number_and_by_name() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for (host, version) in [
            ("127.0.0.1", IpVersion::V4),
            ("localhost", IpVersion::V4),
            ("127.0.0.1", IpVersion::V6),
            ("localhost", IpVersion::Dual),
        ] {
            let link = connect(host, port, version, Some(Duration::from_secs(5)), OPTIONS).unwrap();
            assert!(link.peer_ip().is_loopback(), "{host}");
        }
    }

    #[test]
    fn unknown_hosts_and_closed_ports_have_dcmtks_conditions() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let said = |host, version| connect(host, port, version, None, OPTIONS).unwrap_err().to_string();
        assert_eq!(said("127.0.0.1", IpVersion::V4), "0006:031c TCP Initialization Error: Connection refused");
        for host in ["", "no-such-host.invalid", "::1"] {
            assert_eq!(said(host, IpVersion::V4), format!("0006:0320 Attempt to connect to unknown host: {host}"));
        }
    }

    #[test]
    fn a_limit_ends_the_wait() {
        // A full queue of connections that nobody accepts leaves the next one without an answer.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let mut held = Vec::new();
        let start = Instant::now();
        let error = loop {
            let limit = Some(Duration::from_millis(300));
            match connect("127.0.0.1", address.port(), IpVersion::V4, limit, OPTIONS) {
                Ok(link) => held.push(link),
                Err(error) => break error,
            }
            assert!(held.len() < 50);
        };
        assert_eq!(error.to_string(), "0006:031c TCP Initialization Error: Connection timed out");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
