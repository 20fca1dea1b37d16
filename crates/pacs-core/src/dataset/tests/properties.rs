//! What holds for every data set, shown on random ones.

use super::bytes::{L, Writer};
use super::generate::{Content, Ends, Node, Random, encode, mutate, odd_data_set, shuffle, tree};
use super::*;
use dicom_object::file::ReadPreamble;
use dicom_object::{InMemDicomObject, OpenFileOptions};

/// How many random data sets each property sees.
fn rounds(usual: u64) -> u64 {
    std::env::var("PACS_DATASET_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

const SYNTAXES: [&str; 3] = [LEI, LEE, BEE];

fn output(syntax: &str) -> OutputSyntax {
    OutputSyntax::between("", syntax).expect("an uncompressed syntax")
}

#[test]
fn any_syntax_becomes_any_other_as_if_written_in_it() {
    for seed in 0..rounds(150) {
        let random = &mut Random::new(seed);
        let tree = tree(random, 0);
        for from in SYNTAXES {
            let input = encode(&tree, Writer::of(from), Ends::Mixed, random);
            if input.is_empty() {
                continue;
            }
            for to in SYNTAXES {
                for (lengths, ends) in [(LengthForm::Explicit, Ends::Defined), (LengthForm::Undefined, Ends::Undefined)]
                {
                    let form = Form { syntax: output(to), lengths, ..Form::default() };
                    let expected = encode(&tree, Writer::of(to), ends, random);
                    let got = rewrite(&input, from, &form).unwrap();
                    assert_eq!(hex(&got.bytes), hex(&expected), "seed {seed}, {from} to {to}, {ends:?}");
                    assert_eq!(got.outcome.warnings.count(), 0, "{:?}", got.outcome.warnings);
                    assert!(!got.second_pass);
                    assert_eq!(hex(&send(&input, from, &form).unwrap()), hex(&expected), "seed {seed} as a sender");
                }
            }
        }
    }
}

#[test]
fn unordered_data_sets_become_what_ordered_ones_are() {
    for seed in 0..rounds(100) {
        let random = &mut Random::new(seed);
        let tree = tree(random, 0);
        let shuffled = shuffle(&tree, random);
        for from in [LEE, BEE] {
            let input = encode(&shuffled, Writer::of(from), Ends::Mixed, random);
            if input.is_empty() {
                continue;
            }
            let before = encode(&tree, Writer::of(from), Ends::Mixed, random);
            for options in ["", "-e", "+g", "-g -e", "+p 0 16", "+p 64 8 +g", "+ti", "+tb", "+te", "+td"] {
                let form = form(options);
                let got = rewrite(&input, from, &form).unwrap();
                let expected = rewrite(&before, from, &form).unwrap();
                assert_eq!(hex(&got.bytes), hex(&expected.bytes), "seed {seed}, {from} {options}");
                assert_eq!(got.outcome.found, expected.outcome.found, "seed {seed}");
                if form.padding.file == 0 && options != "+td" {
                    assert_eq!(hex(&send(&input, from, &form).unwrap()), hex(&expected.bytes), "seed {seed} {options}");
                }
            }
        }
    }
}

#[test]
fn lists_that_do_not_fit_into_memory_make_no_difference() {
    let limits = Limits { memory: 4096, ..Limits::default() };
    for seed in 0..rounds(20) {
        let random = &mut Random::new(seed);
        let mut many = Vec::new();
        for _ in 0..40 {
            many.push(shuffle(&tree(random, 2), random));
        }
        let node = Node { tag: 0x0040_A730, vr: vr::Vr::SQ, content: Content::Items(many) };
        let mut input = encode(&[node], Writer::of(LEE), Ends::Mixed, random);
        // As many elements at the top as there are numbers in half a group, the last first.
        for element in (0..600u32).rev() {
            input.extend(Writer::of(LEE).el(0x0018_9000 + element, "US", &(element as u16).to_le_bytes()));
        }
        for options in ["", "-e", "+g", "+ti +g -e"] {
            let form = form(options);
            let pieces = || input.chunks(1000);
            let small = rewrite_behind(0, pieces(), LEE, &form, Context { limits, ..context() }).unwrap();
            let large = rewrite_behind(0, pieces(), LEE, &form, context()).unwrap();
            assert_eq!(hex(&small.bytes), hex(&large.bytes), "seed {seed} {options}");
            let prepared = Prepared::new(&input, 0, LEE, &form, Context { limits, ..context() }).unwrap();
            let mut sent = Vec::new();
            prepared.send(&input, &mut sent).unwrap();
            assert_eq!(hex(&sent), hex(&large.bytes), "seed {seed} {options} as a sender");
        }
    }
}

/// Options that reach every part.
const OPTIONS: [&str; 14] = [
    "",
    "-e",
    "+g",
    "-g",
    "+te",
    "+tb -u",
    "+ti -e +g",
    "+uc",
    "+uc +tb -e",
    "+p 64 16",
    "+p 10 6 +g -e",
    "-u +te",
    "+td",
    "+p 15 2",
];

/// A data set with something odd, or broken.
fn odd(random: &mut Random) -> (&'static str, Vec<u8>) {
    let syntax = random.pick(&[LEI, LEE, LEE, BEE, JPG, DFL]);
    let mut bytes = odd_data_set(random, Writer::of(syntax), 0);
    if random.one_in(3) {
        mutate(&mut bytes, random);
    }
    if syntax == DFL {
        bytes = deflate(&bytes);
        if random.one_in(10) {
            mutate(&mut bytes, random);
        }
    }
    (syntax, bytes)
}

fn describe(result: &std::result::Result<Result, Error>, syntax: &str, deflated: bool) -> String {
    match result {
        Ok(result) if deflated => hex(&inflate(&result.bytes)),
        Ok(result) => hex(&result.bytes),
        // How much of a broken stream inflates before that is noticed depends on its pieces.
        Err(Error::Refused(refusal)) if syntax == DFL => format!("{:?}", refusal.consequence()),
        Err(Error::Refused(refusal)) => format!("{refusal} at {}", refusal.offset),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn odd_data_sets_are_the_same_however_they_arrive() {
    let mut stored = 0;
    let rounds = rounds(3_000);
    for seed in 0..rounds {
        let random = &mut Random::new(seed);
        let (syntax, input) = odd(random);
        let form = form(random.pick(&OPTIONS));
        let deflated = form.syntax.uid(syntax) == DFL;
        let whole = rewrite_behind(0, std::iter::once(&input[..]), syntax, &form, context());
        let expected = describe(&whole, syntax, deflated);
        for _ in 0..2 {
            let step = 1 + random.below(input.len().max(1)).min(random.pick(&[1, 9, 40, 4000]));
            let got = rewrite_behind(0, input.chunks(step), syntax, &form, context());
            assert_eq!(describe(&got, syntax, deflated), expected, "seed {seed}: in pieces of {step}");
        }
        if form.padding.file == 0 {
            let sent = send(&input, syntax, &form);
            match (&whole, sent) {
                (Ok(whole), Ok(sent)) if deflated => assert_eq!(inflate(&sent), inflate(&whole.bytes), "seed {seed}"),
                (Ok(whole), Ok(sent)) => {
                    let odd = whole.bytes.len() & 1;
                    assert_eq!(hex(&sent[..sent.len() - odd]), expected, "seed {seed} as a sender");
                }
                (Err(_), Err(Error::Refused(refusal))) if syntax == DFL => {
                    assert_eq!(format!("{:?}", refusal.consequence()), expected, "seed {seed}");
                }
                (Err(_), Err(Error::Refused(refusal))) => {
                    assert!(expected.starts_with(&refusal.to_string()), "seed {seed}: {refusal}, not {expected}");
                }
                (_, sent) => panic!("seed {seed}: {expected} received, {sent:?} sent"),
            }
        }
        stored += u64::from(whole.is_ok());
    }
    assert!(stored > rounds / 2, "only {stored} of {rounds} were any good");
}

#[test]
fn writing_what_was_written_changes_nothing() {
    for seed in 0..rounds(2_000) {
        let random = &mut Random::new(seed);
        let (syntax, input) = odd(random);
        let options = random.pick(&["", "-e", "+g", "-g", "+te", "+tb", "+p 64 16", "-u", "-e +g"]);
        let form = form(options);
        let Ok(once) = rewrite(&input, syntax, &form) else { continue };
        let written = form.syntax.uid(syntax);
        if written == LEI || once.bytes.is_empty() {
            // Elements whose dictionary VR is not what they were read with may be padded otherwise.
            continue;
        }
        let twice = match rewrite(&once.bytes, written, &form) {
            // A VR that is taken at its word, and is refused once it is what it says.
            Err(Error::Refused(Refusal { reason: Reason::VoiLutObOw, .. })) => continue,
            twice => twice.unwrap(),
        };
        if written == DFL {
            assert_eq!(hex(&inflate(&twice.bytes)), hex(&inflate(&once.bytes)), "seed {seed} {options}");
        } else {
            assert_eq!(hex(&twice.bytes), hex(&once.bytes), "seed {seed} {options}");
        }
    }
}

#[test]
fn another_reader_reads_what_was_written() {
    for seed in 0..rounds(100) {
        let random = &mut Random::new(seed);
        let tree = shuffle(&without_group_fffe(tree(random, 0)), random);
        let tree = without_group_fffe(tree);
        let input = encode(&tree, Writer::of(LEE), Ends::Mixed, random);
        for to in SYNTAXES {
            let Ok(got) = rewrite(&input, LEE, &Form { syntax: output(to), ..Form::default() }) else { continue };
            let file = [file_header(to), got.bytes].concat();
            let read = OpenFileOptions::new().read_preamble(ReadPreamble::Always).from_reader(&file[..]);
            let read = read.unwrap_or_else(|error| panic!("seed {seed} in {to}: {error:?}"));
            compare(&tree, &read, to, seed);
        }
    }
}

/// That reader takes every element of this group for one without VR.
fn without_group_fffe(mut tree: Vec<Node>) -> Vec<Node> {
    tree.retain(|node| node.tag >> 16 != 0xFFFE);
    for node in &mut tree {
        if let Content::Items(items) = &mut node.content {
            items.iter_mut().for_each(|item| *item = without_group_fffe(std::mem::take(item)));
        }
    }
    tree
}

/// What stands before a data set in a file.
fn file_header(syntax: &str) -> Vec<u8> {
    let uid = |tag, uid: &str| {
        let mut value = uid.as_bytes().to_vec();
        value.extend((value.len() & 1 == 1).then_some(0));
        L.el(tag, "UI", &value)
    };
    let uids = [(0x0002_0002, "1.2"), (0x0002_0003, "1.3"), (0x0002_0010, syntax), (0x0002_0012, "1.4")];
    let meta: Vec<u8> = uids.into_iter().flat_map(|(tag, value)| uid(tag, value)).collect();
    let meta = [L.el(0x0002_0001, "OB", &[0, 1]), meta].concat();
    let length = L.el(0x0002_0000, "UL", &(meta.len() as u32).to_le_bytes());
    [vec![0; 128], b"DICM".to_vec(), length, meta].concat()
}

/// Whether an object has the elements of a tree, of which the first of each tag counts.
fn compare(tree: &[Node], read: &InMemDicomObject, syntax: &str, seed: u64) {
    let mut tags = std::collections::BTreeSet::new();
    for node in tree {
        if !tags.insert(node.tag) {
            continue;
        }
        let tag = dicom_object::Tag((node.tag >> 16) as u16, node.tag as u16);
        let element = read.element(tag).unwrap_or_else(|_| panic!("seed {seed} in {syntax}: {tag} is missing"));
        match &node.content {
            Content::Value(value) => {
                assert_eq!(element.header().len.0, value.len() as u32, "seed {seed} in {syntax}: {tag}");
            }
            Content::Items(items) => {
                let there = element.items().unwrap_or(&[]);
                assert_eq!(there.len(), items.len(), "seed {seed} in {syntax}: {tag}");
                items.iter().zip(there).for_each(|(item, there)| compare(item, there, syntax, seed));
            }
        }
    }
    assert_eq!(read.iter().count(), tags.len(), "seed {seed} in {syntax}");
}
