//! Expectations were seen on DCMTK's storescp, unless a test says why ours differs.

use super::super::profile;
use super::*;
use crate::names::{self, EXPLICIT_BIG, EXPLICIT_LITTLE, VERIFICATION};
use crate::pdu::{ExtendedNegotiation, ProposedContext};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const US: &str = "1.2.840.10008.5.1.4.1.1.6.1";
const SYNTAX: &str = "1.2.840.10008.1.2";

fn proposed(id: u8, class: &str, syntaxes: &[&str]) -> ProposedContext {
    let transfer_syntaxes = syntaxes.iter().map(|s| (*s).to_owned()).collect();
    ProposedContext { id, abstract_syntax: class.to_owned(), transfer_syntaxes }
}

fn request(contexts: Vec<ProposedContext>) -> AssociateRq {
    AssociateRq {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("CLIENT"),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts,
        user: UserInformation {
            max_length: Some(16384),
            implementation_class_uid: "1.2.3.4.5".to_owned(),
            implementation_version_name: "PEER".to_owned(),
            ..UserInformation::default()
        },
    }
}

fn plain_request() -> AssociateRq {
    request(vec![proposed(1, CT, &[IMPLICIT_LITTLE])])
}

fn policy(contexts: Contexts) -> Policy {
    Policy { refuse: false, require_implementation_class: false, max_pdu: 16384, contexts }
}

fn storage(syntaxes: &[&'static str]) -> Policy {
    policy(Contexts::storage(&[VERIFICATION], syntaxes.to_vec(), false))
}

fn promiscuous() -> Policy {
    policy(Contexts::storage(&[VERIFICATION], UNCOMPRESSED.to_vec(), true))
}

fn accepted(rq: &AssociateRq, policy: &Policy) -> Acceptance {
    match judge(rq, policy) {
        Verdict::Accept(acceptance) => *acceptance,
        other => panic!("{other:?}"),
    }
}

/// The answers as sent: identifier, result, the end of the transfer syntax.
fn results(rq: &AssociateRq, policy: &Policy) -> Vec<(u8, u8, String)> {
    let short = |uid: &str| uid.strip_prefix(SYNTAX).unwrap_or(uid).to_owned();
    accepted(rq, policy).ac.contexts.iter().map(|c| (c.id, c.result, short(&c.transfer_syntax))).collect()
}

fn answer_is(results: Vec<(u8, u8, String)>, expected: &[(u8, u8, &str)]) {
    let results: Vec<_> = results.iter().map(|(id, result, syntax)| (*id, *result, syntax.as_str())).collect();
    assert_eq!(results, expected);
}

/// The answer a request gets, and what the log says.
fn refused(rq: &AssociateRq, policy: &Policy) -> (Option<(u8, u8, u8)>, String, bool) {
    let (answer, cause) = match judge(rq, policy) {
        Verdict::Reject { rj, cause } => (Some((rj.result, rj.source, rj.reason)), cause),
        Verdict::Abort { abort, cause } => {
            assert_eq!((abort.source, abort.reason), (2, 6));
            (None, cause)
        }
        Verdict::Accept(acceptance) => panic!("{acceptance:?}"),
    };
    // A refusal names its cure, unless it was asked for.
    assert_eq!(cause.cure().is_empty(), cause == Cause::Refused);
    (answer, cause.to_string(), cause.after_reception())
}

#[test]
fn the_acceptors_preference_decides() {
    let all = [
        ".4.50", ".4.51", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91", ".4.100", ".4.101", ".4.102", ".4.103",
        ".4.104", ".4.105", ".4.106", ".4.107", ".4.108", ".5", ".1.99",
    ];
    // what a peer offers, as ends of UIDs
    let everything: Vec<_> = all.into_iter().chain(["", ".2", ".1"]).collect();
    let backwards: Vec<_> = all.into_iter().rev().collect();
    let offers: [&[&str]; 8] = [
        &everything,
        &["", ".2", ".1"],
        &["", ".2"],
        &[""],
        &[".5", ".4.70"],
        &["", ".5", ".1"],
        &[".4.57", ".4.92"],
        &backwards,
    ];
    // option, its list, and the answer to each offer: "4" is a refusal
    let compressed = |end: &'static str| [end, ".1", ".2", "", "4", ".1", "4", end];
    let mut table: Vec<(&str, Vec<&str>, [&str; 8])> = vec![
        ("+x=", UNCOMPRESSED.to_vec(), [".1", ".1", ".2", "", "4", ".1", "4", "4"]),
        ("+xb", preferring(EXPLICIT_BIG), [".2", ".2", ".2", "", "4", ".1", "4", "4"]),
        ("+xi", vec![IMPLICIT_LITTLE], ["", "", "", "", "4", "", "4", "4"]),
        ("+xs", preferring("1.2.840.10008.1.2.4.70"), [".4.70", ".1", ".2", "", ".4.70", ".1", "4", ".4.70"]),
        ("+xr", preferring("1.2.840.10008.1.2.5"), [".5", ".1", ".2", "", ".5", ".5", "4", ".5"]),
        ("+xa", ACCEPT_ALL.to_vec(), [".4.91", ".1", ".2", "", ".4.70", ".5", "4", ".4.91"]),
    ];
    for (option, syntax, end) in [
        ("+xy", "1.2.840.10008.1.2.4.50", ".4.50"),
        ("+xx", "1.2.840.10008.1.2.4.51", ".4.51"),
        ("+xv", "1.2.840.10008.1.2.4.90", ".4.90"),
        ("+xw", "1.2.840.10008.1.2.4.91", ".4.91"),
        ("+xt", "1.2.840.10008.1.2.4.80", ".4.80"),
        ("+xu", "1.2.840.10008.1.2.4.81", ".4.81"),
        ("+xm", "1.2.840.10008.1.2.4.100", ".4.100"),
        ("+xh", "1.2.840.10008.1.2.4.101", ".4.101"),
        ("+xn", "1.2.840.10008.1.2.4.102", ".4.102"),
        ("+xl", "1.2.840.10008.1.2.4.103", ".4.103"),
        ("+x2", "1.2.840.10008.1.2.4.104", ".4.104"),
        ("+x3", "1.2.840.10008.1.2.4.105", ".4.105"),
        ("+xo", "1.2.840.10008.1.2.4.106", ".4.106"),
        ("+x4", "1.2.840.10008.1.2.4.107", ".4.107"),
        ("+x5", "1.2.840.10008.1.2.4.108", ".4.108"),
        ("+xd", "1.2.840.10008.1.2.1.99", ".1.99"),
    ] {
        table.push((option, preferring(syntax), compressed(end)));
    }
    for (option, list, expected) in table {
        for class in [CT, VERIFICATION] {
            let contexts = (1..).step_by(2).zip(offers).map(|(id, offer)| {
                let syntaxes: Vec<_> = offer.iter().map(|end| format!("{SYNTAX}{end}")).collect();
                proposed(id, class, &syntaxes.iter().map(String::as_str).collect::<Vec<_>>())
            });
            let answers = results(&request(contexts.collect()), &storage(&list));
            let answers: Vec<_> = answers.into_iter().map(|(_, r, s)| if r == 0 { s } else { r.to_string() }).collect();
            assert_eq!(answers, expected, "{option} {class}");
        }
    }
}

#[test]
fn accept_all_takes_each_of_its_syntaxes_alone() {
    assert!(ACCEPT_ALL.iter().all(|uid| names::transfer_syntax(uid).is_some()));
    let contexts = (1..).step_by(2).zip(ACCEPT_ALL).map(|(id, syntax)| proposed(id, CT, &[syntax])).collect();
    let answers = results(&request(contexts), &storage(&ACCEPT_ALL));
    assert_eq!(answers.len(), 36);
    assert!(answers.iter().all(|(_, result, _)| *result == 0));
    // never offered by it: other JPEG processes, multicomponent JPEG 2000, JPIP
    for end in [".4.57", ".4.92", ".4.93", ".4.94", ".4.204"] {
        let rq = request(vec![proposed(1, CT, &[&format!("{SYNTAX}{end}")])]);
        answer_is(results(&rq, &storage(&ACCEPT_ALL)), &[(1, 4, "")]);
    }
}

#[test]
fn refused_contexts_say_why_and_the_association_stands() {
    let rq = request(vec![
        proposed(1, CT, &["1.2.3.4"]),
        proposed(3, "1.2.3.4.5", &[IMPLICIT_LITTLE]),
        proposed(5, "1.2.840.10008.5.1.4.1.2.2.1", &[IMPLICIT_LITTLE]),
        proposed(7, "1.2.840.10008.5.1.4.38.1", &[EXPLICIT_LITTLE]),
    ]);
    let acceptance = accepted(&rq, &storage(&UNCOMPRESSED));
    answer_is(results(&rq, &storage(&UNCOMPRESSED)), &[(1, 4, ""), (3, 3, ""), (5, 3, ""), (7, 3, "")]);
    assert!(!acceptance.contexts.any_accepted());
    assert_eq!(acceptance.contexts.len(), 4);
    // a private class has no name, so the promiscuous take it; known ones stay refused, storage or not
    answer_is(results(&rq, &promiscuous()), &[(1, 4, ""), (3, 0, ""), (5, 3, ""), (7, 3, "")]);
}

#[test]
fn the_promiscuous_admit_what_has_no_name() {
    let classes = ["1.2.3", "", "not a uid", "1.2.840.10008.5.1.4.1.1.2 "];
    let rq = request((1..).step_by(2).zip(classes).map(|(id, c)| proposed(id, c, &[IMPLICIT_LITTLE])).collect());
    answer_is(results(&rq, &promiscuous()), &[(1, 0, ""), (3, 0, ""), (5, 0, ""), (7, 0, "")]);
    answer_is(results(&rq, &storage(&UNCOMPRESSED)), &[(1, 3, ""), (3, 3, ""), (5, 3, ""), (7, 3, "")]);
}

#[test]
fn a_grant_of_its_own_for_some_classes() {
    let finds: &[&str] = &["1.2.840.10008.5.1.4.1.2.2.1"];
    let grant = |classes, transfer_syntaxes| Grant { classes, transfer_syntaxes, role: Role::Default };
    let grants = vec![
        grant(Classes::List(finds.to_vec()), vec![IMPLICIT_LITTLE]),
        grant(Classes::Storage, vec![EXPLICIT_LITTLE]),
    ];
    let policy = policy(Contexts { grants, profile: None });
    let both = [IMPLICIT_LITTLE, EXPLICIT_LITTLE];
    let rq = request(vec![proposed(1, finds[0], &both), proposed(3, CT, &both), proposed(5, VERIFICATION, &both)]);
    answer_is(results(&rq, &policy), &[(1, 0, ""), (3, 0, ".1"), (5, 3, "")]);
}

#[test]
fn even_and_repeated_identifiers_are_tolerated() {
    let storage = storage(&UNCOMPRESSED);
    let rq =
        request(vec![proposed(2, CT, &[EXPLICIT_LITTLE]), proposed(0, MR, &[""; 1]), proposed(255, MR, &[SYNTAX])]);
    answer_is(results(&rq, &storage), &[(2, 0, ".1"), (0, 4, ""), (255, 0, "")]);

    let (lee, bee, lei) = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE);
    // the proposals that share identifier 1, the answer, and the class it is for
    type Case<'a> = (&'a [(&'a str, &'a str)], (u8, &'a str), &'a str);
    let cases: [Case<'_>; 8] = [
        (&[(CT, lee), (MR, lei)], (0, ".1"), CT),
        (&[("1.2.3", lee), (MR, lei)], (0, ""), MR),
        (&[(MR, lee), ("1.2.3", lei)], (0, ".1"), MR),
        (&[(MR, "1.2"), ("1.2.3", lei)], (4, ""), MR),
        (&[("1.2.3", lei), (MR, "1.2")], (4, ""), MR),
        (&[(CT, "1.2"), (US, lee)], (0, ".1"), US),
        // the syntax we want most wins, wherever it stands
        (&[(MR, bee), (CT, lei), (US, lee)], (0, ".1"), US),
        (&[(MR, lei), (MR, "1.2"), (MR, lee)], (0, ".1"), MR),
    ];
    for (proposals, (result, syntax), class) in cases {
        let mut contexts: Vec<_> = proposals.iter().map(|(class, ts)| proposed(1, class, &[ts])).collect();
        contexts.insert(1, proposed(3, US, &[lei]));
        let rq = request(contexts);
        answer_is(results(&rq, &storage), &[(1, result, syntax), (3, 0, "")]);
        let contexts = accepted(&rq, &storage).contexts;
        assert_eq!(contexts.get(1).map(|c| c.abstract_syntax.as_str()), Some(class), "{proposals:?}");
        assert_eq!(contexts.iter().filter(|c| c.id == 1 && c.state != State::Proposed).count(), 1);
        assert_eq!(contexts.len(), proposals.len() + 1);
    }
}

#[test]
fn more_contexts_than_identifiers_get_one_answer_each() {
    let contexts = (1..70_000_u32).map(|i| proposed(i as u8, CT, &[EXPLICIT_LITTLE])).collect();
    let acceptance = accepted(&request(contexts), &storage(&UNCOMPRESSED));
    assert_eq!(acceptance.ac.contexts.len(), 256);
    assert_eq!(acceptance.contexts.len(), 69_999);
    assert_eq!(acceptance.contexts.iter().filter(|c| c.is_accepted()).count(), 256);
}

#[test]
fn the_acceptance_echoes_titles_and_names_us() {
    let mut rq = plain_request();
    rq.called = AeTitle(*b"  LEAD A\0JUNK   ");
    rq.calling = AeTitle(*b"A\nB\tC\x1b[1m\x7f\0\0\0\0\0\0");
    let ac = accepted(&rq, &storage(&UNCOMPRESSED)).ac;
    assert_eq!(&ac.called.0, b"  LEAD A        ");
    assert_eq!(&ac.calling.0, b"A\nB\tC\x1b[1m\x7f      ");
    assert_eq!((ac.protocol_version, ac.application_context.as_str()), (1, APPLICATION_CONTEXT));
    assert_eq!(
        ac.user,
        UserInformation {
            max_length: Some(16384),
            implementation_class_uid: crate::IMPLEMENTATION_CLASS_UID.to_owned(),
            implementation_version_name: crate::IMPLEMENTATION_VERSION_NAME.to_owned(),
            ..UserInformation::default()
        }
    );
}

#[test]
fn each_check_has_its_answer_and_its_line() {
    type Change = fn(&mut AssociateRq, &mut Policy);
    type Case = (&'static str, Change, Option<(u8, u8, u8)>, &'static str, bool);
    let cases: [Case; 13] = [
        (
            "protocol 0",
            |rq, _| rq.protocol_version = 0,
            Some((1, 2, 2)),
            "Receiving Association failed: 0006:0322 DUL Unsupported peer protocol 0000; expected 0001 in parseAssociate",
            false,
        ),
        (
            "protocol bit 0",
            |rq, _| rq.protocol_version = 0x00fe,
            Some((1, 2, 2)),
            "Receiving Association failed: 0006:0322 DUL Unsupported peer protocol 00fe; expected 0001 in parseAssociate",
            false,
        ),
        (
            "long application context",
            |rq, _| rq.application_context = "1".repeat(65),
            None,
            "Receiving Association failed: 0006:0308 DUL illegal subitem length 65. Maximum allowed size is 64.",
            false,
        ),
        (
            "long abstract syntax",
            |rq, _| rq.contexts[0].abstract_syntax = "1".repeat(100),
            None,
            "Receiving Association failed: 0006:0308 DUL illegal subitem length 100. Maximum allowed size is 64.",
            false,
        ),
        (
            "long transfer syntax",
            |rq, _| rq.contexts[0].transfer_syntaxes.push("\u{e4}".repeat(66)),
            None,
            "Receiving Association failed: 0006:0308 DUL illegal subitem length 66. Maximum allowed size is 64.",
            false,
        ),
        (
            "long implementation class",
            |rq, _| rq.user.implementation_class_uid = "1".repeat(65),
            None,
            "Receiving Association failed: 0006:0308 DUL illegal subitem length 65. Maximum allowed size is 64.",
            false,
        ),
        (
            "context without transfer syntax",
            |rq, _| rq.contexts.push(proposed(3, "1.2.3", &[])),
            None,
            "Receiving Association failed: 0006:0315 DUL Presentation Context translation failure",
            false,
        ),
        (
            "--refuse",
            |_, policy| policy.refuse = true,
            Some((1, 1, 1)),
            "Refusing Association (forced via command line)",
            true,
        ),
        ("no context", |rq, _| rq.contexts.clear(), None, "0006:0110 No presentation context proposed", true),
        (
            "129 transfer syntaxes",
            |rq, _| rq.contexts[0].transfer_syntaxes = (0..129).map(|i| format!("1.2.{i}")).collect(),
            None,
            "0006:0103 ASC Coding error in ASC_getPresentationContext: too many transfer syntaxes",
            true,
        ),
        (
            "application context",
            |rq, _| rq.application_context = "1.2.3\nE: forged".to_owned(),
            Some((1, 1, 2)),
            "Association Rejected: Bad Application Context Name: 1.2.3\\x0aE: forged",
            true,
        ),
        (
            "--reject",
            |rq, policy| {
                policy.require_implementation_class = true;
                rq.user.implementation_class_uid.clear();
            },
            Some((1, 1, 1)),
            "Association Rejected: No Implementation Class UID provided",
            true,
        ),
        (
            "blank title",
            |rq, _| rq.called = AeTitle(*b"   \0X           "),
            None,
            "Illegal service parameter: Called AP Title\n0006:030c Illegal service parameter: Called AP Title",
            true,
        ),
    ];
    for (name, change, answer, line, received) in cases {
        let (mut rq, mut policy) = (plain_request(), storage(&UNCOMPRESSED));
        change(&mut rq, &mut policy);
        assert_eq!(refused(&rq, &policy), (answer, line.to_owned(), received), "{name}");
    }
    // each check stands before all that follow it: broken in one more way, the request fails by the earlier one
    let (mut rq, mut policy) = (plain_request(), storage(&UNCOMPRESSED));
    for (name, change, answer, line, received) in cases.into_iter().rev() {
        change(&mut rq, &mut policy);
        assert_eq!(refused(&rq, &policy), (answer, line.to_owned(), received), "{name} and all that follow");
    }
}

#[test]
fn requests_that_only_look_odd_are_taken() {
    let storage = storage(&UNCOMPRESSED);
    let mut rq = plain_request();
    rq.protocol_version = 3;
    rq.user.implementation_class_uid.clear();
    rq.contexts[0].transfer_syntaxes = (1..128).map(|i| format!("1.2.{i}")).chain([SYNTAX.to_owned()]).collect();
    rq.calling = AeTitle(*b"\t               ");
    answer_is(results(&rq, &storage), &[(1, 0, "")]);
    // a class or instance that is asked for may be a blank one
    let strict = Policy { require_implementation_class: true, ..storage };
    rq.user.implementation_class_uid = " ".to_owned();
    answer_is(results(&rq, &strict), &[(1, 0, "")]);
}

#[test]
fn both_titles_must_say_something() {
    let storage = storage(&UNCOMPRESSED);
    let cause = |called: &str, calling: &str| {
        let mut rq = plain_request();
        (rq.called, rq.calling) = (AeTitle::new(called), AeTitle::new(calling));
        match judge(&rq, &storage) {
            Verdict::Abort { cause, .. } => Some(cause),
            _ => None,
        }
    };
    assert_eq!(cause("", "X"), Some(Cause::BlankTitle(Title::Called)));
    assert_eq!(cause("X", "  "), Some(Cause::BlankTitle(Title::Calling)));
    assert_eq!(cause("", ""), Some(Cause::BlankTitle(Title::Called)));
    assert_eq!(cause("X", "X"), None);
}

#[test]
fn maximum_lengths_of_the_peer() {
    let odd = |n| format!("ASSOC: PDV send length {n} is odd (using {})", n - 1);
    let unusable = |n: i64| format!("ASSOC: PDV send length {n} (using default)");
    let small = || "ASSOC: PDV send length too small, using DUL to split larger PDVs.".to_owned();
    for (peer, announced, payload, warnings) in [
        (None, 131_060, Some(131_060), vec![]),
        (Some(0), 131_060, Some(131_060), vec![]),
        (Some(1), 4084, None, vec![odd(1), unusable(-12)]),
        (Some(2), 4084, None, vec![unusable(-10)]),
        (Some(12), 4084, None, vec![unusable(0)]),
        (Some(13), 4084, None, vec![odd(13), unusable(0)]),
        (Some(14), 4084, Some(2), vec![small()]),
        (Some(15), 4084, Some(2), vec![odd(15), small()]),
        (Some(22), 4084, Some(10), vec![small()]),
        (Some(23), 4084, Some(10), vec![odd(23), small()]),
        (Some(24), 12, Some(12), vec![]),
        (Some(25), 12, Some(12), vec![odd(25)]),
        (Some(4095), 4082, Some(4082), vec![odd(4095)]),
        (Some(16384), 16372, Some(16372), vec![]),
        (Some(131_071), 131_058, Some(131_058), vec![odd(131_071)]),
        (Some(131_072), 131_060, Some(131_060), vec![]),
        (Some(131_073), 131_060, Some(131_060), vec![]),
        (Some(u32::MAX), 131_060, Some(131_060), vec![]),
    ] {
        let (limit, said) = send_limit(peer);
        assert_eq!(limit, SendLimit { announced, payload }, "{peer:?}");
        assert_eq!(said.iter().map(Warning::to_string).collect::<Vec<_>>(), warnings, "{peer:?}");
        let mut rq = plain_request();
        rq.user.max_length = peer;
        let acceptance = accepted(&rq, &storage(&UNCOMPRESSED));
        assert_eq!((acceptance.send, acceptance.warnings), (limit, said));
    }
}

#[test]
fn our_maximum_length_is_announced_even() {
    for (configured, announced) in [(4096, 4096), (4097, 4096), (131_071, 131_070), (131_072, 131_072)] {
        let policy = Policy { max_pdu: configured, ..storage(&UNCOMPRESSED) };
        let acceptance = accepted(&plain_request(), &policy);
        assert_eq!(acceptance.ac.user.max_length, Some(announced));
        let said: Vec<_> = acceptance.warnings.iter().map(Warning::to_string).collect();
        match configured == announced {
            true => assert_eq!(said, [""; 0]),
            false => {
                assert_eq!(said, [format!("ASSOC: PDV receive length {configured} is odd (using {announced})")]);
            }
        }
    }
}

/// Profiles of Verification, CT in plain encodings and MR in big endian, with a role for CT or extended negotiation.
fn profile_policy(name: &str) -> Policy {
    let text = "[[TransferSyntaxes]]\n[Plain]\nTransferSyntax1 = LittleEndianExplicit\nTransferSyntax2 = LittleEndianImplicit\n\
                [Big]\nTransferSyntax1 = BigEndianExplicit\n\
                [[PresentationContexts]]\n[Some]\nPresentationContext1 = CTImageStorage\\Plain\n\
                PresentationContext2 = MRImageStorage\\Big\nPresentationContext3 = VerificationSOPClass\\Plain\n\
                [[SCPSCURoleSelection]]\n[U]\nRole1 = CTImageStorage\\SCU\n[P]\nRole1 = CTImageStorage\\SCP\n\
                [B]\nRole1 = CTImageStorage\\BOTH\n[MB]\nRole1 = MRImageStorage\\BOTH\nRole2 = CTImageStorage\\SCU\n\
                [[ExtendedNegotiation]]\n[E]\nExtendedNegotiation1 = CTImageStorage\\0200\n\
                ExtendedNegotiation2 = MRImageStorage\\010203\n\
                [[Profiles]]\n[N]\nPresentationContexts = Some\n[U]\nPresentationContexts = Some\nSCPSCURoleSelection = U\n\
                [P]\nPresentationContexts = Some\nSCPSCURoleSelection = P\n\
                [B]\nPresentationContexts = Some\nSCPSCURoleSelection = B\n\
                [MB]\nPresentationContexts = Some\nSCPSCURoleSelection = MB\n\
                [E]\nPresentationContexts = Some\nExtendedNegotiation = E\n";
    let profile = profile::parse(text.as_bytes(), name).unwrap();
    policy(Contexts { profile: Some(profile.acceptor().unwrap()), ..Contexts::default() })
}

fn with_roles(roles: &[(&str, bool, bool)], contexts: Vec<ProposedContext>) -> AssociateRq {
    let mut rq = request(contexts);
    rq.user.roles = roles
        .iter()
        .map(|(class, scu, scp)| RoleSelection { sop_class: (*class).to_owned(), scu: *scu, scp: *scp })
        .collect();
    rq
}

#[test]
fn a_profile_grants_what_it_lists() {
    let rq = request(vec![
        proposed(1, CT, &[IMPLICIT_LITTLE, EXPLICIT_LITTLE]),
        proposed(3, MR, &[EXPLICIT_LITTLE]),
        proposed(5, MR, &[EXPLICIT_BIG]),
        proposed(7, "1.2", &[IMPLICIT_LITTLE]),
        proposed(9, CT, &["1.2.4"]),
        proposed(11, VERIFICATION, &[IMPLICIT_LITTLE]),
        proposed(13, US, &[IMPLICIT_LITTLE]),
    ]);
    let expected = [(1, 0, ".1"), (3, 4, ""), (5, 0, ".2"), (7, 3, ""), (9, 4, ""), (11, 0, ""), (13, 3, "")];
    answer_is(results(&rq, &profile_policy("N")), &expected);
}

#[test]
fn roles_are_answered_only_where_a_profile_selects_some() {
    let refused = "ASSOC: SCP/SCU role selection failed, Default role (i.e. SCU) proposed but only SCP role configured \
                   for acceptance";
    let none = "setting accepted SCP/SCU role to NONE, i.e. both role fields are 0 in SCP/SCU role selection sub-item";
    // the profile, the role proposed, the result, the role item sent, the roles as dumps show them, what the log says
    type Flags = Option<(bool, bool)>;
    let (u, p, b, z) = (Some((true, false)), Some((false, true)), Some((true, true)), Some((false, false)));
    type Row<'a> = (&'a str, Flags, u8, Flags, &'a str, &'a [&'a str]);
    let table: [Row<'_>; 20] = [
        ("N", None, 0, None, "Default Default", &[]),
        ("N", z, 0, None, "SCP/SCU Default", &[]),
        ("N", u, 0, None, "SCU Default", &[]),
        ("N", p, 0, None, "SCP Default", &[]),
        ("N", b, 0, None, "SCP/SCU Default", &[]),
        ("U", None, 0, None, "Default SCU", &[]),
        ("U", z, 0, u, "SCP/SCU SCU", &[]),
        ("U", u, 0, u, "SCU SCU", &[]),
        ("U", p, 0, z, "SCP SCU", &[none]),
        ("U", b, 0, u, "SCP/SCU SCU", &[]),
        ("P", None, 2, None, "Default SCP", &[refused]),
        ("P", z, 0, p, "SCP/SCU SCP", &[]),
        ("P", u, 0, z, "SCU SCP", &[none]),
        ("P", p, 0, p, "SCP SCP", &[]),
        ("P", b, 0, p, "SCP/SCU SCP", &[]),
        ("B", None, 0, None, "Default SCP/SCU", &[]),
        ("B", z, 0, b, "SCP/SCU SCP/SCU", &[]),
        ("B", u, 0, u, "SCU SCP/SCU", &[]),
        ("B", p, 0, p, "SCP SCP/SCU", &[]),
        ("B", b, 0, b, "SCP/SCU SCP/SCU", &[]),
    ];
    for (profile, role, result, sent, shown, said) in table {
        let roles: Vec<_> = role.iter().map(|(scu, scp)| (CT, *scu, *scp)).collect();
        let rq = with_roles(&roles, vec![proposed(1, CT, &[IMPLICIT_LITTLE]), proposed(3, CT, &["1.2"])]);
        let acceptance = accepted(&rq, &profile_policy(profile));
        let name = format!("{profile} {role:?}");
        assert_eq!(acceptance.ac.contexts[0].result, result, "{name}");
        let items: Vec<_> = acceptance.ac.user.roles.iter().map(|r| (r.sop_class.as_str(), r.scu, r.scp)).collect();
        assert_eq!(items, sent.iter().map(|(scu, scp)| (CT, *scu, *scp)).collect::<Vec<_>>(), "{name}");
        let context = acceptance.contexts.get(1).unwrap();
        assert_eq!(format!("{} {}", context.proposed_role, context.accepted_role), shown, "{name}");
        assert_eq!(acceptance.warnings.iter().map(Warning::to_string).collect::<Vec<_>>(), said, "{name}");
        // a refused context never shows a role
        assert_eq!(acceptance.contexts.get(3).unwrap().accepted_role, Role::Default);
    }
}

#[test]
fn the_first_role_item_of_a_class_counts_and_is_answered_once() {
    let contexts = || vec![proposed(1, MR, &[EXPLICIT_BIG]), proposed(3, CT, &[SYNTAX]), proposed(5, CT, &[SYNTAX])];
    let sent = |roles: &[(&str, bool, bool)]| {
        let acceptance = accepted(&with_roles(roles, contexts()), &profile_policy("MB"));
        let short = |r: &RoleSelection| (r.sop_class.clone(), r.scu, r.scp);
        acceptance.ac.user.roles.iter().map(short).collect::<Vec<_>>()
    };
    assert_eq!(sent(&[(MR, true, false), (MR, false, true)]), [(MR.to_owned(), true, false)]);
    assert_eq!(sent(&[(MR, false, true), (MR, true, false)]), [(MR.to_owned(), false, true)]);
    // in the order of the contexts
    assert_eq!(
        sent(&[(CT, true, true), (MR, true, true)]),
        [(MR.to_owned(), true, true), (CT.to_owned(), true, false)]
    );
    // not for classes without accepted context
    assert_eq!(sent(&[(US, true, true)]), []);
}

#[test]
fn extended_negotiation_is_answered_for_accepted_classes_of_the_profile() {
    let answered = |contexts: Vec<ProposedContext>, requested: &[&str]| {
        let mut rq = request(contexts);
        rq.user.extended = requested
            .iter()
            .map(|class| ExtendedNegotiation { sop_class: (*class).to_owned(), information: vec![9] })
            .collect();
        let items = accepted(&rq, &profile_policy("E")).ac.user.extended;
        items.into_iter().map(|e| (e.sop_class, e.information)).collect::<Vec<_>>()
    };
    let ct = || (CT.to_owned(), vec![2, 0]);
    let mr = || (MR.to_owned(), vec![1, 2, 3]);
    // in the order of the file, whether or not the peer asked, once for each class
    let both = || vec![proposed(1, MR, &[EXPLICIT_BIG]), proposed(3, CT, &[SYNTAX]), proposed(5, CT, &[SYNTAX])];
    assert_eq!(answered(both(), &[]), [ct(), mr()]);
    assert_eq!(answered(both(), &["1.2.3"]), [ct(), mr()]);
    assert_eq!(answered(vec![proposed(1, CT, &["1.2"]), proposed(3, MR, &[EXPLICIT_BIG])], &[]), [mr()]);
    assert_eq!(answered(vec![proposed(1, VERIFICATION, &[SYNTAX])], &[CT]), []);

    let mut rq = plain_request();
    rq.user.extended = vec![ExtendedNegotiation { sop_class: CT.to_owned(), information: vec![1] }];
    assert_eq!(accepted(&rq, &storage(&UNCOMPRESSED)).ac.user.extended, []);
}
