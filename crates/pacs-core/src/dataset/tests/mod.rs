//! Tests of rewriting: the recorded cases, the rules one by one, random data sets, mutations, and large objects.

mod bytes;
mod cases;
mod elements;
mod generate;
mod large;
mod mutation;
mod properties;
mod rules;

use super::*;

pub(super) const LEI: &str = Syntax::IMPLICIT_LITTLE;
pub(super) const LEE: &str = Syntax::EXPLICIT_LITTLE;
pub(super) const BEE: &str = Syntax::EXPLICIT_BIG;
pub(super) const DFL: &str = Syntax::DEFLATED;
pub(super) const JPG: &str = "1.2.840.10008.1.2.4.50";

/// Options of a receiver's command line as a form.
pub(super) fn form(options: &str) -> Form {
    let mut form = Form::default();
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| word.parse().ok()).expect("a number");
        match word {
            "+t=" => form.syntax = OutputSyntax::Same,
            "+te" => form.syntax = OutputSyntax::ExplicitLittle,
            "+tb" => form.syntax = OutputSyntax::ExplicitBig,
            "+ti" => form.syntax = OutputSyntax::ImplicitLittle,
            "+td" => form.syntax = OutputSyntax::Deflated,
            "+e" => form.lengths = LengthForm::Explicit,
            "-e" => form.lengths = LengthForm::Undefined,
            "+g=" => form.group_lengths = GroupLengths::Recalculate,
            "+g" => form.group_lengths = GroupLengths::Create,
            "-g" => form.group_lengths = GroupLengths::Remove,
            "+p" => form.padding = TrailingPadding { file: number(), item: number() },
            "-p" => form.padding = TrailingPadding::default(),
            "+u" => form.new_vrs = true,
            "-u" => form.new_vrs = false,
            "+uc" => form.convert_un = true,
            "-uc" => form.convert_un = false,
            "+cl" => form.compression = number() as u8,
            // What is negotiated, not what is written.
            "+xy" | "+xd" => {}
            other => panic!("unknown option {other}"),
        }
    }
    form
}

pub(super) fn context() -> Context<'static> {
    Context::new(ScratchMaker::in_memory())
}

/// What comes of rewriting.
#[derive(Debug)]
pub(super) struct Result {
    pub(super) bytes: Vec<u8>,
    pub(super) outcome: Outcome,
    pub(super) second_pass: bool,
}

/// Rewrites data that arrive in these pieces, behind `before` bytes.
pub(super) fn rewrite_behind<'a>(
    before: usize,
    pieces: impl Iterator<Item = &'a [u8]>,
    syntax: &str,
    form: &Form,
    context: Context<'_>,
) -> std::result::Result<Result, Error> {
    let mut rewriter = Rewriter::new(syntax, form, context)?;
    let mut sink = vec![0; before];
    for piece in pieces {
        rewriter.push(&[piece], &mut sink)?;
    }
    let rewritten = rewriter.finish(&mut sink)?;
    let second_pass = rewritten.needs_second_pass(before as u64);
    let (bytes, outcome) = if second_pass {
        let mut out = vec![0; before];
        let outcome = rewritten.second_pass(&sink, before as u64, &mut out)?;
        (out, outcome)
    } else {
        (sink, rewritten.into_outcome())
    };
    Ok(Result { bytes: bytes[before..].to_vec(), outcome, second_pass })
}

pub(super) fn rewrite(input: &[u8], syntax: &str, form: &Form) -> std::result::Result<Result, Error> {
    rewrite_behind(0, std::iter::once(input), syntax, form, context())
}

/// What a sender makes of the same data.
pub(super) fn send(input: &[u8], syntax: &str, form: &Form) -> std::result::Result<Vec<u8>, Error> {
    let prepared = Prepared::new(&input, 0, syntax, form, context())?;
    let len = prepared.len();
    let mut out = Vec::new();
    let sent = prepared.send(&input, &mut out)?;
    assert_eq!(sent, out.len() as u64);
    assert!(len.is_none_or(|len| len == sent), "{len:?} planned, {sent} sent");
    Ok(out)
}

pub(super) fn inflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut all = Vec::new();
    flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut all).expect("a deflate stream");
    all
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
