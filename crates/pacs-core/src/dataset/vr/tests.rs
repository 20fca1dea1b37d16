use super::*;

#[test]
fn known_elements() {
    let d = Dictionary::builtin();
    assert_eq!(d.standard(0x0010, 0x0010), Some(DictVr::Is(Vr::PN)));
    assert_eq!(d.standard(0x60FE, 0x3000), Some(DictVr::Ox));
    assert_eq!(d.standard(0x60FF, 0x3000), None);
    assert_eq!(d.private(0x0009, b"ACUSON", 0x1000), Some(DictVr::Is(Vr::IS)));
    assert_eq!(d.private(0x7003, b"DLX_ANNOT_01", 0x1005), Some(DictVr::Is(Vr::IS)));
}
