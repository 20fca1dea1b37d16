//! Network options: addresses, time limits, PDU size, and whom to serve.

use std::time::Duration;

use pacs_core::association::Timeouts;
use pacs_core::net::IpVersion;

use crate::cli::{Group, Row, flag, int, option, uint};

/// Which hosts may connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostAccess {
    /// All of them.
    #[default]
    Full,
    /// Those that `hosts.allow` and `hosts.deny` let through.
    Controlled,
}

/// What the network options say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// IPv4, IPv6 or both: a listener takes either, a look-up decides for a connection.
    pub ip: IpVersion,
    /// Limit for each read and write of a connection; `None` leaves it to the system.
    pub socket_timeout: Option<Duration>,
    /// Limit for association set-up and release messages, and for the peer's close; `None` for no limit.
    pub acse_timeout: Option<Duration>,
    /// Limit for each wait inside a DIMSE message; `None` for no limit.
    pub dimse_timeout: Option<Duration>,
    /// Largest P-DATA-TF PDU announced to peers, in bytes (PS3.8 annex D.1), 4096 to 131072.
    pub max_pdu: u32,
    /// Which hosts may connect.
    pub host_access: HostAccess,
    /// Peers appear under their numeric address; names are not looked up.
    pub disable_host_lookup: bool,
    /// Reject every association.
    pub refuse: bool,
    /// Reject associations without an implementation class UID.
    pub reject: bool,
    /// Receive and answer, but keep nothing.
    pub ignore: bool,
    /// Tolerate a trailing blank in UIDs of a data set.
    pub uid_padding: bool,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            ip: IpVersion::V4,
            socket_timeout: Some(Duration::from_secs(60)),
            acse_timeout: Some(Duration::from_secs(30)),
            dimse_timeout: None,
            max_pdu: 16384,
            host_access: HostAccess::Full,
            disable_host_lookup: false,
            refuse: false,
            reject: false,
            ignore: false,
            uid_padding: false,
        }
    }
}

impl Network {
    /// The limits on waiting.
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            acse: self.acse_timeout.unwrap_or(Duration::from_secs(30)),
            socket: self.socket_timeout,
            data_set: self.dimse_timeout,
        }
    }
}

/// Seconds as typed; none for zero and below.
fn seconds(number: i64) -> Option<Duration> {
    u64::try_from(number).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// The group `IP protocol version`.
pub fn ip() -> Group<Network> {
    Group::new("network options", "IP protocol version").choice([
        flag("-i4", "--ipv4", "IPv4 only", |o: &mut Network| o.ip = IpVersion::V4).default(),
        flag("-i6", "--ipv6", "IPv6 only", |o: &mut Network| o.ip = IpVersion::V6),
        flag("-i0", "--ip-auto", "IPv4 and IPv6", |o: &mut Network| o.ip = IpVersion::Dual),
    ])
}

/// The group about TCP wrappers.
pub fn host_access() -> Group<Network> {
    Group::new("network options", "network host access control (tcp wrapper)").choice([
        flag("-ac", "--access-full", "let every host connect", |o: &mut Network| o.host_access = HostAccess::Full)
            .default(),
        flag(
            "+ac",
            "--access-control",
            "let those connect that hosts.allow and hosts.deny permit",
            |o: &mut Network| {
                o.host_access = HostAccess::Controlled;
            },
        ),
    ])
}

/// `--socket-timeout`.
pub fn socket_timeout() -> Row<Network> {
    option(
        "-ts",
        "--socket-timeout",
        const { &[int("seconds", -1)] },
        "limit for each read and write of a connection; 0 for none, -1 for the system's own",
        |o: &mut Network, v| o.socket_timeout = seconds(v.int(0)),
    )
    .default_value("60")
}

/// `--acse-timeout`.
pub fn acse_timeout() -> Row<Network> {
    option(
        "-ta",
        "--acse-timeout",
        const { &[int("seconds", 1)] },
        "limit for setting up and ending an association",
        |o: &mut Network, v| o.acse_timeout = seconds(v.int(0)),
    )
    .default_value("30")
}

/// `--dimse-timeout`.
pub fn dimse_timeout() -> Row<Network> {
    option(
        "-td",
        "--dimse-timeout",
        const { &[int("seconds", 1)] },
        "limit for each wait inside a message",
        |o: &mut Network, v| o.dimse_timeout = seconds(v.int(0)),
    )
    .default_value("unlimited")
}

/// `--max-pdu`.
pub fn max_pdu() -> Row<Network> {
    option(
        "-pdu",
        "--max-pdu",
        const { &[uint("bytes", 4096, 131_072)] },
        "largest PDU to be received",
        |o: &mut Network, v| o.max_pdu = u32::try_from(v.uint(0)).unwrap_or(131_072),
    )
    .default_value("16384")
}

/// `--disable-host-lookup`.
pub fn disable_host_lookup() -> Row<Network> {
    flag("-dhl", "--disable-host-lookup", "do not look up the names of hosts", |o: &mut Network| {
        o.disable_host_lookup = true;
    })
}

/// `--refuse`, `--reject`, `--ignore`.
pub fn turning_away() -> [Row<Network>; 3] {
    [
        flag("", "--refuse", "reject every association", |o: &mut Network| o.refuse = true),
        flag("", "--reject", "reject associations without an implementation class UID", |o: &mut Network| {
            o.reject = true
        }),
        flag("", "--ignore", "receive objects and answer success, but keep nothing", |o: &mut Network| o.ignore = true),
    ]
}

/// `--uid-padding`.
pub fn uid_padding() -> Row<Network> {
    flag("-up", "--uid-padding", "tolerate a trailing blank in UIDs", |o: &mut Network| o.uid_padding = true)
}
