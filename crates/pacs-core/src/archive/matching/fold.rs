//! Text without regard to capitals and diacritics, for names that are spelt now one way, now another.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Small letters without diacritics: `Müller` becomes `muller`, `Æ` becomes `ae`. Each character is replaced without
/// regard to those around it, so that the beginning of a text becomes the beginning of what the text becomes.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for small in text.chars().flat_map(char::to_lowercase) {
        match small {
            // Combining diacritical marks.
            '\u{300}'..='\u{36F}' => {}
            _ if small.is_ascii() => folded.push(small),
            _ => match LETTERS.get(&small) {
                Some(plain) => folded.push_str(plain),
                None => folded.push(small),
            },
        }
    }
    folded
}

static LETTERS: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
    BASES.iter().flat_map(|(plain, letters)| letters.chars().map(move |letter| (letter, *plain))).collect()
});

/// Letters of the Latin, Greek and Cyrillic alphabets that Unicode decomposes into a letter and marks, and the Latin ones
/// that are written with two letters, or with another, where they are not to be had.
#[rustfmt::skip]
const BASES: &[(&str, &str)] = &[
    ("a", "àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ"),
    ("ae", "æǣǽ"),
    ("b", "ḃḅḇ"),
    ("c", "çćĉċčḉ"),
    ("d", "ðďđḋḍḏḑḓ"),
    ("dz", "ǆǳ"),
    ("e", "èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ"),
    ("f", "ḟ"),
    ("g", "ĝğġģǧǵḡ"),
    ("h", "ĥħȟḣḥḧḩḫẖ"),
    ("i", "ìíîïĩīĭįıǐȉȋḭḯỉị"),
    ("ij", "ĳ"),
    ("j", "ĵǰ"),
    ("k", "ķǩḱḳḵ"),
    ("l", "ĺļľłḷḹḻḽ"),
    ("lj", "ǉ"),
    ("m", "ḿṁṃ"),
    ("n", "ñńņňǹṅṇṉṋ"),
    ("nj", "ǌ"),
    ("o", "òóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ"),
    ("oe", "œ"),
    ("p", "ṕṗ"),
    ("r", "ŕŗřȑȓṙṛṝṟ"),
    ("s", "śŝşšșṡṣṥṧṩ"),
    ("ss", "ß"),
    ("t", "ţťŧțṫṭṯṱẗ"),
    ("th", "þ"),
    ("u", "ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự"),
    ("v", "ṽṿ"),
    ("w", "ŵẁẃẅẇẉẘ"),
    ("x", "ẋẍ"),
    ("y", "ýÿŷȳẏẙỳỵỷỹ"),
    ("z", "źżžẑẓẕ"),
    ("ſ", "ẛ"),
    ("ʒ", "ǯ"),
    ("ʹ", "ʹ"),
    ("α", "άἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ"),
    ("ε", "έἐἑἒἓἔἕὲέ"),
    ("η", "ήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ"),
    ("ι", "ΐίϊἰἱἲἳἴἵἶἷὶίιῐῑῒΐῖῗ"),
    ("ο", "όὀὁὂὃὄὅὸό"),
    ("ρ", "ῤῥ"),
    ("σ", "ς"),
    ("υ", "ΰϋύὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ"),
    ("ω", "ώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ"),
    ("ϒ", "ϓϔ"),
    ("а", "ӑӓ"),
    ("г", "ѓ"),
    ("е", "ѐёӗ"),
    ("ж", "ӂӝ"),
    ("з", "ӟ"),
    ("и", "йѝӣӥ"),
    ("к", "ќ"),
    ("о", "ӧ"),
    ("у", "ўӯӱӳ"),
    ("ч", "ӵ"),
    ("ы", "ӹ"),
    ("э", "ӭ"),
    ("і", "ї"),
    ("ѵ", "ѷ"),
    ("ә", "ӛ"),
    ("ө", "ӫ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_without_capitals_and_marks() {
        for (one, other) in [
            ("Müller", "MULLER"),
            ("Mu\u{308}ller", "muller"),
            ("STRAUSS", "Strauß"),
            ("Dvořák", "dvorak"),
            ("Łukasz", "lukasz"),
            ("Bjørn", "BJORN"),
            ("Nguyễn", "nguyen"),
            ("İstanbul", "istanbul"),
            ("ΠΑΠΑΔΌΠΟΥΛΟΣ", "παπαδοπουλος"),
            ("Семёнов", "СЕМЕНОВ"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("Muller"), fold("Mueller"));
        assert_eq!(fold("山田^太郎"), "山田^太郎");
    }

    #[test]
    fn what_is_folded_stays_and_beginnings_stay_beginnings() {
        for (plain, letters) in BASES {
            assert_eq!(&fold(plain), plain);
            for letter in letters.chars() {
                assert_eq!(fold(&letter.to_string()), *plain);
                let upper: String = letter.to_uppercase().collect();
                let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
                if lower == letter.to_string() {
                    assert_eq!(fold(&upper), *plain);
                }
            }
        }
        let text = "ÄÖÜ ß Æ İ ŉ";
        for (at, _) in text.char_indices() {
            assert!(fold(text).starts_with(&fold(&text[..at])));
        }
    }
}
