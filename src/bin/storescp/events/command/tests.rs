use std::fs;
use std::process::Command;

use super::*;

fn filled(template: &str, calling: &str, called: &str) -> String {
    let (calling, called) = (Title::new(calling), Title::new(called));
    let template = Template::new(template.into());
    let filled = template.fill(Some(OsStr::new("out/S_1")), Some(OsStr::new("MR.1")), &calling, &called);
    filled.finish(|| "peer".to_owned()).into_string().unwrap()
}

#[test]
fn all_placeholders_are_replaced() {
    assert_eq!(filled("x #p/#f #a #c #r '#f'", "A B", "C"), r#"x out/S_1/MR.1 "A B" "C" "peer" 'MR.1'"#);
    assert_eq!(filled("#f#f#p", "A", "C"), "MR.1MR.1out/S_1");
    assert_eq!(filled("#x # ## #", "A", "C"), "#x # ## #");
    // DCMTK: the quotes are doubled where there are some.
    assert_eq!(filled("x \"#a\"", "A", "C"), r#"x ""A"""#);
    assert_eq!(filled("x '#a'", "A", "C"), r#"x '"A"'"#);
}

#[test]
fn what_has_no_value_stays() {
    let template = Template::new("#p #f #a".into());
    let title = Title::new("A");
    assert_eq!(template.fill(None, None, &title, &title).finish(|| unreachable!()), "#p #f \"A\"");
    let end = template.fill(Some(OsStr::new("out")), None, &title, &title);
    assert_eq!(end.finish(|| unreachable!()), "out #f \"A\"");
}

#[test]
fn one_after_the_other_as_dcmtk_does() {
    let template = Template::new("#p #f".into());
    let title = Title::new("A");
    let text = template.fill(Some(OsStr::new("d#f#p")), Some(OsStr::new("n#f#a")), &title, &title);
    assert_eq!(text.finish(|| "r".to_owned()), "dn#f\"A\"#p n#f\"A\"");
}

#[test]
fn the_peer_is_asked_for_only_where_it_is_wanted() {
    assert!(!Template::new("#p #f #a #c".into()).names_peer());
    assert!(Template::new("x#r".into()).names_peer());
}

#[test]
fn titles_are_cleaned() {
    for (title, clean) in [
        ("SENDER", "SENDER"),
        ("a B-c.d:e@f_9", "a B-c.d:e@f_9"),
        ("x;id", "x_id"),
        ("$(id)`id`", "__id__id_"),
        ("a\"'\\b", "a___b"),
        ("a\nb\tc", "a_b_c"),
        ("a|b&c>d<e", "a_b_c_d_e"),
        ("\u{e4}\u{7f}", "__"),
        ("#a*?~![]{}", "_a________"),
        ("-rf", "_rf"),
        ("--", "_-"),
        (".", "_"),
        ("..", "__"),
        ("...", "..."),
        ("", ""),
    ] {
        assert_eq!(Title::new(title).text(), clean);
    }
}

#[test]
fn quotes_are_seen() {
    for (text, expected) in [
        ("", Quoting::None),
        ("x ", Quoting::None),
        ("x \"", Quoting::Double),
        ("x \"a\" ", Quoting::None),
        ("x '\"' ", Quoting::None),
        ("x '", Quoting::Unsure),
        ("x \"'\" ", Quoting::None),
        ("x \\\" ", Quoting::None),
        ("x \\' ", Quoting::None),
        ("x \"\\\" ", Quoting::Double),
        ("x \\", Quoting::Unsure),
        ("x \"\\", Quoting::Unsure),
        ("$(x ", Quoting::None),
        ("x=$(y \"", Quoting::Double),
        ("\"$(x ", Quoting::Unsure),
        ("`x ", Quoting::Unsure),
        ("\"${x:-", Quoting::Unsure),
        ("cat <<E\n", Quoting::Unsure),
        ("$'", Quoting::Unsure),
        ("# isn't\n", Quoting::Unsure),
        ("x;#y\n", Quoting::Unsure),
        ("x#y ", Quoting::None),
        ("$# ", Quoting::None),
        ("x #c #r ", Quoting::None),
    ] {
        assert_eq!(quoting(text.as_bytes()), expected, "{text:?}");
    }
}

/// Places where a title may stand in a command. `show` prints its arguments, one a line.
const TEMPLATES: &[&str] = &[
    "show #a",
    "show \"#a\"",
    "show '#a'",
    "show x#a",
    "show \"x #a y\"",
    "x=#a; show \"$x\"",
    "x=\"#a\"; show \"$x\"",
    "x='#a'; show \"$x\"",
    "x=#a show ok",
    "x=\"#a\" show ok",
    "show \"$(printf %s #a)\"",
    "show \"$(printf %s \"#a\")\"",
    "show `printf %s #a`",
    "show `printf %s \"#a\"`",
    "show \"`printf %s \"#a\"`\"",
    "show \\#a",
    "show \"\\#a",
    "show \"${x:-#a}\"",
    "show ${x:-\"#a\"}",
    "show ok # it isn't \"#a\"\nshow ok",
    "show ok # isn't\n: \"#a\"",
    "[ \"#a\" = X ] || show ok",
    "[ #a = X ] || show ok",
    "case \"#a\" in X) ;; *) show ok;; esac",
    "for x in \"#a\"; do show \"$x\"; done",
    "sh -c 'y=\"#a\"; :' ; show ok",
    "sh -c 'y=#a; :' ; show ok",
    "cat <<E > /dev/null\nit's #a\nE\nshow ok",
    "{ show \"#a\"; }",
    "(show #a)",
    "show \"a'b\" '#a' \"#a\"",
    "show '#a'\"#a\"#a",
    "true && x=\"#a\" && show ok",
    "show \"#c\" #c",
];

#[test]
fn s07_no_title_becomes_a_command_or_an_option() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str| folder.path().join(name).exists();
    // `evil` would leave a file behind.
    fs::create_dir(folder.path().join("bin")).unwrap();
    for (name, text) in [("show", "printf '%s\\n' \"$@\""), ("evil", "touch EVIL")] {
        let path = folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
    for template in TEMPLATES {
        for title in
            ["`evil`", "$(evil)", ";evil", "|evil", "&evil&", "x\nevil", "\"evil", "' evil", "x evil", "evil", "-evil"]
                .into_iter()
                .chain(["x -evil", "-a evil", "x ;evil", "X = X", ". evil", "\\ evil", "evil ", "$x evil", "x > f"])
        {
            let text = filled(template, title, title);
            let run =
                Command::new("/bin/sh").args(["-c", &text]).env("PATH", &path).current_dir(folder.path()).output();
            let out = String::from_utf8_lossy(&run.unwrap().stdout).into_owned();
            assert!(!made("EVIL"), "{template:?} {title:?}: {text}");
            assert!(!made("f"), "{template:?} {title:?}: {text}");
            assert!(out.lines().all(|line| !line.starts_with('-')), "{template:?} {title:?}: {text}: {out}");
        }
        if template.starts_with("show") && !template.contains('\\') {
            let out = Command::new("/bin/sh").args(["-c", &filled(template, "X", "X")]).env("PATH", &path).output();
            assert!(!out.unwrap().stdout.is_empty(), "{template:?} shows nothing");
        }
    }
}

#[test]
fn a_title_with_a_blank_is_one_argument() {
    let shown = |template: &str| {
        let text = filled(template, "A B", "C");
        let run = Command::new("/bin/sh").args(["-c", &text]).output().unwrap();
        String::from_utf8(run.stdout).unwrap()
    };
    assert_eq!(shown("printf '<%s>' #a"), "<A B>");
    assert_eq!(shown("printf '<%s>' \"#a\""), "<A B>");
    assert_eq!(shown("printf '<%s>' \"x#a\""), "<xA B>");
    assert_eq!(shown("x=\"#a\"; printf '<%s>' \"$x\""), "<A B>");
    // Within single quotes the title may be for another shell.
    assert_eq!(shown("printf '<%s>' '#a'"), "<\"A_B\">");
}
