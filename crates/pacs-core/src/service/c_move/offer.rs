//! What a sub-association proposes: what the objects need, and no more than fits.

use std::collections::HashMap;

use crate::dataset::{OutputSyntax, Syntax};

/// Presentation contexts of one association (PS3.8 7.1.1.13): identifiers are odd.
const MOST: usize = 128;

/// A presentation context to be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// A storage SOP class.
    pub abstract_syntax: String,
    /// Encodings, most wanted first.
    pub transfer_syntaxes: Vec<String>,
}

/// Which objects there are, by class and stored transfer syntax, in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Needs {
    classes: Vec<(String, Vec<String>)>,
    place: HashMap<String, usize>,
}

impl Needs {
    pub(super) fn add(&mut self, class: &str, syntax: &str) {
        let place = match self.place.get(class) {
            Some(place) => *place,
            None => {
                self.place.insert(class.to_owned(), self.classes.len());
                self.classes.push((class.to_owned(), Vec::new()));
                self.classes.len() - 1
            }
        };
        if let Some((_, syntaxes)) = self.classes.get_mut(place)
            && !syntaxes.iter().any(|known| known == syntax)
        {
            syntaxes.push(syntax.to_owned());
        }
    }

    /// The contexts of as many associations as it takes, and for each class which of them it is in. Objects that are not
    /// encapsulated are offered in all of `uncompressed` that they can be converted to; all others as they are, each syntax
    /// in a context of its own, so that the peer's choice of one says nothing about another.
    pub(super) fn offers(&self, uncompressed: &[&str]) -> (Vec<Vec<Offer>>, HashMap<&str, usize>) {
        let (mut groups, mut of_class) = (vec![Vec::new()], HashMap::new());
        for (class, syntaxes) in &self.classes {
            let offers = offers_of(class, syntaxes, uncompressed);
            if groups.last().is_some_and(|group| group.len() + offers.len() > MOST) {
                groups.push(Vec::new());
            }
            of_class.insert(&**class, groups.len() - 1);
            if let Some(group) = groups.last_mut() {
                group.extend(offers);
            }
        }
        (groups, of_class)
    }
}

fn offers_of(class: &str, syntaxes: &[String], uncompressed: &[&str]) -> Vec<Offer> {
    let offer = |transfer_syntaxes| Offer { abstract_syntax: class.to_owned(), transfer_syntaxes };
    let plain = |syntax: &&String| Syntax::of(syntax).is_some_and(|syntax| !syntax.encapsulated);
    let mut offers = Vec::new();
    if let Some(stored) = syntaxes.iter().find(plain) {
        let reachable = uncompressed.iter().filter(|to| OutputSyntax::between(stored, to).is_some());
        let list: Vec<_> = reachable.map(|syntax| (*syntax).to_owned()).collect();
        offers.extend((!list.is_empty()).then(|| offer(list)));
    }
    for syntax in syntaxes {
        let native = Syntax::of(syntax).is_some_and(|syntax| !syntax.encapsulated && !syntax.deflated);
        if !native || offers.is_empty() {
            offers.push(offer(vec![syntax.clone()]));
        }
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::association::accept::UNCOMPRESSED;
    use crate::names::{EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

    const JPEG: &str = "1.2.840.10008.1.2.4.70";
    const RLE: &str = "1.2.840.10008.1.2.5";

    fn shown(groups: &[Vec<Offer>]) -> Vec<Vec<(&str, Vec<&str>)>> {
        fn one(offer: &Offer) -> (&str, Vec<&str>) {
            (&offer.abstract_syntax, offer.transfer_syntaxes.iter().map(String::as_str).collect())
        }
        groups.iter().map(|group| group.iter().map(one).collect()).collect()
    }

    #[test]
    fn each_encapsulated_syntax_has_a_context_of_its_own() {
        let mut needs = Needs::default();
        for (class, syntax) in [
            ("CT", IMPLICIT_LITTLE),
            ("CT", JPEG),
            ("MR", RLE),
            ("CT", EXPLICIT_BIG),
            ("CT", JPEG),
            ("SR", Syntax::DEFLATED),
            ("XX", "1.2.3"),
        ] {
            needs.add(class, syntax);
        }
        let (groups, of_class) = needs.offers(&UNCOMPRESSED);
        let plain = vec![EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE];
        assert_eq!(
            shown(&groups),
            [[
                ("CT", plain.clone()),
                ("CT", vec![JPEG]),
                ("MR", vec![RLE]),
                ("SR", plain),
                ("SR", vec![Syntax::DEFLATED]),
                ("XX", vec!["1.2.3"]),
            ]]
        );
        assert_eq!(of_class["MR"], 0);
        // What is to be proposed decides; where nothing of it can be had, the objects do.
        let (groups, _) = needs.offers(&[IMPLICIT_LITTLE, JPEG]);
        assert_eq!(shown(&groups)[0][0], ("CT", vec![IMPLICIT_LITTLE]));
    }

    #[test]
    fn more_contexts_than_fit_become_more_associations() {
        let mut needs = Needs::default();
        for class in 0..100 {
            for syntax in [EXPLICIT_LITTLE, JPEG, RLE] {
                needs.add(&format!("1.{class}"), syntax);
            }
        }
        let (groups, of_class) = needs.offers(&UNCOMPRESSED);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [126, 126, 48]);
        for (number, group) in groups.iter().enumerate() {
            assert!(group.iter().all(|offer| of_class[&*offer.abstract_syntax] == number));
        }
    }
}
