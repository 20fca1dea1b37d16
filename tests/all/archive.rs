//! A `dcmqrscp` under test, the folders it serves, and what its peers ask of it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pacs_testing::{
    Answer, LIMIT, Object, Part10, Peer, Request, Start, Tool, Usage, element, files, uid, values, within,
};
use tempfile::TempDir;

/// The program under test.
pub(crate) fn dcmqrscp() -> PathBuf {
    std::env::var_os("PACS_TEST_DCMQRSCP").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_dcmqrscp")), PathBuf::from)
}

/// A configuration to be. Folders are below the one that the archive runs in.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Lines in front of all tables.
    pub(crate) lines: String,
    /// Rows of the HostTable.
    pub(crate) hosts: Vec<String>,
    /// Rows of the VendorTable.
    pub(crate) vendors: Vec<String>,
    /// Rows of the AETable: title, folder, and the rest.
    pub(crate) areas: Vec<(&'static str, &'static str, String)>,
}

impl Site {
    /// One title, ARCH, for everybody.
    pub(crate) fn usual() -> Self {
        Self::with("RW (200, 1024mb) ANY")
    }

    /// One title, ARCH, with this access, quota and these peers.
    pub(crate) fn with(rest: &str) -> Self {
        Self {
            lines: String::new(),
            hosts: Vec::new(),
            vendors: Vec::new(),
            areas: vec![("ARCH", "area", rest.to_owned())],
        }
    }

    /// A further title.
    pub(crate) fn area(mut self, title: &'static str, folder: &'static str, rest: &str) -> Self {
        self.areas.push((title, folder, rest.to_owned()));
        self
    }

    /// A destination on this machine.
    pub(crate) fn destination(mut self, title: &str, port: u16) -> Self {
        self.hosts.push(format!("{} = ({title}, 127.0.0.1, {port})", title.to_lowercase()));
        self
    }

    /// A line in front of all tables.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.lines += &format!("{line}\n");
        self
    }

    /// The text of the file.
    pub(crate) fn text(&self, base: &Path) -> String {
        let table = |kind: &str, rows: &[String]| {
            format!("{kind} BEGIN\n{}\n{kind} END\n", rows.join("\n")).replace("\n\n", "\n")
        };
        let areas: Vec<_> = self
            .areas
            .iter()
            .map(|(title, folder, rest)| format!("{title} {} {rest}", base.join(folder).display()))
            .collect();
        let tables =
            [table("HostTable", &self.hosts), table("VendorTable", &self.vendors), table("AETable", &areas)].concat();
        format!("MaxPDUSize = 16384\nMaxAssociations = 64\n{}{tables}", self.lines)
    }

    /// Writes the file, and makes the folders that are not there.
    pub(crate) fn write(&self, base: &Path) {
        for (_, folder, _) in &self.areas {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        fs::write(base.join("dcmqrscp.cfg"), self.text(base)).unwrap();
    }
}

/// A running `dcmqrscp`.
pub(crate) struct Archive {
    tool: Tool,
    start: Start,
    base: TempDir,
}

impl Archive {
    /// Starts one with these arguments and the usual configuration.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::of(&Site::usual(), args)
    }

    /// Starts one with this configuration.
    pub(crate) fn of(site: &Site, args: &[&str]) -> Self {
        Self::in_folder(TempDir::new().unwrap(), site, args)
    }

    /// Starts one in a folder where something may be already.
    pub(crate) fn in_folder(base: TempDir, site: &Site, args: &[&str]) -> Self {
        Self::start_with(base, site, Start::new(dcmqrscp()), args)
    }

    /// Starts one in another way.
    pub(crate) fn start_with(base: TempDir, site: &Site, start: Start, args: &[&str]) -> Self {
        site.write(base.path());
        let start = start.args(["-c", "dcmqrscp.cfg"]).args(args).folder(&base);
        Self { tool: start.clone().listen(), start, base }
    }

    /// Starts another one on the same folders, once this one has ended.
    pub(crate) fn start_again(mut self) -> Self {
        self.tool.kill();
        Self { tool: self.start.clone().listen(), start: self.start, base: self.base }
    }

    /// The folder that it runs in.
    pub(crate) fn base(&self) -> &Path {
        self.base.path()
    }

    /// The folder of ARCH.
    pub(crate) fn area(&self) -> PathBuf {
        self.base().join("area")
    }

    /// The program, to be stopped or killed.
    pub(crate) fn tool(&mut self) -> &mut Tool {
        &mut self.tool
    }

    /// A peer of ARCH with [`contexts`].
    pub(crate) fn peer(&self) -> Peer {
        Peer::associated(self.port, &contexts())
    }

    /// Names of the objects in the folder of ARCH.
    pub(crate) fn names(&self) -> Vec<String> {
        files(&self.area()).into_iter().filter(|name| name.ends_with(".dcm")).collect()
    }

    /// The objects in the folder of ARCH by the instance that their meta header names: their data sets.
    pub(crate) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        let mut stored = BTreeMap::new();
        for name in self.names() {
            let path = self.area().join(&name);
            let instance = Part10::open(&path).text(0x0003).unwrap();
            assert!(stored.insert(instance.clone(), Part10::data(&path)).is_none(), "{instance} is there twice");
        }
        stored
    }

    /// The instances that the catalog of ARCH knows, sorted.
    pub(crate) fn found(&self) -> Vec<String> {
        let mut peer = self.peer();
        let found = instances(&mut peer);
        assert!(peer.release());
        found
    }

    /// Everything in the folder of ARCH that is neither an object nor one of the archive's own files.
    pub(crate) fn strays(&self) -> Vec<String> {
        let ours = ["index.owner", "index.sqlite", "index.sqlite-shm", "index.sqlite-wal"];
        files(&self.area()).into_iter().filter(|name| !name.ends_with(".dcm") && !ours.contains(&&**name)).collect()
    }
}

impl Deref for Archive {
    type Target = Tool;

    fn deref(&self) -> &Tool {
        &self.tool
    }
}

pub(crate) const MR: u8 = 1;
pub(crate) const CT: u8 = 3;
pub(crate) const ECHO: u8 = 5;
pub(crate) const FIND: u8 = 7;
pub(crate) const MOVE: u8 = 9;
pub(crate) const GET: u8 = 11;
pub(crate) const FIND_PATIENT: u8 = 13;

/// A request to ARCH for all that an archive does: storing MR and CT images, in both roles, on [`MR`] and [`CT`],
/// verification on [`ECHO`], Study Root on [`FIND`], [`MOVE`] and [`GET`], Patient Root on [`FIND_PATIENT`]; all in explicit
/// VR little endian.
pub(crate) fn contexts() -> Request {
    let explicit = &[uid::EXPLICIT][..];
    Request::new(&[
        (MR, uid::MR, explicit),
        (CT, uid::CT, explicit),
        (ECHO, uid::VERIFICATION, explicit),
        (FIND, uid::FIND_STUDY, explicit),
        (MOVE, uid::MOVE_STUDY, explicit),
        (GET, uid::GET_STUDY, explicit),
        (FIND_PATIENT, uid::FIND_PATIENT, explicit),
    ])
    .to("ARCH")
    .role(uid::MR, true, true)
    .role(uid::CT, true, true)
}

/// An MR image of patient P1 in this study, `study.1` being its series.
pub(crate) fn image(instance: &str, study: &str) -> Object {
    Object::tiny(instance).with_data(
        [
            element(0x0008, 0x0016, "UI", uid::MR.as_bytes()),
            element(0x0008, 0x0018, "UI", instance.as_bytes()),
            element(0x0008, 0x0020, "DA", b"20200131"),
            element(0x0008, 0x0060, "CS", b"MR"),
            element(0x0010, 0x0010, "PN", b"Doe^Jane"),
            element(0x0010, 0x0020, "LO", b"P1"),
            element(0x0020, 0x000D, "UI", study.as_bytes()),
            element(0x0020, 0x000E, "UI", format!("{study}.1").as_bytes()),
            element(0x0020, 0x0013, "IS", b"7"),
        ]
        .concat(),
    )
}

/// The same with so many bytes of pixel data; which ones depends on `seed`.
pub(crate) fn large(instance: &str, study: &str, length: usize, seed: u64) -> Object {
    let mut object = image(instance, study);
    let with_pixels = Object::with_pixels(instance, length, seed);
    let pixels = &with_pixels.data[Object::tiny(instance).data.len()..];
    object.data.extend_from_slice(pixels);
    object
}

/// What an answer says, by tag.
pub(crate) type Values = BTreeMap<(u16, u16), String>;

/// Tags and values of an identifier: group, element number, VR, value.
pub(crate) type Keys<'a> = &'a [(u16, u16, &'a str, &'a str)];

/// An identifier of this level with these keys.
pub(crate) fn identifier(level: &str, keys: Keys<'_>) -> Vec<u8> {
    let mut keys = [&[(0x0008, 0x0052, "CS", level)], keys].concat();
    keys.sort_by_key(|(group, number, ..)| (*group, *number));
    keys.iter().flat_map(|(group, number, vr, value)| element(*group, *number, vr, value.as_bytes())).collect()
}

/// The identifier of a whole study.
pub(crate) fn study(uid: &str) -> Vec<u8> {
    identifier("STUDY", &[(0x0020, 0x000D, "UI", uid)])
}

/// All instances that the called title knows, sorted.
pub(crate) fn instances(peer: &mut Peer) -> Vec<String> {
    let all =
        identifier("IMAGE", &[(0x0008, 0x0018, "UI", ""), (0x0020, 0x000D, "UI", ""), (0x0020, 0x000E, "UI", "")]);
    let (found, status) = peer.find(FIND, uid::FIND_STUDY, &all);
    assert_eq!(status, 0);
    let mut found: Vec<_> = found.iter().map(|answer| values(answer)[&(0x0008, 0x0018)].clone()).collect();
    found.sort();
    found
}

/// The answers to a query of Study Root, and its status.
pub(crate) fn ask(peer: &mut Peer, level: &str, keys: Keys<'_>) -> (Vec<Values>, u16) {
    let (found, status) = peer.find(FIND, uid::FIND_STUDY, &identifier(level, keys));
    (found.iter().map(|answer| values(answer)).collect(), status)
}

/// An archive with three objects in two studies.
pub(crate) fn filled(site: &Site, args: &[&str]) -> Archive {
    let archive = Archive::of(site, args);
    let mut peer = archive.peer();
    for (instance, study) in [("1.2.3.1", "1.2.3"), ("1.2.3.2", "1.2.3"), ("1.2.4.1", "1.2.4")] {
        assert_eq!(peer.store(MR, &image(instance, study)), 0);
    }
    assert!(peer.release());
    archive
}

/// Result, source and reason of the rejection that a request meets.
pub(crate) fn rejected(archive: &Archive, request: &Request) -> [u8; 3] {
    match Peer::connect(archive.port).associate(request) {
        Answer::Rejected(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Another peer is served from association to release.
pub(crate) fn serves(archive: &Archive) {
    let mut peer = archive.peer();
    assert_eq!((peer.echo(ECHO), peer.store(MR, &image("1.2.3.99", "1.2.3"))), (0, 0));
    assert!(peer.release());
}

/// What it holds once all peers have gone: it does not change any more.
pub(crate) fn settled(archive: &Archive) -> Usage {
    let mut before = archive.usage();
    let still = within(LIMIT, || {
        std::thread::sleep(Duration::from_millis(300));
        let now = archive.usage();
        let still = (now.threads, now.descriptors) == (before.threads, before.descriptors);
        before = now;
        still
    });
    assert!(still, "{before:?}");
    before
}
