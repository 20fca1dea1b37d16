//! The rules one by one, each with the examples it was observed by. Numbers stand for the sections of the observations:
//! 1 VRs of implicit input, 2 VRs of explicit input, 3 order and special elements, 4 lengths, 5 values, 6 encapsulated pixel
//! data, 7 deflated data sets, 9 errors.

mod ends;
mod order;
mod values;
mod vr;

use super::bytes::{B, I, L, UNDEFINED};
use super::*;

type Expected<'a> = std::result::Result<Vec<u8>, Reason>;

/// Rewrites the input whole, in pieces and as a sender does, and compares.
#[track_caller]
fn gives(syntax: &str, options: &str, input: &[u8], expected: Expected<'_>) -> Vec<Warning> {
    let form = form(options);
    let mut warnings = Vec::new();
    for step in [input.len().max(1), 1, 5, 64] {
        let got = rewrite_behind(0, input.chunks(step), syntax, &form, context());
        match (got, &expected) {
            (Ok(got), Ok(expected)) => {
                assert_eq!(hex(&got.bytes), hex(expected), "{options} in pieces of {step}");
                assert!(got.outcome.changed || got.bytes == input, "changed unnoticed");
                warnings = got.outcome.warnings.first().to_vec();
            }
            (Err(Error::Refused(refusal)), Err(reason)) => assert_eq!(refusal.reason, *reason, "in pieces of {step}"),
            (Ok(got), Err(reason)) => panic!("{reason} expected, got {}", hex(&got.bytes)),
            (Err(error), _) => panic!("{error:?} in pieces of {step}"),
        }
    }
    if form.padding.file == 0 {
        match (send(input, syntax, &form), &expected) {
            (Ok(sent), Ok(expected)) => {
                let odd = expected.len() & 1;
                assert_eq!(hex(&sent[..sent.len() - odd]), hex(expected), "as a sender");
            }
            (Err(Error::Refused(refusal)), Err(reason)) => assert_eq!(refusal.reason, *reason, "as a sender"),
            (sent, _) => panic!("as a sender: {sent:?}"),
        }
    }
    warnings
}

fn cat(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

fn pn() -> Vec<u8> {
    L.el(0x0010_0010, "PN", b"A^B ")
}

fn lo() -> Vec<u8> {
    L.el(0x0010_0020, "LO", b"1 ")
}
