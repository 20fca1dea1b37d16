//! Names of peers, by reverse look-up, that never delay anyone: a resolver without answer costs a peer its name in the
//! log, not its association.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that may wait for a look-up. What comes beyond goes without a name this time.
const QUEUE: usize = 64;
/// Look-ups at a time, so that one slow name server does not hold up all others.
const WORKERS: usize = 4;
/// Addresses remembered.
const CACHE: usize = 512;
/// How long a name is believed.
const NAME_LIFE: Duration = Duration::from_secs(600);
/// How long the lack of one is; shorter, for name servers recover.
const NO_NAME_LIFE: Duration = Duration::from_secs(60);

/// Looks up names of peers in the background and remembers them for a while. May be shared by threads.
///
/// Uses the system's own look-up, so `/etc/hosts` counts and 127.0.0.1 is what the system calls it.
pub struct Resolver {
    desk: Arc<Desk>,
}

struct Desk {
    state: Mutex<State>,
    asked: Condvar,
    answered: Condvar,
    lookup: Box<dyn Fn(IpAddr) -> Option<String> + Send + Sync>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<IpAddr>,
    /// Queued or being looked up.
    pending: Vec<IpAddr>,
    known: HashMap<IpAddr, Answer>,
    workers: usize,
    idle: usize,
    closed: bool,
}

struct Answer {
    name: Option<String>,
    until: Instant,
}

impl Resolver {
    /// A resolver that knows nothing yet. Threads start when the first address is asked for, and at most four.
    pub fn new() -> Self {
        Self::with(|ip| dns_lookup::lookup_addr(&ip).ok())
    }

    fn with(lookup: impl Fn(IpAddr) -> Option<String> + Send + Sync + 'static) -> Self {
        let lookup = Box::new(lookup);
        Self {
            desk: Arc::new(Desk { state: Mutex::default(), asked: Condvar::new(), answered: Condvar::new(), lookup }),
        }
    }

    /// The name of this address if it is known within `patience`, else the address itself in digits.
    ///
    /// Only a plain host name is believed: letters, digits, `-`, `.` and `_`, not beginning with `-` or `.`, and not another
    /// address. An IPv4 address in IPv6 dress counts as IPv4. A look-up that takes longer goes on, for the next to ask.
    pub fn name_of(&self, ip: IpAddr, patience: Duration) -> String {
        let ip = ip.to_canonical();
        let deadline = Instant::now().checked_add(patience);
        let mut state = self.desk.state();
        if !state.has(ip) {
            self.ask(&mut state, ip);
        }
        loop {
            if state.has(ip) {
                let name = state.known.get(&ip).and_then(|answer| answer.name.clone());
                return name.unwrap_or_else(|| ip.to_string());
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() || !state.pending.contains(&ip) {
                return ip.to_string();
            }
            state = self.desk.answered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn ask(&self, state: &mut State, ip: IpAddr) {
        if state.pending.contains(&ip) || state.queue.len() >= QUEUE {
            return;
        }
        if state.idle <= state.queue.len() && state.workers < WORKERS {
            let desk = Arc::clone(&self.desk);
            let thread = std::thread::Builder::new().name("resolver".to_owned());
            if thread.spawn(move || desk.work()).is_ok() {
                state.workers += 1;
            }
        }
        // Without any thread nobody would ever look.
        if state.workers > 0 {
            state.queue.push_back(ip);
            state.pending.push(ip);
            self.desk.asked.notify_one();
        }
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.desk.state().closed = true;
        self.desk.asked.notify_all();
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

/// The first part of a host name, `ct1` of `ct1.ward.example`; an address stays whole.
pub fn short_name(name: &str) -> &str {
    match name.split_once('.') {
        Some((first, _)) if !first.is_empty() && name.parse::<IpAddr>().is_err() => first,
        _ => name,
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.state();
        while !state.closed {
            let Some(ip) = state.queue.pop_front() else {
                state.idle += 1;
                state = self.asked.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            drop(state);
            let name = (self.lookup)(ip).filter(|name| is_plain(name));
            state = self.state();
            state.pending.retain(|&other| other != ip);
            state.remember(ip, name);
            self.answered.notify_all();
        }
    }
}

impl State {
    /// Whether the answer for this address is known and still good.
    fn has(&self, ip: IpAddr) -> bool {
        self.known.get(&ip).is_some_and(|answer| answer.until > Instant::now())
    }

    fn remember(&mut self, ip: IpAddr, name: Option<String>) {
        let now = Instant::now();
        if self.known.len() >= CACHE && !self.known.contains_key(&ip) {
            self.known.retain(|_, answer| answer.until > now);
            while self.known.len() >= CACHE
                && let Some(oldest) = self.known.iter().min_by_key(|(_, answer)| answer.until).map(|(&ip, _)| ip)
            {
                self.known.remove(&oldest);
            }
        }
        let life = if name.is_some() { NAME_LIFE } else { NO_NAME_LIFE };
        self.known.insert(ip, Answer { name, until: now + life });
    }
}

/// Whether this is a host name and cannot be taken for anything else, above all not for the address of somebody else:
/// whoever rules over an address decides what its reverse look-up says.
fn is_plain(name: &str) -> bool {
    name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && !name.starts_with(['-', '.'])
        && name.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
