//! In which character sets queries are answered.

use super::super::identifier::Attribute;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::{CharacterSets, Loss, is_affected};
use std::fmt;

/// Converts all values on which character sets bear.
///
/// # Errors
///
/// What cannot be converted; nothing is, then.
pub fn convert(
    attributes: &[Attribute],
    from: &CharacterSets,
    to: &CharacterSets,
    loss: Loss,
) -> Result<Vec<Attribute>, NotConverted> {
    if let Some(term) = to.unknown() {
        return Err(NotConverted::Destination(term.to_owned()));
    }
    if let Some(term) = from.unknown() {
        return Err(NotConverted::Source(term.to_owned()));
    }
    let converted = |attribute: &Attribute| {
        let Attribute { tag, vr, value } = attribute;
        if !is_affected(*vr) {
            return Ok(attribute.clone());
        }
        let text = from.decode(value, *vr).ok_or(NotConverted::Undecodable(*tag))?;
        let value = to.encode(&text, *vr, loss).ok_or(NotConverted::Unencodable(*tag))?;
        Ok(Attribute { tag: *tag, vr: *vr, value })
    };
    attributes.iter().map(converted).collect()
}

/// Why attributes were not converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConverted {
    /// A term of the sets they are in is unknown.
    Source(String),
    /// A term of the sets they should be in is unknown.
    Destination(String),
    /// This value is not encoded as its sets say.
    Undecodable(Tag),
    /// The other sets lack a character of this value.
    Unencodable(Tag),
}

impl fmt::Display for NotConverted {
    /// DCMTK's text, as far as it has one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(term) => write!(
                f,
                "Cannot select source character set: SpecificCharacterSet (0008,0005) value '{term}' not supported"
            ),
            Self::Destination(term) => write!(
                f,
                "Cannot select destination character set: SpecificCharacterSet (0008,0005) value '{term}' not supported"
            ),
            Self::Undecodable(tag) => {
                write!(f, "Cannot convert character encoding: the value of {tag} is not encoded as it says")
            }
            Self::Unencodable(tag) => {
                write!(f, "Cannot convert character encoding: a character of {tag} has no code there")
            }
        }
    }
}

impl std::error::Error for NotConverted {}

/// How responses are encoded, where records are of one set and queries of another.
#[derive(Debug, Clone, Default)]
pub struct ResponseSets {
    /// The configured set.
    pub configured: CharacterSets,
    /// It is used whatever the query's is.
    pub overriding: bool,
    /// Where a response cannot be had in the one set, the other of the two is tried.
    pub fall_back: bool,
    /// What becomes of characters that a set does not have.
    pub loss: Loss,
}

/// A response in the set it could be had in.
#[derive(Debug, Clone)]
pub struct Converted {
    /// All attributes, Specific Character Set among them if it is needed.
    pub attributes: Vec<Attribute>,
    /// What was done, for the log.
    pub notes: Vec<Note>,
}

/// What was done about a response's character set. Display gives DCMTK's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// From the first to the second set.
    Converted(String, String),
    /// It could not be converted from the first to the second set.
    Failed(String, String, NotConverted),
    /// The other set is tried: the second.
    FallingBack(String, String),
    /// The other set takes it as it is.
    Compatible(String),
}

impl Note {
    /// Whether it is a warning; otherwise information.
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::Failed(..))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converted(from, to) => {
                write!(f, "Successfully converted response from character set \"{from}\" to character set \"{to}\"")
            }
            Self::Failed(from, to, why) => write!(
                f,
                "Converting response from character set \"{from}\" to character set \"{to}\" failed, \
                 (error message: {why})"
            ),
            Self::FallingBack(from, to) => write!(
                f,
                "Trying to convert response from character set \"{from}\" to fall-back character set \"{to}\" instead"
            ),
            Self::Compatible(to) => write!(
                f,
                "Conversion to fall-back character set \"{to}\" is not necessary, since the original character set is \
                 compatible"
            ),
        }
    }
}

impl ResponseSets {
    /// Converts a response, whose Specific Character Set is among its attributes if it has one, for a query in the set
    /// `requested`. A response that can be had in neither set stays as it is.
    ///
    /// The set of the response is the query's if it is converted to it, else what it was: text in ASCII asks for nothing where
    /// UTF-8 is wanted.
    pub fn apply(&self, attributes: Vec<Attribute>, requested: &CharacterSets) -> Converted {
        let (first, other) = match self.overriding {
            true => (&self.configured, requested),
            false => (requested, &self.configured),
        };
        let own = attributes.iter().find(|attribute| attribute.tag == Tag::SPECIFIC_CHARACTER_SET);
        let from = CharacterSets::parse(own.map_or(&[], |own| &own.value));
        let mut notes = Vec::new();
        let tries = [first].into_iter().chain((self.fall_back && other.value() != first.value()).then_some(other));
        for (number, to) in tries.enumerate() {
            if !is_needed(&from, to) {
                notes.extend((number > 0).then(|| Note::Compatible(to.to_string())));
                break;
            }
            let (from_name, to_name) = (from.to_string(), to.to_string());
            if number > 0 {
                notes.push(Note::FallingBack(from_name.clone(), to_name.clone()));
            }
            match convert(&attributes, &from, to, self.loss) {
                Ok(converted) => {
                    notes.push(Note::Converted(from_name, to_name));
                    return Converted { attributes: declared(converted, to), notes };
                }
                Err(why) => notes.push(Note::Failed(from_name, to_name, why)),
            }
        }
        Converted { attributes, notes }
    }
}

/// Whether values change with the set, or what is said of them must.
fn is_needed(from: &CharacterSets, to: &CharacterSets) -> bool {
    from.value() != to.value() && !(to.is_unicode() && from.is_ascii())
}

/// With the Specific Character Set they are in now.
fn declared(mut attributes: Vec<Attribute>, sets: &CharacterSets) -> Vec<Attribute> {
    attributes.retain(|attribute| attribute.tag != Tag::SPECIFIC_CHARACTER_SET);
    if !sets.is_ascii() {
        let at = attributes.partition_point(|attribute| attribute.tag < Tag::SPECIFIC_CHARACTER_SET);
        attributes.insert(at, Attribute::new(Tag::SPECIFIC_CHARACTER_SET, Vr::CS, sets.value()));
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(set: &[u8], name: &[u8]) -> Vec<Attribute> {
        let set = (!set.is_empty()).then(|| Attribute::new(Tag::SPECIFIC_CHARACTER_SET, Vr::CS, set));
        let name = Attribute::new(Tag::PATIENT_NAME, Vr::PN, name);
        set.into_iter().chain([name, Attribute::new(Tag::STUDY_INSTANCE, Vr::UI, "1.2")]).collect()
    }

    /// The set that the response says, the name, and what kinds of notes there are.
    fn answer(sets: &ResponseSets, record: Vec<Attribute>, requested: &[u8]) -> (Vec<u8>, Vec<u8>, String) {
        let Converted { attributes, notes } = sets.apply(record, &CharacterSets::parse(requested));
        assert!(attributes.is_sorted_by_key(|attribute| attribute.tag));
        let value = |tag| attributes.iter().find(|a| a.tag == tag).map(|a| a.value.clone()).unwrap_or_default();
        let kinds = notes.iter().map(|note| match note {
            Note::Converted(..) => 'c',
            Note::Failed(..) => 'f',
            Note::FallingBack(..) => 'b',
            Note::Compatible(..) => 'n',
        });
        (value(Tag::SPECIFIC_CHARACTER_SET), value(Tag::PATIENT_NAME), kinds.collect())
    }

    const LATIN: &[u8] = b"ISO_IR 100";
    const UTF8: &[u8] = b"ISO_IR 192";
    const JAPAN: &[u8] = b"\\ISO 2022 IR 87";

    // As recorded from DCMTK 3.6.7, but for the sets of more than one value, which it neither reads nor writes.
    #[test]
    fn answers_without_configuration() {
        let sets = ResponseSets { fall_back: true, ..ResponseSets::default() };
        let (mueller, doe) = (&b"M\xfcller^A"[..], &b"Doe^Jane"[..]);
        let yamada = &b"Yamada=\x1b$B;3ED\x1b(B"[..];
        for (set, name, requested, expected, answered, notes) in [
            // To ASCII, which the name does not fit into; the fall-back is ASCII as well.
            (LATIN, mueller, &b""[..], LATIN, mueller, "f"),
            (LATIN, mueller, LATIN, LATIN, mueller, ""),
            (LATIN, mueller, UTF8, UTF8, "Müller^A".as_bytes(), "c"),
            (LATIN, mueller, b"ISO_IR 144", LATIN, mueller, "fbf"),
            (LATIN, mueller, b"BAD", LATIN, mueller, "fbf"),
            (LATIN, doe, b"", b"", doe, "c"),
            (LATIN, doe, b"ISO_IR 6", b"", doe, "c"),
            (LATIN, doe, b"BAD", b"", doe, "fbc"),
            (b"", doe, LATIN, LATIN, doe, "c"),
            (b"", doe, UTF8, b"", doe, ""),
            (b"", doe, b"", b"", doe, ""),
            (b"", doe, b"BAD", b"", doe, "fn"),
            // Not what it says it is.
            (b"", mueller, UTF8, b"", mueller, ""),
            (b"", mueller, LATIN, b"", mueller, "fn"),
            (UTF8, mueller, UTF8, UTF8, mueller, ""),
            (UTF8, mueller, LATIN, UTF8, mueller, "fbf"),
            (b"ISO_IR 999", mueller, UTF8, b"ISO_IR 999", mueller, "fbf"),
            (b"ISO_IR 999", mueller, b"", b"ISO_IR 999", mueller, "f"),
            (JAPAN, yamada, UTF8, UTF8, "Yamada=山田".as_bytes(), "c"),
            (UTF8, "Yamada=山田".as_bytes(), JAPAN, JAPAN, yamada, "c"),
            (LATIN, mueller, JAPAN, LATIN, mueller, "fbf"),
            (JAPAN, b"Yamada", b"", b"", b"Yamada", "c"),
        ] {
            let got = answer(&sets, record(set, name), requested);
            assert_eq!(got, (expected.to_vec(), answered.to_vec(), notes.to_owned()), "{set:?} {name:?} {requested:?}");
        }
    }

    #[test]
    fn answers_as_configured() {
        let mueller = &b"M\xfcller"[..];
        let mut sets = ResponseSets { configured: CharacterSets::parse(UTF8), ..ResponseSets::default() };
        // Asked for first is what the query is in; UTF-8 only if that may be.
        assert_eq!(answer(&sets, record(LATIN, mueller), b""), (LATIN.into(), mueller.into(), "f".into()));
        sets.fall_back = true;
        assert_eq!(answer(&sets, record(LATIN, mueller), b""), (UTF8.into(), "Müller".into(), "fbc".into()));
        sets.overriding = true;
        assert_eq!(answer(&sets, record(LATIN, mueller), LATIN), (UTF8.into(), "Müller".into(), "c".into()));
        sets.configured = CharacterSets::parse(b"ISO_IR 144");
        assert_eq!(answer(&sets, record(LATIN, mueller), LATIN), (LATIN.into(), mueller.into(), "fn".into()));
        sets.loss = Loss::Transliterate;
        assert_eq!(answer(&sets, record(LATIN, mueller), LATIN).1, b"M?ller");
        sets.loss = Loss::Discard;
        assert_eq!(answer(&sets, record(LATIN, mueller), LATIN).1, b"Mller");
    }

    #[test]
    fn lines_are_dcmtks() {
        let sets = ResponseSets { fall_back: true, ..ResponseSets::default() };
        let lines = |set: &[u8], name: &[u8], requested: &[u8]| {
            let notes = sets.apply(record(set, name), &CharacterSets::parse(requested)).notes;
            notes.iter().map(|note| format!("{} {note}", note.is_warning())).collect::<Vec<_>>()
        };
        assert_eq!(
            lines(LATIN, b"Doe", b"BAD"),
            [
                "true Converting response from character set \"ISO_IR 100\" to character set \"BAD\" failed, (error \
                 message: Cannot select destination character set: SpecificCharacterSet (0008,0005) value 'BAD' not \
                 supported)",
                "false Trying to convert response from character set \"ISO_IR 100\" to fall-back character set \"ASCII\" \
                 instead",
                "false Successfully converted response from character set \"ISO_IR 100\" to character set \"ASCII\"",
            ]
        );
        assert_eq!(
            lines(b"", b"M\xfcller", LATIN)[1],
            "false Conversion to fall-back character set \"ASCII\" is not necessary, since the original character set is \
             compatible"
        );
    }
}
