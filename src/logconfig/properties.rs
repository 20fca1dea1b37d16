//! The syntax of property files: `name = value`, `# comment`, `${variable}`.

use std::collections::BTreeMap;

use crate::log::config::Problem;

/// Names and values, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    values: BTreeMap<String, String>,
}

/// Variables that are put in for others in one value, before they are thought to go in circles.
const MOST_STEPS: usize = 1000;
/// Bytes that a value may grow to.
const MOST_LENGTH: usize = 1 << 16;

impl Properties {
    /// Reads lines. Those without `=` mean nothing; of several with the same name the last one holds.
    pub(super) fn parse(text: &str) -> Self {
        let mut properties = Self::default();
        // An editor may have left a byte order mark.
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            let line = line.trim_start_matches(is_blank);
            if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                properties.set(name.trim_end_matches(is_blank), value.trim_matches(is_blank));
            }
        }
        properties
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What stands below a prefix, without it.
    pub(super) fn below(&self, prefix: &str) -> Self {
        let below = self.values.iter();
        let below = below.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())));
        Self { values: below.collect() }
    }

    /// Puts in the values of variables in names and values: other properties, or else what `variable` says, which is
    /// the environment. One that is unknown stays as it is.
    pub(super) fn expand(&mut self, variable: &dyn Fn(&str) -> Option<String>, problems: &mut Vec<Problem>) {
        let mut named = self.clone();
        for (name, value) in self.iter() {
            if let Some(expanded) = self.expanded(name, variable, problems) {
                named.values.remove(name);
                named.set(&expanded, value);
            }
        }
        let values: Vec<_> = named
            .iter()
            .filter_map(|(name, value)| Some((name.to_owned(), named.expanded(value, variable, problems)?)))
            .collect();
        named.values.extend(values);
        *self = named;
    }

    /// The text with values for variables, as long as there are any; none if nothing changes.
    fn expanded(
        &self,
        text: &str,
        variable: &dyn Fn(&str) -> Option<String>,
        problems: &mut Vec<Problem>,
    ) -> Option<String> {
        let mut expanded = text.to_owned();
        let (mut from, mut steps) = (0, 0);
        while let Some((start, inner)) = expanded.get(from..).and_then(|rest| rest.split_once("${")) {
            let start = from + start.len();
            let Some((name, _)) = inner.split_once('}') else {
                problems.push(Problem::error(format!(
                    "\"{expanded}\" has no closing brace. Opening brace at position {start}."
                )));
                return None;
            };
            let end = start + "${".len() + name.len() + "}".len();
            let known = self.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
            let Some(value) = known.or_else(|| variable(name)).filter(|value| !value.is_empty()) else {
                from = end;
                continue;
            };
            steps += 1;
            if steps > MOST_STEPS || expanded.len() + value.len() > MOST_LENGTH {
                // DCMTK never comes to an end here.
                problems.push(Problem::error(format!("\"{text}\" refers to itself, or grows without bounds.")));
                return None;
            }
            expanded.replace_range(start..end, &value);
            from = start;
        }
        (expanded != text).then_some(expanded)
    }
}

/// White space as C sees it.
fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

/// `true` and `false` in any case, or a number; none: it is neither.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        number => number.parse::<i64>().ok().map(|number| number != 0),
    }
}

/// The number at the beginning of a text, as C's `atoi` sees it; 0 if there is none.
pub(super) fn leading_number(text: &str) -> i64 {
    let text = text.trim_ascii_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = digits.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let number = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(i64::MAX) };
    if text.starts_with('-') { -number } else { number }
}

#[cfg(test)]
mod tests;
