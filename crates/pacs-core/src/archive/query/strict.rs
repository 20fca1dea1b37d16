//! The strict checks: an identifier must keep to the hierarchy (PS3.4 C.4.1.3.1). Keys that DCMTK does not support are not
//! looked at, so that the same requests pass.

use super::error::{Broken, QueryError};
use super::{Given, Model};
use crate::archive::keys::Level;

pub(super) fn check_find(model: Model, level: Level, given: &[Given<'_>]) -> Result<(), QueryError> {
    check(model, level, given, |keys| if keys.is_empty() { Err(Broken::NoKey) } else { Ok(()) })
}

pub(super) fn check_retrieve(model: Model, level: Level, given: &[Given<'_>]) -> Result<(), QueryError> {
    check(model, level, given, one_unique_key)
}

fn check(
    model: Model,
    asked: Level,
    given: &[Given<'_>],
    at_level: fn(&[&Given<'_>]) -> Result<(), Broken>,
) -> Result<(), QueryError> {
    if asked < model.top() || asked > model.bottom() {
        return Err(QueryError::Strict(Broken::NotInModel, asked));
    }
    for level in Level::ALL {
        let keys: Vec<&Given<'_>> = given.iter().filter(|given| given.key.dcmtk && given.key.level == level).collect();
        let kept = if level < model.top() {
            patient_keys(asked, &keys)
        } else if level < asked {
            one_unique_key(&keys)
        } else if level == asked {
            at_level(&keys)
        } else if keys.is_empty() {
            Ok(())
        } else {
            Err(Broken::KeyBelow)
        };
        kept.map_err(|broken| QueryError::Strict(broken, level))?;
    }
    Ok(())
}

/// Patient keys in Study Root.
fn patient_keys(asked: Level, keys: &[&Given<'_>]) -> Result<(), Broken> {
    if keys.is_empty() || asked == Level::Study { Ok(()) } else { Err(Broken::PatientKey) }
}

/// The unique key, with a value, and no other.
fn one_unique_key(keys: &[&Given<'_>]) -> Result<(), Broken> {
    if keys.is_empty() {
        return Err(Broken::NoUnique);
    }
    for given in keys {
        if !given.key.is_unique() {
            return Err(Broken::NotUnique);
        }
        if given.value.is_empty() {
            return Err(Broken::EmptyUnique);
        }
    }
    Ok(())
}
