//! Which hosts may connect, by the two files of the TCP wrappers (hosts_access(5)): the first line of `hosts.allow` that
//! matches lets a host in, the first of `hosts.deny` keeps it out, and one that neither file knows may come in.
//!
//! The files are read anew for each connection, so that a change counts at once. A name is looked up only where a rule asks
//! for one, and believed only when it leads back to the address. Shell commands and other options behind a rule are not run;
//! of the extended form `allow` and `deny` count.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::path::{Path, PathBuf};

/// Bytes of a file of rules, or of a list that it names, that are read.
const LONGEST: u64 = 1 << 20;

/// `EXCEPT` within `EXCEPT`, so many times.
const DEEPEST: usize = 16;

/// The two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    allow: PathBuf,
    deny: PathBuf,
}

/// What the rules say of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may connect.
    Granted,
    /// It may not.
    Denied {
        /// The file and line that say so.
        rule: String,
    },
}

/// Looks names up, where a rule asks for them.
pub trait Names {
    /// The name of an address; none: it has none.
    fn name_of(&self, ip: IpAddr) -> Option<String>;
    /// The addresses of a name.
    fn addresses_of(&self, name: &str) -> Vec<IpAddr>;
}

/// The system's own look-up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn name_of(&self, ip: IpAddr) -> Option<String> {
        dns_lookup::lookup_addr(&ip).ok().filter(|name| name.parse::<IpAddr>().is_err())
    }

    fn addresses_of(&self, name: &str) -> Vec<IpAddr> {
        let found = (name, 0).to_socket_addrs().map(|all| all.map(|one| one.ip().to_canonical()).collect());
        found.unwrap_or_default()
    }
}

/// No look-up at all: no host has a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn name_of(&self, _ip: IpAddr) -> Option<String> {
        None
    }

    fn addresses_of(&self, _name: &str) -> Vec<IpAddr> {
        Vec::new()
    }
}

impl Rules {
    /// The rules in these two files, of which neither need exist.
    pub fn new(allow: impl Into<PathBuf>, deny: impl Into<PathBuf>) -> Self {
        Self { allow: allow.into(), deny: deny.into() }
    }

    /// The system's.
    pub fn of_system() -> Self {
        Self::new("/etc/hosts.allow", "/etc/hosts.deny")
    }

    /// Whether a host may connect to the program of this name. A file that exists and cannot be read lets nobody in: it might
    /// have kept the host out.
    pub fn judge(&self, daemon: &str, ip: IpAddr, names: &impl Names) -> Access {
        let ip = ip.to_canonical();
        let mut client = Client { ip, names, name: None };
        for (path, grants) in [(&self.allow, true), (&self.deny, false)] {
            let text = match read(path) {
                Ok(text) => text,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Access::Denied { rule: format!("{}, which cannot be read: {e}", path.display()) },
            };
            for (number, line) in logical_lines(&text) {
                let Some(grants) = line_says(&line, daemon, &mut client, grants) else { continue };
                return match grants {
                    true => Access::Granted,
                    false => Access::Denied { rule: format!("{}, line {number}", path.display()) },
                };
            }
        }
        Access::Granted
    }
}

fn read(path: &Path) -> io::Result<String> {
    use io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines, continued ones joined, each with the number of its first; without comments and empty ones.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (at, line) in text.lines().enumerate() {
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut().filter(|_| goes_on) {
            Some((_, whole)) => whole.push_str(part),
            None => found.push((at + 1, part.to_owned())),
        }
        goes_on = more;
    }
    found.retain(|(_, line)| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    found
}

/// Whether a line grants access; none: it is about somebody else.
fn line_says(line: &str, daemon: &str, client: &mut Client<'_, impl Names>, grants: bool) -> Option<bool> {
    let fields = fields(line);
    let [daemons, clients, options @ ..] = fields.as_slice() else { return None };
    let is_ours = list_matches(&words(daemons), 0, &mut |token| daemon_matches(token, daemon));
    if !is_ours || !list_matches(&words(clients), 0, &mut |token| client.matches(token)) {
        return None;
    }
    let last =
        options.iter().map(|option| option.trim()).find_map(|option| match option.to_ascii_lowercase().as_str() {
            "allow" => Some(true),
            "deny" => Some(false),
            _ => None,
        });
    Some(last.unwrap_or(grants))
}

/// The fields of a line, which colons separate; those within brackets or behind a backslash do not.
fn fields(line: &str) -> Vec<String> {
    let (mut found, mut within, mut characters) = (vec![String::new()], false, line.chars().peekable());
    while let Some(c) = characters.next() {
        match c {
            ':' if !within => {
                found.push(String::new());
                continue;
            }
            '\\' if characters.peek() == Some(&':') => {
                characters.next();
                found.last_mut().map(|field| field.push(':')).unwrap_or_default();
                continue;
            }
            '[' => within = true,
            ']' => within = false,
            _ => {}
        }
        found.last_mut().map(|field| field.push(c)).unwrap_or_default();
    }
    found
}

fn words(list: &str) -> Vec<&str> {
    list.split([' ', '\t', ',', '\r']).filter(|word| !word.is_empty()).collect()
}

/// `a b EXCEPT c d`: one of the former, and none of the latter.
fn list_matches(list: &[&str], depth: usize, matches: &mut dyn FnMut(&str) -> bool) -> bool {
    let is_except = |word: &&str| word.eq_ignore_ascii_case("EXCEPT");
    let end = list.iter().position(is_except).unwrap_or(list.len());
    let Some(found) = list.get(..end) else { return false };
    if !found.iter().any(|token| matches(token)) {
        return false;
    }
    match list.get(end + 1..) {
        Some(exceptions) if depth < DEEPEST => !list_matches(exceptions, depth + 1, matches),
        Some(_) => false,
        None => true,
    }
}

/// `name`, `ALL`, or either at an address of ours, which is not told apart here.
fn daemon_matches(token: &str, daemon: &str) -> bool {
    let name = token.split_once('@').map_or(token, |(name, _)| name);
    name.eq_ignore_ascii_case("ALL") || name.eq_ignore_ascii_case(daemon)
}

/// Who connects, with its name once a rule has asked for it.
struct Client<'n, N> {
    ip: IpAddr,
    names: &'n N,
    name: Option<Name>,
}

#[derive(Clone, Debug)]
enum Name {
    /// One that leads back to the address.
    Known(String),
    /// There is none.
    Unknown,
    /// One that leads elsewhere.
    Paranoid,
}

impl<N: Names> Client<'_, N> {
    fn name(&mut self) -> &Name {
        let (ip, names) = (self.ip, self.names);
        self.name.get_or_insert_with(|| match names.name_of(ip) {
            None => Name::Unknown,
            Some(name) if names.addresses_of(&name).contains(&ip) => Name::Known(name),
            Some(_) => Name::Paranoid,
        })
    }

    fn has_name(&mut self, fits: impl FnOnce(&str) -> bool) -> bool {
        matches!(self.name(), Name::Known(name) if fits(name))
    }

    fn matches(&mut self, token: &str) -> bool {
        // User names would be asked of the peer's machine; nobody answers there nowadays, so a rule that needs one is nobody's.
        let token = match token.rsplit_once('@') {
            Some((user, _)) if !user.eq_ignore_ascii_case("ALL") => return false,
            Some((_, host)) => host,
            None => token,
        };
        match token.to_ascii_uppercase().as_str() {
            "ALL" => return true,
            "LOCAL" => return self.has_name(|name| !name.contains('.')),
            "UNKNOWN" => return matches!(self.name(), Name::Unknown),
            "KNOWN" => return matches!(self.name(), Name::Known(_)),
            "PARANOID" => return matches!(self.name(), Name::Paranoid),
            _ => {}
        }
        if token.starts_with('/') {
            let list = read(Path::new(token)).unwrap_or_default();
            // A list does not name further lists.
            return list.lines().flat_map(words).any(|word| !word.starts_with('/') && self.matches_pattern(word));
        }
        self.matches_pattern(token)
    }

    fn matches_pattern(&mut self, token: &str) -> bool {
        if let Some(domain) = token.strip_prefix('.') {
            return self.has_name(|name| {
                name.len() > domain.len() + 1 && name.to_ascii_lowercase().ends_with(&token.to_ascii_lowercase())
            });
        }
        if token.ends_with('.') && token.starts_with(|c: char| c.is_ascii_digit()) {
            return self.ip.is_ipv4() && self.ip.to_string().starts_with(token);
        }
        if let Some(network) = network(token) {
            return network.contains(self.ip);
        }
        if let Ok(address) = token.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return address.to_canonical() == self.ip;
        }
        if token.contains(['*', '?']) {
            let is_of_address = wildcard(token.as_bytes(), self.ip.to_string().as_bytes());
            return is_of_address || self.has_name(|name| wildcard(token.as_bytes(), name.as_bytes()));
        }
        // A group of NIS: there is none.
        if token.starts_with('@') || token.contains('/') {
            return false;
        }
        self.has_name(|name| name.eq_ignore_ascii_case(token))
    }
}

/// An address and the bits of it that count.
struct Network {
    address: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    fn contains(&self, ip: IpAddr) -> bool {
        self.is_v4 == ip.is_ipv4() && bits(ip) & self.mask == self.address & self.mask
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// `n.n.n.n/m.m.m.m`, `n.n.n.n/mm`, `[n:n::n]/mm`.
fn network(token: &str) -> Option<Network> {
    let (address, mask) = token.split_once('/')?;
    if let Ok(address) = address.parse::<Ipv4Addr>() {
        let mask = match mask.parse::<Ipv4Addr>() {
            Ok(mask) => u32::from(mask),
            Err(_) => prefix(mask, 32)? as u32,
        };
        return Some(Network { address: u128::from(u32::from(address)), mask: u128::from(mask), is_v4: true });
    }
    let address: Ipv6Addr = address.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    Some(Network { address: u128::from(address), mask: prefix(mask, 128)?, is_v4: false })
}

/// So many bits from the left, of so many.
fn prefix(digits: &str, all: u32) -> Option<u128> {
    let length: u32 = digits.parse().ok().filter(|length| *length <= all)?;
    let ones = if all == 128 { u128::MAX } else { (1 << all) - 1 };
    Some(if length == 0 { 0 } else { ones & (ones << (all - length)) })
}

/// `*` is any text, `?` any character; letters in either case.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&text[t]) => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests;
