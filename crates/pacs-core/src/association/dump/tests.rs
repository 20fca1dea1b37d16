//! Whole blocks as DCMTK's storescp and storescu print them, but for our implementation's names.

use super::*;
use crate::association::accept::{Contexts, Policy, UNCOMPRESSED, Verdict, judge};
use crate::association::context::Role;
use crate::pdu::{APPLICATION_CONTEXT, ProposedContext, RoleSelection};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const LEI: &str = "1.2.840.10008.1.2";
const LEE: &str = "1.2.840.10008.1.2.1";

fn request(contexts: &[(u8, &str, &[&str])]) -> AssociateRq {
    let proposed = |(id, class, syntaxes): &(u8, &str, &[&str])| ProposedContext {
        id: *id,
        abstract_syntax: (*class).to_owned(),
        transfer_syntaxes: syntaxes.iter().map(|s| (*s).to_owned()).collect(),
    };
    AssociateRq {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("CLIENT"),
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: contexts.iter().map(proposed).collect(),
        user: UserInformation {
            max_length: Some(16384),
            implementation_class_uid: "1.2.3.4.5".to_owned(),
            implementation_version_name: "RAWDIMSE".to_owned(),
            ..UserInformation::default()
        },
    }
}

fn acceptance_block(rq: &AssociateRq) -> String {
    let contexts = Contexts::storage(&[crate::names::VERIFICATION], UNCOMPRESSED.to_vec(), false);
    let policy = Policy { refuse: false, require_implementation_class: false, max_pdu: 16384, contexts };
    match judge(rq, &policy) {
        Verdict::Accept(acceptance) => sent_acceptance(rq, &acceptance.ac, &acceptance.contexts),
        other => panic!("{other:?}"),
    }
}

/// The lines from the one that begins like this.
fn from(block: &str, start: &str) -> Vec<String> {
    block.lines().skip_while(|l| !l.starts_with(start)).map(str::to_owned).collect()
}

#[test]
fn an_acceptors_two_blocks() {
    let mut rq = request(&[
        (1, "1.2.840.10008.1.1", &[LEI]),
        (3, CT, &[LEE, LEI, "1.2.840.10008.1.2.4.50"]),
        (5, "1.2.3", &[LEI]),
        (7, CT, &["1.2.3"]),
    ]);
    rq.user.roles = vec![RoleSelection { sop_class: CT.to_owned(), scu: true, scp: true }];
    let expected = "\
====================== BEGIN A-ASSOCIATE-RQ =====================
Our Implementation Class UID:      2.25.258046698904790451085753231178076743198
Our Implementation Version Name:   PACSTOOLS_010
Their Implementation Class UID:    1.2.3.4.5
Their Implementation Version Name: RAWDIMSE
Application Context Name:    1.2.840.10008.3.1.1.1
Calling Application Name:    CLIENT
Called Application Name:     ANY-SCP
Responding Application Name: \n\
Our Max PDU Receive Size:    16384
Their Max PDU Receive Size:  16384
Presentation Contexts:
  Context ID:        1 (Proposed)
    Abstract Syntax: =VerificationSOPClass
    Proposed SCP/SCU Role: Default
    Proposed Transfer Syntax(es):
      =LittleEndianImplicit
  Context ID:        3 (Proposed)
    Abstract Syntax: =CTImageStorage
    Proposed SCP/SCU Role: SCP/SCU
    Proposed Transfer Syntax(es):
      =LittleEndianExplicit
      =LittleEndianImplicit
      =JPEGBaseline
  Context ID:        5 (Proposed)
    Abstract Syntax: 1.2.3
    Proposed SCP/SCU Role: Default
    Proposed Transfer Syntax(es):
      =LittleEndianImplicit
  Context ID:        7 (Proposed)
    Abstract Syntax: =CTImageStorage
    Proposed SCP/SCU Role: SCP/SCU
    Proposed Transfer Syntax(es):
      1.2.3
Requested Extended Negotiation: none
Accepted Extended Negotiation:  none
Requested User Identity Negotiation: none
User Identity Negotiation Response:  none
======================= END A-ASSOCIATE-RQ ======================";
    assert_eq!(received_request(&rq, 16384), expected);

    let expected = "\
====================== BEGIN A-ASSOCIATE-AC =====================
Our Implementation Class UID:      2.25.258046698904790451085753231178076743198
Our Implementation Version Name:   PACSTOOLS_010
Their Implementation Class UID:    1.2.3.4.5
Their Implementation Version Name: RAWDIMSE
Application Context Name:    1.2.840.10008.3.1.1.1
Calling Application Name:    CLIENT
Called Application Name:     ANY-SCP
Responding Application Name: ANY-SCP
Our Max PDU Receive Size:    16384
Their Max PDU Receive Size:  16384
Presentation Contexts:
  Context ID:        1 (Accepted)
    Abstract Syntax: =VerificationSOPClass
    Proposed SCP/SCU Role: Default
    Accepted SCP/SCU Role: Default
    Accepted Transfer Syntax: =LittleEndianImplicit
  Context ID:        3 (Accepted)
    Abstract Syntax: =CTImageStorage
    Proposed SCP/SCU Role: SCP/SCU
    Accepted SCP/SCU Role: Default
    Accepted Transfer Syntax: =LittleEndianExplicit
  Context ID:        5 (Abstract Syntax Not Supported)
    Abstract Syntax: 1.2.3
    Proposed SCP/SCU Role: Default
    Accepted SCP/SCU Role: Default
  Context ID:        7 (Transfer Syntaxes Not Supported)
    Abstract Syntax: =CTImageStorage
    Proposed SCP/SCU Role: SCP/SCU
    Accepted SCP/SCU Role: Default
Requested Extended Negotiation: none
Accepted Extended Negotiation:  none
Requested User Identity Negotiation: none
User Identity Negotiation Response:  none
======================= END A-ASSOCIATE-AC ======================";
    assert_eq!(acceptance_block(&rq), expected);
}

#[test]
fn a_requestors_two_blocks() {
    let mut rq = request(&[(1, CT, &[LEE])]);
    (rq.calling, rq.called) = (AeTitle::new("ME"), AeTitle::new("YOU"));
    rq.user.extended = vec![ExtendedNegotiation { sop_class: CT.to_owned(), information: vec![2, 0] }];
    rq.user.identity =
        Some(UserIdentity { kind: 2, response_requested: true, primary: b"fred".to_vec(), secondary: b"pw".to_vec() });
    let expected = "\
====================== BEGIN A-ASSOCIATE-RQ =====================
Our Implementation Class UID:      1.2.3.4.5
Our Implementation Version Name:   RAWDIMSE
Their Implementation Class UID:    \n\
Their Implementation Version Name: \n\
Application Context Name:    1.2.840.10008.3.1.1.1
Calling Application Name:    ME
Called Application Name:     YOU
Responding Application Name: \n\
Our Max PDU Receive Size:    16384
Their Max PDU Receive Size:  0
Presentation Contexts:
  Context ID:        1 (Proposed)
    Abstract Syntax: =CTImageStorage
    Proposed SCP/SCU Role: Default
    Proposed Transfer Syntax(es):
      =LittleEndianExplicit
Requested Extended Negotiation:
  =CTImageStorage (1.2.840.10008.5.1.4.1.1.2)
    [0x02, 0x00]
Accepted Extended Negotiation:  none
Requested User Identity Negotiation:
  Authentication mode 2: Username/Password
  Username: [fred]
  Password: [pw]
  Positive Response requested: Yes
User Identity Negotiation Response:  none
======================= END A-ASSOCIATE-RQ ======================";
    assert_eq!(sent_request(&rq), expected);

    let ac = AssociateAc {
        protocol_version: 1,
        called: rq.called,
        calling: rq.calling,
        application_context: APPLICATION_CONTEXT.to_owned(),
        contexts: Vec::new(),
        user: UserInformation {
            max_length: Some(8192),
            implementation_class_uid: "1.9".to_owned(),
            implementation_version_name: "THEM".to_owned(),
            extended: rq.user.extended.clone(),
            identity_response: Some(vec![1, 2, 3]),
            ..UserInformation::default()
        },
    };
    let mut contexts = context::proposals(&rq);
    contexts[0].state = State::Accepted;
    contexts[0].transfer_syntax = LEE.to_owned();
    contexts[0].accepted_role = Role::Scu;
    let expected = "\
====================== BEGIN A-ASSOCIATE-AC =====================
Our Implementation Class UID:      1.2.3.4.5
Our Implementation Version Name:   RAWDIMSE
Their Implementation Class UID:    1.9
Their Implementation Version Name: THEM
Application Context Name:    1.2.840.10008.3.1.1.1
Calling Application Name:    ME
Called Application Name:     YOU
Responding Application Name: YOU
Our Max PDU Receive Size:    16384
Their Max PDU Receive Size:  8192
Presentation Contexts:
  Context ID:        1 (Accepted)
    Abstract Syntax: =CTImageStorage
    Proposed SCP/SCU Role: Default
    Accepted SCP/SCU Role: SCU
    Accepted Transfer Syntax: =LittleEndianExplicit
Requested Extended Negotiation:
  =CTImageStorage (1.2.840.10008.5.1.4.1.1.2)
    [0x02, 0x00]
Accepted Extended Negotiation:
  =CTImageStorage (1.2.840.10008.5.1.4.1.1.2)
    [0x02, 0x00]
Requested User Identity Negotiation:
  Authentication mode 2: Username/Password
  Username: [fred]
  Password: [pw]
  Positive Response requested: Yes
User Identity Negotiation Response:
  Server Response (not dumped) length: 3
======================= END A-ASSOCIATE-AC ======================";
    assert_eq!(received_acceptance(&rq, &ac, &PresentationContexts::new(contexts)), expected);
}

#[test]
fn a_context_left_without_answer_stays_proposed() {
    let rq = request(&[(1, CT, &[LEE]), (3, CT, &[LEI]), (1, "1.2.840.10008.5.1.4.1.1.4", &[LEI])]);
    let block = acceptance_block(&rq);
    let contexts: Vec<_> = from(&block, "Presentation Contexts").into_iter().take(16).collect();
    let expected = [
        "Presentation Contexts:",
        "  Context ID:        1 (Accepted)",
        "    Abstract Syntax: =CTImageStorage",
        "    Proposed SCP/SCU Role: Default",
        "    Accepted SCP/SCU Role: Default",
        "    Accepted Transfer Syntax: =LittleEndianExplicit",
        "  Context ID:        3 (Accepted)",
        "    Abstract Syntax: =CTImageStorage",
        "    Proposed SCP/SCU Role: Default",
        "    Accepted SCP/SCU Role: Default",
        "    Accepted Transfer Syntax: =LittleEndianImplicit",
        "  Context ID:        1 (Proposed)",
        "    Abstract Syntax: =MRImageStorage",
        "    Proposed SCP/SCU Role: Default",
        "    Proposed Transfer Syntax(es):",
        "      =LittleEndianImplicit",
    ];
    assert_eq!(contexts, expected);
}

#[test]
fn several_extended_negotiations() {
    let mut rq = request(&[(1, CT, &[LEE])]);
    let item = |class: &str, information: &[u8]| ExtendedNegotiation {
        sop_class: class.to_owned(),
        information: information.to_vec(),
    };
    rq.user.extended = vec![item(CT, &[2]), item("1.2.3\n", &[]), item(CT, &(0..20).collect::<Vec<_>>())];
    let lines = from(&received_request(&rq, 16384), "Requested Extended Negotiation:");
    let expected = [
        "Requested Extended Negotiation:",
        "  =CTImageStorage (1.2.840.10008.5.1.4.1.1.2)",
        "    [0x02]",
        "  =Unknown-UID (1.2.3\\x0a)",
        "    []",
        "  =CTImageStorage (1.2.840.10008.5.1.4.1.1.2)",
        "    [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, \
         0x12, 0x13]",
        "Accepted Extended Negotiation:  none",
    ];
    assert_eq!(lines[..8], expected);
}

#[test]
fn user_identities_of_every_kind() {
    for (kind, expected) in [
        (1, &["  Authentication mode 1: Username", "  Username: [abc]"][..]),
        (2, &["  Authentication mode 2: Username/Password", "  Username: [abc]", "  Password: [d]e]"]),
        (3, &["  Authentication mode 3: Kerberos", "  Kerberos Service Ticket (not dumped) length: 5"]),
        (4, &["  Authentication mode 4: SAML", "  SAML Assertion (not dumped) length: 5"]),
        (5, &["  Authentication mode 5: JWT", "  JSON Web Token (not dumped) length: 5"]),
        (
            6,
            &[
                "  Authentication mode: Unknown ",
                "  First value (not dumped), length: 5",
                "  Second Value (not dumped), length: 3",
            ],
        ),
    ] {
        let mut rq = request(&[(1, CT, &[LEE])]);
        // text ends at its first NUL
        let (primary, secondary) = (b"abc\0x".to_vec(), b"d]e".to_vec());
        rq.user.identity = Some(UserIdentity { kind, response_requested: kind == 6, primary, secondary });
        let lines = from(&received_request(&rq, 16384), "Requested User");
        assert_eq!(lines[0], "Requested User Identity Negotiation:");
        assert_eq!(lines[1..=expected.len()], *expected);
        let answer = if kind == 6 { "Yes" } else { "No" };
        assert_eq!(lines[expected.len() + 1], format!("  Positive Response requested: {answer}"));
        assert_eq!(lines[expected.len() + 2], "User Identity Negotiation Response:  none");
    }
}

#[test]
fn values_of_the_peer_stay_on_their_line() {
    let hostile = "1.2\nE: forged\r\x1b[2J\u{85}";
    let mut rq = request(&[(1, hostile, &[hostile])]);
    rq.called = AeTitle(*b"  LEAD A\0JUNK   ");
    rq.calling = AeTitle(*b"A\nB\tC\x1b[1m\x7f \xe4  \0\0");
    rq.application_context = hostile.to_owned();
    rq.user.implementation_class_uid = hostile.to_owned();
    rq.user.implementation_version_name = "V\n23456789ABCDEFGHIJ".to_owned();
    let identity = UserIdentity {
        kind: 2,
        response_requested: false,
        primary: hostile.as_bytes().to_vec(),
        secondary: hostile.as_bytes().to_vec(),
    };
    rq.user.identity = Some(identity);
    rq.user.max_length = None;
    let block = received_request(&rq, 4096);
    let lines: Vec<_> = block.split('\n').collect();
    assert_eq!(lines.len(), 26, "{block}");
    assert!(!block.chars().any(|c| c.is_control() && c != '\n'));
    let shown = "1.2\\x0aE: forged\\x0d\\x1b[2J\\x85";
    assert_eq!(lines[3], format!("Their Implementation Class UID:    {shown}"));
    // cut to the 16 characters that a version name may have
    assert_eq!(lines[4], "Their Implementation Version Name: V\\x0a23456789ABCDEF");
    assert_eq!(lines[5], format!("Application Context Name:    {shown}"));
    assert_eq!(lines[6], "Calling Application Name:    A\\x0aB\\x09C\\x1b[1m\\x7f \u{e4}");
    // blanks in front belong to the title
    assert_eq!(lines[7], "Called Application Name:       LEAD A");
    assert_eq!(lines[9..11], ["Our Max PDU Receive Size:    4096", "Their Max PDU Receive Size:  0"]);
    assert_eq!(lines[13], format!("    Abstract Syntax: {shown}"));
    assert_eq!(lines[16], format!("      {shown}"));
}
