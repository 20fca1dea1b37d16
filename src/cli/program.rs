//! A program's table, and how a command line is evaluated with it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::dialect::{self, Line, Name};
use super::help;
use super::row::{Assign, Exclusive, Group, Row, Rule};
use super::value::{ValueSpec, Values, read};
use crate::exit;

/// The place in a program's order of checks where its log starts to work: from there on, usage errors are hidden if
/// [`Logging::hides_errors`] says so, and follow what has been logged.
pub const LOGGING: &str = "(logging)";

/// What the evaluation must know of a program's log.
pub trait Logging {
    /// Reads what sets the log up, once the options that name it have been evaluated. `program` is the tool, `called` what
    /// it was called as.
    ///
    /// # Errors
    /// The text of a usage error.
    fn set_up(&mut self, program: &str, called: &OsStr) -> Result<(), String> {
        let _ = (program, called);
        Ok(())
    }
    /// Usage errors are no longer shown; the exit code stays.
    fn hides_errors(&self) -> bool;
    /// What the log says before anything else, as it looks on stderr; usually nothing.
    fn records(&self) -> String;
}

/// How a program goes on from its command line.
#[derive(Debug)]
pub enum Outcome<C> {
    /// With these options.
    Run(Box<C>),
    /// Not at all.
    Stop {
        /// The exit code, see [`crate::exit`].
        code: u8,
        /// For stdout, as it is.
        stdout: String,
        /// For stderr, as it is.
        stderr: String,
    },
}

/// Why a program does not run: a fault, or a wish that is fulfilled by printing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The exit code, see [`crate::exit`].
    pub code: u8,
    /// For stdout, as it is.
    pub stdout: String,
    /// For stderr, as it is.
    pub stderr: String,
}

impl Stop {
    fn print(stdout: String) -> Self {
        Stop { code: exit::NO_ERROR, stdout, stderr: String::new() }
    }
}

/// A positional parameter.
pub struct Parameter<C> {
    pub(super) spec: ValueSpec,
    pub(super) help: &'static str,
    pub(super) optional: bool,
    pub(super) many: bool,
    unless: Option<&'static str>,
    assign: Assign<C>,
}

impl<C: 'static> Parameter<C> {
    /// One that must be given, once.
    pub fn new(spec: ValueSpec, help: &'static str, set: impl Fn(&mut C, &Values<'_>) + 'static) -> Self {
        Parameter { spec, help, optional: false, many: false, unless: None, assign: Box::new(set) }
    }

    /// It may be left out. Only the last parameters can be.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// It may be left out only beside this option, and is not looked at there. Checked in the program's order.
    pub fn unless(mut self, option: &'static str) -> Self {
        self.optional = true;
        self.unless = Some(option);
        self
    }

    /// All that follow belong to it as well; at least one, unless it may be left out. Only the last parameter can.
    pub fn many(mut self) -> Self {
        self.many = true;
        self
    }
}

/// A row with its place in the usage.
pub struct Entry<C> {
    /// Heading of its group.
    pub heading: &'static str,
    /// Heading below that; empty if there is none.
    pub sub: &'static str,
    /// The family it belongs to.
    pub family: Option<usize>,
    /// The option.
    pub row: Row<C>,
}

/// A program: name, parameters, options, and the order in which it looks at them. `C` holds what was typed.
pub struct Program<C> {
    /// Name of the tool.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    pub(super) parameters: Vec<Parameter<C>>,
    pub(super) entries: Vec<Entry<C>>,
    checks: &'static [&'static str],
    families: usize,
    /// Without any argument it runs, and does not show its usage.
    bare: bool,
}

impl<C: Default + Logging + 'static> Program<C> {
    /// A program without options. `checks` names every option by its long name and every parameter once, in the order
    /// in which they are evaluated, and [`LOGGING`].
    pub fn new(name: &'static str, title: &'static str, checks: &'static [&'static str]) -> Self {
        Program { name, title, parameters: Vec::new(), entries: Vec::new(), checks, families: 0, bare: false }
    }

    /// It runs without any argument, where others show their usage.
    pub fn runs_bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Add a positional parameter.
    pub fn parameter(mut self, parameter: Parameter<C>) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Add a group of options.
    pub fn group(mut self, group: Group<C>) -> Self {
        let first = self.families;
        for (row, family) in group.rows {
            let family = family.map(|family| family + first);
            self.families = self.families.max(family.map_or(0, |family| family + 1));
            self.entries.push(Entry { heading: group.heading, sub: group.sub, family, row });
        }
        self
    }

    /// Add several groups of options.
    pub fn groups(self, groups: impl IntoIterator<Item = Group<C>>) -> Self {
        groups.into_iter().fold(self, Program::group)
    }

    /// The options in the order of the usage.
    pub fn entries(&self) -> &[Entry<C>] {
        &self.entries
    }

    /// The order in which options and parameters are evaluated.
    pub fn checks(&self) -> &'static [&'static str] {
        self.checks
    }

    /// Read a command line; the first argument is the program's name.
    pub fn parse(&self, argv: impl Iterator<Item = OsString>) -> Outcome<C> {
        match self.evaluate(argv, true) {
            Ok(options) => Outcome::Run(Box::new(options)),
            Err(Stop { code, stdout, stderr }) => Outcome::Stop { code, stdout, stderr },
        }
    }

    /// Read a command line; `strict` sets the log up as well, and refuses options in effect whose effect is not built yet.
    ///
    /// # Errors
    /// Why the program does not run.
    pub fn evaluate(&self, mut argv: impl Iterator<Item = OsString>, strict: bool) -> Result<C, Stop> {
        let called = argv.next().unwrap_or_else(|| self.name.into());
        let plain = |text: String| Evaluation::new(self, &Line::default(), "").stop(&text);
        let arguments = dialect::expand(argv).map_err(plain)?;
        if arguments.is_empty() && !self.bare {
            return Err(Stop::print(help::usage(self, help::terminal_width())));
        }
        let line = dialect::read(arguments, |token| self.find(token)).map_err(plain)?;
        let call = line.call(&called);
        let mut evaluation = Evaluation::new(self, &line, &call);
        evaluation.exclusive()?;
        evaluation.count_parameters()?;
        for check in self.checks {
            if *check == LOGGING {
                if strict {
                    let set_up = evaluation.options.set_up(self.name, &called);
                    set_up.map_err(|wrong| evaluation.stop(&wrong))?;
                }
                evaluation.logging = true;
            } else if let Some(index) = self.parameters.iter().position(|parameter| parameter.spec.name == *check) {
                evaluation.parameter(index)?;
            } else if let Some(index) = self.index(check) {
                evaluation.option(index)?;
            }
        }
        if strict {
            evaluation.refuse_later()?;
        }
        Ok(evaluation.options)
    }

    fn index(&self, long: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.row.long == long)
    }

    fn find(&self, token: &OsStr) -> Option<Name<'static>> {
        let same = |name: &str| name.as_bytes() == token.as_bytes();
        let row = self.entries.iter().position(|entry| same(entry.row.long) || same(entry.row.short))?;
        let Row { long, values, .. } = self.entries.get(row)?.row;
        Some(Name { row, long, values: values.len() })
    }
}

/// A command line while it is evaluated.
struct Evaluation<'a, C> {
    program: &'a Program<C>,
    line: &'a Line,
    call: &'a str,
    /// Where each option stands last on the line.
    last: Vec<Option<usize>>,
    /// How far right the family's members stand that have been evaluated.
    reached: Vec<Option<usize>>,
    options: C,
    logging: bool,
}

impl<'a, C: Default + Logging + 'static> Evaluation<'a, C> {
    fn new(program: &'a Program<C>, line: &'a Line, call: &'a str) -> Self {
        let mut last = vec![None; program.entries.len()];
        for (position, option) in line.options.iter().enumerate() {
            if let Some(place) = last.get_mut(option.row) {
                *place = Some(position);
            }
        }
        let reached = vec![None; program.families];
        Evaluation { program, line, call, last, reached, options: C::default(), logging: false }
    }

    /// A usage error as it looks on stderr.
    fn stop(&self, error: &str) -> Stop {
        let mut stderr = if self.logging { self.options.records() } else { String::new() };
        if !(self.logging && self.options.hides_errors()) {
            stderr += &help::banner(self.program.name);
            stderr += &format!("\n{}: {}\nerror: {error}\n", self.program.name, self.program.title);
        }
        Stop { code: exit::COMMANDLINE_SYNTAX_ERROR, stdout: String::new(), stderr }
    }

    fn given(&self, index: usize) -> Option<usize> {
        self.last.get(index).copied().flatten()
    }

    /// Is this option given and not overruled by a later one of its family, or its family's default?
    fn in_effect(&self, index: usize) -> bool {
        let Some(entry) = self.program.entries.get(index) else { return false };
        let Some(family) = entry.family else { return self.given(index).is_some() };
        let rivals = self.program.entries.iter().enumerate().filter(|(_, rival)| rival.family == Some(family));
        match rivals.filter_map(|(rival, _)| Some((self.given(rival)?, rival))).max() {
            Some((_, winner)) => winner == index,
            None => entry.row.is_default,
        }
    }

    fn is_any_in_effect(&self, names: &[&str]) -> bool {
        names.iter().filter_map(|name| self.program.index(name)).any(|index| self.in_effect(index))
    }

    /// Options that print something and end the program: the first in the order of checks that is given.
    fn exclusive(&self) -> Result<(), Stop> {
        for index in self.program.checks.iter().filter_map(|check| self.program.index(check)) {
            let Some(Entry { row, .. }) = self.program.entries.get(index) else { continue };
            match row.exclusive.filter(|_| self.given(index).is_some()) {
                None => {}
                Some(_) if row.is_later => return Err(self.stop(&not_available(row.long))),
                Some(Exclusive::Help) => {
                    return Err(Stop::print(help::usage(self.program, help::terminal_width())));
                }
                Some(Exclusive::Version) => return Err(Stop::print(help::version(self.program))),
                Some(Exclusive::List(text)) => {
                    return Err(Stop::print(format!("{}\n{}", help::banner(self.program.name), text())));
                }
            }
        }
        Ok(())
    }

    fn count_parameters(&self) -> Result<(), Stop> {
        let (wanted, given) = (&self.program.parameters, self.line.parameters.len());
        match wanted.get(given) {
            Some(missing) if !missing.optional => {
                return Err(self.stop(&format!("Missing parameter {}", missing.spec.name)));
            }
            _ => {}
        }
        if given > wanted.len() && !wanted.last().is_some_and(|last| last.many) {
            return Err(self.stop("Too many parameters"));
        }
        Ok(())
    }

    fn parameter(&mut self, index: usize) -> Result<(), Stop> {
        let Some(parameter) = self.program.parameters.get(index) else { return Ok(()) };
        let waived = parameter.unless.is_some_and(|option| self.is_any_in_effect(&[option]));
        if waived {
            // DCMTK: one that is given all the same is not looked at; that it is given may matter to the program.
            if let Some(Ok(value)) = self.line.parameters.get(index).map(|raw| read(parameter.spec.kind, raw, true)) {
                (parameter.assign)(&mut self.options, &Values { given: &[value], call: self.call });
            }
            return Ok(());
        }
        let given = self.line.parameters.iter().skip(index).take(if parameter.many { usize::MAX } else { 1 });
        let mut missing = parameter.unless.is_some();
        for raw in given {
            missing = false;
            let value = read(parameter.spec.kind, raw, true).map_err(|wrong| self.stop(&wrong.parameter(raw)))?;
            (parameter.assign)(&mut self.options, &Values { given: &[value], call: self.call });
        }
        if missing {
            return Err(self.stop(&format!("Missing parameter {}", parameter.spec.name)));
        }
        Ok(())
    }

    fn option(&mut self, index: usize) -> Result<(), Stop> {
        let (Some(entry), Some(position)) = (self.program.entries.get(index), self.given(index)) else {
            return Ok(());
        };
        // DCMTK: an option is skipped only if one further right has been evaluated before. So `+te +ti +xs` complains
        // of `--write-xfer-little`, which `+ti` overrules, because it is evaluated first.
        if let Some(reached) = entry.family.and_then(|family| self.reached.get_mut(family)) {
            if reached.is_some_and(|reached| reached > position) {
                return Ok(());
            }
            *reached = Some(position);
        }
        let row = &entry.row;
        for rule in &row.rules {
            self.check(row.long, rule)?;
        }
        let mine = self.line.options.iter().filter(|option| option.row == index);
        let skipped = if row.repeatable { 0 } else { mine.clone().count().saturating_sub(1) };
        for option in mine.skip(skipped) {
            let mut values = Vec::with_capacity(row.values.len());
            for (spec, raw) in row.values.iter().zip(&option.values) {
                values.push(read(spec.kind, raw, false).map_err(|wrong| self.stop(&wrong.option(row.long, raw)))?);
            }
            (row.assign)(&mut self.options, &Values { given: &values, call: self.call });
        }
        Ok(())
    }

    fn check(&mut self, long: &str, rule: &Rule<C>) -> Result<(), Stop> {
        let (holds, word, others) = match rule {
            Rule::OnlyWith(names) => (self.is_any_in_effect(names), "only", list(names)),
            Rule::NotWith(names) => (!self.is_any_in_effect(names), "not", list(names)),
            Rule::OnlyIf(text, holds) => (holds(&mut self.options), "only", (*text).to_owned()),
            Rule::Must(error, holds) => {
                return if holds(&mut self.options) { Ok(()) } else { Err(self.stop(error)) };
            }
        };
        if holds { Ok(()) } else { Err(self.stop(&format!("{long} {word} allowed with {others}"))) }
    }

    /// The one place that keeps options without effect from being ignored silently.
    fn refuse_later(&self) -> Result<(), Stop> {
        for (index, Entry { row, .. }) in self.program.entries.iter().enumerate() {
            if row.is_later && self.given(index).is_some() && self.in_effect(index) {
                return Err(self.stop(&not_available(row.long)));
            }
        }
        Ok(())
    }
}

fn not_available(long: &str) -> String {
    format!("{long} is not available yet")
}

/// `A`, `A or B`, `A, B or C`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
