//! Which transfer syntaxes an acceptor prefers (PS3.8 9.3.3.2: it chooses one of those proposed), and which a requestor
//! proposes.

use dicom_dictionary_std::uids as u;

use crate::cli::{Group, Row, flag};

const LEE: &str = u::EXPLICIT_VR_LITTLE_ENDIAN;
#[expect(deprecated, reason = "peers still propose it")]
const BEE: &str = u::EXPLICIT_VR_BIG_ENDIAN;
const LEI: &str = u::IMPLICIT_VR_LITTLE_ENDIAN;

/// Transfer syntax UIDs an acceptor takes, the one it wants most first.
pub type Preference = &'static [&'static str];

/// What the options about preferred syntaxes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The list that decides; the order in which a peer proposes does not.
    pub preference: Preference,
}

impl Default for Accepted {
    fn default() -> Self {
        Accepted { preference: LITTLE }
    }
}

/// Explicit little endian, explicit big endian, implicit; also the default, on hosts of either byte order.
pub const LITTLE: Preference = &[LEE, BEE, LEI];
/// Explicit big endian before explicit little endian.
pub const BIG: Preference = &[BEE, LEE, LEI];
/// Implicit little endian alone.
pub const IMPLICIT: Preference = &[LEI];
/// Every syntax storescp of DCMTK 3.7.0 takes with `--accept-all`.
pub const ALL: Preference = &[
    u::JPEG2000,
    u::JPEG2000_LOSSLESS,
    u::JPEG_EXTENDED12_BIT,
    u::JPEG_BASELINE8_BIT,
    u::JPEG_LOSSLESS_SV1,
    u::JPEGLS_NEAR_LOSSLESS,
    u::JPEGLS_LOSSLESS,
    u::RLE_LOSSLESS,
    u::MPEG2MPML,
    u::MPEG2MPMLF,
    u::MPEG2MPHL,
    u::MPEG2MPHLF,
    u::MPEG4HP41,
    u::MPEG4HP41F,
    u::MPEG4HP41BD,
    u::MPEG4HP41BDF,
    u::MPEG4HP422D,
    u::MPEG4HP422DF,
    u::MPEG4HP423D,
    u::MPEG4HP423DF,
    u::MPEG4HP42STEREO,
    u::MPEG4HP42STEREOF,
    u::HEVCMP51,
    u::HEVCM10P51,
    u::HTJ2K_LOSSLESS,
    u::HTJ2K_LOSSLESS_RPCL,
    u::HTJ2K,
    u::JPEGXL_LOSSLESS,
    u::JPEGXLJPEG_RECOMPRESSION,
    u::JPEGXL,
    u::DEFLATED_IMAGE_FRAME_COMPRESSION,
    u::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    u::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN,
    LEE,
    BEE,
    LEI,
];

/// A list of one compressed syntax before the uncompressed ones.
macro_rules! first {
    ($uid:ident) => {
        &[u::$uid, LEE, BEE, LEI]
    };
}

/// The `--prefer-*` options of compressed syntaxes whose objects cannot be rewritten uncompressed.
pub const COMPRESSED: [(&str, &str, &str, Preference); 17] = [
    ("+xs", "--prefer-lossless", "JPEG lossless, selection value 1, first", first![JPEG_LOSSLESS_SV1]),
    ("+xy", "--prefer-jpeg8", "JPEG baseline (lossy, 8 bits) first", first![JPEG_BASELINE8_BIT]),
    ("+xx", "--prefer-jpeg12", "JPEG extended (lossy, 12 bits) first", first![JPEG_EXTENDED12_BIT]),
    ("+xv", "--prefer-j2k-lossless", "JPEG 2000 lossless first", first![JPEG2000_LOSSLESS]),
    ("+xw", "--prefer-j2k-lossy", "JPEG 2000 lossy first", first![JPEG2000]),
    ("+xt", "--prefer-jls-lossless", "JPEG-LS lossless first", first![JPEGLS_LOSSLESS]),
    ("+xu", "--prefer-jls-lossy", "JPEG-LS near-lossless first", first![JPEGLS_NEAR_LOSSLESS]),
    ("+xm", "--prefer-mpeg2", "MPEG2 main profile at main level first", first![MPEG2MPML]),
    ("+xh", "--prefer-mpeg2-high", "MPEG2 main profile at high level first", first![MPEG2MPHL]),
    ("+xn", "--prefer-mpeg4", "MPEG4 high profile, level 4.1, first", first![MPEG4HP41]),
    ("+xl", "--prefer-mpeg4-bd", "MPEG4 BD-compatible high profile, level 4.1, first", first![MPEG4HP41BD]),
    ("+x2", "--prefer-mpeg4-2-2d", "MPEG4 high profile, level 4.2, for 2D video first", first![MPEG4HP422D]),
    ("+x3", "--prefer-mpeg4-2-3d", "MPEG4 high profile, level 4.2, for 3D video first", first![MPEG4HP423D]),
    ("+xo", "--prefer-mpeg4-2-st", "MPEG4 stereo high profile, level 4.2, first", first![MPEG4HP42STEREO]),
    ("+x4", "--prefer-hevc", "HEVC main profile, level 5.1, first", first![HEVCMP51]),
    ("+x5", "--prefer-hevc10", "HEVC main 10 profile, level 5.1, first", first![HEVCM10P51]),
    ("+xr", "--prefer-rle", "RLE lossless first", first![RLE_LOSSLESS]),
];

/// The names of these options.
pub const PREFER_COMPRESSED: &[&str] = &{
    let mut names = [""; COMPRESSED.len()];
    let mut n = 0;
    while n < names.len() {
        names[n] = COMPRESSED[n].1;
        n += 1;
    }
    names
};

/// An option that sets the list.
pub fn prefer(short: &'static str, long: &'static str, help: &'static str, preference: Preference) -> Row<Accepted> {
    flag(short, long, help, move |o: &mut Accepted| o.preference = preference)
}

/// The group of `--prefer-*`; `more` are members that only one program has, shown last.
pub fn preferred(sub: &'static str, more: impl IntoIterator<Item = Row<Accepted>>) -> Group<Accepted> {
    let uncompressed = [
        prefer("+x=", "--prefer-uncompr", "explicit VR in this host's byte order first", LITTLE).default(),
        prefer("+xe", "--prefer-little", "explicit VR little endian first", LITTLE),
        prefer("+xb", "--prefer-big", "explicit VR big endian first", BIG),
    ];
    let compressed = COMPRESSED.map(|(short, long, help, preference)| prefer(short, long, help, preference));
    let rest = [
        prefer(
            "+xd",
            "--prefer-deflated",
            "deflated explicit VR little endian first",
            first![DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN],
        ),
        prefer("+xi", "--implicit", "implicit VR little endian and no other", IMPLICIT),
    ];
    Group::new("network options", sub).choice(uncompressed.into_iter().chain(compressed).chain(rest).chain(more))
}

/// Transfer syntax UIDs a requestor proposes for each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The one it wants, in a context of its own.
    pub first: &'static str,
    /// What does as well, in another context.
    pub otherwise: Preference,
}

impl Default for Proposed {
    fn default() -> Self {
        Proposed { first: LEE, otherwise: &[BEE, LEI] }
    }
}

/// All of the `--propose-*` options: names, help, the syntax wanted, and whether uncompressed ones are proposed as well.
const PROPOSED: [(&str, &str, &str, &str, bool); 19] = [
    ("-xs", "--propose-lossless", "JPEG lossless, selection value 1, and uncompressed", u::JPEG_LOSSLESS_SV1, true),
    ("-xy", "--propose-jpeg8", "JPEG baseline (lossy, 8 bits) and uncompressed", u::JPEG_BASELINE8_BIT, true),
    ("-xx", "--propose-jpeg12", "JPEG extended (lossy, 12 bits) and uncompressed", u::JPEG_EXTENDED12_BIT, true),
    ("-xv", "--propose-j2k-lossless", "JPEG 2000 lossless and uncompressed", u::JPEG2000_LOSSLESS, true),
    ("-xw", "--propose-j2k-lossy", "JPEG 2000 lossy and uncompressed", u::JPEG2000, true),
    ("-xt", "--propose-jls-lossless", "JPEG-LS lossless and uncompressed", u::JPEGLS_LOSSLESS, true),
    ("-xu", "--propose-jls-lossy", "JPEG-LS near-lossless and uncompressed", u::JPEGLS_NEAR_LOSSLESS, true),
    ("-xm", "--propose-mpeg2", "MPEG2 main profile at main level alone", u::MPEG2MPML, false),
    ("-xh", "--propose-mpeg2-high", "MPEG2 main profile at high level alone", u::MPEG2MPHL, false),
    ("-xn", "--propose-mpeg4", "MPEG4 high profile, level 4.1, alone", u::MPEG4HP41, false),
    ("-xl", "--propose-mpeg4-bd", "MPEG4 BD-compatible high profile, level 4.1, alone", u::MPEG4HP41BD, false),
    ("-x2", "--propose-mpeg4-2-2d", "MPEG4 high profile, level 4.2, for 2D video alone", u::MPEG4HP422D, false),
    ("-x3", "--propose-mpeg4-2-3d", "MPEG4 high profile, level 4.2, for 3D video alone", u::MPEG4HP423D, false),
    ("-xo", "--propose-mpeg4-2-st", "MPEG4 stereo high profile, level 4.2, alone", u::MPEG4HP42STEREO, false),
    ("-x4", "--propose-hevc", "HEVC main profile, level 5.1, alone", u::HEVCMP51, false),
    ("-x5", "--propose-hevc10", "HEVC main 10 profile, level 5.1, alone", u::HEVCM10P51, false),
    ("-xr", "--propose-rle", "RLE lossless and uncompressed", u::RLE_LOSSLESS, true),
    (
        "-xd",
        "--propose-deflated",
        "deflated explicit VR little endian and uncompressed",
        u::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        true,
    ),
    ("-xi", "--propose-implicit", "implicit VR little endian alone", LEI, false),
];

/// The names of the `--propose-*` options, but for `--propose-uncompr`, which asks for what is so anyway.
pub const PROPOSALS: &[&str] = &{
    let mut names = [""; PROPOSED.len() + 2];
    (names[0], names[1]) = ("--propose-little", "--propose-big");
    // Implicit VR is the last in the table, and stands with the uncompressed ones in the usage.
    names[2] = PROPOSED[PROPOSED.len() - 1].1;
    let mut n = 0;
    while n + 1 < PROPOSED.len() {
        names[n + 3] = PROPOSED[n].1;
        n += 1;
    }
    names
};

/// The option that proposes a syntax, by its long name.
pub fn proposing(uid: &str) -> Option<&'static str> {
    match uid {
        LEE => Some("--propose-little"),
        BEE => Some("--propose-big"),
        _ => PROPOSED.iter().find(|(.., first, _)| *first == uid).map(|(_, long, ..)| *long),
    }
}

/// The family of `--propose-*`, in the order of the usage.
pub fn proposed() -> Vec<Row<Proposed>> {
    let propose = |short, long, help, first, otherwise| {
        flag(short, long, help, move |o: &mut Proposed| *o = Proposed { first, otherwise })
    };
    let others = PROPOSED.map(|(short, long, help, first, fall_back)| {
        propose(short, long, help, first, if fall_back { LITTLE } else { &[] })
    });
    let mut others = Vec::from(others);
    let implicit = others.pop();
    let mut rows = vec![
        propose(
            "-x=",
            "--propose-uncompr",
            "uncompressed, explicit VR in this host's byte order first",
            LEE,
            &[BEE, LEI],
        )
        .default(),
        propose("-xe", "--propose-little", "uncompressed, explicit VR little endian first", LEE, &[BEE, LEI]),
        propose("-xb", "--propose-big", "uncompressed, explicit VR big endian first", BEE, &[LEE, LEI]),
    ];
    rows.extend(implicit);
    rows.extend(others);
    rows
}
