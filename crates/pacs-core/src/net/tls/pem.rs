//! Text encodings of keys and certificates (RFC 7468), with the headers of the older form (RFC 1421 4.6).

use base64ct::{Base64, Decoder};
use zeroize::Zeroizing;

/// One encapsulated text.
#[derive(Debug)]
pub(super) struct Section<'t> {
    /// `CERTIFICATE`, `PRIVATE KEY` and so on.
    pub(super) label: &'t str,
    /// Header lines as name and value.
    pub(super) headers: Vec<(&'t str, &'t str)>,
    /// What it holds.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// The sections of a text, in their order. Text around them is left out, as is a section that does not end or whose content
/// cannot be decoded; the second value tells whether there was one of those.
pub(super) fn sections(text: &[u8]) -> (Vec<Section<'_>>, bool) {
    let (mut found, mut is_broken) = (Vec::new(), false);
    let Some(mut lines) = std::str::from_utf8(text).ok().map(|text| text.lines().map(str::trim_end)) else {
        return (found, is_broken);
    };
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
            continue;
        };
        let (mut headers, mut encoded, mut ended) = (Vec::new(), Zeroizing::new(String::new()), false);
        for line in lines.by_ref() {
            if let Some(end) = line.strip_prefix("-----END ").and_then(|rest| rest.strip_suffix("-----")) {
                ended = end == label;
                break;
            }
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.trim(), value.trim())),
                None => encoded.extend(line.split_whitespace()),
            }
        }
        match decoded(&encoded).filter(|_| ended) {
            Some(bytes) => found.push(Section { label, headers, bytes }),
            None => is_broken = true,
        }
    }
    (found, is_broken)
}

fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    Decoder::<Base64>::new(text.as_bytes()).ok()?.decode_to_end(&mut bytes).ok()?;
    Some(bytes)
}
