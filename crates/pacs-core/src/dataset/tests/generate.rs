//! Random data sets: as trees that are written in any encoding, and as bytes with anything wrong about them.

use super::bytes::{UNDEFINED, Writer};
use crate::dataset::vr::{DictVr, Dictionary, Padding, Vr};

/// A small random number generator (xorshift64*), the same everywhere.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// An element of a tree, with its value in little endian order and canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) tag: u32,
    pub(super) vr: Vr,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Value(Vec<u8>),
    Items(Vec<Vec<Node>>),
}

/// Elements of which the dictionary says one thing, wherever they stand.
const TAGS: [u32; 48] = [
    0x0008_0005,
    0x0008_0008,
    0x0008_0016,
    0x0008_0018,
    0x0008_0020,
    0x0008_0030,
    0x0008_0060,
    0x0008_0090,
    0x0008_1030,
    0x0008_1115,
    0x0008_1140,
    0x0008_1150,
    0x0008_1155,
    0x0008_2112,
    0x0010_0010,
    0x0010_0020,
    0x0010_1010,
    0x0010_4000,
    0x0018_0050,
    0x0018_1020,
    0x0018_6020,
    0x0018_9087,
    0x0020_000D,
    0x0020_0013,
    0x0028_0002,
    0x0028_0009,
    0x0028_0010,
    0x0028_1201,
    0x0028_3000,
    0x0028_3010,
    0x0040_0275,
    0x0040_1001,
    0x0040_A160,
    0x0040_A730,
    0x0040_A123,
    0x0054_0014,
    0x0066_0016,
    0x0066_0023,
    0x0070_0022,
    0x0088_0200,
    0x0400_0310,
    0x5200_9229,
    0x5200_9230,
    0x5555_1234,
    0x7FE0_0008,
    0x7FE0_0009,
    0x7FE0_0010,
    0xFFFE_0001,
];

fn vr(tag: u32) -> Vr {
    let (group, element) = ((tag >> 16) as u16, tag as u16);
    Dictionary::builtin().standard(group, element).map_or(Vr::UN, |vr: DictVr| vr.by_tag(group, element))
}

/// A value that writing does not change.
fn value(random: &mut Random, vr: Vr) -> Vec<u8> {
    let most = if random.one_in(40) { 3000 } else { 12 };
    let len = random.below(most);
    let character = |random: &mut Random| random.pick(b"AB1 \\^.\t\xE4\x1B\r");
    match vr.padding() {
        Padding::Blank => {
            let mut text: Vec<u8> = (0..len).map(|_| character(random)).collect();
            text.truncate(text.iter().rposition(|byte| *byte != b' ').map_or(0, |at| at + 1));
            text.extend((text.len() & 1 == 1).then_some(b' '));
            text
        }
        Padding::Uid => {
            let mut uid: Vec<u8> = (0..len).map(|_| random.pick(b"0123.")).collect();
            uid.extend((uid.len() & 1 == 1).then_some(0));
            uid
        }
        _ => (0..len.next_multiple_of(8)).map(|_| random.next() as u8).collect(),
    }
}

/// A data set or item, in order.
pub(super) fn tree(random: &mut Random, depth: usize) -> Vec<Node> {
    let count = random.below(if depth == 0 { 16 } else { 6 });
    let mut tags: Vec<u32> = (0..count).map(|_| random.pick(&TAGS)).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.into_iter()
        .map(|tag| {
            let vr = vr(tag);
            let content = match vr {
                Vr::SQ if depth < 6 => Content::Items((0..random.below(4)).map(|_| tree(random, depth + 1)).collect()),
                Vr::SQ => Content::Items(Vec::new()),
                _ => Content::Value(value(random, vr)),
            };
            Node { tag, vr, content }
        })
        .collect()
}

/// How sequences and items say where they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Defined,
    Undefined,
    /// One way or the other, delimiters where they are not needed, too.
    Mixed,
}

/// Writes a tree.
pub(super) fn encode(tree: &[Node], writer: Writer, ends: Ends, random: &mut Random) -> Vec<u8> {
    tree.iter().flat_map(|node| encode_node(node, writer, ends, random)).collect()
}

fn encode_node(node: &Node, writer: Writer, ends: Ends, random: &mut Random) -> Vec<u8> {
    let vr = node.vr.to_string();
    let items = match &node.content {
        Content::Items(items) => items,
        Content::Value(value) => {
            let mut value = value.clone();
            if writer.big && node.vr.unit() > 1 {
                value.chunks_exact_mut(node.vr.unit()).for_each(<[u8]>::reverse);
            }
            return writer.el(node.tag, &vr, &value);
        }
    };
    let mut content = Vec::new();
    for item in items {
        let mut elements = encode(item, writer, ends, random);
        if ends == Ends::Undefined || (ends == Ends::Mixed && random.one_in(2)) {
            content.extend(writer.item_u(&elements));
        } else {
            if ends == Ends::Mixed && random.one_in(4) {
                elements.extend(writer.item_end(0));
            }
            content.extend(writer.item(&elements));
        }
    }
    if ends == Ends::Undefined || (ends == Ends::Mixed && random.one_in(2)) {
        return writer.sq_u(node.tag, &content);
    }
    if ends == Ends::Mixed && random.one_in(4) {
        content.extend(writer.sequence_end(0));
    }
    writer.sq(node.tag, &content)
}

/// Puts elements into another order, and repeats some with other values, at every level.
pub(super) fn shuffle(tree: &[Node], random: &mut Random) -> Vec<Node> {
    let mut shuffled: Vec<Node> = Vec::new();
    for node in tree {
        let content = match &node.content {
            Content::Items(items) => Content::Items(items.iter().map(|item| shuffle(item, random)).collect()),
            value => value.clone(),
        };
        let at = if random.one_in(3) { random.below(shuffled.len() + 1) } else { shuffled.len() };
        shuffled.insert(at, Node { content, ..*node });
    }
    for _ in 0..random.below(3) {
        if shuffled.is_empty() {
            break;
        }
        let first = random.below(shuffled.len());
        let mut again = shuffled[first].clone();
        again.content = match again.content {
            Content::Items(_) => Content::Items(vec![super::generate::tree(random, 5)]),
            Content::Value(_) => Content::Value(value(random, again.vr)),
        };
        let at = first + 1 + random.below(shuffled.len() - first);
        shuffled.insert(at, again);
    }
    shuffled
}

/// Elements of every kind there are rules for.
const ODD_TAGS: [u32; 36] = [
    0x0000_0000,
    0x0000_0002,
    0x0002_0000,
    0x0002_0010,
    0x0003_0010,
    0x0004_1220,
    0x0004_1400,
    0x0008_0000,
    0x0008_0001,
    0x0008_1234,
    0x0009_0000,
    0x0009_000F,
    0x0009_0010,
    0x0009_0011,
    0x0009_0100,
    0x0009_1000,
    0x0009_1110,
    0x0010_0000,
    0x0028_0000,
    0x0028_0103,
    0x0028_0106,
    0x0028_3002,
    0x0028_3006,
    0x0029_0010,
    0x0029_1010,
    0x5000_3000,
    0x5400_1004,
    0x5400_1010,
    0x6000_3000,
    0x60FF_3000,
    0x7FE1_0010,
    0x7FE1_1010,
    0xFFFC_0000,
    0xFFFC_FFFC,
    0xFFFE_E0FE,
    0xFFFF_0001,
];

const VRS: [&str; 42] = [
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN",
    "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV", "??", "XX", "ox", "lt",
    "xs", "up", "us", "OX",
];

const CREATORS: [&[u8]; 6] = [b"ACUSON", b"SIEMENS MR HEADER ", b"SPI-P Release 1 ", b"FOO ", b"acuson", b""];

/// A data set with anything that is odd, in the encoding of `writer`.
pub(super) fn odd_data_set(random: &mut Random, writer: Writer, depth: usize) -> Vec<u8> {
    let count = random.below(if depth == 0 { 14 } else { 5 });
    let mut tags: Vec<u32> =
        (0..count).map(|_| if random.one_in(2) { random.pick(&ODD_TAGS) } else { random.pick(&TAGS) }).collect();
    if !random.one_in(3) {
        tags.sort_unstable();
    }
    if random.one_in(2) {
        tags.dedup();
    }
    tags.into_iter().flat_map(|tag| odd_element(random, writer, tag, depth)).collect()
}

fn odd_element(random: &mut Random, writer: Writer, tag: u32, depth: usize) -> Vec<u8> {
    if tag & 0x0001_0000 != 0 && (0x10..0x100).contains(&(tag & 0xFFFF)) {
        let name = random.pick(&CREATORS);
        return writer.el(tag, "LO", name);
    }
    let known = vr(tag).to_string();
    let named = if random.one_in(6) { random.pick(&VRS) } else { known.as_str() };
    if named == "SQ" || (named == "UN" && random.one_in(6)) {
        return odd_sequence(random, writer, tag, named, depth);
    }
    if tag == 0x7FE0_0010 && random.one_in(3) {
        let items: Vec<u8> = (0..random.below(4)).flat_map(|_| writer.item(&odd_value(random, "OB"))).collect();
        let vr = random.pick(&["OB", "OW"]);
        return [writer.el_len(tag, vr, UNDEFINED, &items), writer.sequence_end(0)].concat();
    }
    writer.el(tag, named, &odd_value(random, named))
}

fn odd_value(random: &mut Random, vr: &str) -> Vec<u8> {
    let most = if random.one_in(30) { 600 } else { 10 };
    let len = random.below(most);
    let text = matches!(vr, "LO" | "SH" | "PN" | "LT" | "CS" | "UI" | "UT" | "DS" | "IS");
    (0..len).map(|_| if text { random.pick(b"A1. \0\t") } else { random.next() as u8 }).collect()
}

fn odd_sequence(random: &mut Random, writer: Writer, tag: u32, vr: &str, depth: usize) -> Vec<u8> {
    let inner = if vr == "UN" { super::bytes::I } else { writer };
    let count = if depth < 5 { random.below(3) } else { 0 };
    let mut items = Vec::new();
    for _ in 0..count {
        let elements = odd_data_set(random, inner, depth + 1);
        if random.one_in(2) {
            items.extend(inner.item_u(&elements));
        } else {
            let off = if random.one_in(30) { random.below(9) as u32 } else { 0 };
            items.extend(inner.item_len((elements.len() as u32).wrapping_sub(off), &elements));
        }
    }
    if vr == "UN" || random.one_in(2) {
        return [writer.el_len(tag, vr, UNDEFINED, &items), inner.sequence_end(0)].concat();
    }
    let off = if random.one_in(30) { random.below(9) as u32 } else { 0 };
    writer.el_len(tag, vr, (items.len() as u32).wrapping_sub(off), &items)
}

/// Changes a few bytes, cuts, or repeats a part.
pub(super) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes.truncate(at),
            1 => {
                let end = at + random.below(bytes.len() - at + 1).min(24);
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            2 => {
                let end = at + random.below(bytes.len() - at + 1).min(12);
                bytes.drain(at..end);
            }
            3 => bytes[at] = random.next() as u8,
            _ => bytes[at] = random.pick(&[0, 1, 2, 4, 8, 0xFE, 0xFF, b' ', b'S', b'Q', b'U', b'N']),
        }
    }
}
