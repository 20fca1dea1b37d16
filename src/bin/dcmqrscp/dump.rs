//! Identifiers as DCMTK prints them.

use std::fmt::Write as _;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use pacs_core::dataset::identifier::Attribute;
use pacs_core::names;
use pacs_tools::log;

/// A value's characters beyond this many are not shown.
const SHOWN: usize = 64;

/// The column at which length and name begin.
const COLUMN: usize = 40;

/// The dump of a data set: an empty line before and behind it, as with DCMTK.
pub(crate) fn identifier(attributes: &[Attribute], transfer_syntax: &str) -> String {
    let syntax = names::transfer_syntax(transfer_syntax).map_or(transfer_syntax, |syntax| syntax.display);
    let mut text = format!("\n# Dicom-Data-Set\n# Used TransferSyntax: {syntax}");
    for attribute in attributes {
        line(&mut text, attribute);
    }
    text.push('\n');
    text
}

fn line(text: &mut String, attribute: &Attribute) {
    let Attribute { tag, vr, .. } = attribute;
    let value = attribute.unpadded();
    let shown = match value {
        [] => "(no value available)".to_owned(),
        value => {
            let value = String::from_utf8_lossy(value);
            let clean = log::clean(&value);
            match clean.char_indices().nth(SHOWN) {
                Some((cut, _)) => format!("[{}...", &clean[..cut]),
                None => format!("[{clean}]"),
            }
        }
    };
    let length = value.len() + value.len() % 2;
    let count = if value.is_empty() { 0 } else { value.iter().filter(|byte| **byte == b'\\').count() + 1 };
    let name = keyword(tag.group(), tag.element());
    _ = write!(text, "\n{tag} {vr} {shown:COLUMN$} # {length:>3}, {count} {name}");
}

fn keyword(group: u16, element: u16) -> &'static str {
    StandardDataDictionary.by_tag(dicom_core::Tag(group, element)).map_or("Unknown Tag & Data", |entry| entry.alias())
}
