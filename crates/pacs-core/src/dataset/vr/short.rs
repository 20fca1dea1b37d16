//! Two letters for each [`DictVr`], for the rows of the tables.
use super::{DictVr, Vr};

macro_rules! rows {
    ($($name:ident)*) => { $(pub(super) const $name: DictVr = DictVr::Is(Vr::$name);)* };
}

rows! {
    AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV
}
pub(super) const XS: DictVr = DictVr::Xs;
pub(super) const OX: DictVr = DictVr::Ox;
pub(super) const PX: DictVr = DictVr::Px;
pub(super) const LUT: DictVr = DictVr::Lut;
