//! Who may call, where C-MOVE goes, who shares a vendor.

use super::*;
use std::net::IpAddr;

const FILE: &str = "HostTable BEGIN\n\
    ws1 = (WS1, ws1, 104)\n\
    full = (FULL, ws2.example.org, 105)\n\
    v4 = (V4, 192.0.2.7, 106)\n\
    v6 = (V6, 2001:DB8:0::7, 107) (V6B, [2001:db8::8], 107)\n\
    local = (LOCAL, localhost, 108)\n\
    ws1again = (WS1, elsewhere, 1)\n\
    HostTable END\n\
    VendorTable BEGIN\n\
    Maker = ws1 full (EXTRA, x, 1)\n\
    Other = v4\n\
    Other = (V6, y, 1)\n\
    VendorTable END\n\
    AETable BEGIN\n\
    OPEN /o RW (1,1b) ANY\n\
    SOME /s R (1,1b) ws1 full v4 v6 local (WS1, ws9, 999)\n\
    TWO /a RW (1,1b) ws1\n\
    TWO /b R (2,2b) full\n\
    MIXED /m R (1,1b) ws1\n\
    MIXED /m R (1,1b) ANY\n\
    \" LEAD\" /l R (1,1b) ANY\n\
    AETable END\n";

fn admits<'a>(
    config: &'a Config,
    called: &str,
    calling: &str,
    names: &[&str],
    address: &str,
) -> Result<&'a AreaRow, Refusal> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let address: IpAddr = address.parse().unwrap();
    config.admits(called.as_bytes(), &Caller { title: calling.as_bytes(), names: &names, address })
}

#[test]
fn hosts_match_by_full_name_short_name_and_address() {
    let config = good(FILE);
    let far = "198.51.100.1";
    for (calling, names, address, expected) in [
        ("WS1", &["ws1.example.org"][..], far, true),
        ("WS1", &["WS1.Example.Org."], far, true),
        ("WS1", &["ws1"], far, true),
        ("WS1", &["other.org", "ws9.other.org"], far, true),
        ("WS1", &["ws10.example.org"], far, false),
        ("WS1", &["example.ws1"], far, false),
        ("WS1", &[], far, false),
        ("FULL", &["ws2.example.org"], far, true),
        ("FULL", &["ws2.example.com"], far, false),
        ("FULL", &["ws2"], far, false),
        ("V4", &[], "192.0.2.7", true),
        ("V4", &["named.example.org"], "192.0.2.7", true),
        ("V4", &[], "::ffff:192.0.2.7", true),
        ("V4", &[], "192.0.2.8", false),
        // A name server may say anything.
        ("V4", &["192.0.2.7"], far, false),
        ("V6", &[], "2001:db8:0:0::7", true),
        ("V6", &[], "2001:db8::8", false),
        ("V6B", &[], "2001:db8::8", true),
        ("LOCAL", &[], "127.0.0.1", true),
        ("LOCAL", &["me.example.org"], "127.9.9.9", true),
        ("LOCAL", &[], "::1", true),
        ("LOCAL", &[], "::ffff:127.0.0.1", true),
        ("LOCAL", &["localhost"], far, true),
        ("LOCAL", &[], far, false),
        ("ws1", &["ws1"], far, false),
        ("WS1  ", &["ws1"], far, true),
        ("WS1\0junk", &["ws1"], far, true),
        (" WS1", &["ws1"], far, false),
    ] {
        let found = admits(&config, "SOME", calling, names, address);
        assert_eq!(found.is_ok(), expected, "{calling} {names:?} {address}: {found:?}");
    }
}

#[test]
fn called_titles_are_exact_but_for_what_fills_them_up() {
    let config = good(FILE);
    let open = |called: &str| admits(&config, called, "ANYONE", &[], "192.0.2.1").is_ok();
    for (called, expected) in [
        ("OPEN", true),
        ("OPEN            ", true),
        ("OPEN\0\0", true),
        ("open", false),
        (" OPEN", false),
        ("OPE", false),
        ("", false),
        ("LEAD", false),
        (" LEAD", true),
    ] {
        assert_eq!(open(called), expected, "{called:?}");
    }
    assert!(admits(&good(""), "", "", &[], "::1").is_err());
}

#[test]
fn rows_with_the_same_title_share_the_first_ones_area() {
    let config = good(FILE);
    for (calling, names) in [("WS1", &["ws1"]), ("FULL", &["ws2.example.org"])] {
        let area = admits(&config, "TWO", calling, names, "192.0.2.1").unwrap();
        assert_eq!((area.directory.to_str(), area.access), (Some("/a"), Access::ReadWrite));
        assert_eq!(area.quota, Quota { studies: 1, bytes_per_study: 1 });
    }
    assert!(admits(&config, "TWO", "V4", &[], "192.0.2.7").is_err());
    assert!(admits(&config, "MIXED", "X", &[], "192.0.2.7").is_ok());
    let titles: Vec<_> = config.areas().map(|row| (row.title.to_string(), row.line)).collect();
    let expected = [("OPEN", 15), ("SOME", 16), ("TWO", 17), ("MIXED", 19), (" LEAD", 21)];
    assert_eq!(titles, expected.map(|(title, line)| (title.to_owned(), line)));
    assert_eq!(config.area(b"TWO ").map(|row| row.line), Some(17));
    assert_eq!(config.area(b"NONE"), None);
}

#[test]
fn a_refusal_says_why() {
    let config = good(FILE);
    let why = |called, calling, names: &[&str], address| {
        admits(&config, called, calling, names, address).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(why("NONE", "X", &[], "::1"), "no row of the AETable has the title \"NONE\"");
    assert_eq!(why("SOME", "X", &[], "::1"), "the AETable does not list \"X\" among the peers of \"SOME\"");
    assert_eq!(
        why("SOME", "WS1", &["pc7.example.org"], "::ffff:192.0.2.9"),
        "the AETable lists \"WS1\" for \"SOME\" with host ws1, ws9, but it calls from 192.0.2.9 (pc7.example.org)"
    );
}

#[test]
fn destinations_are_sought_in_ae_rows_first() {
    let config = good(FILE);
    let port = |title: &str| config.destination(title.as_bytes()).map(|peer| (peer.host.to_string(), peer.port));
    assert_eq!(port("WS1"), Some(("ws1".to_owned(), 104)));
    assert_eq!(port("FULL "), Some(("ws2.example.org".to_owned(), 105)));
    assert_eq!(port("full"), None);
    assert_eq!(port("OPEN"), None);
    assert_eq!(port("EXTRA"), None);
    let both =
        good(hosts("h = (A, table, 1)\ni = (B, table, 2)") + &areas("X /p R (1,1b) ANY\nY /p R (1,1b) (A, row, 3)"));
    assert_eq!(both.destination(b"A").unwrap().host, *"row");
    assert_eq!(both.destination(b"B").unwrap().host, *"table");
    assert_eq!(config.destination(b"V6B").unwrap().address(), Some("2001:db8::8".parse().unwrap()));
}

#[test]
fn vendors_are_rows_not_names() {
    let config = good(FILE);
    for (one, other, same) in [
        ("WS1", "FULL", true),
        ("FULL", "EXTRA ", true),
        ("WS1", "WS1", true),
        ("WS1", "V4", false),
        ("V4", "V6", false),
        ("X", "X", false),
    ] {
        assert_eq!(config.same_vendor(one.as_bytes(), other.as_bytes()), same, "{one} {other}");
    }
}
