//! How files begin, element by element, and what is made of it: as seen on DCMTK 3.6.7.

use super::*;

/// An element in explicit VR little endian with a short length field.
fn short(group: u16, element: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend(vr.as_bytes());
    bytes.extend((value.len() as u16).to_le_bytes());
    bytes.extend(value);
    bytes
}

/// One in implicit VR little endian.
fn implicit(group: u16, element: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend((value.len() as u32).to_le_bytes());
    bytes.extend(value);
    bytes
}

const CLASS: &[u8] = b"1.2.840.10008.5.1.4.1.1.4\0";
const PREAMBLE: &[u8] = &[0; 128];

fn data_set() -> Vec<u8> {
    [
        short(0x0008, 0x0005, "CS", b"ISO_IR 100"),
        short(0x0008, 0x0016, "UI", CLASS),
        short(0x0008, 0x0018, "UI", b"1.2.3\0"),
        short(0x0010, 0x0010, "PN", b"A "),
    ]
    .concat()
}

/// File meta information without its group length.
fn meta(syntax: &[u8]) -> Vec<u8> {
    [
        b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01".to_vec(),
        short(0x0002, 0x0002, "UI", CLASS),
        short(0x0002, 0x0003, "UI", b"1.2.3\0"),
        short(0x0002, 0x0010, "UI", syntax),
    ]
    .concat()
}

fn with_length(meta: &[u8], length: u32) -> Vec<u8> {
    [&short(0x0002, 0x0000, "UL", &length.to_le_bytes()), meta].concat()
}

fn file(syntax: &[u8]) -> Vec<u8> {
    let meta = meta(syntax);
    [PREAMBLE, b"DICM", &with_length(&meta, meta.len() as u32), &data_set()].concat()
}

const LITTLE: &[u8] = b"1.2.840.10008.1.2.1\0";

fn head(bytes: &[u8], expected: Expected) -> Result<Head, HeadError> {
    read(&bytes.to_vec(), expected, UnknownSyntax::Guessed)
}

/// Syntax, start of the data set, warnings.
fn seen(bytes: &[u8], expected: Expected) -> (String, u64, Vec<Warning>) {
    let head = head(bytes, expected).unwrap();
    (head.syntax, head.data_set, head.warnings)
}

fn refused(bytes: &[u8], expected: Expected) -> String {
    let e = head(bytes, expected).unwrap_err();
    format!("{} {e}", e.condition())
}

const END: &str = "0001:000a I/O suspension or premature end of stream";
const NO_META: &str = "0001:001c File meta information header missing";

#[test]
fn a_file_as_it_should_be() {
    let bytes = file(LITTLE);
    let start = (bytes.len() - data_set().len()) as u64;
    for expected in [Expected::Either, Expected::File] {
        let found = head(&bytes, expected).unwrap();
        assert_eq!((found.syntax.as_str(), found.data_set), (Syntax::EXPLICIT_LITTLE, start));
        assert_eq!(
            (found.read_as.as_str(), found.meta_syntax),
            (Syntax::EXPLICIT_LITTLE, Some("Little Endian Explicit"))
        );
        assert_eq!(found.warnings, []);
        let object = Object { class: "1.2.840.10008.5.1.4.1.1.4".into(), instance: "1.2.3".into() };
        assert_eq!(found.object.as_ref(), Some(&object));
        assert_eq!(super::object(&bytes, &found).unwrap(), Some(object));
    }
}

#[test]
fn a_group_length_need_not_be_there_or_right() {
    let (meta, start) = (meta(LITTLE), 132 + meta(LITTLE).len() as u64);
    let bytes = [PREAMBLE, b"DICM", &meta, &data_set()].concat();
    assert_eq!(seen(&bytes, Expected::File), (Syntax::EXPLICIT_LITTLE.into(), start, vec![Warning::NoGroupLength]));
    for wrong in [0, meta.len() as u32 - 4, meta.len() as u32 + 20, u32::MAX] {
        let bytes = [PREAMBLE, b"DICM", &with_length(&meta, wrong), &data_set()].concat();
        let expected = (Syntax::EXPLICIT_LITTLE.into(), start + 12, vec![Warning::WrongGroupLength]);
        assert_eq!(seen(&bytes, Expected::File), expected, "{wrong}");
    }
}

#[test]
fn file_meta_information_may_be_implicit_or_without_preamble() {
    let elements =
        [implicit(2, 1, b"\0\x01"), implicit(2, 2, CLASS), implicit(2, 3, b"1.2.3\0"), implicit(2, 0x10, LITTLE)]
            .concat();
    let length = implicit(2, 0, &(elements.len() as u32).to_le_bytes());
    let bytes = [PREAMBLE, b"DICM", &length, &elements, &data_set()].concat();
    let found = head(&bytes, Expected::File).unwrap();
    assert_eq!(found.meta_syntax, Some("Little Endian Implicit"));
    assert_eq!((found.syntax.as_str(), found.warnings), (Syntax::EXPLICIT_LITTLE, vec![]));
    let bytes = &file(LITTLE)[132..];
    assert_eq!(seen(bytes, Expected::File).0, Syntax::EXPLICIT_LITTLE);
    // Read as a data set its first element is of group 2.
    assert_eq!(seen(bytes, Expected::DataSet), (Syntax::EXPLICIT_LITTLE.into(), 0, vec![Warning::SyntaxGuessed]));
}

#[test]
fn a_bare_data_set_is_recognized_by_its_first_bytes() {
    let guessed = |bytes: &[u8]| {
        let (syntax, start, warnings) = seen(bytes, Expected::Either);
        assert_eq!((start, warnings), (0, vec![Warning::SyntaxGuessed]));
        assert_eq!(refused(bytes, Expected::File), if bytes.len() < 8 { END } else { NO_META });
        syntax
    };
    assert_eq!(guessed(&data_set()), Syntax::EXPLICIT_LITTLE);
    assert_eq!(guessed(&implicit(0x0008, 0x0016, CLASS)), Syntax::IMPLICIT_LITTLE);
    assert_eq!(guessed(b"\0\x08\0\x16UI\0\x04"), Syntax::EXPLICIT_BIG);
    assert_eq!(guessed(b"This is a text, and no data set."), Syntax::IMPLICIT_LITTLE);
    assert_eq!(guessed(b"\x08"), Syntax::EXPLICIT_LITTLE, "nothing can be told; it is refused later");
    assert_eq!(refused(b"\0\x08\0\x16\0\0\0\x04", Expected::Either), "0001:0011 Unsupported transfer syntax");
    let bytes = [PREAMBLE, b"DICM", &data_set()].concat();
    let expected = (Syntax::EXPLICIT_LITTLE.into(), 132, vec![Warning::PreambleOnly, Warning::SyntaxGuessed]);
    assert_eq!(seen(&bytes, Expected::Either), expected);
    assert_eq!(refused(&bytes, Expected::File), NO_META);
}

#[test]
fn an_unknown_syntax_is_guessed_or_kept() {
    for syntax in [&b"1.2.3.4\0"[..], b""] {
        let bytes = file(syntax);
        assert_eq!(seen(&bytes, Expected::Either).0, Syntax::EXPLICIT_LITTLE);
        assert_eq!(refused(&bytes, Expected::File), NO_META);
    }
    let kept = read(&file(b"1.2.3.4\0"), Expected::File, UnknownSyntax::Encapsulated).unwrap();
    assert_eq!((kept.syntax.as_str(), kept.read_as.as_str()), ("1.2.3.4", ANY_ENCAPSULATED));
    let jpip = head(&file(b"1.2.840.10008.1.2.4.94"), Expected::File).unwrap();
    assert_eq!((jpip.syntax.as_str(), jpip.read_as.as_str()), ("1.2.840.10008.1.2.4.94", Syntax::EXPLICIT_LITTLE));
    let blank = seen(&file(b"1.2.840.10008.1.2.1 "), Expected::File);
    assert_eq!((blank.0.as_str(), blank.2), (Syntax::EXPLICIT_LITTLE, vec![Warning::SyntaxBlanks]));
}

#[test]
fn files_that_end_too_early_are_refused() {
    assert_eq!(refused(b"", Expected::Either), "0001:0005 End of stream");
    assert_eq!(refused(b"", Expected::File), "0001:0005 End of stream");
    assert!(head(b"", Expected::DataSet).is_ok(), "it has no object, which is another matter");
    let bytes = file(LITTLE);
    for length in [132, 137, 140] {
        assert_eq!(refused(&bytes[..length], Expected::Either), END, "{length}");
    }
    assert_eq!(refused(&bytes[..146], Expected::Either), END, "within a header");
    assert_eq!(refused(&bytes[..176], Expected::Either), "0001:0004 Invalid stream", "within a UID");
    for length in 0..bytes.len() {
        for expected in [Expected::Either, Expected::File, Expected::DataSet] {
            _ = head(&bytes[..length], expected);
        }
    }
}

#[test]
fn no_length_makes_memory() {
    let mut bytes = [PREAMBLE, b"DICM".as_slice()].concat();
    bytes.extend(b"\x02\0\x02\x01OB\0\0\xFE\xFF\xFF\xFF");
    assert_eq!(refused(&bytes, Expected::Either), END);
    bytes[132 + 8..].copy_from_slice(&[0xFF; 4]);
    assert_eq!(refused(&bytes, Expected::Either), END);
}

#[test]
fn objects_are_found_at_the_top_within_the_first_kilobytes() {
    let find = |bytes: Vec<u8>, syntax: &str| {
        let head = Head {
            data_set: 0,
            syntax: syntax.into(),
            read_as: syntax.into(),
            object: None,
            source_title: None,
            meta_syntax: None,
            warnings: Vec::new(),
        };
        object(&Counted { bytes, read: std::cell::Cell::new(0) }, &head).unwrap()
    };
    let expected = Some(Object { class: "1.2.840.10008.5.1.4.1.1.4".into(), instance: "1.2.3".into() });
    assert_eq!(find(data_set(), Syntax::EXPLICIT_LITTLE), expected);
    // A large value behind it is not read.
    let large = [data_set(), implicit(0x7FE0, 0x0010, &vec![0; 1 << 20])].concat();
    assert_eq!(find(large, Syntax::EXPLICIT_LITTLE), expected);
    // What an item says is not said of the object, and elements behind these two do not matter.
    let item = [&b"\xFE\xFF\0\xE0"[..], &6u32.to_le_bytes(), b"\x08\0\x16\0UI"].concat();
    assert_eq!(find([short(0x0008, 0x0006, "CS", b"x "), item].concat(), Syntax::EXPLICIT_LITTLE), None);
    assert_eq!(find(short(0x0010, 0x0010, "PN", b"A "), Syntax::EXPLICIT_LITTLE), None);
    assert_eq!(find(data_set(), Syntax::DEFLATED), None);
    assert_eq!(find(short(0x0008, 0x0016, "UN", CLASS), Syntax::EXPLICIT_LITTLE), None);
}

/// A source that may not be read far.
struct Counted {
    bytes: Vec<u8>,
    read: std::cell::Cell<usize>,
}

impl Source for Counted {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.bytes.read_at(buffer, offset)?;
        self.read.set(self.read.get() + count);
        assert!(self.read.get() <= SEARCHED, "a head is short");
        Ok(count)
    }
}
