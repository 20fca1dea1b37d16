//! One option of a program, and the group it is shown in.

use super::value::{ValueSpec, Values};

/// An assignment into the options struct.
pub(super) type Assign<S> = Box<dyn Fn(&mut S, &Values<'_>)>;

/// What must hold when an option is given. Rules look at options in effect: the winner of a family, or the member that
/// is its default where none is given.
pub enum Rule<S> {
    /// At least one of these must be in effect.
    OnlyWith(&'static [&'static str]),
    /// None of these may be in effect.
    NotWith(&'static [&'static str]),
    /// What has been assigned so far must fulfil the condition that the text names.
    OnlyIf(&'static str, Box<dyn Fn(&mut S) -> bool>),
    /// What has been assigned so far must fulfil a condition; the text is the error where it does not.
    Must(&'static str, Box<dyn Fn(&mut S) -> bool>),
}

/// Options that print something and end the program before anything else is looked at.
#[derive(Clone, Copy, Debug)]
pub enum Exclusive {
    /// Print the usage.
    Help,
    /// Print name, version and what the program is made of.
    Version,
    /// Print a list.
    List(fn() -> String),
}

/// One option: names, values, help, rules, and the assignment into the options struct `S`.
pub struct Row<S> {
    /// `-x`, `+x`, also of several letters; empty if it has none.
    pub short: &'static str,
    /// `--name`.
    pub long: &'static str,
    /// The values it takes.
    pub values: &'static [ValueSpec],
    /// What it does, in lower case and without a full stop.
    pub help: &'static str,
    /// The value in effect where the option is not given, as the usage shows it; empty if there is none to show.
    pub default: &'static str,
    /// It names what is in effect where no member of its family is given.
    pub is_default: bool,
    /// Each occurrence counts; without it the last one does.
    pub repeatable: bool,
    /// What must hold beside it, in the order in which it is checked.
    pub rules: Vec<Rule<S>>,
    /// It prints something and ends the program.
    pub exclusive: Option<Exclusive>,
    /// Known and checked, but its effect is not built yet: in effect, it ends the program with a usage error.
    pub is_later: bool,
    pub(super) assign: Assign<S>,
}

/// An option without values.
pub fn flag<S: 'static>(
    short: &'static str,
    long: &'static str,
    help: &'static str,
    set: impl Fn(&mut S) + 'static,
) -> Row<S> {
    option(short, long, &[], help, move |options, _| set(options))
}

/// An option with values.
pub fn option<S: 'static>(
    short: &'static str,
    long: &'static str,
    values: &'static [ValueSpec],
    help: &'static str,
    set: impl Fn(&mut S, &Values<'_>) + 'static,
) -> Row<S> {
    Row {
        short,
        long,
        values,
        help,
        default: "",
        is_default: false,
        repeatable: false,
        rules: Vec::new(),
        exclusive: None,
        is_later: false,
        assign: Box::new(set),
    }
}

impl<S: 'static> Row<S> {
    /// It is in effect where no member of its family is given.
    pub fn default(mut self) -> Self {
        self.is_default = true;
        self
    }

    /// The value shown as its default.
    pub fn default_value(mut self, shown: &'static str) -> Self {
        self.default = shown;
        self
    }

    /// Each occurrence counts.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// One of these must be in effect.
    pub fn only_with(mut self, names: &'static [&'static str]) -> Self {
        self.rules.push(Rule::OnlyWith(names));
        self
    }

    /// None of these may be in effect; each is reported for itself, in this order.
    pub fn not_with(mut self, names: &'static [&'static str]) -> Self {
        self.rules.extend(names.chunks(1).map(Rule::NotWith));
        self
    }

    /// None of these may be in effect; they are reported together.
    pub fn not_with_any(mut self, names: &'static [&'static str]) -> Self {
        self.rules.push(Rule::NotWith(names));
        self
    }

    /// `text` is what the error says it is only allowed with.
    pub fn only_if(mut self, text: &'static str, holds: impl Fn(&mut S) -> bool + 'static) -> Self {
        self.rules.push(Rule::OnlyIf(text, Box::new(holds)));
        self
    }

    /// `error` is reported unless the condition holds.
    pub fn must(mut self, error: &'static str, holds: impl Fn(&mut S) -> bool + 'static) -> Self {
        self.rules.push(Rule::Must(error, Box::new(holds)));
        self
    }

    /// It prints something and ends the program.
    pub fn exclusive(mut self, what: Exclusive) -> Self {
        self.exclusive = Some(what);
        self
    }

    /// Its effect is not built yet.
    pub fn later(mut self) -> Self {
        self.is_later = true;
        self
    }

    /// The same row for the options `P` of which `S` is a part.
    pub fn of<P: 'static>(self, part: fn(&mut P) -> &mut S) -> Row<P> {
        let Row { short, long, values, help, default, is_default, repeatable, rules, exclusive, is_later, assign } =
            self;
        let lift = |rule| match rule {
            Rule::OnlyWith(names) => Rule::OnlyWith(names),
            Rule::NotWith(names) => Rule::NotWith(names),
            Rule::OnlyIf(text, holds) => Rule::OnlyIf(text, Box::new(move |whole: &mut P| holds(part(whole)))),
            Rule::Must(text, holds) => Rule::Must(text, Box::new(move |whole: &mut P| holds(part(whole)))),
        };
        Row {
            short,
            long,
            values,
            help,
            default,
            is_default,
            repeatable,
            rules: rules.into_iter().map(lift).collect(),
            exclusive,
            is_later,
            assign: Box::new(move |whole, values| assign(part(whole), values)),
        }
    }
}

/// Rows under one heading of the usage.
pub struct Group<S> {
    pub(super) heading: &'static str,
    pub(super) sub: &'static str,
    /// Each with the number of its family within this group.
    pub(super) rows: Vec<(Row<S>, Option<usize>)>,
    families: usize,
}

impl<S: 'static> Group<S> {
    /// An empty group. `sub` is the heading below `heading`; empty for none. Neighbours of the same heading share it.
    pub fn new(heading: &'static str, sub: &'static str) -> Self {
        Group { heading, sub, rows: Vec::new(), families: 0 }
    }

    /// Add an option that stands for itself.
    pub fn row(mut self, row: Row<S>) -> Self {
        self.rows.push((row, None));
        self
    }

    /// Add several options that stand for themselves.
    pub fn rows(mut self, rows: impl IntoIterator<Item = Row<S>>) -> Self {
        self.rows.extend(rows.into_iter().map(|row| (row, None)));
        self
    }

    /// Add a family of options that exclude each other: the rightmost wins, and one that is already beaten when the
    /// program comes to it is skipped together with its rules and values.
    pub fn choice(mut self, rows: impl IntoIterator<Item = Row<S>>) -> Self {
        let family = self.families;
        self.rows.extend(rows.into_iter().map(|row| (row, Some(family))));
        self.families += 1;
        self
    }

    /// Add an option to a family of this group that has others between its members in the usage. Families are told apart
    /// by numbers, which begin at 0; [`Group::choice`] takes the next one.
    pub fn in_family(mut self, family: usize, row: Row<S>) -> Self {
        self.rows.push((row, Some(family)));
        self.families = self.families.max(family + 1);
        self
    }

    /// The same group for the options `P` of which `S` is a part.
    pub fn of<P: 'static>(self, part: fn(&mut P) -> &mut S) -> Group<P> {
        Group {
            heading: self.heading,
            sub: self.sub,
            rows: self.rows.into_iter().map(|(row, family)| (row.of(part), family)).collect(),
            families: self.families,
        }
    }
}
