//! What reading finds must be what rewriting finds, and seeking must not hide an end that comes too early.

use super::bytes::{L, Writer};
use super::generate::{Ends, Random, encode, mutate, odd_data_set, shuffle, tree};
use super::*;
use crate::dataset::elements::{Elements, Extent, File, read, read_file};
use crate::dataset::head::Expected;
use crate::dataset::meta::Meta;
use std::cell::Cell;

const WANTED: &[Wanted] = &[
    Wanted { tag: Tag::SOP_CLASS, nested: true },
    Wanted { tag: Tag::SOP_INSTANCE, nested: true },
    Wanted { tag: Tag::new(0x0008, 0x0060), nested: false },
    Wanted { tag: Tag::PATIENT_NAME, nested: false },
    Wanted { tag: Tag::new(0x0020, 0x0013), nested: false },
];

fn wanting() -> Context<'static> {
    Context { wanted: WANTED, ..context() }
}

fn found(bytes: &[u8], syntax: &str, extent: Extent) -> std::result::Result<Elements, Error> {
    read(&bytes, 0, syntax, &wanting(), extent)
}

/// What a rewriter finds in the same bytes.
fn oracle(bytes: &[u8], syntax: &str) -> std::result::Result<Vec<Found>, Error> {
    let rewritten = rewrite_behind(0, std::iter::once(bytes), syntax, &Form::default(), wanting())?;
    Ok(rewritten.outcome.found)
}

#[test]
fn what_is_found_is_what_a_rewriter_finds() {
    let mut some = 0;
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        let tree = tree(random, 0);
        for syntax in [LEI, LEE, BEE] {
            let plain = encode(&tree, Writer::of(syntax), Ends::Mixed, random);
            let stirred = encode(&shuffle(&tree, random), Writer::of(syntax), Ends::Mixed, random);
            for (bytes, ordered) in [(plain, true), (stirred, false)] {
                if bytes.is_empty() {
                    continue;
                }
                let expected = oracle(&bytes, syntax).unwrap();
                let all = found(&bytes, syntax, Extent::Whole).unwrap();
                let top = |found: &[Found]| found.iter().filter(|found| found.depth == 0).cloned().collect::<Vec<_>>();
                assert_eq!(top(&all.found), top(&expected), "seed {seed}, {syntax}");
                assert!(!ordered || all.found == expected, "seed {seed}, {syntax}");
                some += all.found.len();
                let early = found(&bytes, syntax, Extent::Wanted).unwrap();
                assert!(all.ordered || !ordered, "seed {seed}, {syntax}");
                assert!(!ordered || top(&early.found) == top(&expected), "seed {seed}, {syntax}");
                if syntax == LEE {
                    let deflated = deflate(&bytes);
                    assert_eq!(found(&deflated, DFL, Extent::Whole).unwrap().found, all.found);
                    assert_eq!(found(&deflated, DFL, Extent::Wanted).unwrap().found, early.found);
                }
            }
        }
    }
    assert!(some > 500, "{some} elements");
}

#[test]
fn what_is_refused_is_what_a_rewriter_refuses() {
    let (mut refused, mut taken) = (0, 0);
    for seed in 0..3000 {
        let random = &mut Random::new(seed);
        let syntax = random.pick(&[LEI, LEE, BEE, JPG]);
        let mut bytes = odd_data_set(random, Writer::of(syntax), 0);
        if random.one_in(2) {
            mutate(&mut bytes, random);
        }
        match (found(&bytes, syntax, Extent::Whole), oracle(&bytes, syntax)) {
            (Ok(_), Ok(_)) => taken += 1,
            (Err(Error::Refused(a)), Err(Error::Refused(b))) => {
                assert_eq!(a.reason, b.reason, "seed {seed}");
                refused += 1;
            }
            // Only writing needs the pixels.
            (Ok(_), Err(Error::Refused(refusal))) if refusal.reason == Reason::PixelRepresentationNotFound => {}
            (a, b) => panic!("seed {seed}: {a:?}, {b:?}"),
        }
    }
    assert!(refused > 300 && taken > 300, "{refused} refused, {taken} taken");
}

/// A source that counts what is read of it.
struct Counted<'b> {
    bytes: &'b [u8],
    read: Cell<usize>,
}

impl Source for Counted<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let count = self.bytes.read_at(buffer, offset)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

fn with_pixels(pixels: &[u8]) -> Vec<u8> {
    [L.el(0x0008_0060, "CS", b"CT"), L.el(0x0010_0010, "PN", b"A^B "), L.el(0x7FE0_0010, "OW", pixels)].concat()
}

#[test]
fn pixels_are_not_read() {
    let bytes = with_pixels(&vec![7; 8 << 20]);
    let counted = Counted { bytes: &bytes, read: Cell::new(0) };
    let all = read(&counted, 0, LEE, &wanting(), Extent::Whole).unwrap();
    assert_eq!(all.get(Tag::PATIENT_NAME).unwrap().value, b"A^B");
    assert!(all.ordered && all.found.len() == 2);
    assert!(counted.read.get() < 20_000, "{} bytes", counted.read.get());
    // Fragments neither, each of which is a value.
    let pixels = vec![1; 3 << 20];
    let fragments = [L.item(&[]), L.item(&pixels), L.item(&pixels)].concat();
    let bytes = [L.el(0x0008_0060, "CS", b"CT"), L.el_u(0x7FE0_0010, "OB", &fragments)].concat();
    let counted = Counted { bytes: &bytes, read: Cell::new(0) };
    assert_eq!(read(&counted, 0, JPG, &wanting(), Extent::Whole).unwrap().found.len(), 1);
    assert!(counted.read.get() < 600_000, "{} bytes", counted.read.get());
}

#[test]
fn a_data_set_cut_anywhere_is_noticed() {
    let bytes = with_pixels(&vec![7; 100_000]);
    for length in (0..40).chain([16_000, 16_384, 16_385, 99_999, bytes.len() - 2, bytes.len() - 1]) {
        let (reading, rewriting) = (found(&bytes[..length], LEE, Extent::Whole), oracle(&bytes[..length], LEE));
        match (reading, rewriting) {
            (Err(Error::Refused(a)), Err(Error::Refused(b))) => assert_eq!(a.reason, b.reason, "{length} bytes"),
            // Where an element ends, a data set may.
            (Ok(_), Ok(_)) => assert!([10, 22].contains(&length), "{length} bytes"),
            other => panic!("{length} bytes: {other:?}"),
        }
    }
    // Who wants no more than what stands in front does not learn of it.
    assert!(found(&bytes[..90_000], LEE, Extent::Wanted).is_ok());
    let deflated = deflate(&bytes);
    assert!(found(&deflated[..deflated.len() - 1], DFL, Extent::Whole).is_err());
}

#[test]
fn files_and_bare_data_sets() {
    let data_set = with_pixels(&[1, 2]);
    let mut file = Vec::new();
    Meta { sop_class: "1.2", sop_instance: "1.3", transfer_syntax: LEE, source_title: "SENDER" }.write(&mut file);
    file.extend_from_slice(&data_set);
    let File { head, elements } = read_file(&file, Expected::Either, &wanting(), Extent::Whole).unwrap();
    assert_eq!((head.source_title.as_deref(), head.syntax.as_str()), (Some("SENDER"), LEE));
    assert_eq!(head.object.map(|object| (object.class, object.instance)), Some(("1.2".into(), "1.3".into())));
    assert_eq!(elements.get(Tag::PATIENT_NAME).unwrap().value, b"A^B");
    let File { head, elements } = read_file(&data_set, Expected::Either, &wanting(), Extent::Whole).unwrap();
    assert_eq!((head.source_title, head.syntax.as_str(), head.object), (None, LEE, None));
    assert_eq!(elements.found.len(), 2);
    assert!(read_file(&file[..file.len() - 1].to_vec(), Expected::File, &wanting(), Extent::Whole).is_err());
}
