//! The strict checks: an identifier must keep to the hierarchy (PS3.4 C.4.1.3.1). Keys that DCMTK does not support are not
//! looked at, so that the same requests pass.

use super::error::{Broken, QueryError};
use super::{Given, Model};
use crate::archive::keys::Level;

pub(super) fn check_find(model: Model, level: Level, given: &[Given<'_>]) -> Result<(), QueryError> {
    // DCMTK: patient keys are keys of studies too, in a find.
    let patient_keys = level == Level::Study;
    check(model, level, given, patient_keys, |keys| if keys.is_empty() { Err(Broken::NoKey) } else { Ok(()) })
}

pub(super) fn check_retrieve(model: Model, level: Level, given: &[Given<'_>]) -> Result<(), QueryError> {
    check(model, level, given, false, one_unique_key)
}

fn check(
    model: Model,
    asked: Level,
    given: &[Given<'_>],
    patient_keys: bool,
    at_level: fn(&[&Given<'_>]) -> Result<(), Broken>,
) -> Result<(), QueryError> {
    if asked < model.top() || asked > model.bottom() {
        return Err(QueryError::Strict(Broken::NotInModel, asked));
    }
    for level in Level::ALL {
        let keys: Vec<&Given<'_>> = given.iter().filter(|given| given.key.dcmtk && given.key.level == level).collect();
        let kept = if level < model.top() {
            if keys.is_empty() || patient_keys { Ok(()) } else { Err(Broken::PatientKey) }
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
