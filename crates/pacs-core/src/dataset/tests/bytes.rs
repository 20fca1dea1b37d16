//! Data sets put together by hand.

/// Writes elements in one encoding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    pub(super) explicit: bool,
    pub(super) big: bool,
}

pub(super) const I: Writer = Writer { explicit: false, big: false };
pub(super) const L: Writer = Writer { explicit: true, big: false };
pub(super) const B: Writer = Writer { explicit: true, big: true };

pub(super) const UNDEFINED: u32 = u32::MAX;

/// VRs, real and not, that a length of four bytes follows.
const LONG: [&str; 19] =
    ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV", "ox", "lt", "px", "OX", "XX", "ZZ"];

impl Writer {
    pub(super) fn of(syntax: &str) -> Writer {
        match syntax {
            super::LEI => I,
            super::BEE => B,
            _ => L,
        }
    }

    fn two(self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn four(self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn tag(self, tag: u32) -> [u8; 4] {
        let [[a, b], [c, d]] = [self.two((tag >> 16) as u16), self.two(tag as u16)];
        [a, b, c, d]
    }

    /// An element whose header says `len`, whatever its value has.
    pub(super) fn el_len(self, tag: u32, vr: &str, len: u32, value: &[u8]) -> Vec<u8> {
        let mut out = self.tag(tag).to_vec();
        if self.explicit {
            out.extend_from_slice(vr.as_bytes());
        }
        if !self.explicit {
            out.extend_from_slice(&self.four(len));
        } else if LONG.contains(&vr) {
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&self.four(len));
        } else {
            out.extend_from_slice(&self.two(len as u16));
        }
        out.extend_from_slice(value);
        out
    }

    pub(super) fn el(self, tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
        self.el_len(tag, vr, value.len() as u32, value)
    }

    fn bare(self, tag: u32, len: u32, value: &[u8]) -> Vec<u8> {
        [&self.tag(tag)[..], &self.four(len), value].concat()
    }

    /// An item (or fragment) of defined length.
    pub(super) fn item(self, content: &[u8]) -> Vec<u8> {
        self.item_len(content.len() as u32, content)
    }

    pub(super) fn item_len(self, len: u32, content: &[u8]) -> Vec<u8> {
        self.bare(0xFFFE_E000, len, content)
    }

    /// An item of undefined length, with its delimiter.
    pub(super) fn item_u(self, content: &[u8]) -> Vec<u8> {
        [self.item_len(UNDEFINED, content), self.item_end(0)].concat()
    }

    pub(super) fn item_end(self, len: u32) -> Vec<u8> {
        self.bare(0xFFFE_E00D, len, &[])
    }

    pub(super) fn sequence_end(self, len: u32) -> Vec<u8> {
        self.bare(0xFFFE_E0DD, len, &[])
    }

    /// A sequence of undefined length, with its delimiter.
    pub(super) fn sq_u(self, tag: u32, items: &[u8]) -> Vec<u8> {
        self.el_u(tag, "SQ", items)
    }

    /// Any element of undefined length, with the delimiter of a sequence.
    pub(super) fn el_u(self, tag: u32, vr: &str, items: &[u8]) -> Vec<u8> {
        [self.el_len(tag, vr, UNDEFINED, items), self.sequence_end(0)].concat()
    }

    /// A sequence of defined length.
    pub(super) fn sq(self, tag: u32, items: &[u8]) -> Vec<u8> {
        self.el(tag, "SQ", items)
    }
}
