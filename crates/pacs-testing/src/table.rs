//! The tables of DCMTK's options and rules, tab-separated, below `tests/compat`.

use std::collections::BTreeMap;
use std::path::Path;

/// A line of a table: what stands in its columns, by their names.
pub type Line = BTreeMap<String, String>;

/// The lines of a table.
///
/// # Panics
/// If there is none of this name, or a line has more or fewer cells than the table has columns.
#[must_use]
pub fn table(name: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    let line = |cells: Vec<String>| {
        assert_eq!(cells.len(), columns.len(), "{cells:?}");
        columns.iter().cloned().zip(cells).collect()
    };
    lines.map(line).collect()
}
