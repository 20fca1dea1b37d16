//! A `storescu` under test, files for it to send, and scripted receivers that note what it does.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pacs_testing::{
    ABORT, Command, Finished, LIMIT, Object, Pdu, RELEASE_RP, Start, element, item, items, pdu, uid, within,
};
use tempfile::TempDir;

/// The program under test.
pub(crate) fn storescu() -> PathBuf {
    std::env::var_os("PACS_TEST_STORESCU").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_storescu")), PathBuf::from)
}

/// Runs `storescu` in a folder with these arguments, to a receiver on this port.
pub(crate) fn send<S: AsRef<OsStr>>(folder: &Path, port: u16, args: impl IntoIterator<Item = S>) -> Finished {
    start(folder, port, args).run()
}

/// The same, to be run otherwise.
pub(crate) fn start<S: AsRef<OsStr>>(folder: &Path, port: u16, args: impl IntoIterator<Item = S>) -> Start {
    let port = port.to_string();
    Start::new(storescu()).args(["127.0.0.1", port.as_str()]).args(args).folder(folder)
}

/// A DICOM file of an object, explicit VR little endian.
pub(crate) fn file_of(object: &Object) -> Vec<u8> {
    file_in(object, uid::EXPLICIT)
}

/// A DICOM file of an object whose data set is in this transfer syntax.
pub(crate) fn file_in(object: &Object, syntax: &str) -> Vec<u8> {
    let meta = [
        element(0x0002, 0x0001, "OB", &[0, 1]),
        element(0x0002, 0x0002, "UI", object.sop_class.as_bytes()),
        element(0x0002, 0x0003, "UI", object.instance.as_bytes()),
        element(0x0002, 0x0010, "UI", syntax.as_bytes()),
    ]
    .concat();
    let length = element(0x0002, 0x0000, "UL", &(meta.len() as u32).to_le_bytes());
    [&[0; 128], &b"DICM"[..], &length, &meta, &object.data].concat()
}

/// A folder with so many tiny files, `1.dcm` and so on, whose instances are `1.2.1` and so on.
pub(crate) fn folder_of(count: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    for n in 1..=count {
        write(&folder, &format!("{n}.dcm"), &file_of(&Object::tiny(&format!("1.2.{n}"))));
    }
    folder
}

/// Writes a file into the folder.
pub(crate) fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    std::fs::write(folder.path().join(name), bytes).unwrap();
}

/// The lines of a log that are DCMTK's too: ours end with a full stop.
pub(crate) fn said(finished: &Finished) -> Vec<&str> {
    finished.err.lines().filter(|line| !line.ends_with('.') || line.ends_with("..")).collect()
}

/// An object that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) context: u8,
    pub(crate) syntax: String,
    pub(crate) class: String,
    pub(crate) instance: String,
    pub(crate) id: u16,
    pub(crate) data: Vec<u8>,
    /// Payload length and flags of each PDV of the data set.
    pub(crate) pdvs: Vec<(usize, u8)>,
}

/// One connection of a receiver, to be scripted.
pub(crate) struct Called {
    stream: TcpStream,
    /// Connections before this one.
    pub(crate) number: usize,
    contexts: Vec<(u8, String, String)>,
}

/// The body of an A-ASSOCIATE-RQ taken apart: identifier, class and syntaxes of each context.
pub(crate) fn proposed(request: &[u8]) -> Vec<(u8, String, Vec<String>)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let contexts = items(&request[68..]).into_iter().filter(|(kind, _)| *kind == 0x20);
    contexts
        .map(|(_, body)| {
            let inner = items(&body[4..]);
            let all = |wanted: u8| inner.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, value)| text(value));
            (body[0], all(0x30).next().unwrap(), all(0x40).collect())
        })
        .collect()
}

impl Called {
    /// The next PDU; none when the sender has closed.
    pub(crate) fn receive(&mut self) -> Option<Pdu> {
        let mut head = [0; 6];
        self.stream.read_exact(&mut head).ok()?;
        let mut body = vec![0; u32::from_be_bytes(head[2..].try_into().unwrap()) as usize];
        self.stream.read_exact(&mut body).ok()?;
        Some(Pdu { kind: head[0], body })
    }

    /// Sends bytes, if the sender is still there.
    pub(crate) fn offer(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The body of the association request.
    pub(crate) fn request(&mut self) -> Vec<u8> {
        let pdu = self.receive().expect("a request");
        assert_eq!(pdu.kind, 1);
        pdu.body
    }

    /// Accepts the request: `choose` says for each context which syntax is accepted, if any.
    pub(crate) fn accept(
        &mut self,
        request: &[u8],
        max_length: u32,
        choose: impl Fn(&str, &[String]) -> Option<String>,
    ) {
        let mut answer = [&request[..36], &[0; 32], &item(0x10, uid::APPLICATION_CONTEXT.as_bytes())[..]].concat();
        for (id, class, syntaxes) in proposed(request) {
            let chosen = choose(&class, &syntaxes);
            let result = if chosen.is_some() { 0 } else { 3 };
            let syntax = item(0x40, chosen.as_deref().unwrap_or(uid::IMPLICIT).as_bytes());
            answer.extend(item(0x21, &[&[id, 0, result, 0], &syntax[..]].concat()));
            self.contexts.extend(chosen.map(|syntax| (id, class, syntax)));
        }
        let user = [item(0x51, &max_length.to_be_bytes()), item(0x52, b"1.2.3.4")].concat();
        answer.extend(item(0x50, &user));
        self.offer(&pdu(2, &answer));
    }

    /// Accepts the first syntax of each context.
    pub(crate) fn accept_all(&mut self) -> Vec<u8> {
        let request = self.request();
        self.accept(&request, 16384, |_, syntaxes| syntaxes.first().cloned());
        request
    }

    /// Rejects the association.
    pub(crate) fn reject(&mut self, result: u8, source: u8, reason: u8) {
        self.request();
        self.offer(&pdu(3, &[0, result, source, reason]));
        while self.receive().is_some() {}
    }

    /// The next object; or the type of the PDU that came instead, 0 for a closed connection.
    pub(crate) fn object(&mut self) -> Result<Stored, u8> {
        let (mut command, mut data, mut pdvs) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let pdu = self.receive().ok_or(0)?;
            if pdu.kind != 4 {
                return Err(pdu.kind);
            }
            let mut rest = pdu.body.as_slice();
            while !rest.is_empty() {
                let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
                let (context, flags, payload) = (rest[4], rest[5], &rest[6..4 + length]);
                rest = &rest[4 + length..];
                if flags & 1 == 1 {
                    command.extend_from_slice(payload);
                    continue;
                }
                data.extend_from_slice(payload);
                pdvs.push((payload.len(), flags));
                if flags & 2 == 2 {
                    let syntax = self.contexts.iter().find(|(id, ..)| *id == context);
                    return Ok(Stored {
                        context,
                        syntax: syntax.expect("an accepted context").2.clone(),
                        class: text_of(&command, 0x0002),
                        instance: text_of(&command, 0x1000),
                        id: u16::from_le_bytes(value_of(&command, 0x0110).try_into().unwrap()),
                        data,
                        pdvs,
                    });
                }
            }
        }
    }

    /// Answers an object.
    pub(crate) fn answer(&mut self, stored: &Stored, status: u16) {
        let response = Command::empty()
            .uid(0x0002, &stored.class)
            .number(0x0100, 0x8001)
            .number(0x0120, stored.id)
            .number(0x0800, 0x0101)
            .number(0x0900, status)
            .uid(0x1000, &stored.instance);
        self.offer(&pacs_testing::message(stored.context, &response.to_bytes(), None, 16384));
    }

    /// Sends an A-ABORT and waits for the sender to go.
    pub(crate) fn abort(&mut self) {
        self.offer(&ABORT);
        while self.receive().is_some() {}
    }

    /// Takes objects and answers them with what `status` says, until the sender releases; the last PDU's type, 0 for none.
    pub(crate) fn serve(&mut self, seen: &Seen, mut status: impl FnMut(&Stored) -> u16) -> u8 {
        loop {
            match self.object() {
                Ok(stored) => {
                    let status = status(&stored);
                    seen.note(stored.clone());
                    self.answer(&stored, status);
                }
                Err(5) => {
                    self.offer(&RELEASE_RP);
                    while self.receive().is_some() {}
                    return 5;
                }
                Err(kind) => return kind,
            }
        }
    }
}

/// The value of a command's element.
fn value_of(mut command: &[u8], wanted: u16) -> &[u8] {
    while command.len() >= 8 {
        let number = u16::from_le_bytes([command[2], command[3]]);
        let length = u32::from_le_bytes(command[4..8].try_into().unwrap()) as usize;
        if number == wanted {
            return &command[8..8 + length];
        }
        command = &command[8 + length..];
    }
    panic!("no element (0000,{wanted:04x})")
}

fn text_of(command: &[u8], element: u16) -> String {
    String::from_utf8_lossy(value_of(command, element)).trim_end_matches('\0').to_owned()
}

/// What a receiver has got, in the order it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    stored: Arc<Mutex<Vec<Stored>>>,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    ends: Arc<Mutex<Vec<u8>>>,
}

impl Seen {
    pub(crate) fn note(&self, stored: Stored) {
        self.stored.lock().unwrap().push(stored);
    }

    pub(crate) fn stored(&self) -> Vec<Stored> {
        self.stored.lock().unwrap().clone()
    }

    /// The instances that came.
    pub(crate) fn instances(&self) -> Vec<String> {
        self.stored().into_iter().map(|stored| stored.instance).collect()
    }

    /// The association requests.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }

    /// How the associations that have ended did so: the type of the last PDU, 0 for none.
    pub(crate) fn ends(&self) -> Vec<u8> {
        self.ends.lock().unwrap().clone()
    }
}

/// A scripted receiver: a thread for each connection.
pub(crate) struct Acceptor {
    pub(crate) port: u16,
    pub(crate) seen: Seen,
}

impl Acceptor {
    /// One that runs a script for each connection; what the script gives is noted as the end of the association.
    pub(crate) fn scripted(script: impl Fn(&mut Called, &Seen) -> u8 + Send + Sync + 'static) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// The same for connections that this listener gets.
    pub(crate) fn at(listener: TcpListener, script: impl Fn(&mut Called, &Seen) -> u8 + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (seen, script) = (Seen::default(), Arc::new(script));
        let noted = seen.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (script, seen) = (Arc::clone(&script), noted.clone());
                let Ok(stream) = stream else { return };
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(LIMIT)).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut called = Called { stream, number, contexts: Vec::new() };
                    let end = script(&mut called, &seen);
                    seen.ends.lock().unwrap().push(end);
                });
            }
        });
        Self { port, seen }
    }

    /// One that accepts everything and answers with this status.
    pub(crate) fn answering(status: u16) -> Self {
        Self::scripted(move |called, seen| {
            let request = called.accept_all();
            seen.requests.lock().unwrap().push(request);
            called.serve(seen, |_| status)
        })
    }

    /// One that accepts everything and answers success.
    pub(crate) fn usual() -> Self {
        Self::answering(0)
    }

    /// Waits until so many associations have ended; how they did.
    pub(crate) fn ended(&self, count: usize) -> Vec<u8> {
        assert!(within(LIMIT, || self.seen.ends().len() >= count), "{:?} of {count} ended", self.seen.ends());
        self.seen.ends()
    }
}

/// A named pipe.
pub(crate) fn pipe(path: &Path) -> io::Result<()> {
    let made = std::process::Command::new("mkfifo").arg(path).status()?;
    if made.success() { Ok(()) } else { Err(io::Error::other("mkfifo failed")) }
}

/// A moment in which things that should not happen have time to.
pub(crate) fn moment() {
    std::thread::sleep(Duration::from_millis(100));
}
