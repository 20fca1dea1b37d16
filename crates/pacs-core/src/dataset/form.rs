//! In what form a data set is written: the output options of a receiver as one value.

/// How elements are encoded (PS3.5 7.1, annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Implicit VR, little endian.
    ImplicitLittle,
    /// Explicit VR, little endian.
    ExplicitLittle,
    /// Explicit VR, big endian (retired).
    ExplicitBig,
}

impl Encoding {
    /// Whether headers name a VR.
    #[inline]
    pub const fn is_explicit(self) -> bool {
        !matches!(self, Encoding::ImplicitLittle)
    }

    /// Whether the most significant byte comes first.
    #[inline]
    pub const fn is_big(self) -> bool {
        matches!(self, Encoding::ExplicitBig)
    }
}

/// What a transfer syntax says about a data set's bytes (PS3.5 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// How elements are encoded.
    pub encoding: Encoding,
    /// Whether the whole data set is one raw deflate stream (PS3.5 A.5).
    pub deflated: bool,
    /// Whether Pixel Data is a sequence of fragments (PS3.5 A.4).
    pub encapsulated: bool,
}

impl Syntax {
    /// Implicit VR Little Endian.
    pub const IMPLICIT_LITTLE: &'static str = "1.2.840.10008.1.2";
    /// Explicit VR Little Endian.
    pub const EXPLICIT_LITTLE: &'static str = "1.2.840.10008.1.2.1";
    /// Explicit VR Big Endian.
    pub const EXPLICIT_BIG: &'static str = "1.2.840.10008.1.2.2";
    /// Deflated Explicit VR Little Endian.
    pub const DEFLATED: &'static str = "1.2.840.10008.1.2.1.99";

    /// The syntax of that UID. None: DCMTK reads no data set in it, for it does not know the UID, or the bytes are not those
    /// of a DICOM data set as we read it (JPIP references, GE's private syntax with pixel data in big endian order).
    pub fn of(uid: &str) -> Option<Syntax> {
        let native = |encoding| Some(Syntax { encoding, deflated: false, encapsulated: false });
        let little = Encoding::ExplicitLittle;
        match uid {
            Self::IMPLICIT_LITTLE => native(Encoding::ImplicitLittle),
            Self::EXPLICIT_LITTLE => native(little),
            Self::EXPLICIT_BIG => native(Encoding::ExplicitBig),
            Self::DEFLATED => Some(Syntax { encoding: little, deflated: true, encapsulated: false }),
            _ if is_encapsulated(uid) => Some(Syntax { encoding: little, deflated: false, encapsulated: true }),
            _ => None,
        }
    }
}

fn is_encapsulated(uid: &str) -> bool {
    let Some(rest) = uid.strip_prefix("1.2.840.10008.1.2.") else { return false };
    match rest.strip_prefix("4.") {
        Some(jpeg_and_video) => matches!(
            jpeg_and_video,
            "50" | "51"
                | "52"
                | "53"
                | "54"
                | "55"
                | "56"
                | "57"
                | "58"
                | "59"
                | "60"
                | "61"
                | "62"
                | "63"
                | "64"
                | "65"
                | "66"
                | "70"
                | "80"
                | "81"
                | "90"
                | "91"
                | "92"
                | "93"
                | "100"
                | "100.1"
                | "101"
                | "101.1"
                | "102"
                | "102.1"
                | "103"
                | "103.1"
                | "104"
                | "104.1"
                | "105"
                | "105.1"
                | "106"
                | "106.1"
                | "107"
                | "108"
                | "110"
                | "111"
                | "112"
                | "201"
                | "202"
                | "203"
        ),
        // RLE Lossless, Encapsulated Uncompressed, Deflated Image Frame Compression.
        None => matches!(rest, "5" | "1.98" | "8.1"),
    }
}

/// The transfer syntax to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputSyntax {
    /// That of the input.
    #[default]
    Same,
    /// Explicit VR Little Endian.
    ExplicitLittle,
    /// Explicit VR Big Endian.
    ExplicitBig,
    /// Implicit VR Little Endian.
    ImplicitLittle,
    /// Deflated Explicit VR Little Endian.
    Deflated,
}

impl OutputSyntax {
    /// The UID of the syntax written for input in `input`.
    pub const fn uid(self, input: &str) -> &str {
        match self {
            OutputSyntax::Same => input,
            OutputSyntax::ExplicitLittle => Syntax::EXPLICIT_LITTLE,
            OutputSyntax::ExplicitBig => Syntax::EXPLICIT_BIG,
            OutputSyntax::ImplicitLittle => Syntax::IMPLICIT_LITTLE,
            OutputSyntax::Deflated => Syntax::DEFLATED,
        }
    }

    /// What to choose for input in `input` so that it is written in `wanted`. None: we cannot, for it takes a codec.
    pub fn between(input: &str, wanted: &str) -> Option<OutputSyntax> {
        match wanted {
            _ if wanted == input => Some(OutputSyntax::Same),
            Syntax::EXPLICIT_LITTLE => Some(OutputSyntax::ExplicitLittle),
            Syntax::EXPLICIT_BIG => Some(OutputSyntax::ExplicitBig),
            Syntax::IMPLICIT_LITTLE => Some(OutputSyntax::ImplicitLittle),
            Syntax::DEFLATED => Some(OutputSyntax::Deflated),
            _ => None,
        }
    }
}

/// How the ends of sequences and items are marked (PS3.5 7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LengthForm {
    /// By lengths, without delimiters.
    #[default]
    Explicit,
    /// By delimiters, all lengths undefined.
    Undefined,
}

/// What becomes of group lengths (gggg,0000), in the data set and in every item (PS3.5 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupLengths {
    /// Those there are get the right value; none is added.
    #[default]
    Recalculate,
    /// Every group gets one.
    Create,
    /// None stays.
    Remove,
}

/// Multiples to which files and items are padded with (FFFC,FFFC) (PS3.10 7.2). 0: not padded.
///
/// If either is odd, neither padding nor group lengths are touched at all.
// DCMTK: it calls that an illegal call, and ignores that it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrailingPadding {
    /// Bytes of the whole file, from its first on.
    pub file: u32,
    /// Bytes of the content of each item.
    pub item: u32,
}

/// The form in which a data set is written. The default changes least: what DCMTK's receiver does without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The transfer syntax.
    pub syntax: OutputSyntax,
    /// Effort of compressing deflated output: 0 (stored) to 9 (smallest).
    pub compression: u8,
    /// Lengths of sequences and items.
    pub lengths: LengthForm,
    /// Group lengths.
    pub group_lengths: GroupLengths,
    /// Padding to add. What padding there is always goes.
    pub padding: TrailingPadding,
    /// Whether VRs of later than 1993 (OD OF OL OV SV UC UN UR UT UV) are written; otherwise as OB.
    pub new_vrs: bool,
    /// Whether UN elements of defined length get the VR of the dictionary.
    pub convert_un: bool,
}

impl Default for Form {
    fn default() -> Form {
        Form {
            syntax: OutputSyntax::Same,
            compression: 6,
            lengths: LengthForm::Explicit,
            group_lengths: GroupLengths::Recalculate,
            padding: TrailingPadding::default(),
            new_vrs: true,
            convert_un: false,
        }
    }
}
