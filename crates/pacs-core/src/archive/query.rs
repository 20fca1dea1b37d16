//! What a request asks for: a [`Query`] made of its identifier by DCMTK's rules, and how a record is held against it.
//!
//! Nothing here reads a catalog. Both catalogs, the one that scans and the one that does not, ask [`Query::compare`]
//! about what they have.

mod answer;
mod error;
mod strict;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub(crate) use answer::joined;
pub use error::{Broken, Cause, QueryError};

use super::keys::{Computed, Key, Level, QUERY_LEVEL, Source, key};
use super::matching::{CharacterSets, Matcher, PnMatch};
use super::record::Values;
use crate::dataset::Tag;
use crate::dataset::vr::Vr;

/// An information model (PS3.4 C.6.1, C.6.2, and the retired C.6.3 of earlier editions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// Patient Root
    PatientRoot,
    /// Study Root
    StudyRoot,
    /// Patient/Study Only
    PatientStudyOnly,
}

impl Model {
    /// The level at which comparing begins.
    pub const fn top(self) -> Level {
        match self {
            Model::StudyRoot => Level::Study,
            Model::PatientRoot | Model::PatientStudyOnly => Level::Patient,
        }
    }

    /// The lowest level the model has. Only the strict checks ask for it.
    pub const fn bottom(self) -> Level {
        match self {
            Model::PatientStudyOnly => Level::Study,
            Model::PatientRoot | Model::StudyRoot => Level::Image,
        }
    }
}

/// An element at the top of a request's identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'v> {
    /// Its tag.
    pub tag: Tag,
    /// Its VR in the request.
    pub vr: Vr,
    /// Its value; numbers in little endian order, nothing for a sequence.
    pub value: &'v [u8],
}

/// How requests are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Whether the identifier must keep to the hierarchy: `--check-find` for a find, `--check-move` for a retrieval.
    pub strict: bool,
    /// How person names are compared.
    pub names: PnMatch,
}

/// What is asked of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The key.
    pub key: &'static Key,
    /// What its values must match.
    pub matcher: Matcher,
}

/// The unique key of a level above that of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Above {
    /// It is not in the request.
    Missing(Level),
    /// It is empty.
    Any,
    Is(Condition),
}

/// What a record is to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It matches.
    Matches,
    /// It does not.
    Differs,
    /// This level's unique key is missing in the request, and was to be compared: a find fails, a retrieval passes the
    /// record over.
    NoUniqueKey(Level),
}

/// A request, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    model: Model,
    level: Level,
    character_set: Vec<u8>,
    above: Vec<Above>,
    at: Vec<Condition>,
    requested: Vec<&'static Key>,
}

impl Query {
    /// Reads the identifier of a C-FIND request.
    ///
    /// # Errors
    ///
    /// A level that is missing or unknown; with strict rules, an identifier that breaks them.
    pub fn find(model: Model, identifier: &[Element<'_>], rules: Rules) -> Result<Query, QueryError> {
        Query::new(model, identifier, rules, strict::check_find)
    }

    /// Reads the identifier of a C-MOVE or C-GET request. Level STUDY without a Study Instance UID selects every object
    /// that its other keys select.
    ///
    /// # Errors
    ///
    /// As of [`Query::find`].
    pub fn retrieve(model: Model, identifier: &[Element<'_>], rules: Rules) -> Result<Query, QueryError> {
        Query::new(model, identifier, rules, strict::check_retrieve)
    }

    fn new(
        model: Model,
        identifier: &[Element<'_>],
        rules: Rules,
        check: fn(Model, Level, &[Given<'_>]) -> Result<(), QueryError>,
    ) -> Result<Query, QueryError> {
        let level = level(identifier)?;
        let given = given(identifier);
        if rules.strict {
            check(model, level, &given)?;
        }
        let character_set = identifier.iter().find(|element| element.tag == Tag::SPECIFIC_CHARACTER_SET);
        let character_set = super::matching::stripped(character_set.map_or(&[], text)).to_vec();
        let sets = CharacterSets::parse(&character_set);
        let condition = |given: &Given<'_>| {
            let matcher = Matcher::new(given.key.vr, given.value, &sets, rules.names)?;
            Some(Condition { key: given.key, matcher })
        };
        let above =
            Level::ALL.into_iter().filter(|above| (model.top()..level).contains(above)).map(|above| {
                match given.iter().find(|given| given.key.tag == above.unique()) {
                    None => Above::Missing(above),
                    Some(given) => condition(given).map_or(Above::Any, Above::Is),
                }
            });
        let above = if level < model.top() { vec![Above::Missing(model.top())] } else { above.collect() };
        // Study Root has no level PATIENT: its keys are keys of STUDY (PS3.4 C.6.2.1).
        let belongs = |key: &Key| {
            key.level == level || (key.level == Level::Patient && level == Level::Study && model.top() == level)
        };
        let selects = |key: &Key| match key.source {
            Source::Stored => true,
            Source::Computed(value) => value.selects(),
        };
        let at = given.iter().filter(|given| belongs(given.key) && selects(given.key)).filter_map(condition).collect();
        let requested = given.iter().map(|given| given.key).collect();
        Ok(Query { model, level, character_set, above, at, requested })
    }

    /// The information model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// The level asked for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The request's Specific Character Set.
    pub fn character_set(&self) -> &[u8] {
        &self.character_set
    }

    /// The keys that an answer has values for, in the order of the request.
    pub fn requested(&self) -> &[&'static Key] {
        &self.requested
    }

    /// What a record must match, unless a unique key is missing before: for a catalog to choose an index by.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let above = self.above.iter().take_while(|above| !matches!(above, Above::Missing(_)));
        let above = above.filter_map(|above| match above {
            Above::Is(condition) => Some(condition),
            Above::Any | Above::Missing(_) => None,
        });
        let complete = self.missing().is_none();
        above.chain(self.at.iter().filter(move |_| complete))
    }

    /// The first level above the query's whose unique key is missing.
    pub fn missing(&self) -> Option<Level> {
        self.above.iter().find_map(|above| match above {
            Above::Missing(level) => Some(*level),
            Above::Any | Above::Is(_) => None,
        })
    }

    /// Holds the stored values of a record against the query: from the top of the model the unique key of each level,
    /// then every key at the level of the query. What is computed is left to [`Query::compare_computed`].
    pub fn compare(&self, record: &impl Values, sets: &CharacterSets) -> Verdict {
        let holds = |condition: &Condition| condition.matcher.matches(record.value(condition.key.tag), sets);
        for above in &self.above {
            match above {
                Above::Missing(level) => return Verdict::NoUniqueKey(*level),
                Above::Any => {}
                Above::Is(condition) if holds(condition) => {}
                Above::Is(_) => return Verdict::Differs,
            }
        }
        let stored = |condition: &&Condition| condition.key.source == Source::Stored;
        if self.at.iter().filter(stored).all(holds) { Verdict::Matches } else { Verdict::Differs }
    }

    /// Holds lists that are computed against the query: one of the listed values must match one of those asked for.
    /// `list` is asked for the values only where the query needs them.
    ///
    /// # Errors
    ///
    /// Those of `list`.
    pub fn compare_computed<E>(&self, mut list: impl FnMut(Computed) -> Result<Vec<Vec<u8>>, E>) -> Result<bool, E> {
        let ascii = CharacterSets::parse(b"");
        for condition in &self.at {
            if let Source::Computed(computed) = condition.key.source {
                let values = list(computed)?;
                if !values.iter().any(|value| condition.matcher.matches(value, &ascii)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// A key that is in the request.
#[derive(Debug, Clone, Copy)]
struct Given<'v> {
    key: &'static Key,
    value: &'v [u8],
}

/// The keys of an identifier, each once.
fn given<'v>(identifier: &[Element<'v>]) -> Vec<Given<'v>> {
    let mut given: Vec<Given<'v>> = Vec::new();
    for element in identifier {
        match key(element.tag) {
            Some(key) if !given.iter().any(|given| given.key == key) => {
                let value = if key.vr == element.vr { element.value } else { text(element) };
                given.push(Given { key, value });
            }
            _ => {}
        }
    }
    given
}

/// The characters of an element, of which it has none if its VR is binary.
// DCMTK: a value that is no string counts as none (3.6.7 crashes on it).
fn text<'v>(element: &Element<'v>) -> &'v [u8] {
    if element.vr.is_text() || element.vr == Vr::UI { element.value } else { &[] }
}

/// The level, by the beginning of its word, in capital or small letters.
// DCMTK: STUDYX is STUDY. Blanks before the word are none of it.
fn level(identifier: &[Element<'_>]) -> Result<Level, QueryError> {
    let element = identifier.iter().find(|element| element.tag == QUERY_LEVEL);
    let Some(element) = element.filter(|element| !element.value.is_empty()) else { return Err(QueryError::NoLevel) };
    let word = text(element);
    let named = |level: &Level| {
        word.get(..level.word().len()).is_some_and(|start| start.eq_ignore_ascii_case(level.word().as_bytes()))
    };
    Level::ALL
        .into_iter()
        .find(named)
        .ok_or_else(|| QueryError::UnknownLevel(String::from_utf8_lossy(&word[..word.len().min(16)]).trim().into()))
}
