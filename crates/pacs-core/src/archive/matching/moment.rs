//! Dates, times, and ranges of them (PS3.4 C.2.2.2.5), in the forms that DCMTK reads.

/// One value, or a range with an end that may be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span<T> {
    /// This value alone.
    One(T),
    /// Both ends belong to it.
    Range(Option<T>, Option<T>),
}

impl<T: Ord> Span<T> {
    // DCMTK: blanks around the hyphen are no part of a range; with them it matches nothing.
    pub(super) fn parse(value: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<Span<T>> {
        let Some(at) = value.iter().position(|byte| *byte == b'-') else { return Some(Span::One(read(value)?)) };
        let end = |value: &[u8]| match value {
            b"" => Some(None),
            value => read(value).map(Some),
        };
        Some(Span::Range(end(&value[..at])?, end(&value[at + 1..])?))
    }

    pub(super) fn holds(&self, value: Option<T>) -> bool {
        let Some(value) = value else { return false };
        match self {
            Span::One(wanted) => *wanted == value,
            Span::Range(first, last) => {
                first.as_ref().is_none_or(|first| *first <= value) && last.as_ref().is_none_or(|last| value <= *last)
            }
        }
    }
}

/// A date, `YYYYMMDD` or `YYYY.MM.DD`, as the number YYYYMMDD.
pub fn date(value: &[u8]) -> Option<u32> {
    let digits: [u8; 8] = match *value {
        [a, b, c, d, e, f, g, h] => [a, b, c, d, e, f, g, h],
        [a, b, c, d, b'.', e, f, b'.', g, h] => [a, b, c, d, e, f, g, h],
        _ => return None,
    };
    let number = number(&digits)?;
    let (month, day) = (number / 100 % 100, number % 100);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(number)
}

/// A time of day. What is not given of it is 0.
// DCMTK: 1015 is 101500, and ends a range at its first moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    seconds: u32,
    /// Of 10^-15 seconds.
    fraction: u64,
}

/// A time, `HH`, `HHMM`, `HHMMSS`, `HHMMSS.F`, or the same with colons. Digits behind the fifteenth of a fraction do not
/// count.
pub(super) fn time(value: &[u8]) -> Option<Time> {
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(at) => (&value[..at], Some(&value[at + 1..])),
        None => (value, None),
    };
    let (hours, minutes, seconds) = match *whole {
        [a, b] => ([a, b], *b"00", *b"00"),
        [a, b, c, d] | [a, b, b':', c, d] => ([a, b], [c, d], *b"00"),
        [a, b, c, d, e, f] | [a, b, b':', c, d, b':', e, f] => ([a, b], [c, d], [e, f]),
        _ => return None,
    };
    let (hours, minutes, seconds) = (number(&hours)?, number(&minutes)?, number(&seconds)?);
    // Leap seconds.
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let fraction = match fraction {
        None => 0,
        Some(digits) if whole.len() >= 6 && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let digits = digits.iter().chain(std::iter::repeat(&b'0')).take(15);
            digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
        }
        Some(_) => return None,
    };
    Some(Time { seconds: (hours * 60 + minutes) * 60 + seconds, fraction })
}

/// At most nine digits, as a number.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}
