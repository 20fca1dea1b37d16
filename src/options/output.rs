//! Output options: how received objects are written.

use pacs_core::dataset::{self, Form, LengthForm, OutputSyntax, TrailingPadding};

use crate::cli::{Group, Row, flag, option, uint};

/// File format or bare data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Preamble, file meta information, data set (PS3.10 7.1).
    #[default]
    File,
    /// The data set alone.
    DataSet,
}

/// The transfer syntax objects are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// The one they came in.
    #[default]
    Same,
    /// Explicit VR little endian.
    Little,
    /// Explicit VR big endian.
    Big,
    /// Implicit VR little endian.
    Implicit,
    /// Deflated explicit VR little endian.
    Deflated,
}

/// Value representations younger than 1993.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewVrs {
    /// Written as they are.
    #[default]
    Keep,
    /// Written as OB.
    AsOb,
}

/// Group length elements (gggg,0000).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupLengths {
    /// Those present are made right.
    #[default]
    Correct,
    /// Each group gets one.
    Create,
    /// There are none.
    Remove,
}

/// Lengths of sequences and items (PS3.5 7.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lengths {
    /// Explicit.
    #[default]
    Explicit,
    /// Undefined, with delimiters.
    Undefined,
}

/// Elements of VR UN whose length is defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Stay UN.
    #[default]
    Keep,
    /// Get the VR the dictionary knows.
    Convert,
}

/// Data set trailing padding (FFFC,FFFC): the multiples, in bytes, to which files and items are filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padding {
    /// For files.
    pub file: u64,
    /// For sequence items.
    pub item: u64,
}

/// What the output options say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Received bytes are written as they are.
    pub bit_preserving: bool,
    /// File format or bare data set.
    pub format: Format,
    /// The transfer syntax.
    pub syntax: Syntax,
    /// Younger value representations.
    pub new_vrs: NewVrs,
    /// Group lengths.
    pub group_lengths: GroupLengths,
    /// Lengths of sequences and items.
    pub lengths: Lengths,
    /// Trailing padding; none unless asked for.
    pub padding: Option<Padding>,
    /// Elements of VR UN.
    pub unknown: Unknown,
    /// zlib level, 0 to 9, where a deflated syntax is written.
    pub compression_level: u32,
    /// Bytes to which a deflated data set may inflate.
    pub max_inflated: u64,
}

impl Output {
    /// The form in which data sets are written, where they are not kept as they come.
    pub fn form(&self) -> Form {
        let padding = self.padding.unwrap_or(Padding { file: 0, item: 0 });
        // Larger multiples than any file has bytes mean the same as the largest number there is.
        let multiple = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX - 1);
        Form {
            syntax: match self.syntax {
                Syntax::Same => OutputSyntax::Same,
                Syntax::Little => OutputSyntax::ExplicitLittle,
                Syntax::Big => OutputSyntax::ExplicitBig,
                Syntax::Implicit => OutputSyntax::ImplicitLittle,
                Syntax::Deflated => OutputSyntax::Deflated,
            },
            compression: u8::try_from(self.compression_level).unwrap_or(9),
            lengths: match self.lengths {
                Lengths::Explicit => LengthForm::Explicit,
                Lengths::Undefined => LengthForm::Undefined,
            },
            group_lengths: match self.group_lengths {
                GroupLengths::Correct => dataset::GroupLengths::Recalculate,
                GroupLengths::Create => dataset::GroupLengths::Create,
                GroupLengths::Remove => dataset::GroupLengths::Remove,
            },
            padding: TrailingPadding { file: multiple(padding.file), item: multiple(padding.item) },
            new_vrs: self.new_vrs == NewVrs::Keep,
            convert_un: self.unknown == Unknown::Convert,
        }
    }
}

impl Default for Output {
    fn default() -> Self {
        Output {
            bit_preserving: false,
            format: Format::File,
            syntax: Syntax::Same,
            new_vrs: NewVrs::Keep,
            group_lengths: GroupLengths::Correct,
            lengths: Lengths::Explicit,
            padding: None,
            unknown: Unknown::Keep,
            compression_level: 6,
            max_inflated: 4 << 30,
        }
    }
}

const OUTPUT: &str = "output options";
const BIT_PRESERVING: &[&str] = &["--bit-preserving"];

/// The group `bit preserving mode`.
pub fn bit_preserving() -> Group<Output> {
    Group::new(OUTPUT, "bit preserving mode").choice([
        flag("-B", "--normal", "read each object and write it anew", |o: &mut Output| o.bit_preserving = false)
            .default(),
        flag("+B", "--bit-preserving", "write the bytes received, whatever they are", |o: &mut Output| {
            o.bit_preserving = true
        }),
    ])
}

/// The group `output file format`.
pub fn format() -> Group<Output> {
    Group::new(OUTPUT, "output file format").choice([
        flag("+F", "--write-file", "preamble, file meta information and data set", |o: &mut Output| {
            o.format = Format::File;
        })
        .default(),
        flag("-F", "--write-dataset", "data set only", |o: &mut Output| o.format = Format::DataSet),
    ])
}

/// The group `output transfer syntax`; `compressed` are the preferences that leave nothing to rewrite, in the order in
/// which they are checked after `first`.
pub fn syntax(first: &'static [&'static str], compressed: &'static [&'static str]) -> Group<Output> {
    let write = move |short, long, help, syntax| {
        flag(short, long, help, move |o: &mut Output| o.syntax = syntax)
            .not_with(first)
            .not_with(BIT_PRESERVING)
            .not_with(compressed)
    };
    let sub = "output transfer syntax (not with --bit-preserving or compressed transmission)";
    Group::new(OUTPUT, sub).choice([
        flag("+t=", "--write-xfer-same", "the syntax an object came in", |o: &mut Output| o.syntax = Syntax::Same)
            .default(),
        write("+te", "--write-xfer-little", "explicit VR little endian", Syntax::Little),
        write("+tb", "--write-xfer-big", "explicit VR big endian", Syntax::Big),
        write("+ti", "--write-xfer-implicit", "implicit VR little endian", Syntax::Implicit),
        write("+td", "--write-xfer-deflated", "deflated explicit VR little endian", Syntax::Deflated),
    ])
}

/// The group `post-1993 value representations` of a receiver.
pub fn new_vrs() -> Group<Output> {
    Group::new(OUTPUT, "post-1993 value representations (not with --bit-preserving)")
        .choice(new_vr_rows().map(|row| row.not_with(BIT_PRESERVING)))
}

/// The group `post-1993 value representations` of an archive, which takes it beside bit preserving mode.
pub fn new_vrs_kept() -> Group<Output> {
    Group::new(OUTPUT, "post-1993 value representations").choice(new_vr_rows())
}

/// The group `post-1993 value representations` of a sender.
pub fn new_vrs_sent() -> Group<Output> {
    Group::new("network options", "post-1993 value representations").choice(new_vr_rows())
}

fn new_vr_rows() -> [Row<Output>; 2] {
    [
        flag("+u", "--enable-new-vr", "write UN, UT and later ones as they are", |o: &mut Output| {
            o.new_vrs = NewVrs::Keep;
        })
        .default(),
        flag("-u", "--disable-new-vr", "write UN, UT and later ones as OB", |o: &mut Output| o.new_vrs = NewVrs::AsOb),
    ]
}

/// The group `group length encoding`.
pub fn group_lengths() -> Group<Output> {
    Group::new(OUTPUT, "group length encoding (not with --bit-preserving)").choice([
        flag("+g=", "--group-length-recalc", "correct group lengths that are there", |o: &mut Output| {
            o.group_lengths = GroupLengths::Correct;
        })
        .default()
        .not_with(BIT_PRESERVING),
        flag("+g", "--group-length-create", "write a length for every group", |o: &mut Output| {
            o.group_lengths = GroupLengths::Create;
        })
        .not_with(BIT_PRESERVING),
        flag("-g", "--group-length-remove", "write no group lengths", |o: &mut Output| {
            o.group_lengths = GroupLengths::Remove;
        })
        .not_with(BIT_PRESERVING),
    ])
}

/// The group `length encoding in sequences and items`.
pub fn lengths() -> Group<Output> {
    Group::new(OUTPUT, "length encoding in sequences and items (not with --bit-preserving)").choice([
        flag("+e", "--length-explicit", "write the lengths", |o: &mut Output| o.lengths = Lengths::Explicit)
            .default()
            .not_with(BIT_PRESERVING),
        flag("-e", "--length-undefined", "write undefined lengths and delimiters", |o: &mut Output| {
            o.lengths = Lengths::Undefined;
        })
        .not_with(BIT_PRESERVING),
    ])
}

/// The group `data set trailing padding`.
pub fn padding() -> Group<Output> {
    Group::new(OUTPUT, "data set trailing padding (not with --write-dataset or --bit-preserving)").choice([
        flag("-p", "--padding-off", "no padding", |o: &mut Output| o.padding = None).default(),
        option(
            "+p",
            "--padding-create",
            const { &[uint("filepad", 0, u64::MAX), uint("itempad", 0, u64::MAX)] },
            "fill up files and items to multiples of so many bytes",
            |o: &mut Output, v| o.padding = Some(Padding { file: v.uint(0), item: v.uint(1) }),
        )
        .not_with(&["--write-dataset", "--bit-preserving"]),
    ])
}

/// The group `handling of defined length UN elements`.
pub fn unknown() -> Group<Output> {
    Group::new(OUTPUT, "handling of defined length UN elements").choice([
        flag("-uc", "--retain-un", "leave them as UN", |o: &mut Output| o.unknown = Unknown::Keep).default(),
        flag("+uc", "--convert-un", "write the VR the dictionary knows", |o: &mut Output| o.unknown = Unknown::Convert),
    ])
}

/// The group `deflate compression level` of a receiver, `sub` saying where it counts.
pub fn compression_level(sub: &'static str, only_with: &'static [&'static str]) -> Group<Output> {
    Group::new(OUTPUT, sub).row(compression_level_row().only_with(only_with))
}

/// `--compression-level`.
pub fn compression_level_row() -> Row<Output> {
    option(
        "+cl",
        "--compression-level",
        const { &[uint("level", 0, 9)] },
        "0 for none, 1 for the fastest, 9 for the smallest",
        |o: &mut Output, v| o.compression_level = u32::try_from(v.uint(0)).unwrap_or(9),
    )
    .default_value("6")
}

/// The group about how far a deflated data set may inflate.
pub fn inflation() -> Group<Output> {
    Group::new(OUTPUT, "limits").row(
        option(
            "",
            "--max-inflated",
            const { &[uint("bytes", 1, u64::MAX)] },
            "refuse a deflated data set that inflates to more, with status A700",
            |o: &mut Output, v| o.max_inflated = v.uint(0),
        )
        .default_value("4294967296"),
    )
}
