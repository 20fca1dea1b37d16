//! Who may call which area, where C-MOVE sends, and who shares a vendor: questions to a configuration. Nothing is looked up.

use super::{AreaRow, Config, Name, Peer, Peers};
use std::fmt;
use std::net::IpAddr;

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The calling AE title. Blanks and NULs after it do not count.
    pub title: &'a [u8],
    /// Its host's names as the reverse look-up gave them, in full. None when there was no look-up or no answer.
    pub names: &'a [String],
    /// Its address.
    pub address: IpAddr,
}

/// Why a caller may not associate. To the peer it is always *called AE title not recognised* (PS3.8 9.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No row has the called title.
    UnknownTitle {
        /// That title.
        called: Name,
    },
    /// The called title's rows do not list the calling one.
    UnknownCaller {
        /// The called title.
        called: Name,
        /// The calling title.
        calling: Name,
    },
    /// They do, but with other hosts.
    WrongHost {
        /// The called title.
        called: Name,
        /// The calling title.
        calling: Name,
        /// The hosts it is listed with.
        hosts: Vec<Name>,
        /// The caller's address and its names.
        caller: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTitle { called } => write!(f, "no row of the AETable has the title \"{called}\""),
            Self::UnknownCaller { called, calling } => {
                write!(f, "the AETable does not list \"{calling}\" among the peers of \"{called}\"")
            }
            Self::WrongHost { called, calling, hosts, caller } => {
                write!(f, "the AETable lists \"{calling}\" for \"{called}\" with host")?;
                hosts.iter().enumerate().try_for_each(|(n, host)| {
                    let gap = if n == 0 { " " } else { ", " };
                    write!(f, "{gap}{host}")
                })?;
                write!(f, ", but it calls from {caller}")
            }
        }
    }
}

impl Config {
    /// Whether this caller may associate with this called title, and with which area; if not, why.
    ///
    /// The peers of all rows with the title count, the area is the first of them. A listed peer is the caller when its title
    /// is the same, byte for byte, and its host, ignoring case, is the caller's full name, that name's part before the first
    /// dot, or its address in any spelling. An IPv4 address in IPv6 dress counts as IPv4, and `localhost` is whoever calls
    /// from a loopback address. DCMTK knows the short name alone, or the address alone.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn admits(&self, called: &[u8], caller: &Caller<'_>) -> Result<&AreaRow, Refusal> {
        let called = significant(called);
        let calling = significant(caller.title);
        let rows = || self.rows.iter().filter(|row| row.title.as_bytes() == called);
        let area = rows().next().ok_or_else(|| Refusal::UnknownTitle { called: called.into() })?;
        if rows().any(|row| row.peers == Peers::Any) {
            return Ok(area);
        }
        let mut hosts: Vec<&Name> = Vec::new();
        for peer in rows().flat_map(|row| row.peers.listed()).filter(|peer| peer.title.as_bytes() == calling) {
            if is_host_of(&peer.host, caller) {
                return Ok(area);
            }
            if !hosts.contains(&&peer.host) {
                hosts.push(&peer.host);
            }
        }
        let (called, calling) = (called.into(), calling.into());
        if hosts.is_empty() {
            return Err(Refusal::UnknownCaller { called, calling });
        }
        let names = caller.names.iter().map(|name| format!(" ({name})")).collect::<String>();
        let hosts = hosts.into_iter().cloned().collect();
        Err(Refusal::WrongHost { called, calling, hosts, caller: format!("{}{names}", caller.address.to_canonical()) })
    }

    /// Where C-MOVE sends when it names this destination: the first peer with that title in the rows of `AETable`, then in
    /// those of `HostTable`. `VendorTable` and `ANY` name no destinations.
    pub fn destination(&self, title: &[u8]) -> Option<&Peer> {
        let title = significant(title);
        let areas = self.rows.iter().flat_map(|row| row.peers.listed());
        let hosts = self.hosts.iter().flat_map(|row| &row.peers);
        areas.chain(hosts).find(|peer| peer.title.as_bytes() == title).map(|peer| &**peer)
    }

    /// Whether both titles stand in one row of `VendorTable`.
    pub fn same_vendor(&self, one: &[u8], other: &[u8]) -> bool {
        let (one, other) = (significant(one), significant(other));
        let has =
            |peers: &[_], title: &[u8]| peers.iter().any(|peer: &std::sync::Arc<Peer>| peer.title.as_bytes() == title);
        self.vendors.iter().any(|row| has(&row.peers, one) && has(&row.peers, other))
    }
}

impl Peer {
    /// Its host as an address, if it is given as one.
    pub fn address(&self) -> Option<IpAddr> {
        address_of(&self.host)
    }
}

/// A title without what fills its field up: it ends at a NUL, and blanks at its end do not count. DCMTK: blanks before it do.
pub(super) fn significant(title: &[u8]) -> &[u8] {
    let end = title.iter().position(|&byte| byte == 0).unwrap_or(title.len());
    let end = title[..end].iter().rposition(|&byte| byte != b' ').map_or(0, |at| at + 1);
    &title[..end]
}

fn address_of(host: &Name) -> Option<IpAddr> {
    let text = std::str::from_utf8(host.as_bytes()).ok()?;
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_host_of(host: &Name, caller: &Caller<'_>) -> bool {
    let address = caller.address.to_canonical();
    // An address is compared with the address alone: a name is what the caller's name server says.
    if let Some(wanted) = address_of(host) {
        return wanted == address;
    }
    let wanted = trim_root(host.as_bytes());
    if wanted.is_empty() {
        return false;
    }
    if wanted.eq_ignore_ascii_case(b"localhost") && address.is_loopback() {
        return true;
    }
    caller.names.iter().any(|name| {
        let full = trim_root(name.as_bytes());
        let short = full.split(|&byte| byte == b'.').next().unwrap_or_default();
        full.eq_ignore_ascii_case(wanted) || short.eq_ignore_ascii_case(wanted)
    })
}

/// A host name without the dot that may end a full one.
fn trim_root(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}
