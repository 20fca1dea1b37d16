use super::*;
use proptest::prelude::*;

mod admission;
mod files;
mod hostile;

/// What [`parse`] makes of a good file.
fn good(text: impl AsRef<[u8]>) -> Config {
    let text = text.as_ref();
    parse(text).unwrap_or_else(|problems| panic!("{}: {problems:?}", text.escape_ascii()))
}

/// The problems of a bad file as `line:column kind text`: DCMTK's text, or `-` where it has none.
fn bad(text: impl AsRef<[u8]>) -> Vec<String> {
    let text = text.as_ref();
    let problems = parse(text).err().unwrap_or_else(|| panic!("accepted: {}", text.escape_ascii()));
    problems.iter().map(|p| format!("{}:{} {}", p.line, p.column, p.message().unwrap_or("-"))).collect()
}

/// An AE table of these rows.
fn areas(rows: &str) -> String {
    format!("AETable BEGIN\n{rows}\nAETable END\n")
}

/// A host table of these rows.
fn hosts(rows: &str) -> String {
    format!("HostTable BEGIN\n{rows}\nHostTable END\n")
}

/// Rows as `name: TITLE@host:port …`.
fn shown(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| format!("{}: {}", row.name, shown_peers(&row.peers))).collect()
}

fn shown_peers(peers: &[Arc<Peer>]) -> String {
    peers.iter().map(|p| format!("{}@{}:{}", p.title, p.host, p.port)).collect::<Vec<_>>().join(" ")
}

/// A single AE row as `title directory access studies bytes peers`.
fn area(row: &str) -> String {
    let config = good(hosts("h = (A, a, 1)") + &areas(row));
    let [row] = &config.rows[..] else { panic!("{:?}", config.rows) };
    let access = if row.access == Access::ReadWrite { "RW" } else { "R" };
    let peers = if row.peers == Peers::Any { "ANY".to_owned() } else { shown_peers(row.peers.listed()) };
    let Quota { studies, bytes_per_study } = row.quota;
    format!("{} {} {access} {studies} {bytes_per_study} {peers}", row.title, row.directory.display())
}

fn remarks(text: &str) -> Vec<String> {
    good(text).remarks().iter().map(|r| format!("{}:{} {r}", r.line, r.column)).collect()
}
