//! A `storescp` under test and the folder it stores into.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pacs_testing::{Object, Part10, Peer, Start, Tool, files};
use tempfile::TempDir;

/// The program under test.
pub(crate) fn storescp() -> PathBuf {
    std::env::var_os("PACS_TEST_STORESCP").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_storescp")), PathBuf::from)
}

/// A running `storescp` that stores into `out`, a folder within one of its own that holds nothing else.
pub(crate) struct Receiver {
    tool: Tool,
    base: TempDir,
}

impl Receiver {
    /// Starts one with these arguments; port and output folder are added.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(Start::new(storescp()).args(args))
    }

    /// Starts one that has arguments, variables or a prelude of its own.
    pub(crate) fn start_with(start: Start) -> Self {
        let base = TempDir::new().unwrap();
        let out = base.path().join("out");
        std::fs::create_dir(&out).unwrap();
        Self { tool: start.args(["-od"]).args([&out]).folder(&base).listen(), base }
    }

    /// Starts another one on the same folder, once this one has ended.
    pub(crate) fn start_again(mut self, args: &[&str]) -> Self {
        self.tool.kill();
        let start = Start::new(storescp()).args(args).args(["-od"]).args([self.out()]).folder(&self.base);
        Self { tool: start.listen(), base: self.base }
    }

    /// The folder it stores into.
    pub(crate) fn out(&self) -> PathBuf {
        self.base.path().join("out")
    }

    /// The folder around it, where nothing else may appear.
    pub(crate) fn base(&self) -> &Path {
        self.base.path()
    }

    /// Everything in the folder it stores into, hidden files too.
    pub(crate) fn stored(&self) -> Vec<String> {
        files(&self.out())
    }

    /// The data set of a stored file.
    pub(crate) fn data(&self, name: &str) -> Vec<u8> {
        Part10::data(&self.out().join(name))
    }

    /// The program, to be stopped or killed.
    pub(crate) fn tool(&mut self) -> &mut Tool {
        &mut self.tool
    }
}

impl Deref for Receiver {
    type Target = Tool;

    fn deref(&self) -> &Tool {
        &self.tool
    }
}

/// Both ways to store: parsed, and bit-preserving.
pub(crate) const MODES: [&[&str]; 2] = [&[], &["+B"]];

/// Another peer is served from association to release.
pub(crate) fn serves(receiver: &Receiver) {
    let mut peer = Peer::usual(receiver.port);
    assert_eq!((peer.echo(5), peer.store(1, &Object::tiny("1.2.3.99"))), (0, 0));
    assert!(peer.release());
}

/// The association ends with an A-ABORT, or its connection with less, and is closed at once.
pub(crate) fn ends(peer: &mut Peer, case: &str) {
    let start = Instant::now();
    let end = peer.receive();
    assert!(end.abort().is_some() || end.gone(), "{case}: {end:?}");
    assert!(peer.closed(), "{case}: not closed");
    assert!(start.elapsed() < Duration::from_secs(10), "{case}: closed after {:?}", start.elapsed());
}

/// The connection breaks soon, however much is sent. How much goes through does not matter: it may be read only to be
/// thrown away, so that the A-ABORT reaches the peer.
pub(crate) fn floods_in_vain(peer: &mut Peer, bytes: &[u8], case: &str) {
    let start = Instant::now();
    while peer.offer(bytes) {
        assert!(start.elapsed() < Duration::from_secs(10), "{case}: still taken after {:?}", start.elapsed());
    }
}
