//! Objects of any size and form are rewritten in a few MiB of memory. Each runs in a process of its own, which tells how
//! much it ever had.

use super::bytes::{I, L, UNDEFINED, Writer};
use super::*;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;

/// A file without a name.
struct Nameless {
    file: File,
    len: u64,
}

impl Nameless {
    fn new() -> Nameless {
        Nameless { file: tempfile::tempfile().unwrap(), len: 0 }
    }
}

impl Append for Nameless {
    /// Leaves holes where there is nothing but zeros.
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        for slice in slices {
            if slice.len() < 4096
                || slice.iter().step_by(509).any(|byte| *byte != 0)
                || slice[..] != vec![0; slice.len()]
            {
                self.file.write_all_at(slice, self.len)?;
            }
            self.len += slice.len() as u64;
        }
        self.file.set_len(self.len)
    }
}

impl Sink for Nameless {
    fn patch(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert!(offset + bytes.len() as u64 <= self.len);
        self.file.write_all_at(bytes, offset)
    }

    fn position(&self) -> u64 {
        self.len
    }
}

impl Source for Nameless {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }
}

/// Counts and sums up what it is given, and keeps nothing.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
struct Digest {
    len: u64,
    sum: u64,
}

impl Append for Digest {
    fn append(&mut self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        for slice in slices {
            self.len += slice.len() as u64;
            // Quick even without optimisation: a sample of each slice.
            let sample = slice.iter().step_by(slice.len() / 16 + 1);
            self.sum = sample.fold(self.sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
        }
        Ok(())
    }
}

impl Sink for Digest {
    fn patch(&mut self, _: &[u8], _: u64) -> io::Result<()> {
        Ok(())
    }

    fn position(&self) -> u64 {
        self.len
    }
}

fn files() -> Context<'static> {
    Context::new(ScratchMaker::new(|| Ok(Box::new(Nameless::new()))))
}

/// Pushes parts, the last of which may be a block that comes many times.
struct Feed<'d, S> {
    rewriter: Rewriter<'d>,
    sink: S,
}

impl<S: Sink> Feed<'static, S> {
    fn new(syntax: &str, options: &str, sink: S) -> Self {
        Feed { rewriter: Rewriter::new(syntax, &form(options), files()).unwrap(), sink }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.rewriter.push(&[bytes], &mut self.sink).unwrap();
    }

    fn repeat(&mut self, block: &[u8], times: usize) {
        (0..times).for_each(|_| self.push(block));
    }

    fn finish(mut self) -> (Rewritten<'static>, S) {
        (self.rewriter.finish(&mut self.sink).unwrap(), self.sink)
    }
}

const MIB: usize = 1 << 20;

fn block() -> Vec<u8> {
    (0..128 << 10).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn native_pixels() {
    let mut feed = Feed::new(LEI, "+te", Digest::default());
    feed.push(&I.el(0x0010_0010, "", b"A^B "));
    feed.push(&I.el_len(0x7FE0_0010, "", 1 << 30, &[]));
    feed.repeat(&block(), 8192);
    let (rewritten, sink) = feed.finish();
    assert!(!rewritten.needs_second_pass(0));
    assert_eq!(sink.len, (1 << 30) + 12 + 12);
}

fn swapped_pixels() {
    let mut feed = Feed::new(LEE, "+tb", Digest::default());
    feed.push(&L.el_len(0x7FE0_0010, "OW", 48 << 20, &[]));
    feed.repeat(&block(), 384);
    assert_eq!(feed.finish().1.len, (48 << 20) + 12);
}

fn fragments() {
    let mut feed = Feed::new(JPG, "", Digest::default());
    feed.push(&L.el_len(0x7FE0_0010, "OB", UNDEFINED, &[]));
    let fragment = L.item(&block()[1..]);
    feed.repeat(&fragment, 4096);
    feed.push(&L.sequence_end(0));
    assert_eq!(feed.finish().1.len, 12 + 4096 * (8 + (128 << 10)) + 8);
}

fn items() {
    let items = 200_000;
    let content = [L.el(0x0010_0010, "PN", b"A^B "), L.el(0x0010_0020, "LO", b"1 ")].concat();
    let mut feed = Feed::new(LEE, "", Nameless::new());
    feed.push(&L.el_len(0x0008_1140, "SQ", UNDEFINED, &[]));
    feed.repeat(&L.item_u(&content), items);
    feed.push(&L.sequence_end(0));
    let (rewritten, sink) = feed.finish();
    assert!(!rewritten.needs_second_pass(0));
    let item = 8 + content.len() as u64;
    assert_eq!(sink.len, 12 + items as u64 * item);
    let mut header = [0; 20];
    sink.read_at(&mut header, 0).unwrap();
    let expected = L.el_len(0x0008_1140, "SQ", (sink.len - 12) as u32, &L.item_len(content.len() as u32, &[]));
    assert_eq!(hex(&header), hex(&expected));
}

fn unordered_items() {
    let items = 60_000;
    let content = [L.el(0x0010_0020, "LO", b"1 "), L.el(0x0010_0010, "PN", b"A^B ")].concat();
    let mut feed = Feed::new(LEE, "+g", Nameless::new());
    feed.push(&L.el_len(0x0008_1140, "SQ", UNDEFINED, &[]));
    feed.repeat(&L.item_u(&content), items);
    feed.push(&L.sequence_end(0));
    let (rewritten, staged) = feed.finish();
    assert!(rewritten.needs_second_pass(0));
    let mut out = Digest::default();
    let outcome = rewritten.second_pass(&staged, 0, &mut out).unwrap();
    assert_eq!(outcome.warnings.count(), items as u64);
    let item = 8 + 12 + content.len() as u64;
    assert_eq!(out.len, 12 + 12 + items as u64 * item);
}

fn unordered_pixels() {
    let mut feed = Feed::new(LEI, "+te", Nameless::new());
    feed.push(&I.el_len(0x7FE0_0010, "", 256 << 20, &[]));
    feed.repeat(&block(), 2048);
    feed.push(&I.el(0x0010_0010, "", b"A^B "));
    let (rewritten, staged) = feed.finish();
    assert!(rewritten.needs_second_pass(0));
    let mut out = Nameless::new();
    rewritten.second_pass(&staged, 0, &mut out).unwrap();
    assert_eq!(out.len, (256 << 20) + 12 + 12);
    let mut start = [0; 24];
    out.read_at(&mut start, 0).unwrap();
    let expected = [L.el(0x0010_0010, "PN", b"A^B "), L.el_len(0x7FE0_0010, "OW", 256 << 20, &[])].concat();
    assert_eq!(hex(&start), hex(&expected));
}

fn backwards() {
    // The first group has the largest number, and so has its first element.
    let mut feed = Feed::new(LEE, "", Nameless::new());
    let count = 1_000_000u32;
    let mut batch = Vec::new();
    for number in (0..count).rev() {
        batch.extend(L.el(0x0030_0001 + ((number / 1000 * 2) << 16) + number % 1000, "US", &[1, 2]));
        if number % 5000 == 0 {
            feed.push(&batch);
            batch.clear();
        }
    }
    let (rewritten, staged) = feed.finish();
    let mut out = Digest::default();
    let outcome = rewritten.second_pass(&staged, 0, &mut out).unwrap();
    assert_eq!(out.len, u64::from(count) * 10);
    assert_eq!(outcome.warnings.count(), u64::from(count) - 1);
    assert_eq!(outcome.warnings.first().len(), Warnings::KEPT);
}

fn text() {
    let mut feed = Feed::new(LEI, "+te", Nameless::new());
    feed.push(&I.el_len(0x0010_4000, "", 64 << 20, &[]));
    feed.repeat(&vec![b'x'; MIB], 1);
    feed.repeat(&vec![b' '; MIB], 63);
    feed.push(&I.el(0x0010_4001, "", b"AB"));
    let (rewritten, staged) = feed.finish();
    // The blanks were written before it was known that they go.
    assert!(rewritten.needs_second_pass(0));
    let mut out = Digest::default();
    rewritten.second_pass(&staged, 0, &mut out).unwrap();
    assert_eq!(out.len, MIB as u64 + 12 + 14);
}

fn deflated_in() {
    let stream = {
        use std::io::Write;
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&L.el_len(0x7FE0_0010, "OW", 64 << 20, &[])).unwrap();
        (0..64).for_each(|_| encoder.write_all(&vec![0; MIB]).unwrap());
        encoder.finish().unwrap()
    };
    assert!(stream.len() < 4 * MIB);
    let mut feed = Feed::new(DFL, "+te", Digest::default());
    stream.chunks(16 << 10).for_each(|piece| feed.push(piece));
    assert_eq!(feed.finish().1.len, (64 << 20) + 12);
}

fn deflated_out() {
    let mut feed = Feed::new(LEE, "+td +cl 1", Nameless::new());
    feed.push(&L.el_len(0x7FE0_0010, "OW", 24 << 20, &[]));
    feed.repeat(&vec![0; MIB], 24);
    let (rewritten, staged) = feed.finish();
    let mut out = Digest::default();
    rewritten.second_pass(&staged, 0, &mut out).unwrap();
    assert!(out.len < MIB as u64);
}

fn sent() {
    // Every item changes its length: each is planned.
    let items = 200_000;
    let mut source = Nameless::new();
    let item = L.item_u(&L.el(0x0010_0020, "LO", b"1   "));
    source.append(&[IoSlice::new(&L.el_len(0x0008_1140, "SQ", UNDEFINED, &[]))]).unwrap();
    let some = item.repeat(1000);
    (0..items / 1000).for_each(|_| source.append(&[IoSlice::new(&some)]).unwrap());
    let end = [L.sequence_end(0), L.el_len(0x7FE0_0010, "OW", 128 << 20, &[])].concat();
    source.append(&[IoSlice::new(&end)]).unwrap();
    (0..1024).for_each(|_| source.append(&[IoSlice::new(&block())]).unwrap());
    let prepared = Prepared::new(&source, 0, LEE, &form(""), files()).unwrap();
    let len = 12 + items as u64 * 18 + 12 + (128 << 20);
    assert_eq!(prepared.len(), Some(len));
    let mut out = Digest::default();
    assert_eq!(prepared.send(&source, &mut out).unwrap(), len);
}

fn beyond_four_gib() {
    // 4.4: what is longer than a length can say becomes undefined, and a group length that cannot say it goes.
    let value = 3 << 30;
    let mut feed = Feed::new(LEE, "+g", Nameless::new());
    feed.push(&L.el_len(0x0008_1140, "SQ", UNDEFINED, &L.item_len(UNDEFINED, &[])));
    for tag in [0x0009_1001, 0x0009_1002] {
        feed.push(&L.el_len(tag, "OB", value, &[]));
        feed.repeat(&vec![0; MIB], value as usize / MIB);
    }
    feed.push(&[L.item_end(0), L.item(&L.el(0x0010_0010, "PN", b"A^B ")), L.sequence_end(0)].concat());
    feed.push(&L.el(0x0010_0020, "LO", b"1 "));
    let (rewritten, staged) = feed.finish();
    assert!(rewritten.needs_second_pass(0));
    let mut out = Nameless::new();
    let outcome = rewritten.second_pass(&staged, 0, &mut out).unwrap();
    assert_eq!(outcome.warnings.first(), [Warning::GroupTooLong(9), Warning::GroupTooLong(8)]);
    let length = |tag, value: u32| L.el(tag, "UL", &value.to_le_bytes());
    let header = L.el_len(0x0009_1001, "OB", value, &[]);
    let start = [L.el_len(0x0008_1140, "SQ", UNDEFINED, &L.item_len(UNDEFINED, &[])), header].concat();
    let small = L.item(&[length(0x0010_0000, 12), L.el(0x0010_0010, "PN", b"A^B ")].concat());
    let last = [length(0x0010_0000, 10), L.el(0x0010_0020, "LO", b"1 ")].concat();
    let end = [L.item_end(0), small, L.sequence_end(0), last].concat();
    assert_eq!(out.len, start.len() as u64 + 2 * u64::from(value) + 12 + end.len() as u64);
    let mut there = vec![0; start.len()];
    out.read_at(&mut there, 0).unwrap();
    assert_eq!(hex(&there), hex(&start));
    there.resize(end.len(), 0);
    out.read_at(&mut there, out.len - end.len() as u64).unwrap();
    assert_eq!(hex(&there), hex(&end));
}

fn announced_only() {
    // Nothing is sized by what is announced.
    for writer in [I, L] {
        let syntax = if writer.explicit { LEE } else { LEI };
        for tag in [0x7FE0_0010, 0x0010_4000, 0x0009_1001, 0x0008_1140] {
            let mut feed = Feed::new(syntax, "+te", Digest::default());
            let vr = if tag == 0x0008_1140 { "SQ" } else { "UT" };
            feed.push(&Writer { ..writer }.el_len(tag, vr, 0xFFFF_FFFE, &[]));
            assert!(feed.rewriter.finish(&mut feed.sink).is_err());
        }
    }
}

/// Too slow for every day.
const SLOW: (&str, fn()) = ("beyond_four_gib", beyond_four_gib);

const OBJECTS: [(&str, fn()); 13] = [
    ("native_pixels", native_pixels),
    ("swapped_pixels", swapped_pixels),
    ("fragments", fragments),
    ("items", items),
    ("unordered_items", unordered_items),
    ("unordered_pixels", unordered_pixels),
    ("backwards", backwards),
    ("text", text),
    ("deflated_in", deflated_in),
    ("deflated_out", deflated_out),
    ("sent", sent),
    ("announced_only", announced_only),
    ("nothing", || {}),
];

/// Kilobytes of memory this process has ever had at once.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap()
}

const CHILD: &str = "PACS_DATASET_LARGE";

#[test]
#[ignore = "runs as a child of the test below"]
fn child() {
    let wanted = std::env::var(CHILD).unwrap_or_default();
    if let Some((_, object)) = OBJECTS.iter().chain([&SLOW]).find(|(name, _)| *name == wanted) {
        object();
        println!("peak {} kB", peak());
    }
}

/// What an object may take beside what the process has anyway. Lists take up to 16 MiB, and the allocator keeps some of what
/// they outgrew.
const MOST: u64 = 32 << 10;

/// Runs one in a process of its own, and returns the kilobytes it took.
fn run(object: &str) -> u64 {
    let name = module_path!().split_once("::").map_or("", |(_, path)| path);
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args([&format!("{name}::child"), "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.env(CHILD, object).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{object}: {text}{}", String::from_utf8_lossy(&output.stderr));
    let peak = text.split("peak ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    peak.unwrap_or_else(|| panic!("{object}: {text}"))
}

#[test]
fn large_objects_take_little_memory() {
    let nothing = run("nothing");
    for (object, _) in OBJECTS {
        let peak = run(object).saturating_sub(nothing);
        println!("{object}: {peak} kB");
        assert!(peak < MOST, "{object} took {peak} kB");
    }
}

#[test]
#[ignore = "reads and writes 18 GiB of holes"]
fn objects_beyond_four_gib_take_little_memory() {
    let peak = run(SLOW.0).saturating_sub(run("nothing"));
    assert!(peak < MOST, "{peak} kB");
}
