//! `--check` and `--repair`: the catalog and the files of a storage area, compared while nobody serves it.

use std::fmt::Write as _;
use std::io::{self, Write};

use pacs_core::archive::adopt::{self, Manner, Survey};
use pacs_core::archive::config::Config;
use pacs_core::archive::{Archive, Settings};
use pacs_tools::{exit, fatal};

use crate::{Failed, TARGET};

/// Compares, and mends the catalog if that is asked for; says on stdout what was found.
///
/// # Errors
/// Exit code 10 when the area cannot be opened, or when the two do not agree and are not mended.
pub(crate) fn run(config: &Config, title: &str, settings: Settings, manner: Manner) -> Result<(), Failed> {
    let Some(row) = config.area(title.as_bytes()) else {
        fatal!(target: TARGET, "no row of the AETable has the title {title:?}");
        return Err(Failed(exit::ARCHIVE_FAILED));
    };
    let dictionary = settings.dictionary;
    let archive = Archive::new(settings);
    let area = archive.area_as_it_is(&row.directory).map_err(|e| {
        fatal!(target: TARGET, "{}: {e}\n{}", row.directory.display(), e.cure());
        Failed(exit::ARCHIVE_FAILED)
    })?;
    let surveyed = match manner {
        Manner::Look => adopt::compare(&area, dictionary, manner),
        Manner::Mend => adopt::adopt(&area, dictionary),
    };
    let survey = surveyed.map_err(|e| {
        fatal!(target: TARGET, "{}: {e}", row.directory.display());
        Failed(exit::ARCHIVE_FAILED)
    })?;
    // Whoever does not read it does not want it.
    _ = io::stdout().write_all(report(&survey, manner).as_bytes());
    if survey.agrees() || manner == Manner::Mend {
        area.close().map_err(|e| {
            fatal!(target: TARGET, "{}: {e}", row.directory.display());
            Failed(exit::ARCHIVE_FAILED)
        })?;
    }
    if survey.agrees() || manner == Manner::Mend { Ok(()) } else { Err(Failed(exit::ARCHIVE_FAILED)) }
}

fn report(survey: &Survey, manner: Manner) -> String {
    let mended = if manner == Manner::Mend { ", mended" } else { "" };
    let mut text = String::new();
    for (what, file) in &survey.examples {
        _ = writeln!(text, "{what}: {}", file.display());
    }
    for (count, what) in [
        (survey.known, "objects are in the catalog as they should be".to_owned()),
        (survey.added, format!("objects are not in the catalog{mended}")),
        (survey.gone, format!("objects of the catalog have no file{mended}")),
        (survey.replaced, format!("objects were replaced by later ones{mended}")),
        (survey.others, "files are no whole DICOM object".to_owned()),
    ] {
        _ = writeln!(text, "{count:>9} {what}");
    }
    text
}
