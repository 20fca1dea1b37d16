use super::super::read;
use super::super::{ContextResult, ExtendedNegotiation, ProposedContext, RoleSelection, UserIdentity};
use super::*;
use dicom_ul::pdu as ul;
use proptest::prelude::*;

const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const CONTEXT_NAME: &str = "1.2.840.10008.3.1.1.1";

fn acceptance(contexts: Vec<ContextResult>, user: UserInformation) -> AssociateAc {
    AssociateAc {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("CLIENT"),
        application_context: CONTEXT_NAME.to_owned(),
        contexts,
        user,
    }
}

fn proposal(contexts: Vec<ProposedContext>, user: UserInformation) -> AssociateRq {
    AssociateRq {
        protocol_version: 1,
        called: AeTitle::new("ANY-SCP"),
        calling: AeTitle::new("CLIENT"),
        application_context: CONTEXT_NAME.to_owned(),
        contexts,
        user,
    }
}

/// What DCMTK's storescp 3.6.7 answers with a profile that has roles and extended negotiation, but for its own names.
#[test]
fn an_acceptance_byte_by_byte() {
    let context = |id, result, syntax: &str| ContextResult { id, result, transfer_syntax: syntax.to_owned() };
    let user = UserInformation {
        max_length: Some(16384),
        implementation_class_uid: "1.2.3".to_owned(),
        implementation_version_name: "V_10".to_owned(),
        roles: vec![RoleSelection { sop_class: MR.to_owned(), scu: true, scp: true }],
        extended: vec![ExtendedNegotiation { sop_class: MR.to_owned(), information: vec![2, 0, 1] }],
        ..UserInformation::default()
    };
    let ac = acceptance(vec![context(5, 0, EXPLICIT), context(9, 3, ""), context(7, 4, "")], user);
    #[rustfmt::skip]
    let expected = [
        &b"\x02\x00\x00\x00\x01\x16"[..],       // A-ASSOCIATE-AC, length
        b"\x00\x01\x00\x00",                    // version, reserved
        b"ANY-SCP         CLIENT          ",    // both titles repeated
        &[0; 32],                               // reserved
        b"\x10\x00\x00\x15", CONTEXT_NAME.as_bytes(),
        b"\x21\x00\x00\x1b\x05\x00\x00\x00",    // accepted
        b"\x40\x00\x00\x13", EXPLICIT.as_bytes(),
        b"\x21\x00\x00\x19\x09\x00\x03\x00",    // refused: implicit VR little endian stands for nothing
        b"\x40\x00\x00\x11", b"1.2.840.10008.1.2",
        b"\x21\x00\x00\x19\x07\x00\x04\x00",
        b"\x40\x00\x00\x11", b"1.2.840.10008.1.2",
        b"\x50\x00\x00\x5c",                    // user information
        b"\x51\x00\x00\x04\x00\x00\x40\x00",    //   maximum length
        b"\x52\x00\x00\x05", b"1.2.3",          //   implementation class UID
        b"\x54\x00\x00\x1d\x00\x19", MR.as_bytes(), b"\x01\x01",      // roles before
        b"\x55\x00\x00\x04", b"V_10",           //   the version name
        b"\x56\x00\x00\x1e\x00\x19", MR.as_bytes(), b"\x02\x00\x01",  // and extended negotiation behind it
    ].concat();
    let written = write::associate_ac_bytes(&ac);
    assert_eq!(written.len(), 6 + 0x116);
    assert_eq!(written, expected);
}

/// What DCMTK's storescu 3.6.7 sends with user name and passcode, but for the reserved byte of a context, which it sets.
#[test]
fn a_request_byte_by_byte() {
    let context = ProposedContext {
        id: 1,
        abstract_syntax: MR.to_owned(),
        transfer_syntaxes: vec![EXPLICIT.to_owned(), "1.2".to_owned()],
    };
    let identity =
        UserIdentity { kind: 2, response_requested: true, primary: b"me".to_vec(), secondary: b"you".to_vec() };
    let user = UserInformation {
        max_length: Some(16384),
        implementation_class_uid: "1.2.3".to_owned(),
        async_window: Some((1, 2)),
        identity: Some(identity),
        identity_response: Some(b"not in a request".to_vec()),
        ..UserInformation::default()
    };
    #[rustfmt::skip]
    let expected = [
        &b"\x01\x00\x00\x00\x00\xcc"[..],
        b"\x00\x01\x00\x00",
        b"ANY-SCP         CLIENT          ",
        &[0; 32],
        b"\x10\x00\x00\x15", CONTEXT_NAME.as_bytes(),
        b"\x20\x00\x00\x3f\x01\x00\x00\x00",
        b"\x30\x00\x00\x19", MR.as_bytes(),
        b"\x40\x00\x00\x13", EXPLICIT.as_bytes(),
        b"\x40\x00\x00\x03", b"1.2",
        b"\x50\x00\x00\x28",
        b"\x51\x00\x00\x04\x00\x00\x40\x00",
        b"\x52\x00\x00\x05", b"1.2.3",
        b"\x53\x00\x00\x04\x00\x01\x00\x02",
        b"\x58\x00\x00\x0b\x02\x01\x00\x02me\x00\x03you",
    ].concat();
    let written = write::associate_rq_bytes(&proposal(vec![context], user));
    assert_eq!(written, expected);
}

#[test]
fn short_pdus_byte_by_byte() {
    assert_eq!(associate_rj(AssociateRj { result: 1, source: 1, reason: 2 }), *b"\x03\0\0\0\0\x04\0\x01\x01\x02");
    assert_eq!(release_rq(), *b"\x05\0\0\0\0\x04\0\0\0\0");
    assert_eq!(release_rp(), *b"\x06\0\0\0\0\x04\0\0\0\0");
    assert_eq!(abort(Abort { source: 2, reason: 2 }), *b"\x07\0\0\0\0\x04\0\0\x02\x02");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let context =
        |n| ProposedContext { id: 1, abstract_syntax: String::new(), transfer_syntaxes: vec!["1.2".into(); n] };
    // 4 bytes of its own, 4 for the empty abstract syntax, 7 for each transfer syntax.
    assert!(associate_rq(&proposal(vec![context(9361)], UserInformation::default())).is_ok());
    assert_eq!(
        associate_rq(&proposal(vec![context(9362)], UserInformation::default())),
        Err(WriteError::TooLong { what: "presentation context", length: 65_542 })
    );
    let user = |information| UserInformation {
        extended: vec![ExtendedNegotiation { sop_class: "1.2".to_owned(), information }],
        ..UserInformation::default()
    };
    assert!(associate_rq(&proposal(vec![], user(vec![0; 65_535 - 4 - 5]))).is_ok());
    let error = associate_rq(&proposal(vec![], user(vec![0; 65_535 - 4]))).map_err(|e| e.to_string());
    assert_eq!(error, Err("extended negotiation of 65536 bytes does not fit its length field".to_owned()));
    let long = UserInformation { implementation_class_uid: "1".repeat(70_000), ..UserInformation::default() };
    assert!(matches!(associate_ac(&acceptance(vec![], long)), Err(WriteError::TooLong { length: 70_000, .. })));
    let response = UserInformation { identity_response: Some(vec![0; 65_536]), ..UserInformation::default() };
    assert!(matches!(associate_ac(&acceptance(vec![], response)), Err(WriteError::TooLong { .. })));
    let greek = UserInformation { implementation_version_name: "\u{3b1}".to_owned(), ..UserInformation::default() };
    assert_eq!(
        associate_ac(&acceptance(vec![], greek)),
        Err(WriteError::Characters { what: "implementation version name" })
    );
    // 128 contexts of 128 syntaxes pass a megabyte without harm.
    let all = vec![ProposedContext { id: 1, abstract_syntax: MR.into(), transfer_syntaxes: vec![MR.into(); 512] }; 128];
    assert!(associate_rq(&proposal(all, UserInformation::default())).is_ok_and(|w| w.len() > 1 << 20));
}

/// Shorthands that fail the test when writing fails.
mod write {
    use super::super::{AssociateAc, AssociateRq, associate_ac, associate_rq};

    pub(super) fn associate_rq_bytes(rq: &AssociateRq) -> Vec<u8> {
        associate_rq(rq).unwrap_or_default()
    }

    pub(super) fn associate_ac_bytes(ac: &AssociateAc) -> Vec<u8> {
        associate_ac(ac).unwrap_or_default()
    }
}

// ---- round trips, and dicom-ul as an independent second opinion

fn uid() -> impl Strategy<Value = String> + Clone {
    "[0-9][0-9.]{0,63}"
}

/// Neither empty nor with blanks at its ends, which dicom-ul cuts.
fn title() -> impl Strategy<Value = AeTitle> {
    "[!-~]([ -~]{0,14}[!-~])?".prop_map(|text| AeTitle::new(&text))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> + Clone {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn user() -> impl Strategy<Value = UserInformation> {
    let roles =
        (uid(), any::<bool>(), any::<bool>()).prop_map(|(sop_class, scu, scp)| RoleSelection { sop_class, scu, scp });
    let extended = (uid(), bytes()).prop_map(|(sop_class, information)| ExtendedNegotiation { sop_class, information });
    let identity =
        (1..6_u8, any::<bool>(), bytes(), bytes()).prop_map(|(kind, response_requested, primary, second)| {
            let secondary = if kind == 2 { second } else { vec![] };
            UserIdentity { kind, response_requested, primary, secondary }
        });
    let texts = (prop_oneof![Just(String::new()), uid()], "[!-~]{0,16}");
    let many = (prop::collection::vec(roles, 0..4), prop::collection::vec(extended, 0..4));
    let options =
        (any::<Option<u32>>(), any::<Option<(u16, u16)>>(), prop::option::of(identity), prop::option::of(bytes()));
    (texts, many, options).prop_map(|(texts, many, (max_length, async_window, identity, identity_response))| {
        UserInformation {
            max_length,
            implementation_class_uid: texts.0,
            implementation_version_name: texts.1,
            async_window,
            roles: many.0,
            extended: many.1,
            identity,
            identity_response,
        }
    })
}

prop_compose! {
    fn any_rq()(
        version in any::<u16>(), called in title(), calling in title(), application_context in uid(),
        contexts in prop::collection::vec((any::<u8>(), uid(), prop::collection::vec(uid(), 0..5)), 0..6),
        user in user(),
    ) -> AssociateRq {
        let contexts = contexts
            .into_iter()
            .map(|(id, abstract_syntax, transfer_syntaxes)| ProposedContext { id, abstract_syntax, transfer_syntaxes })
            .collect();
        let user = UserInformation { identity_response: None, ..user };
        AssociateRq { protocol_version: version | 1, called, calling, application_context, contexts, user }
    }
}

prop_compose! {
    fn any_ac()(
        version in any::<u16>(), called in title(), calling in title(), application_context in uid(),
        contexts in prop::collection::vec((any::<u8>(), any::<u8>(), uid()), 0..6),
        user in user(),
    ) -> AssociateAc {
        let contexts = contexts
            .into_iter()
            .map(|(id, result, transfer_syntax)| ContextResult { id, result, transfer_syntax })
            .collect();
        let user = UserInformation { identity: None, ..user };
        AssociateAc { protocol_version: version | 1, called, calling, application_context, contexts, user }
    }
}

/// The user items as dicom-ul has them, in our order. What it has no variant for it keeps as bytes.
fn ul_user(user: &UserInformation) -> Vec<ul::UserVariableItem> {
    use ul::UserVariableItem as Item;
    let mut items = Vec::new();
    items.extend(user.max_length.map(Item::MaxLength));
    let class = &user.implementation_class_uid;
    items.extend((!class.is_empty()).then(|| Item::ImplementationClassUID(class.clone())));
    items.extend(user.async_window.map(|(a, b)| Item::Unknown(0x53, [a.to_be_bytes(), b.to_be_bytes()].concat())));
    items.extend(
        user.roles.iter().map(|r| {
            Item::ScuScpRoleSelectionSubItem(r.sop_class.clone(), ul::RequestorRoles { scu: r.scu, scp: r.scp })
        }),
    );
    let version = &user.implementation_version_name;
    items.extend((!version.is_empty()).then(|| Item::ImplementationVersionName(version.clone())));
    items.extend(
        user.extended
            .iter()
            .map(|e| Item::SopClassExtendedNegotiationSubItem(e.sop_class.clone(), e.information.clone())),
    );
    items.extend(user.identity.as_ref().map(|i| {
        let kind = match i.kind {
            1 => ul::UserIdentityType::Username,
            2 => ul::UserIdentityType::UsernamePassword,
            3 => ul::UserIdentityType::KerberosServiceTicket,
            4 => ul::UserIdentityType::SamlAssertion,
            _ => ul::UserIdentityType::Jwt,
        };
        let (primary, secondary) = (i.primary.clone(), i.secondary.clone());
        Item::UserIdentityItem(ul::UserIdentity::new(i.response_requested, kind, primary, secondary))
    }));
    items.extend(
        user.identity_response.as_ref().map(|r| Item::Unknown(0x59, [&(r.len() as u16).to_be_bytes()[..], r].concat())),
    );
    items
}

fn ul_rq(rq: &AssociateRq) -> ul::Pdu {
    ul::Pdu::AssociationRQ(ul::AssociationRQ {
        protocol_version: rq.protocol_version,
        calling_ae_title: rq.calling.text(),
        called_ae_title: rq.called.text(),
        application_context_name: rq.application_context.clone(),
        presentation_contexts: rq
            .contexts
            .iter()
            .map(|c| ul::PresentationContextProposed {
                id: c.id,
                abstract_syntax: c.abstract_syntax.clone(),
                transfer_syntaxes: c.transfer_syntaxes.clone(),
            })
            .collect(),
        user_variables: ul_user(&rq.user),
    })
}

fn ul_ac(ac: &AssociateAc) -> ul::Pdu {
    use ul::PresentationContextResultReason as Reason;
    ul::Pdu::AssociationAC(ul::AssociationAC {
        protocol_version: ac.protocol_version,
        calling_ae_title: ac.calling.text(),
        called_ae_title: ac.called.text(),
        application_context_name: ac.application_context.clone(),
        presentation_contexts: ac
            .contexts
            .iter()
            .map(|c| ul::PresentationContextResult {
                id: c.id,
                reason: match c.result {
                    0 => Reason::Acceptance,
                    1 => Reason::UserRejection,
                    2 => Reason::NoReason,
                    3 => Reason::AbstractSyntaxNotSupported,
                    _ => Reason::TransferSyntaxesNotSupported,
                },
                transfer_syntax: c.transfer_syntax.clone(),
            })
            .collect(),
        user_variables: ul_user(&ac.user),
    })
}

fn ul_read(bytes: &[u8]) -> Option<ul::Pdu> {
    ul::read_pdu(bytes, 1 << 24, false).ok().flatten()
}

fn ul_write(pdu: &ul::Pdu) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(ul::write_pdu(&mut out, pdu).is_ok());
    out
}

proptest! {
    #[test]
    fn requests_come_back(rq in any_rq()) {
        let written = write::associate_rq_bytes(&rq);
        prop_assert_eq!(&written[..6], &PduHeader::to_bytes(PduType::AssociateRq, written.len() as u32 - 6));
        prop_assert_eq!(read::associate_rq(&written[6..]), Ok(rq));
    }

    #[test]
    fn acceptances_come_back(ac in any_ac()) {
        let written = write::associate_ac_bytes(&ac);
        prop_assert_eq!(&written[..6], &PduHeader::to_bytes(PduType::AssociateAc, written.len() as u32 - 6));
        prop_assert_eq!(read::associate_ac(&written[6..]), Ok(ac));
    }

    #[test]
    fn dicom_ul_reads_our_requests_and_we_its(rq in any_rq()) {
        let theirs = ul_rq(&rq);
        prop_assert_eq!(ul_read(&write::associate_rq_bytes(&rq)), Some(theirs.clone()));
        prop_assert_eq!(read::associate_rq(&ul_write(&theirs)[6..]), Ok(rq));
    }

    #[test]
    fn dicom_ul_reads_our_acceptances_and_we_its(mut ac in any_ac()) {
        // Codes that dicom-ul knows.
        ac.contexts.iter_mut().for_each(|c| c.result %= 5);
        let theirs = ul_ac(&ac);
        prop_assert_eq!(ul_read(&write::associate_ac_bytes(&ac)), Some(theirs.clone()));
        prop_assert_eq!(read::associate_ac(&ul_write(&theirs)[6..]), Ok(ac));
    }
}

#[test]
fn dicom_ul_agrees_on_the_short_pdus() {
    use ul::{AbortRQServiceProviderReason as Reason, AbortRQSource, AssociationRJResult, AssociationRJSource};
    let rejection = ul::Pdu::AssociationRJ(ul::AssociationRJ {
        result: AssociationRJResult::Transient,
        source: AssociationRJSource::ServiceProviderPresentation(
            ul::AssociationRJServiceProviderPresentationReason::LocalLimitExceeded,
        ),
    });
    let rj = AssociateRj { result: 2, source: 3, reason: 2 };
    assert_eq!(ul_read(&associate_rj(rj)), Some(rejection.clone()));
    assert_eq!(read::associate_rj(&ul_write(&rejection)[6..]), Ok(rj));
    for (source, theirs) in [
        (Abort { source: 0, reason: 0 }, AbortRQSource::ServiceUser),
        (Abort { source: 2, reason: 1 }, AbortRQSource::ServiceProvider(Reason::UnrecognizedPdu)),
        (Abort { source: 2, reason: 2 }, AbortRQSource::ServiceProvider(Reason::UnexpectedPdu)),
        (Abort { source: 2, reason: 6 }, AbortRQSource::ServiceProvider(Reason::InvalidPduParameter)),
    ] {
        let theirs = ul::Pdu::AbortRQ { source: theirs };
        assert_eq!(ul_read(&abort(source)), Some(theirs.clone()));
        assert_eq!(read::abort(&ul_write(&theirs)[6..]), source);
    }
    assert_eq!(ul_read(&release_rq()), Some(ul::Pdu::ReleaseRQ));
    assert_eq!(ul_read(&release_rp()), Some(ul::Pdu::ReleaseRP));
    assert_eq!(
        (ul_write(&ul::Pdu::ReleaseRQ), ul_write(&ul::Pdu::ReleaseRP)),
        (release_rq().into(), release_rp().into())
    );
}
