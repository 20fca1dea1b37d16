//! One option of a program, and the group it is shown in.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What an option or parameter may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text, the empty one included.
    Text,
    /// A signed number in C notation (decimal, `0x` hexadecimal, leading `0` octal) that is not below the bound.
    Int {
        /// Smallest value allowed.
        min: i64,
    },
    /// An unsigned decimal number within the bounds.
    Uint {
        /// Smallest value allowed.
        min: u64,
        /// Largest value allowed; `u64::MAX` for no bound.
        max: u64,
    },
    /// One of some words, in any case.
    Word {
        /// The words shown in the usage.
        shown: &'static [&'static str],
        /// Words that are accepted, but not shown.
        hidden: &'static [&'static str],
        /// The error text for anything else.
        wrong: &'static str,
    },
}

/// One value of an option, or a positional parameter: what it stands for, and what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueSpec {
    /// One word that names the value in the usage.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
}

/// A value that may be any text.
pub const fn text(name: &'static str) -> ValueSpec {
    ValueSpec { name, kind: Kind::Text }
}

/// A signed number, `min` or more.
pub const fn int(name: &'static str, min: i64) -> ValueSpec {
    ValueSpec { name, kind: Kind::Int { min } }
}

/// An unsigned number, `min` to `max`.
pub const fn uint(name: &'static str, min: u64, max: u64) -> ValueSpec {
    ValueSpec { name, kind: Kind::Uint { min, max } }
}

/// One of the words shown, or of those accepted silently; `wrong` is the error text for any other.
pub const fn word(
    name: &'static str,
    shown: &'static [&'static str],
    hidden: &'static [&'static str],
    wrong: &'static str,
) -> ValueSpec {
    ValueSpec { name, kind: Kind::Word { shown, hidden, wrong } }
}

impl fmt::Display for ValueSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.kind {
            Kind::Text => write!(f, "{name}: string"),
            Kind::Int { min } => write!(f, "{name}: integer, {min} or more"),
            Kind::Uint { min: 0, max: u64::MAX } => write!(f, "{name}: integer"),
            Kind::Uint { min, max: u64::MAX } => write!(f, "{name}: integer, {min} or more"),
            Kind::Uint { min, max } => write!(f, "{name}: integer ({min}..{max})"),
            Kind::Word { shown, .. } => write!(f, "{name}: {}", shown.join(", ")),
        }
    }
}

/// A value that has been read and is within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// As typed; words are in lower case.
    Text(OsString),
    /// From [`Kind::Int`]. Saturated where the text says more than 64 bits hold.
    Int(i64),
    /// From [`Kind::Uint`]. Saturated likewise.
    Uint(u64),
}

/// The values of one occurrence of an option, for its assignment. Asking for one that its row does not state, or for
/// another kind, gives an empty one: rows and assignments stand side by side, and each is tested.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    pub(super) given: &'a [Value],
    pub(super) call: &'a str,
}

impl Values<'_> {
    /// Value `n` as typed.
    pub fn text(&self, n: usize) -> OsString {
        match self.given.get(n) {
            Some(Value::Text(text)) => text.clone(),
            _ => OsString::new(),
        }
    }

    /// Value `n` as a path.
    pub fn path(&self, n: usize) -> PathBuf {
        self.text(n).into()
    }

    /// Value `n` as a string; bytes that are no UTF-8 become replacement characters.
    pub fn string(&self, n: usize) -> String {
        self.text(n).to_string_lossy().into_owned()
    }

    /// Value `n` of a signed option.
    pub fn int(&self, n: usize) -> i64 {
        match self.given.get(n) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    /// Value `n` of an unsigned option.
    pub fn uint(&self, n: usize) -> u64 {
        match self.given.get(n) {
            Some(Value::Uint(number)) => *number,
            _ => 0,
        }
    }

    /// The whole call in long form, as `--arguments` logs it: `calling 'storescp' with 2 arguments: '--quiet' '104' `.
    pub fn call(&self) -> &str {
        self.call
    }
}

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
