use super::Query;
use crate::archive::keys::{Computed, Key, Source};
use crate::archive::record::Values;
use crate::dataset::Tag;
use crate::dataset::vr::Vr;

/// One answer to a find: what the first matching record has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The record's Specific Character Set, in which the values are; nothing if it has none.
    pub character_set: Vec<u8>,
    /// The requested keys, in the order of the request; those without a value are empty. Numbers are little endian.
    /// Query/Retrieve Level and Retrieve AE Title are for the service to add.
    pub values: Vec<(Tag, Vr, Vec<u8>)>,
}

impl Query {
    /// Makes the answer of the first record that matches. `computed` is asked for what the record does not hold.
    ///
    /// # Errors
    ///
    /// Those of `computed`.
    pub fn answer<E>(
        &self,
        record: &impl Values,
        mut computed: impl FnMut(Computed) -> Result<Vec<u8>, E>,
    ) -> Result<Answer, E> {
        let value = |key: &&'static Key| {
            let value = match key.source {
                Source::Stored => record.value(key.tag).to_vec(),
                Source::Computed(value) => computed(value)?,
            };
            Ok((key.tag, key.vr, value))
        };
        let values = self.requested.iter().map(value).collect::<Result<_, E>>()?;
        Ok(Answer { character_set: record.character_set().to_vec(), values })
    }

    /// Whether a find ends before this answer is given.
    // DCMTK: without a single key to answer, what is left of an answer is its character set; the first that has none
    // looks like the end.
    pub fn ends_at(&self, answer: &Answer) -> bool {
        answer.values.is_empty() && answer.character_set.is_empty()
    }
}

/// The most bytes of a list that is computed, so that it fits the length of any VR.
const LONGEST_LIST: usize = 16 * 1024;

/// Values that are computed, as one value. What is beyond 16 KiB is left out.
pub(crate) fn joined(values: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Vec::new();
    for value in values {
        if joined.len() + value.len() >= LONGEST_LIST {
            break;
        }
        if !joined.is_empty() {
            joined.push(b'\\');
        }
        joined.extend_from_slice(value);
    }
    joined
}
