//! The listening socket, and who serves what it accepts: one connection at a time, or a thread for each.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use socket2::{Domain, Protocol, Socket, Type};
use tracing::{error, warn};

/// Connections the kernel keeps for us until they are accepted. DCMTK has 50; a burst of senders needs more.
const BACKLOG: i32 = 1024;

/// Stack of an association's thread in bytes. Nothing recurses; only the pages that are touched cost memory.
const STACK: usize = 512 << 10;

/// Connections that wait to be told that there is no room; further ones are closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// Which addresses a listener takes connections on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpVersion {
    /// All IPv4 addresses.
    #[default]
    V4,
    /// All IPv6 addresses and no IPv4 one.
    V6,
    /// Both, on one socket.
    Dual,
}

/// How accepted connections are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// One after the other, on the calling thread.
    Serial,
    /// A thread for each.
    Threads {
        /// At most this many at a time.
        limit: usize,
        /// At the limit, stop accepting until a thread ends (`true`), or turn further peers away (`false`).
        wait: bool,
    },
}

/// What is done with a connection. Shared by all threads.
pub trait Serve: Send + Sync + 'static {
    /// What a connection leads to.
    type Session: Send + 'static;
    /// Comes to terms with a peer; nothing when that fails.
    fn establish(&self, stream: TcpStream) -> Option<Self::Session>;
    /// Serves a session to its end.
    fn serve(&self, session: Self::Session);
    /// Tells the peer that there is no room for it now. Runs on one thread for all such peers: it must be quick.
    fn turn_away(&self, stream: TcpStream);
    /// The limit is reached and accepting stops until a thread ends.
    fn waiting(&self);
}

/// A bound, listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Binds to the port on all addresses of the version and listens.
    ///
    /// # Errors
    /// The system's: the port is taken, needs privileges, or the protocol is not there.
    pub fn bind(version: IpVersion, port: u16) -> io::Result<Self> {
        let (domain, address) = match version {
            IpVersion::V4 => (Domain::IPV4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
            IpVersion::V6 | IpVersion::Dual => (Domain::IPV6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
        };
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(version == IpVersion::V6)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket: socket.into() })
    }

    /// Accepts and serves for ever. A panic ends the association it happens in, and nothing else.
    pub fn run(&self, serving: Serving, handler: Arc<impl Serve>) -> ! {
        loop {
            self.run_until(serving, &handler, None);
        }
    }

    /// Accepts and serves until it is told to stop. Threads that serve go on; nobody is accepted any more.
    pub fn run_until(&self, serving: Serving, handler: &Arc<impl Serve>, stop: Option<&Stop>) {
        let crowd = Arc::new(Crowd::default());
        let door = spawn_door(handler);
        while stop.is_none_or(|stop| stop.wait_for(&self.socket)) {
            if let Serving::Threads { limit, wait: true } = serving {
                crowd.wait_below(limit, || handler.waiting());
            }
            let Some(stream) = self.accept() else { continue };
            match serving {
                Serving::Serial => guarded(|| {
                    if let Some(session) = handler.establish(stream) {
                        handler.serve(session);
                    }
                }),
                Serving::Threads { limit, .. } => match crowd.enter(limit) {
                    Some(place) => greet(stream, place, handler, door.as_ref()),
                    None => turn_away(stream, door.as_ref()),
                },
            }
        }
    }

    fn accept(&self) -> Option<TcpStream> {
        match self.socket.accept() {
            Ok((stream, _)) => Some(stream),
            Err(e) => {
                // Out of descriptors or memory: a peer that gave up, or a lack that passes. Never a reason to end.
                if !matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) {
                    warn!(target: "dcmtk.dcmnet", "cannot accept a connection: {e}");
                    thread::sleep(Duration::from_millis(100));
                }
                None
            }
        }
    }
}

/// Tells a listener to stop accepting; may be shared by threads.
#[derive(Debug)]
pub struct Stop {
    event: OwnedFd,
}

impl Stop {
    /// One that has not been told yet.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { event: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// From now on nobody is accepted. Told once, it stays told.
    pub fn tell(&self) {
        // Full is told as well.
        _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    /// Waits for a connection; false: it is time to stop.
    fn wait_for(&self, socket: &TcpListener) -> bool {
        let mut fds = [PollFd::new(socket, PollFlags::IN), PollFd::new(&self.event, PollFlags::IN)];
        // Interrupted: the caller looks for a connection, and waits there if there is none.
        while rustix::event::poll(&mut fds, None) == Err(rustix::io::Errno::INTR) {}
        !fds[1].revents().contains(PollFlags::IN)
    }
}

fn guarded(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        error!(target: "dcmtk.dcmnet", "an association ended by an internal error; the others go on");
    }
}

/// Establishes a session on one thread and serves it on another: a thread keeps the stack and the small blocks of memory
/// that it has ever used, a negotiation uses far more than waiting does, and most peers wait most of the time.
fn greet<S: Serve>(stream: TcpStream, place: Place, handler: &Arc<S>, door: Option<&SyncSender<TcpStream>>) {
    let theirs = Arc::clone(handler);
    let greeted = spawn_with((stream, place), move |(stream, place)| {
        guarded(|| {
            let Some(session) = theirs.establish(stream) else { return };
            let handler = Arc::clone(&theirs);
            let spawned = spawn_with((session, place), move |(session, place)| {
                guarded(|| handler.serve(session));
                drop(place);
            });
            if let Err((session, _place)) = spawned {
                theirs.serve(session);
            }
        });
    });
    if let Err((stream, _place)) = greeted {
        turn_away(stream, door);
    }
}

/// Starts a thread with a value, or gives the value back when no thread can be had.
fn spawn_with<T: Send + 'static>(value: T, work: impl FnOnce(T) + Send + 'static) -> Result<(), T> {
    let ours = Arc::new(Mutex::new(Some(value)));
    let theirs = Arc::clone(&ours);
    let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
        let value = lock(&theirs).take();
        drop(theirs);
        if let Some(value) = value {
            work(value);
        }
    });
    let Err(e) = spawned else { return Ok(()) };
    warn!(target: "dcmtk.dcmnet", "cannot start a thread for an association: {e}");
    match lock(&ours).take() {
        Some(value) => Err(value),
        // The thread has it after all.
        None => Ok(()),
    }
}

/// The thread that tells peers there is no room. Made at the start, when threads are still to be had.
fn spawn_door<S: Serve>(handler: &Arc<S>) -> Option<SyncSender<TcpStream>> {
    let (door, outside) = sync_channel::<TcpStream>(TURNED_AWAY_AT_ONCE);
    let handler = Arc::clone(handler);
    let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
        for stream in outside {
            guarded(|| handler.turn_away(stream));
        }
    });
    spawned.ok().map(|_| door)
}

fn turn_away(stream: TcpStream, door: Option<&SyncSender<TcpStream>>) {
    if door.is_none_or(|door| door.try_send(stream).is_err()) {
        warn!(target: "dcmtk.dcmnet", "too many associations: a connection was closed without an answer");
    }
}

/// How many associations there are.
#[derive(Debug, Default)]
struct Crowd {
    inside: Mutex<usize>,
    left: Condvar,
}

/// A place in the crowd; given back when dropped.
#[derive(Debug)]
struct Place(Arc<Crowd>);

impl Crowd {
    fn enter(self: &Arc<Self>, limit: usize) -> Option<Place> {
        let mut inside = lock(&self.inside);
        (*inside < limit).then(|| {
            *inside += 1;
            Place(Arc::clone(self))
        })
    }

    fn wait_below(&self, limit: usize, full: impl FnOnce()) {
        let mut inside = lock(&self.inside);
        if *inside >= limit {
            full();
        }
        while *inside >= limit {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.0.inside) -= 1;
        self.0.left.notify_one();
    }
}

/// Nothing panics while these locks are held; a poisoned one would be as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
