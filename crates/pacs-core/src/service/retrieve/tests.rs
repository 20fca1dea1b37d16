//! Counts, statuses and lists (the exchange itself is tested over connections).

use super::*;
use crate::dataset::identifier::{Identifier, Writer};
use crate::dimse::command::Counts;
use crate::dimse::status;

fn tally(answers: &[u16]) -> Tally {
    let mut tally = Tally::of(answers.len());
    for (number, answer) in answers.iter().enumerate() {
        tally.answered(*answer, &format!("1.{number}"));
    }
    tally
}

#[test]
fn statuses_follow_from_counts() {
    for (answers, status, failed) in [
        (&[][..], 0x0000, ""),
        (&[0, 0], 0x0000, ""),
        (&[0, 0xA700], 0xB000, "1.1"),
        (&[0, 0xB000], 0xB000, ""),
        (&[0xB007], 0xB000, ""),
        (&[0x0107, 0xC000], 0xB000, "1.1"),
        (&[0xA700, 0x0122], 0xA702, "1.0\\1.1"),
    ] {
        let tally = tally(answers);
        assert_eq!(tally.status(), status, "{answers:x?}");
        let mut last = Response { status, ..Response::default() };
        let bytes = tally.conclude(&mut last, Writer::new(EXPLICIT_LITTLE).unwrap());
        assert_eq!(last.data_set, !failed.is_empty());
        assert_eq!(last.suboperations.unwrap().remaining, None);
        let list = Identifier::read(&bytes, EXPLICIT_LITTLE).unwrap();
        let list = list.attributes().first().map(|list| list.unpadded().to_vec()).unwrap_or_default();
        assert_eq!(String::from_utf8(list).unwrap(), failed);
    }
}

#[test]
fn a_cancelled_retrieval_says_what_remains() {
    let mut tally = Tally::of(70_000);
    tally.answered(0, "1.2");
    tally.failed(Some("1.3"));
    tally.failed(None);
    let mut last = Response { status: status::CANCEL, ..Response::default() };
    let bytes = tally.conclude(&mut last, Writer::new(IMPLICIT_LITTLE).unwrap());
    let counts = Counts { remaining: Some(u16::MAX), completed: Some(1), failed: Some(2), warning: Some(0) };
    assert_eq!((last.suboperations, bytes), (Some(counts), b"\x08\0\x58\0\x04\0\0\x001.3\0".to_vec()));
}
