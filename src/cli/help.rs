//! The usage text, the version text and the banner, written from a program's table.

use super::program::Program;
use super::row::Row;

/// The day this version was made, as the banner shows it.
const RELEASED: &str = "2026-11-24";
/// Width of the usage where stdout is no terminal, and the least it is wrapped to.
const WIDTH: usize = 80;
/// Lines longer than this are hard to read.
const WIDEST: usize = 120;
/// Where long names begin.
const LONG_NAMES: usize = 10;

/// The width to wrap the usage to: that of the terminal behind stdout.
pub fn terminal_width() -> usize {
    let columns = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { WIDTH } else { columns.clamp(WIDTH, WIDEST) }
}

/// The first line of usage, version and error texts. It has the shape of DCMTK's banner, and our name.
pub fn banner(program: &str) -> String {
    format!("$pacs-tools: {program} v{} {RELEASED} $\n", env!("CARGO_PKG_VERSION"))
}

/// What `--version` prints.
pub fn version<C>(program: &Program<C>) -> String {
    format!(
        "{}\n{}: {}\n\nHost type: {}-{}\nCharacter encoding: UTF-8\nBuild options: threads {}\n\n\
         External libraries used: none\n",
        banner(program.name),
        program.name,
        program.title,
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(debug_assertions) { "debug" } else { "release" },
    )
}

/// What `--help` prints.
pub fn usage<C>(program: &Program<C>, width: usize) -> String {
    let synopsis: String = program
        .parameters
        .iter()
        .map(|parameter| {
            let dots = if parameter.many { "..." } else { "" };
            let name = parameter.spec.name;
            if parameter.optional { format!(" [{name}{dots}]") } else { format!(" {name}{dots}") }
        })
        .collect();
    let mut text = format!("{}\n{}: {}\n", banner(program.name), program.name, program.title)
        + &format!("usage: {} [options]{synopsis}\n\nparameters:\n", program.name);
    let longest = program.entries.iter().map(|entry| entry.row.long.len()).max().unwrap_or(0);
    let indent = LONG_NAMES + longest + 2;
    for parameter in &program.parameters {
        describe(&mut text, &format!("  {}", parameter.spec.name), [parameter.help.to_owned()], indent, width);
    }
    text.push('\n');
    let (mut heading, mut sub) = ("", "");
    for entry in &program.entries {
        if entry.heading != heading {
            text += &format!("{}:\n", entry.heading);
            (heading, sub) = (entry.heading, "");
        }
        if entry.sub != sub {
            text += &format!("  {}:\n", entry.sub);
            sub = entry.sub;
        }
        let margin = if sub.is_empty() { 2 } else { 4 };
        let short = LONG_NAMES - margin;
        let names = format!("{:margin$}{:short$}{}", "", entry.row.short, entry.row.long);
        describe(&mut text, &names, paragraphs(&entry.row), indent, width);
    }
    text
}

/// An option's values on a line of their own, then what it does.
fn paragraphs<C>(row: &Row<C>) -> Vec<String> {
    let mut note = String::new();
    if row.is_default {
        note += " (default)";
    }
    if !row.default.is_empty() {
        note += &format!(" (default: {})", row.default);
    }
    let mut help = row.help.to_owned();
    if row.repeatable {
        help += "; may be given several times";
    }
    if row.is_later {
        help += " [not available yet]";
    }
    if row.values.is_empty() {
        return vec![help + &note];
    }
    let values: Vec<_> = row.values.iter().map(ToString::to_string).collect();
    vec![values.join("; ") + &note, help]
}

/// Names at the left, paragraphs wrapped at the right.
fn describe(text: &mut String, names: &str, paragraphs: impl IntoIterator<Item = String>, indent: usize, width: usize) {
    let mut left = names;
    for paragraph in paragraphs {
        for line in wrap(&paragraph, width.saturating_sub(indent)) {
            *text += format!("{left:indent$}{line}").trim_end();
            text.push('\n');
            left = "";
        }
    }
}

/// Break at blanks so that no line is longer than `width`; a longer word stands alone.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable x", 4), ["unbreakable", "x"]);
        assert!(wrap("", 4).is_empty());
    }
}
