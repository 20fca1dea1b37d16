use super::super::command::{CCancelRq, CEchoRq, CMoveRq, CStoreRq};
use super::*;

const END: &str = "======================= END DIMSE MESSAGE =======================";
const INCOMING: &str = "===================== INCOMING DIMSE MESSAGE ====================";

fn store() -> CStoreRq {
    CStoreRq {
        message_id: 7,
        sop_class: "1.2.840.10008.5.1.4.1.1.4".to_owned(),
        sop_instance: "1.2.3.4.5".to_owned(),
        priority: Priority::Medium,
        move_originator_title: None,
        move_originator_id: None,
    }
}

/// The dump without its frame, after checking the frame.
fn body(message: &Message) -> String {
    let dump = dump(Direction::Incoming, Some(1), message);
    let mut lines: Vec<_> = dump.lines().collect();
    assert_eq!((lines.remove(0), lines.pop()), (INCOMING, Some(END)));
    lines.retain(|&l| l != "Presentation Context ID       : 1");
    lines.join("\n")
}

/// storescu -d before it sends, and storescp -d when it has received (DCMTK 3.6.7).
#[test]
fn a_store_request_as_dcmtk_prints_it() {
    let message = Message::request(Request::Store(store()), true);
    let common = "\
Message ID                    : 7
Affected SOP Class UID        : MRImageStorage
Affected SOP Instance UID     : 1.2.3.4.5
Data Set                      : present
Priority                      : medium
======================= END DIMSE MESSAGE =======================";
    assert_eq!(
        dump(Direction::Incoming, Some(1), &message),
        format!("{INCOMING}\nMessage Type                  : C-STORE RQ\nPresentation Context ID       : 1\n{common}")
    );
    assert_eq!(
        dump(Direction::Outgoing, None, &message),
        format!(
            "===================== OUTGOING DIMSE MESSAGE ====================\n\
             Message Type                  : C-STORE RQ\n{common}"
        )
    );
}

#[test]
fn a_move_originator_has_two_lines_more() {
    let rq = CStoreRq { move_originator_title: Some("MOVER".to_owned()), move_originator_id: Some(99), ..store() };
    let text = body(&Message::request(Request::Store(rq), true));
    let end = "Priority                      : medium\n\
               Move Originator AE Title      : MOVER\n\
               Move Originator ID            : 99";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn an_echo_request_shows_no_class() {
    let rq = CEchoRq { message_id: 7, sop_class: "1.2.840.10008.1.1".to_owned() };
    let expected = "Message Type                  : C-ECHO RQ\n\
                    Message ID                    : 7\n\
                    Data Set                      : none";
    assert_eq!(body(&Message::request(Request::Echo(rq), false)), expected);
}

#[test]
fn a_move_request_names_its_destination() {
    let rq = CMoveRq {
        message_id: 5,
        sop_class: "1.2.3".to_owned(),
        priority: Priority::Other(9),
        destination: "DEST".to_owned(),
    };
    // The blank behind an empty value stays.
    let expected = "Message Type                  : C-MOVE RQ\n\
                    Message ID                    : 5\n\
                    Affected SOP Class UID        : 1.2.3\n\
                    Data Set                      : present\n\
                    Priority                      : \n\
                    Move Destination              : DEST";
    assert_eq!(body(&Message::request(Request::Move(rq), true)), expected);
}

#[test]
fn a_cancel_request_names_what_it_cancels() {
    let expected = "Message Type                  : C-CANCEL RQ\n\
                    Message ID Being Responded To : 6\n\
                    Data Set                      : none";
    assert_eq!(body(&Message::request(Request::Cancel(CCancelRq { message_id: 6 }), false)), expected);
}

#[test]
fn responses_show_what_their_service_has() {
    let response = Response { field: field::C_STORE_RSP, message_id: 5, ..Response::default() };
    let expected = "Message Type                  : C-STORE RSP\n\
                    Message ID Being Responded To : 5\n\
                    Affected SOP Class UID        : none\n\
                    Affected SOP Instance UID     : none\n\
                    Data Set                      : none\n\
                    DIMSE Status                  : 0x0000: Success";
    assert_eq!(body(&response.into()), expected);

    let response = Response {
        field: field::C_MOVE_RSP,
        message_id: 5,
        sop_class: Some("1.2.840.10008.5.1.4.1.2.2.2".to_owned()),
        data_set: true,
        status: 0xFF00,
        suboperations: Some(Counts { remaining: Some(1), completed: Some(2), ..Counts::default() }),
        ..Response::default()
    };
    let expected = "Message Type                  : C-MOVE RSP\n\
                    Message ID Being Responded To : 5\n\
                    Affected SOP Class UID        : MOVEStudyRootQueryRetrieveInformationModel\n\
                    Remaining Suboperations       : 1\n\
                    Completed Suboperations       : 2\n\
                    Failed Suboperations          : none\n\
                    Warning Suboperations         : none\n\
                    Data Set                      : present\n\
                    DIMSE Status                  : 0xff00: Pending: Sub-operations are continuing";
    assert_eq!(body(&response.into()), expected);

    let response = Response {
        field: field::C_ECHO_RSP,
        message_id: 5,
        sop_class: Some("1.2.840.10008.1.1".to_owned()),
        ..Response::default()
    };
    let expected = "Message Type                  : C-ECHO RSP\n\
                    Message ID Being Responded To : 5\n\
                    Affected SOP Class UID        : VerificationSOPClass\n\
                    Data Set                      : none\n\
                    DIMSE Status                  : 0x0000: Success";
    assert_eq!(body(&response.into()), expected);
}

/// DCMTK prints such a value raw, and with it a line that looks like one of its own.
#[test]
fn a_value_cannot_start_a_line() {
    let rq = CStoreRq {
        sop_instance: "1\u{1b}[2J\u{85}".to_owned(),
        move_originator_title: Some("A\nE: forged".to_owned()),
        ..store()
    };
    let text = body(&Message::request(Request::Store(rq), true));
    assert!(text.contains("Affected SOP Instance UID     : 1\\x1b[2J\\x85\n"), "{text}");
    assert!(text.contains("Move Originator AE Title      : A\\x0aE: forged"), "{text}");
}
