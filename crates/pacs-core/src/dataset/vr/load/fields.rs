//! The fields of a line of a dictionary file.

use super::Fault;
use crate::dataset::vr::dictionary::{Parity, Span};
use crate::dataset::vr::{DictVr, Vr};

pub(super) enum LineFault {
    Of(Fault),
    Restrictor(char),
}

pub(super) struct Tag {
    pub(super) groups: Span,
    pub(super) elements: Span,
    /// Empty if there is none.
    pub(super) creator: Vec<u8>,
}

/// `(groups,elements)` or `(groups,"creator",elements)`.
pub(super) fn tag_field(field: &[u8], faults: &mut Vec<LineFault>) -> Option<Tag> {
    let mut field = trim_end(trim_start(field)).to_vec();
    let tag = parts(&mut field).and_then(|(groups, creator, elements)| {
        let groups = span(&squeeze(groups), faults)?;
        let elements = span(&squeeze(elements), faults)?;
        Some(Tag { groups, elements, creator: creator.to_vec() })
    });
    if tag.is_none() {
        faults.push(LineFault::Of(Fault::Tag(lossy(&field))));
    }
    tag
}

/// Groups, creator and elements of a tag field. White space before creator and elements is cut from the field itself.
// DCMTK: what it complains of is the field with these cuts.
fn parts(field: &mut Vec<u8>) -> Option<(&[u8], &[u8], &[u8])> {
    if !(field.starts_with(b"(") && field.ends_with(b")")) {
        return None;
    }
    let comma = field.iter().position(|&byte| byte == b',')?;
    let mut at = comma + 1;
    cut_space(field, at);
    let mut creator = at..at;
    if field.get(at) == Some(&b'"') {
        creator = at + 1..find(field, at + 1, b'"')?;
        at = creator.end + 1;
        cut_space(field, at);
        if field.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
    }
    let end = find(field, at, b')')?;
    Some((field.get(1..comma)?, field.get(creator)?, field.get(at..end)?))
}

fn find(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    Some(from + text.get(from..)?.iter().position(|&other| other == byte)?)
}

fn cut_space(text: &mut Vec<u8>, from: usize) {
    let len = text.iter().skip(from).take_while(|&&byte| is_space(byte)).count();
    text.drain(from..from + len);
}

/// `first`, `first-last` or `first-x-last`.
fn span(text: &[u8], faults: &mut Vec<LineFault>) -> Option<Span> {
    let (first, rest) = hexadecimal(text)?;
    if let [b'-', restrictor, b'-', last @ ..] = rest
        && let Some((last, _)) = hexadecimal(last)
    {
        let parity = match restrictor {
            b'o' | b'O' => Parity::Odd,
            b'e' | b'E' => Parity::Even,
            b'u' | b'U' => Parity::Any,
            other => {
                faults.push(LineFault::Restrictor(char::from(*other)));
                return None;
            }
        };
        return Some(Span { first, last, parity });
    }
    if let [b'-', last @ ..] = rest
        && let Some((last, _)) = hexadecimal(last)
    {
        return Some(Span { first, last, parity: Parity::Even });
    }
    Some(Span::one(first))
}

/// A number as `%x` of `sscanf` takes it, its low 16 bits, and what follows it.
fn hexadecimal(text: &[u8]) -> Option<(u16, &[u8])> {
    let (minus, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (prefixed, digits) = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] => (true, rest),
        _ => (false, unsigned),
    };
    let len = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if len == 0 && !prefixed {
        return None;
    }
    let (digits, rest) = digits.split_at(len);
    let value = digits.iter().try_fold(0u64, |value, &digit| {
        value.checked_mul(16)?.checked_add(u64::from(char::from(digit).to_digit(16).unwrap_or_default()))
    });
    let value = value.unwrap_or(u64::MAX) as u16;
    Some((if minus { value.wrapping_neg() } else { value }, rest))
}

/// What DCMTK takes for a multiplicity: `1`, `1-3`, `1-n`, `2-2n`, `3n`, `n`. Anything may follow an `n`.
pub(super) fn is_multiplicity(text: &[u8]) -> bool {
    let many = |text: &[u8]| matches!(text.first(), Some(b'n' | b'N'));
    let Some(rest) = decimal(text) else { return many(text) };
    let Some(last) = rest.strip_prefix(b"-") else { return rest.is_empty() || many(rest) };
    match decimal(last) {
        Some(rest) => rest.is_empty() || many(rest),
        None => many(last),
    }
}

/// What follows a number as `%d` of `sscanf` takes it.
fn decimal(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 { None } else { digits.get(len..) }
}

pub(super) fn vr_field(field: &[u8], faults: &mut Vec<LineFault>) -> Option<DictVr> {
    // DCMTK: two letters count, and names that cannot be VRs are taken for elements of unknown VR. `na` and `pi`, which its
    // own dictionaries give to delimiters, are among these: what is no data element is not looked up.
    let Some(&[first, second]) = field.first_chunk() else { return Some(DictVr::Is(Vr::UN)) };
    if let Some(vr) = Vr::from_bytes([first, second]) {
        return Some(DictVr::Is(vr));
    }
    if first.is_ascii_uppercase() && second.is_ascii_uppercase() {
        faults.push(LineFault::Of(Fault::Vr(lossy(field))));
        return None;
    }
    Some(DictVr::of_dcmtk([first, second]).unwrap_or(DictVr::Is(Vr::UN)))
}

/// `isspace` of C.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

pub(super) fn trim_start(text: &[u8]) -> &[u8] {
    let at = text.iter().position(|&byte| !is_space(byte)).unwrap_or(text.len());
    &text[at..]
}

pub(super) fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| !is_space(byte)).map_or(0, |at| at + 1);
    &text[..end]
}

/// Without its white space, wherever that is.
pub(super) fn squeeze(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|&byte| !is_space(byte)).collect()
}

pub(super) fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
