//! New unique identifiers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};

/// A UID that nobody else has: `2.25.` and a random UUID as a number (PS3.5 B.2).
pub fn new() -> String {
    let mut bytes = random();
    // The version and variant of a random UUID (RFC 9562 5.4).
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

/// A random number.
#[cfg(feature = "archive")]
pub(crate) fn random_number() -> u32 {
    u128::from_be_bytes(random()) as u32
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // So few bytes come whole or not at all.
    if getrandom(&mut bytes, GetRandomFlags::empty()) == Ok(16) {
        return bytes;
    }
    // A system without random numbers: time, process and a counter are as unique as DCMTK's UIDs.
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    let low = u64::from(std::process::id()) << 32 | COUNTER.fetch_add(1, Ordering::Relaxed) & 0xFFFF_FFFF;
    bytes[..8].copy_from_slice(&time.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn uids_are_new_and_fit() {
        let many: HashSet<String> = (0..1000).map(|_| super::new()).collect();
        assert_eq!(many.len(), 1000);
        for uid in many {
            assert!(uid.len() <= 64 && uid.strip_prefix("2.25.").unwrap().parse::<u128>().is_ok(), "{uid}");
        }
    }
}
