//! Dates, times, and ranges of them (PS3.4 C.2.2.2.5), in the forms that DCMTK reads.

use std::cmp::Ordering;

/// One value, or a range with an end that may be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span<T> {
    /// This value alone.
    One(T),
    /// Both ends belong to it.
    Range(Option<T>, Option<T>),
}

impl<T: PartialOrd> Span<T> {
    pub(super) fn parse(value: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<Span<T>> {
        let Some(at) = value.iter().position(|byte| *byte == b'-') else { return Some(Span::One(read(value)?)) };
        let end = |value: &[u8]| match super::stripped(value) {
            b"" => Some(None),
            value => read(value).map(Some),
        };
        Some(Span::Range(end(&value[..at])?, end(&value[at + 1..])?))
    }

    pub(super) fn holds(&self, value: Option<T>, is_same: impl Fn(&T, &T) -> bool) -> bool {
        let Some(value) = value else { return false };
        match self {
            Span::One(wanted) => is_same(wanted, &value),
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

/// A time of day, with as much of it as is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Microseconds since midnight.
    micros: u64,
    precision: Precision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Hour,
    Minute,
    Second,
    Fraction,
}

impl Time {
    /// Equal, and given as precisely.
    // DCMTK: 1015 is not 101500.
    pub(super) fn is_same(&self, other: &Time) -> bool {
        self == other
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Time) -> Option<Ordering> {
        Some(self.micros.cmp(&other.micros))
    }
}

/// A time, `HH`, `HHMM`, `HHMMSS`, `HHMMSS.F` of one to six digits, or the same with colons.
pub(super) fn time(value: &[u8]) -> Option<Time> {
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(at) => (&value[..at], Some(&value[at + 1..])),
        None => (value, None),
    };
    let (hours, minutes, seconds, precision) = match *whole {
        [a, b] => ([a, b], *b"00", *b"00", Precision::Hour),
        [a, b, c, d] | [a, b, b':', c, d] => ([a, b], [c, d], *b"00", Precision::Minute),
        [a, b, c, d, e, f] | [a, b, b':', c, d, b':', e, f] => ([a, b], [c, d], [e, f], Precision::Second),
        _ => return None,
    };
    let (hours, minutes, seconds) = (number(&hours)?, number(&minutes)?, number(&seconds)?);
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let (precision, micros) = match fraction {
        None => (precision, 0),
        Some(digits) if precision == Precision::Second && (1..=6).contains(&digits.len()) => {
            (Precision::Fraction, number(digits)? * 10_u32.pow(6 - digits.len() as u32))
        }
        Some(_) => return None,
    };
    let whole = u64::from((hours * 60 + minutes) * 60 + seconds);
    Some(Time { micros: whole * 1_000_000 + u64::from(micros), precision })
}

/// At most nine digits, as a number.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}
