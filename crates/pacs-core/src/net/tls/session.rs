//! One connection: records in and out, between the link's calls and rustls's buffers.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, Error, ProtocolVersion, ServerConfig, ServerConnection};

use super::certificate;
use super::condition::{self, Side};
use crate::net::layer::{Failure, Layer, Sink, Source};
use crate::net::link::LinkError;

/// Bytes that are read at once while much comes: several records.
const MUCH: usize = 64 * 1024;

/// And while little does: an idle connection holds no more than this.
const LITTLE: usize = 2 * 1024;

/// Bytes of records that are made before they must go out.
const MADE: usize = 64 * 1024;

/// The alert `protocol_version` in a record of its own (RFC 8446 6), for peers that have not begun to speak TLS.
const NO_TLS: &[u8] = &[0x15, 3, 1, 0, 2, 2, 70];

/// The records of one connection.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    side: Side,
    expects_name: bool,
    /// What came from the socket and rustls has not seen; from `seen` on.
    raw: Vec<u8>,
    seen: usize,
    comes_much: bool,
    has_begun: bool,
    /// Output beside rustls's own.
    alert: &'static [u8],
    is_closed: bool,
}

impl Session {
    pub(super) fn accepting(config: Arc<ServerConfig>, expects_name: bool) -> Result<Self, LinkError> {
        let connection = ServerConnection::new(config).map_err(|e| layer(condition::of(&e, Side::Acceptor)))?;
        Ok(Self::new(connection.into(), Side::Acceptor, expects_name))
    }

    pub(super) fn connecting(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, LinkError> {
        let connection = ClientConnection::new(config, name).map_err(|e| layer(condition::of(&e, Side::Connector)))?;
        Ok(Self::new(connection.into(), Side::Connector, false))
    }

    fn new(mut connection: Connection, side: Side, expects_name: bool) -> Self {
        connection.set_buffer_limit(Some(MADE));
        Self {
            connection,
            side,
            expects_name,
            raw: Vec::new(),
            seen: 0,
            comes_much: false,
            has_begun: false,
            alert: &[],
            is_closed: false,
        }
    }

    fn has_unseen(&self) -> bool {
        self.seen < self.raw.len()
    }

    /// Shows rustls some of what came.
    fn feed(&mut self) -> Result<(), LinkError> {
        let mut unseen = self.raw.get(self.seen..).unwrap_or_default();
        if !self.has_begun {
            self.has_begun = true;
            if let Some(failure) = condition::foreign(unseen, self.side) {
                self.alert = NO_TLS;
                self.seen = self.raw.len();
                return Err(layer(failure));
            }
        }
        let n = self
            .connection
            .read_tls(&mut unseen)
            .map_err(|e| layer(condition::of(&Error::General(e.to_string()), self.side)))?;
        self.seen += n;
        match self.connection.process_new_packets() {
            Ok(_) => Ok(()),
            // rustls has no error of its own for a certificate that its resolver does not give.
            Err(Error::General(_)) if self.expects_name => Err(layer(condition::wrong_name())),
            Err(e) => Err(layer(condition::of(&e, self.side))),
        }
    }
}

fn layer(failure: Failure) -> LinkError {
    LinkError::Layer(Box::new(failure))
}

impl Layer for Session {
    fn is_open(&mut self) -> Result<bool, LinkError> {
        while self.connection.is_handshaking() && self.has_unseen() {
            self.feed()?;
        }
        Ok(!self.connection.is_handshaking())
    }

    fn lost(&self, error: LinkError) -> LinkError {
        match error {
            LinkError::Closed => layer(condition::closed(self.side)),
            other => other,
        }
    }

    fn fill(&mut self, source: Source<'_>) -> Result<(), LinkError> {
        let size = if self.comes_much { MUCH } else { LITTLE };
        self.seen = 0;
        self.raw.resize(size, 0);
        let n = source(&mut self.raw);
        let came = *n.as_ref().unwrap_or(&0);
        self.raw.truncate(came);
        if came == size {
            self.comes_much = true;
        } else if came <= LITTLE {
            self.comes_much = false;
            self.raw.shrink_to(LITTLE);
        }
        n.map(|_| ())
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(n) => return Ok(Some(n)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(LinkError::Closed),
            }
            if !self.has_unseen() {
                return Ok(None);
            }
            self.feed()?;
        }
    }

    fn give(&mut self, slices: &[IoSlice<'_>]) -> Result<usize, LinkError> {
        match self.connection.writer().write_vectored(slices) {
            Ok(0) | Err(_) => Err(LinkError::Closed),
            Ok(n) => Ok(n),
        }
    }

    fn has_output(&self) -> bool {
        !self.alert.is_empty() || self.connection.wants_write()
    }

    fn drain(&mut self, sink: Sink<'_>) -> Result<usize, LinkError> {
        if !self.alert.is_empty() {
            let n = sink(&[IoSlice::new(self.alert)])?.unwrap_or(0);
            self.alert = self.alert.get(n..).unwrap_or_default();
            return Ok(n);
        }
        let mut outlet = Outlet { sink, error: None };
        match (self.connection.write_tls(&mut outlet), outlet.error) {
            (Ok(n), _) => Ok(n),
            (Err(_), Some(error)) => Err(error),
            (Err(_), None) => Ok(0),
        }
    }

    fn close(&mut self) {
        if !self.is_closed {
            self.is_closed = true;
            self.connection.send_close_notify();
        }
    }

    fn details(&self) -> String {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            other => format!("{other:?}"),
        };
        let suite = self.connection.negotiated_cipher_suite();
        let suite = suite.map(|suite| format!("{:?}", suite.suite())).unwrap_or_default().replace("TLS13_", "TLS_");
        let bits = if suite.contains("AES_128") { 128 } else { 256 };
        let peer = match self.connection.peer_certificates().and_then(|shown| shown.first()) {
            Some(shown) => certificate::describe(shown),
            None => "Peer did not provide a certificate or certificate verification is disabled.".to_owned(),
        };
        format!(
            "================== BEGIN TLS CONNECTION DETAILS =================\nTransport connection: TLS over TCP/IP\n  \
             Protocol    : {version}\n  Ciphersuite : {suite}, encryption: {bits} bits\n{peer}\n\
             =================== END TLS CONNECTION DETAILS =================="
        )
    }
}

/// The sink as rustls wants it, with the sink's own error kept.
struct Outlet<'s> {
    sink: Sink<'s>,
    error: Option<LinkError>,
}

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self.sink)(slices) {
            Ok(Some(n)) => Ok(n),
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => {
                self.error = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
