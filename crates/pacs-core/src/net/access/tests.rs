use super::*;
use std::cell::Cell;

/// Names as a test has them, and how often somebody asked.
#[derive(Default)]
struct Book {
    name: Option<&'static str>,
    back: Vec<IpAddr>,
    asked: Cell<usize>,
}

impl Names for Book {
    fn name_of(&self, _ip: IpAddr) -> Option<String> {
        self.asked.set(self.asked.get() + 1);
        self.name.map(str::to_owned)
    }

    fn addresses_of(&self, _name: &str) -> Vec<IpAddr> {
        self.back.clone()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Whether `peer`, known as `name`, is let in by these two files, and how often its name was looked up.
fn judge(allow: &str, deny: &str, peer: &str, name: Option<&'static str>) -> (bool, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (a, d) = (folder.path().join("allow"), folder.path().join("deny"));
    fs::write(&a, allow).unwrap();
    fs::write(&d, deny).unwrap();
    let book = Book { name, back: vec![ip(peer)], asked: Cell::new(0) };
    let access = Rules::new(a, d).judge("storescp", ip(peer), &book);
    (access == Access::Granted, book.asked.get())
}

fn denied_by(deny: &str, peer: &str, name: Option<&'static str>) -> bool {
    !judge("", deny, peer, name).0
}

#[test]
fn allow_comes_before_deny_and_silence_lets_in() {
    assert_eq!(judge("", "", "192.0.2.7", None), (true, 0));
    assert_eq!(judge("storescp: 192.0.2.7\n", "ALL: ALL\n", "192.0.2.7", None), (true, 0));
    assert_eq!(judge("storescp: 192.0.2.7\n", "ALL: ALL\n", "192.0.2.8", None), (false, 0));
    assert_eq!(judge("sshd: ALL\n", "sshd: ALL\n", "192.0.2.8", None), (true, 0));
    assert_eq!(judge("storescp: 192.0.2.7: DENY\n", "", "192.0.2.7", None), (false, 0));
    assert_eq!(judge("", "ALL: 192.0.2.7: spawn /bin/x: allow\nALL: ALL\n", "192.0.2.7", None), (true, 0));
}

#[test]
fn files_that_are_not_there_say_nothing_and_unreadable_ones_let_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let (none, is_folder) = (folder.path().join("none"), folder.path().to_owned());
    assert_eq!(Rules::new(&none, &none).judge("storescp", ip("192.0.2.7"), &NoNames), Access::Granted);
    let Access::Denied { rule } = Rules::new(&none, is_folder).judge("storescp", ip("192.0.2.7"), &NoNames) else {
        panic!("granted");
    };
    assert!(rule.contains("cannot be read"), "{rule}");
}

#[test]
fn a_denial_names_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let (a, d) = (folder.path().join("a"), folder.path().join("d"));
    fs::write(&d, "# first\n\nsshd: ALL\nALL: \\\n 192.0.2.7\n").unwrap();
    let access = Rules::new(a, &d).judge("storescp", ip("192.0.2.7"), &NoNames);
    assert_eq!(access, Access::Denied { rule: format!("{}, line 4", d.display()) });
}

#[test]
fn patterns() {
    for (pattern, hits, misses) in [
        ("192.0.2.7", vec!["192.0.2.7", "::ffff:192.0.2.7"], vec!["192.0.2.70"]),
        ("192.0.", vec!["192.0.2.7"], vec!["192.1.2.7"]),
        ("192.0.2.0/255.255.255.0", vec!["192.0.2.7"], vec!["192.0.3.7"]),
        ("192.0.2.0/25", vec!["192.0.2.127"], vec!["192.0.2.128", "2001:db8::1"]),
        ("0.0.0.0/0", vec!["203.0.113.1"], vec!["2001:db8::1"]),
        ("[2001:db8::]/32", vec!["2001:db8:1::1"], vec!["2001:db9::1", "32.1.13.184"]),
        ("[2001:db8::1]", vec!["2001:db8::1"], vec!["2001:db8::2"]),
        ("192.0.2.*", vec!["192.0.2.7"], vec!["192.0.20.7"]),
        ("192.0.?.7", vec!["192.0.2.7"], vec!["192.0.20.7"]),
        ("ALL", vec!["192.0.2.7", "2001:db8::1"], vec![]),
        ("10.0.0.1, 192.0.2.7", vec!["10.0.0.1", "192.0.2.7"], vec!["10.0.0.2"]),
        ("ALL EXCEPT 10.0.0.1 10.0.0.2", vec!["192.0.2.7"], vec!["10.0.0.1", "10.0.0.2"]),
        ("ALL EXCEPT 10. EXCEPT 10.0.0.1", vec!["192.0.2.7", "10.0.0.1"], vec!["10.0.0.2"]),
        ("EXCEPT 10.0.0.1", vec![], vec!["192.0.2.7"]),
    ] {
        for peer in hits {
            assert!(denied_by(&format!("storescp: {pattern}\n"), peer, None), "{pattern} should match {peer}");
        }
        for peer in misses {
            assert!(!denied_by(&format!("storescp: {pattern}\n"), peer, None), "{pattern} should not match {peer}");
        }
    }
}

#[test]
fn names_are_looked_up_only_where_a_rule_needs_one_and_at_most_once() {
    let peer = "192.0.2.7";
    for (pattern, name, hits) in [
        ("ct.hospital.example", Some("CT.hospital.example"), true),
        (".hospital.example", Some("ct.hospital.example"), true),
        (".hospital.example", Some("hospital.example"), false),
        (".hospital.example", Some("ct.nothospital.example"), false),
        ("ct*.example", Some("ct7.hospital.example"), true),
        ("LOCAL", Some("ct"), true),
        ("LOCAL", Some("ct.hospital.example"), false),
        ("LOCAL", None, false),
        ("KNOWN", Some("ct"), true),
        ("UNKNOWN", None, true),
        ("UNKNOWN", Some("ct"), false),
        ("somebody@ALL", Some("ct"), false),
        ("ALL EXCEPT LOCAL", Some("ct"), false),
    ] {
        let line = format!("storescp: {pattern}\n");
        assert_eq!(denied_by(&line, peer, name), hits, "{pattern} and {name:?}");
        let (_, asked) = judge("", &format!("{line}{line}"), peer, name);
        assert!(asked <= 1, "{pattern}: {asked} look-ups");
    }
    assert_eq!(judge("", "storescp: 192.0.2.7 .example\n", peer, Some("ct.example")).1, 0);
    assert_eq!(judge("", "sshd: .example\n", peer, Some("ct.example")).1, 0);
}

#[test]
fn a_name_that_leads_elsewhere_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (a, d) = (folder.path().join("a"), folder.path().join("d"));
    fs::write(&a, "ALL: trusted.example\n").unwrap();
    fs::write(&d, "ALL: ALL\n").unwrap();
    let liar = Book { name: Some("trusted.example"), back: vec![ip("192.0.2.99")], asked: Cell::new(0) };
    let rules = Rules::new(&a, d);
    assert!(matches!(rules.judge("storescp", ip("192.0.2.7"), &liar), Access::Denied { .. }));
    fs::write(&a, "ALL: PARANOID\n").unwrap();
    assert_eq!(rules.judge("storescp", ip("192.0.2.7"), &liar), Access::Granted);
}

#[test]
fn daemons_and_lists_in_files() {
    let peer = "192.0.2.7";
    for (daemons, ours) in [
        ("ALL", true),
        ("sshd storescp", true),
        ("sshd,storescp", true),
        ("ALL EXCEPT storescp", false),
        ("ALL EXCEPT sshd", true),
        ("storescp@192.0.2.1", true),
        ("storescpx", false),
    ] {
        assert_eq!(denied_by(&format!("{daemons}: ALL\n"), peer, None), ours, "{daemons}");
    }
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    fs::write(&list, format!("10.0.0.1\n192.0.2.7 {}\n", list.display())).unwrap();
    assert!(denied_by(&format!("storescp: {}\n", list.display()), peer, None));
    assert!(!denied_by(&format!("storescp: {}\n", list.display()), "192.0.2.8", None));
}

#[test]
fn rubbish_is_nobodys_rule() {
    for line in
        ["", ":", "storescp", "storescp:", ": ALL", "storescp: [", "storescp: 1.2.3.4/99", "storescp: @group", "\\"]
    {
        assert!(!denied_by(&format!("{line}\n"), "192.0.2.7", None), "{line:?}");
    }
    let deep = format!("storescp: ALL{}\n", " EXCEPT ALL".repeat(100_000));
    denied_by(&deep, "192.0.2.7", None);
}
