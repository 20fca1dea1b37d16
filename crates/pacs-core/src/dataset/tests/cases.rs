//! Data sets that were sent to the program we replace, and what it stored: `tests/data/dataset-cases.json`.

use super::*;
use serde_json::Value;

pub(super) struct Case {
    name: String,
    pub(super) syntax: &'static str,
    pub(super) input: Vec<u8>,
    form: Form,
    /// None: refused.
    output: Option<String>,
    outcome: String,
}

pub(super) fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/dataset-cases.json");
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let cases: Vec<Case> = all["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| Case {
            name: text(case, "name"),
            syntax: match case["input_syntax"].as_str() {
                Some("LEI") => LEI,
                Some("LEE") => LEE,
                Some("BEE") => BEE,
                Some("DFL") => DFL,
                Some("JPG") => JPG,
                other => panic!("syntax {other:?}"),
            },
            input: unhex(&text(case, "input")),
            form: form(&text(case, "options")),
            output: case["output"].as_str().map(str::to_owned),
            outcome: text(case, "outcome"),
        })
        .collect();
    assert_eq!(cases.len(), 40);
    cases
}

/// The one case that we refuse on purpose: the header that is cut short at the end is not the sender's whole data set.
const CUT_SHORT: &str = "incomplete-last-header-dropped";

fn check(case: &Case, how: &str, got: std::result::Result<Result, Error>) {
    let refused = case.outcome != "stored" || case.name == CUT_SHORT;
    match got {
        Ok(got) => {
            assert!(!refused, "{} {how}: stored", case.name);
            let deflated = case.form.syntax.uid(case.syntax) == DFL;
            let bytes = if deflated { inflate(&got.bytes) } else { got.bytes };
            assert_eq!(hex(&bytes), case.output.as_deref().unwrap_or_default(), "{} {how}", case.name);
            let same = !deflated && bytes == case.input;
            assert!(got.outcome.changed || same || deflated, "{} {how}: changed unnoticed", case.name);
        }
        Err(Error::Refused(refusal)) => {
            assert!(refused, "{} {how}: {refusal} at {}", case.name, refusal.offset);
            assert_eq!(refusal.consequence(), Consequence::Abort, "{} {how}", case.name);
        }
        Err(other) => panic!("{} {how}: {other}", case.name),
    }
}

#[test]
fn each_case_gives_what_was_stored() {
    for case in cases() {
        check(&case, "whole", rewrite(&case.input, case.syntax, &case.form));
    }
}

#[test]
fn each_case_gives_the_same_cut_anywhere() {
    for case in cases() {
        for cut in 1..case.input.len() {
            let (a, b) = case.input.split_at(cut);
            let got = rewrite_behind(0, [a, b].into_iter(), case.syntax, &case.form, context());
            check(&case, &format!("cut at {cut}"), got);
        }
        let got = rewrite_behind(0, case.input.chunks(1), case.syntax, &case.form, context());
        check(&case, "byte by byte", got);
        for step in [2, 3, 7] {
            let got = rewrite_behind(0, case.input.chunks(step), case.syntax, &case.form, context());
            check(&case, &format!("in pieces of {step}"), got);
        }
    }
}

#[test]
fn several_slices_in_one_call_are_as_good_as_several_calls() {
    for case in cases() {
        let slices: Vec<&[u8]> = case.input.chunks(5).collect();
        let mut sink = Vec::new();
        let got = (|| {
            let mut rewriter = Rewriter::new(case.syntax, &case.form, context())?;
            rewriter.push(&slices, &mut sink)?;
            let rewritten = rewriter.finish(&mut sink)?;
            let mut out = Vec::new();
            let second_pass = true;
            let outcome = rewritten.second_pass(&sink, 0, &mut out)?;
            Ok(Result { bytes: out, outcome, second_pass })
        })();
        check(&case, "in slices", got);
    }
}

#[test]
fn a_sender_writes_the_same_with_every_length_known() {
    for case in cases() {
        let got = send(&case.input, case.syntax, &case.form);
        let padded = case.form.padding != TrailingPadding::default();
        match (got, &case.output) {
            (Ok(bytes), Some(output)) if !padded => {
                assert_ne!(case.name, CUT_SHORT);
                let deflated = case.form.syntax.uid(case.syntax) == DFL;
                let bytes = if deflated { inflate(&bytes) } else { bytes };
                let odd = if output.len() % 4 == 2 && !deflated { "00" } else { "" };
                assert_eq!(hex(&bytes), format!("{output}{odd}"), "{}", case.name);
            }
            (Ok(_), Some(_)) => {}
            (Err(Error::Refused(_)), None) => {}
            (Err(Error::Refused(_)), Some(_)) if case.name == CUT_SHORT => {}
            (got, _) => panic!("{}: {got:?}", case.name),
        }
    }
}
