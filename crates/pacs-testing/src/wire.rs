//! PDUs, PDVs and items as bytes, whatever the standard thinks of their content (PS3.8 9.3).

/// A-RELEASE-RQ (PS3.8 9.3.6).
pub const RELEASE_RQ: [u8; 10] = [5, 0, 0, 0, 0, 4, 0, 0, 0, 0];
/// A-RELEASE-RP (PS3.8 9.3.7).
pub const RELEASE_RP: [u8; 10] = [6, 0, 0, 0, 0, 4, 0, 0, 0, 0];
/// A-ABORT of the service user (PS3.8 9.3.8).
pub const ABORT: [u8; 10] = [7, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// A PDU as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Pdu {
    /// Type, the first byte.
    pub kind: u8,
    /// What follows the length.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Pdu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Pdu {{ kind: {}, {} bytes: {:02x?} }}",
            self.kind,
            self.body.len(),
            &self.body[..self.body.len().min(64)]
        )
    }
}

/// A PDU of this type around the body, its length right.
pub fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A presentation data value item (PS3.8 9.3.5.1), its length right. Flags: 1 command, 2 last fragment (PS3.8 E.2).
pub fn pdv(context: u8, flags: u8, fragment: &[u8]) -> Vec<u8> {
    let mut bytes = (fragment.len() as u32 + 2).to_be_bytes().to_vec();
    bytes.extend_from_slice(&[context, flags]);
    bytes.extend_from_slice(fragment);
    bytes
}

/// An item or sub-item of an association PDU: type, reserved byte, length, body.
pub fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend_from_slice(&(body.len() as u16).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The items that bytes consist of, as (type, body).
///
/// # Panics
/// When they do not fill the bytes exactly.
pub fn items(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        assert!(bytes.len() >= 4, "{} bytes behind the last item", bytes.len());
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        assert!(bytes.len() >= 4 + length, "item {:02x} is longer than what it stands in", bytes[0]);
        found.push((bytes[0], bytes[4..4 + length].to_vec()));
        bytes = &bytes[4 + length..];
    }
    found
}

/// P-DATA-TF PDUs for a command and its data set, one PDV in each, no body longer than `max` bytes.
pub fn message(context: u8, command: &[u8], data: Option<&[u8]>, max: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (flag, content) in [(1, Some(command)), (0, data)] {
        let Some(content) = content else { continue };
        let mut fragments = content.chunks(max as usize - 6).peekable();
        if fragments.peek().is_none() {
            bytes.extend(pdu(4, &pdv(context, flag | 2, &[])));
        }
        while let Some(fragment) = fragments.next() {
            let last = if fragments.peek().is_none() { 2 } else { 0 };
            bytes.extend(pdu(4, &pdv(context, flag | last, fragment)));
        }
    }
    bytes
}
