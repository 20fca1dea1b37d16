//! Wildcard matching (PS3.4 C.2.2.2.4): `*` is any characters or none, `?` is one. The whole value must match.

/// Whether characters match a pattern.
// DCMTK: `?` is one byte where both sides are UTF-8 or their sets differ.
pub(super) fn matches_text(pattern: &str, value: &str) -> bool {
    if pattern.is_ascii() && value.is_ascii() {
        return matches_bytes(pattern.as_bytes(), value.as_bytes());
    }
    matches(&Characters(pattern), &Characters(value))
}

/// Whether bytes match a pattern.
pub(super) fn matches_bytes(pattern: &[u8], value: &[u8]) -> bool {
    matches(&Bytes(pattern), &Bytes(value))
}

/// What a pattern or a value consists of, each at its place.
trait Units {
    /// The unit at this place, and the place behind it.
    fn at(&self, place: usize) -> Option<(char, usize)>;
}

struct Bytes<'v>(&'v [u8]);

impl Units for Bytes<'_> {
    #[inline]
    fn at(&self, place: usize) -> Option<(char, usize)> {
        self.0.get(place).map(|byte| (char::from(*byte), place + 1))
    }
}

struct Characters<'v>(&'v str);

impl Units for Characters<'_> {
    #[inline]
    fn at(&self, place: usize) -> Option<(char, usize)> {
        let unit = self.0.get(place..)?.chars().next()?;
        Some((unit, place + unit.len_utf8()))
    }
}

/// Goes back to the last `*` only: what stands before it has matched as early as it can. So the steps are at most the
/// product of the lengths, and a stored value is short.
fn matches(pattern: &impl Units, value: &impl Units) -> bool {
    let (mut p, mut v) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (pattern.at(p), value.at(v)) {
            (None, None) => return true,
            (Some(('*', next)), _) => {
                p = next;
                star = Some((p, v));
            }
            (Some((wanted, next_p)), Some((unit, next_v))) if wanted == '?' || wanted == unit => {
                p = next_p;
                v = next_v;
            }
            (_, None) => return false,
            _ => {
                // One unit more for the last star.
                let Some((after, from)) = star else { return false };
                let Some((_, next)) = value.at(from) else { return false };
                star = Some((after, next));
                p = after;
                v = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, slowly.
    fn plain(pattern: &[char], value: &[char]) -> bool {
        match (pattern.split_first(), value.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), first) => plain(rest, value) || first.is_some_and(|(_, behind)| plain(pattern, behind)),
            (Some((wanted, rest)), Some((unit, behind))) => (*wanted == '?' || wanted == unit) && plain(rest, behind),
            _ => false,
        }
    }

    /// All strings of at most `most` of these characters.
    fn strings(of: &[char], most: usize) -> Vec<Vec<char>> {
        let mut all = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..most {
            let to = all.len();
            for at in from..to {
                for unit in of {
                    let mut longer = all[at].clone();
                    longer.push(*unit);
                    all.push(longer);
                }
            }
            from = to;
        }
        all
    }

    #[test]
    fn every_short_pattern_matches_every_short_value_as_defined() {
        for (letter, other) in [('a', 'b'), ('ü', '山')] {
            let values = strings(&[letter, other], 5);
            for pattern in strings(&[letter, other, '*', '?'], 4) {
                let text: String = pattern.iter().collect();
                for value in &values {
                    let matched = matches_text(&text, &value.iter().collect::<String>());
                    assert_eq!(matched, plain(&pattern, value), "{text} {value:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_pattern_of_stars_takes_no_longer_than_its_length_times_that_of_the_value() {
        let pattern = "*a".repeat(32 * 1024) + "b";
        let value = "a".repeat(1024);
        let start = std::time::Instant::now();
        assert!(!matches_text(&pattern, &value));
        assert!(!matches_text(&pattern, &value.replace('a', "ä")));
        assert!(matches_text(&"*?".repeat(1024), &value.replace('a', "ä")));
        assert!(start.elapsed().as_secs() < 5);
    }

    #[test]
    fn bytes_are_units_of_their_own() {
        assert!(matches_bytes(b"M??ller", "Müller".as_bytes()));
        assert!(!matches_text("M??ller", "Müller"));
        assert!(matches_text("M?ller", "Müller"));
    }
}
