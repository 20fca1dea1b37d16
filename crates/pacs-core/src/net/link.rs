//! One byte stream to a peer.
//!
//! The socket stays blocking: an association's thread then needs one system call for each piece of data, not two. The
//! kernel's receive and send time-outs bound a single call; the deadline, which is the caller's for a whole unit such as a
//! PDU, bounds all calls together, so that a peer that sends one byte a second cannot stretch it.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};

use super::layer::{Failure, Layer};

/// When a wait ends: at a moment, or never.
pub type Deadline = Option<Instant>;

/// A kernel time-out may differ from the time left by this part of it before it is set anew (a system call saved, an
/// eighth of the time-out lost at most).
const SLACK: u32 = 8;

/// The shortest time-out that is set; the kernel reads zero as "for ever".
const SHORTEST: Duration = Duration::from_millis(1);

/// Bytes that a peer must take within the time limit of [`Link::write_steadily`].
pub const STEP: usize = 4096;

/// Bytes that are read from a peer after our last word to it: what it may have sent before it could hear us.
const DISCARDED: usize = 1 << 20;

/// How long a peer that a layer does not come to terms with may take to hear that, and to close.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Why nothing more goes over the link.
#[derive(Debug)]
pub enum LinkError {
    /// The peer closed its side or the connection broke.
    Closed,
    /// The deadline passed.
    Timeout,
    /// Another error of the system.
    Io(io::Error),
    /// The layer above the socket refuses to go on: what came is not to be trusted, or the peer has said so of us.
    Layer(Box<Failure>),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("0006:0310 DUL network closed"),
            Self::Timeout => f.write_str("0006:031a DUL network read timeout"),
            Self::Io(e) => write!(f, "0006:031c TCP I/O Error ({e})"),
            Self::Layer(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for LinkError {}

impl From<io::Error> for LinkError {
    fn from(e: io::Error) -> Self {
        use io::ErrorKind as K;
        match e.kind() {
            K::WouldBlock | K::TimedOut => Self::Timeout,
            K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::NotConnected | K::UnexpectedEof => {
                Self::Closed
            }
            _ => Self::Io(e),
        }
    }
}

/// What DCMTK takes from the environment for every socket, read once by the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Send small segments at once (`TCP_NODELAY`). On unless the environment says `0`.
    pub no_delay: bool,
    /// Size of the kernel's buffers in bytes (`TCP_BUFFER_LENGTH`); none leaves the system's default.
    pub buffer_length: Option<usize>,
}

impl SocketOptions {
    /// Reads `TCP_NODELAY` and `TCP_BUFFER_LENGTH` as DCMTK does: leading digits count, rubbish is zero, and a buffer
    /// length of zero means 65,536. `lookup` gives the value of a variable.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let number = |text: String| {
            let text = text.trim_start();
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let value: usize = digits[..end].parse().unwrap_or(0);
            if text.starts_with('-') { 0 } else { value }
        };
        // DCMTK: any integer but 0 switches Nagle's algorithm off, a negative one too.
        let nonzero = |text: String| text.bytes().any(|b| (b'1'..=b'9').contains(&b));
        Self {
            no_delay: lookup("TCP_NODELAY").is_none_or(nonzero),
            buffer_length: lookup("TCP_BUFFER_LENGTH").map(number).map(|n| if n == 0 { 65_536 } else { n }),
        }
    }

    /// Sets the options on a socket. A refused buffer size is not an error: the kernel has its own limits.
    fn apply(&self, stream: &TcpStream) -> io::Result<()> {
        if self.no_delay {
            stream.set_nodelay(true)?;
        }
        if let Some(length) = self.buffer_length {
            let socket = socket2::SockRef::from(stream);
            _ = socket.set_recv_buffer_size(length);
            _ = socket.set_send_buffer_size(length);
        }
        Ok(())
    }
}

/// One byte stream to a peer, over plain TCP or through a [`Layer`].
#[derive(Debug)]
pub struct Link {
    socket: Socket,
    peer: SocketAddr,
    layer: Option<Box<dyn Layer>>,
}

impl Link {
    /// Takes an established connection over.
    ///
    /// # Errors
    /// When the socket's peer or options cannot be got or set: the connection is gone already.
    pub fn new(stream: TcpStream, options: SocketOptions) -> io::Result<Self> {
        let peer = stream.peer_addr()?;
        options.apply(&stream)?;
        let socket = Socket { stream: Arc::new(stream), read_timeout: None, write_timeout: None };
        Ok(Self { socket, peer, layer: None })
    }

    /// Puts a layer between the socket and what is read and written from now on, once it has come to terms with the peer.
    ///
    /// # Errors
    /// When it does not; the peer has been told, as far as it listens, and the connection is closed.
    pub fn through(mut self, layer: Box<dyn Layer>, deadline: Deadline) -> Result<Self, LinkError> {
        self.layer = Some(layer);
        match self.handshake(deadline) {
            Ok(()) => Ok(self),
            Err(e) => {
                // The peer may still be writing; what it is told must not be overtaken by a reset.
                let moment = Instant::now().checked_add(LAST_WORD);
                self.flush_layer(moment.min(deadline).or(moment)).ok();
                self.socket.finish(moment);
                self.layer = None;
                Err(e)
            }
        }
    }

    fn handshake(&mut self, deadline: Deadline) -> Result<(), LinkError> {
        loop {
            let is_open = self.layer.as_mut().map_or(Ok(true), |layer| layer.is_open())?;
            self.flush_layer(deadline)?;
            let Some(layer) = self.layer.as_mut().filter(|_| !is_open) else { return Ok(()) };
            let socket = &mut self.socket;
            layer.fill(&mut |space| socket.read(space, deadline)).map_err(|e| layer.lost(e))?;
        }
    }

    /// What protects this link, in DCMTK's words; none for plain TCP.
    pub fn protection(&self) -> Option<String> {
        self.layer.as_ref().map(|layer| layer.details())
    }

    /// A handle to end waits on this link from outside.
    pub fn waker(&self) -> Waker {
        Waker(Arc::downgrade(&self.socket.stream))
    }

    /// The peer's address; an IPv4 peer of a dual-stack socket has its IPv4 address.
    pub fn peer_ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// Reads what has come, at most `buffer`, at least one byte, waiting for it until the deadline.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the peer has closed its side.
    pub fn read(&mut self, buffer: &mut [u8], deadline: Deadline) -> Result<usize, LinkError> {
        if self.layer.is_none() {
            return self.socket.read(buffer, deadline);
        }
        loop {
            if let Some(n) = self.unwrapped(buffer)? {
                return Ok(n);
            }
            let Some(layer) = &mut self.layer else { return Err(LinkError::Closed) };
            let socket = &mut self.socket;
            // What is still to be sent goes whenever the kernel takes it, and holds up nothing that comes.
            layer.drain(&mut |slices| socket.try_write(slices))?;
            if !layer.has_output() || socket.wait_for_input_or_room(deadline)? {
                layer.fill(&mut |space| socket.read(space, deadline))?;
            }
        }
    }

    /// Reads what has come, at most `buffer`, without waiting; none: nothing has.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the peer has closed its side.
    pub fn try_read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        if self.layer.is_none() {
            return self.socket.try_read(buffer);
        }
        loop {
            if let Some(n) = self.unwrapped(buffer)? {
                return Ok(Some(n));
            }
            let Some(layer) = &mut self.layer else { return Err(LinkError::Closed) };
            let (socket, mut nothing) = (&mut self.socket, false);
            layer.fill(&mut |space| {
                let n = socket.try_read(space)?;
                nothing = n.is_none();
                Ok(n.unwrap_or(0))
            })?;
            if nothing {
                return Ok(None);
            }
        }
    }

    /// What the layer has ready; a failure of it is told to the peer, as far as the kernel takes that now.
    fn unwrapped(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let Some(layer) = &mut self.layer else { return Ok(None) };
        let taken = layer.take(buffer);
        if taken.is_err() {
            let socket = &mut self.socket;
            _ = layer.drain(&mut |slices| socket.try_write(slices));
        }
        taken
    }

    /// Writes all slices in as few system calls as the kernel allows, waiting until the deadline.
    ///
    /// # Errors
    /// After any error an unknown part has been written: the stream cannot be used for a further PDU.
    pub fn write_all(&mut self, mut slices: &mut [IoSlice<'_>], deadline: Deadline) -> Result<(), LinkError> {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() || self.has_output() {
            self.write(&mut slices, deadline)?;
        }
        Ok(())
    }

    /// Writes all slices; the time limit begins anew whenever the peer has made room for [`STEP`] bytes. For data that may
    /// take long over a slow line: only a peer that does not read is given up.
    ///
    /// # Errors
    /// As [`Link::write_all`].
    pub fn write_steadily(&mut self, mut slices: &mut [IoSlice<'_>], limit: Option<Duration>) -> Result<(), LinkError> {
        let after = || limit.and_then(|limit| Instant::now().checked_add(limit));
        let (mut deadline, mut moved) = (after(), 0);
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() || self.has_output() {
            moved += self.write(&mut slices, deadline)?;
            if moved >= STEP {
                (deadline, moved) = (after(), 0);
            }
        }
        Ok(())
    }

    /// Writes at least one byte, of the slices or of what the layer has made of earlier ones; the number of bytes that the
    /// kernel took.
    fn write(&mut self, slices: &mut &mut [IoSlice<'_>], deadline: Deadline) -> Result<usize, LinkError> {
        let socket = &mut self.socket;
        let Some(layer) = &mut self.layer else {
            let n = socket.write(slices, deadline)?;
            IoSlice::advance_slices(slices, n);
            return Ok(n);
        };
        if !layer.has_output() {
            let n = layer.give(slices)?;
            IoSlice::advance_slices(slices, n);
        }
        layer.drain(&mut |made| socket.write(made, deadline).map(Some))
    }

    /// Whether something that was taken by [`Link::try_write`] has not yet gone out.
    pub fn has_output(&self) -> bool {
        self.layer.as_ref().is_some_and(|layer| layer.has_output())
    }

    fn flush_layer(&mut self, deadline: Deadline) -> Result<(), LinkError> {
        while self.has_output() {
            self.write(&mut <&mut [IoSlice<'_>]>::default(), deadline)?;
        }
        Ok(())
    }

    /// Writes what the kernel takes without waiting; the number of bytes written, perhaps 0. What a layer has taken counts
    /// as written: it goes out with whatever is done next.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn try_write(&mut self, bytes: &[u8]) -> Result<usize, LinkError> {
        let socket = &mut self.socket;
        let Some(layer) = &mut self.layer else {
            return Ok(socket.try_write(&[IoSlice::new(bytes)])?.unwrap_or(0));
        };
        layer.drain(&mut |made| socket.try_write(made))?;
        if layer.has_output() {
            return Ok(0);
        }
        let n = layer.give(&[IoSlice::new(bytes)])?;
        layer.drain(&mut |made| socket.try_write(made))?;
        Ok(n)
    }

    /// Says that nothing more will be sent, then reads and discards until the peer closes too, so that what was sent last
    /// reaches it: a connection closed with unread bytes is reset, and a reset overtakes data. Ends at the deadline, and
    /// when the peer goes on sending regardless.
    pub fn finish(&mut self, deadline: Deadline) {
        if let Some(layer) = &mut self.layer {
            layer.close();
            if self.flush_layer(deadline).is_err() {
                return;
            }
        }
        self.socket.finish(deadline);
    }
}

impl Drop for Link {
    /// A layer has a last word too. Whoever has called [`Link::finish`] has said it.
    fn drop(&mut self) {
        if let Some(layer) = &mut self.layer {
            let socket = &mut self.socket;
            layer.close();
            _ = layer.drain(&mut |made| socket.try_write(made));
        }
    }
}

/// The socket itself, blocking, with the kernel's time-outs.
#[derive(Debug)]
struct Socket {
    stream: Arc<TcpStream>,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Socket {
    fn read(&mut self, buffer: &mut [u8], deadline: Deadline) -> Result<usize, LinkError> {
        loop {
            let wanted = time_left(deadline)?;
            if !near(self.read_timeout, wanted) {
                self.stream.set_read_timeout(wanted)?;
                self.read_timeout = wanted;
            }
            match (&*self.stream).read(buffer) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(n) => return Ok(n),
                Err(e) if retry(&e) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        loop {
            match rustix::net::recv(&*self.stream, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return Err(LinkError::Closed),
                Ok((n, _)) => return Ok(Some(n)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(None),
                Err(e) => return Err(io::Error::from(e).into()),
            }
        }
    }

    /// Writes at least one byte of the slices, of which there is one.
    fn write(&mut self, slices: &[IoSlice<'_>], deadline: Deadline) -> Result<usize, LinkError> {
        loop {
            let wanted = time_left(deadline)?;
            if !near(self.write_timeout, wanted) {
                self.stream.set_write_timeout(wanted)?;
                self.write_timeout = wanted;
            }
            match (&*self.stream).write_vectored(slices) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(n) => return Ok(n),
                Err(e) if retry(&e) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Writes what the kernel takes now; none: nothing.
    fn try_write(&mut self, slices: &[IoSlice<'_>]) -> Result<Option<usize>, LinkError> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            match rustix::net::sendmsg(&*self.stream, slices, &mut SendAncillaryBuffer::default(), flags) {
                Ok(n) => return Ok(Some(n)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(None),
                Err(e) => return Err(io::Error::from(e).into()),
            }
        }
    }

    /// Waits until something has come or the kernel takes more; `true`: something has come.
    fn wait_for_input_or_room(&self, deadline: Deadline) -> Result<bool, LinkError> {
        loop {
            let limit = time_left(deadline)?.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::new(&*self.stream, PollFlags::IN | PollFlags::OUT)];
            match rustix::event::poll(&mut fds, limit.as_ref()) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                // Anything but room is an end, which reading tells.
                Ok(_) => return Ok(fds[0].revents() != PollFlags::OUT),
                Err(e) => return Err(io::Error::from(e).into()),
            }
        }
    }

    fn finish(&mut self, deadline: Deadline) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let (mut rest, mut discarded) = ([0; 1024], 0);
        while discarded < DISCARDED
            && let Ok(n) = self.read(&mut rest, deadline)
        {
            discarded += n;
        }
    }
}

/// Ends waits on a [`Link`] from another thread. Does not keep the connection open.
#[derive(Clone, Debug)]
pub struct Waker(Weak<TcpStream>);

impl Waker {
    /// Whoever waits for the peer finds that it has closed its side; it can still be written to.
    pub fn stop_reading(&self) {
        self.shut(Shutdown::Read);
    }

    /// Ends the connection in both directions.
    pub fn end(&self) {
        self.shut(Shutdown::Both);
    }

    fn shut(&self, how: Shutdown) {
        if let Some(stream) = self.0.upgrade() {
            // It may have ended already.
            _ = stream.shutdown(how);
        }
    }
}

/// The time until the deadline, rounded up to what the kernel takes; none for no deadline.
fn time_left(deadline: Deadline) -> Result<Option<Duration>, LinkError> {
    match deadline {
        None => Ok(None),
        Some(moment) => match moment.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left.max(SHORTEST))),
            _ => Err(LinkError::Timeout),
        },
    }
}

/// Is the time-out that is set close enough to the wanted one?
fn near(set: Option<Duration>, wanted: Option<Duration>) -> bool {
    match (set, wanted) {
        (None, None) => true,
        (Some(set), Some(wanted)) => set.abs_diff(wanted) <= wanted / SLACK,
        _ => false,
    }
}

/// A call to repeat: interrupted, or the kernel's time-out came before the deadline.
fn retry(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let near = listener.accept().unwrap().0;
        (Link::new(near, SocketOptions { no_delay: true, buffer_length: None }).unwrap(), far)
    }

    fn within(ms: u64) -> Deadline {
        Some(Instant::now() + Duration::from_millis(ms))
    }

    #[test]
    fn a_trickle_does_not_move_the_deadline() {
        let (mut link, mut far) = pair();
        let writer = std::thread::spawn(move || {
            for _ in 0..40 {
                if far.write_all(b"x").is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let (start, deadline, mut got) = (Instant::now(), within(200), 0);
        let end = loop {
            match link.read(&mut [0; 4], deadline) {
                Ok(n) => got += n,
                Err(e) => break e,
            }
        };
        assert!(matches!(end, LinkError::Timeout), "{end}");
        assert!(got > 0 && start.elapsed() >= Duration::from_millis(190));
        assert!(got < 40, "the deadline moved");
        drop(link);
        writer.join().unwrap();
    }

    #[test]
    fn a_closed_peer_is_told_from_a_silent_one() {
        let (mut link, far) = pair();
        assert!(matches!(link.read(&mut [0; 4], within(30)), Err(LinkError::Timeout)));
        drop(far);
        assert!(matches!(link.read(&mut [0; 4], within(1000)), Err(LinkError::Closed)));
    }

    #[test]
    fn a_peer_that_never_reads_ends_a_write() {
        let (mut link, _far) = pair();
        let block = vec![0; 1 << 20];
        let mut written = 0;
        let end = loop {
            match link.write_all(&mut [IoSlice::new(&block)], within(100)) {
                Ok(()) => written += 1,
                Err(e) => break e,
            }
            assert!(written < 1000);
        };
        assert!(matches!(end, LinkError::Timeout), "{end}");
        // What little room is left fills up, then nothing is taken and nothing waits.
        assert!((0..1000).any(|_| link.try_write(&block).unwrap() == 0));
    }

    #[test]
    fn environment_is_read_as_dcmtk_does() {
        let read = |no_delay: Option<&str>, length: Option<&str>| {
            SocketOptions::from_environment(|name| match name {
                "TCP_NODELAY" => no_delay.map(str::to_owned),
                _ => length.map(str::to_owned),
            })
        };
        assert_eq!(read(None, None), SocketOptions { no_delay: true, buffer_length: None });
        assert_eq!(read(Some("0"), Some("0")), SocketOptions { no_delay: false, buffer_length: Some(65_536) });
        assert_eq!(read(Some("1"), Some("4096")), SocketOptions { no_delay: true, buffer_length: Some(4096) });
        assert!(!read(Some(""), None).no_delay && !read(Some("x"), None).no_delay && read(Some("-1"), None).no_delay);
        assert_eq!(read(None, Some("12k")).buffer_length, Some(12));
    }
}
