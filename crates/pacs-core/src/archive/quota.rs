//! What must go so that an object can come: earlier copies of it, and what a full area keeps no longer.

use super::catalog::{Catalog, Error, Held};
use super::config::Quota;
use std::collections::HashSet;
use std::path::Path;

/// An object that wants to be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer<'a> {
    /// Its Study Instance UID, which may be empty.
    pub(super) study: &'a [u8],
    /// Its SOP Instance UID.
    pub(super) instance: &'a [u8],
    /// Bytes of its file.
    pub(super) size: u64,
    /// Its file, which may be in the catalog already: an area that is being taken over is looked through meanwhile.
    pub(super) file: &'a Path,
}

/// What other newcomers, who are not in the catalog yet, will have added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    /// Bytes in the study of the newcomer.
    pub(super) bytes: u64,
    /// One of them is of the study of the newcomer.
    pub(super) same_study: bool,
    /// Studies that are not in the catalog yet.
    pub(super) new_studies: u64,
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The same SOP instance has come again.
    Duplicate,
    /// The study has grown to its limit of bytes.
    StudyFull,
    /// There are as many studies as the area keeps.
    AreaFull,
}

/// What goes, and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    pub(super) removed: Vec<(Held, Reason)>,
    /// The newcomer is the first of its study.
    pub(super) new_study: bool,
}

/// Why there is no room.
#[derive(Debug)]
pub(super) enum NoRoom {
    /// The object alone is larger than a study may be.
    TooBig,
    Catalog(Error),
}

impl From<Error> for NoRoom {
    fn from(e: Error) -> Self {
        Self::Catalog(e)
    }
}

/// Objects of a study looked at together when it must shrink.
const SOME: usize = 256;

/// Decides what goes. Reads the catalog, changes nothing.
///
/// DCMTK: copies are looked for only where the object's study is there already, but then in all studies. It looks at the
/// size last, when the copy it has is gone; here an object that cannot be kept costs nothing.
pub(super) fn make_room(
    catalog: &dyn Catalog,
    quota: Quota,
    newcomer: Newcomer<'_>,
    pending: Pending,
) -> Result<Room, NoRoom> {
    if newcomer.size > quota.bytes_per_study {
        return Err(NoRoom::TooBig);
    }
    let mut room = Room::default();
    let known = catalog.study(newcomer.study)?;
    if known.is_none() && !pending.same_study {
        room.new_study = true;
        make_room_for_study(catalog, quota, pending, &mut room)?;
        return Ok(room);
    }
    let mut gone = HashSet::new();
    let mut bytes = known.map_or(0, |study| study.bytes).saturating_add(pending.bytes);
    for held in catalog.instances_of(newcomer.instance)? {
        if held.study == newcomer.study {
            bytes = bytes.saturating_sub(held.size);
        }
        if held.file == newcomer.file {
            continue;
        }
        gone.insert(held.id);
        room.removed.push((held, Reason::Duplicate));
    }
    let mut wanted = SOME;
    while bytes.saturating_add(newcomer.size) > quota.bytes_per_study {
        let oldest = catalog.oldest_instances(newcomer.study, wanted)?;
        let all = oldest.len() < wanted;
        for held in oldest {
            if bytes.saturating_add(newcomer.size) <= quota.bytes_per_study {
                break;
            }
            if held.file != newcomer.file && gone.insert(held.id) {
                bytes = bytes.saturating_sub(held.size);
                room.removed.push((held, Reason::StudyFull));
            }
        }
        if all {
            break;
        }
        wanted = wanted.saturating_mul(4);
    }
    Ok(room)
}

/// The study of which the last object was stored longest ago goes, with all its objects; several if the limit has become
/// lower.
fn make_room_for_study(catalog: &dyn Catalog, quota: Quota, pending: Pending, room: &mut Room) -> Result<(), Error> {
    let there = catalog.totals().studies.saturating_add(pending.new_studies);
    let too_many = there.saturating_add(1).saturating_sub(quota.studies);
    if too_many == 0 {
        return Ok(());
    }
    for (study, _) in catalog.oldest_studies(usize::try_from(too_many).unwrap_or(usize::MAX))? {
        let objects = catalog.oldest_instances(&study, usize::MAX)?;
        room.removed.extend(objects.into_iter().map(|held| (held, Reason::AreaFull)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
