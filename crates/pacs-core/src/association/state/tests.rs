use super::*;

/// Table 9-10 a second time, by states, written from the descriptions of the states in PS3.8 9.2 and not from `TABLE`:
/// (state, events, action number, next state). What is not listed has no entry.
const BY_STATE: &[(u8, &[u8], &str, u8)] = &[
    // Idle: we open a connection, or a peer does.
    (1, &[1], "AE-1", 4),
    (1, &[5], "AE-5", 2),
    // Connected to a peer that has not said anything: a request, or the end.
    (2, &[6], "AE-6", 3),
    (2, &[3, 4, 10, 12, 13, 19], "AA-1", 13),
    (2, &[16, 18], "AA-2", 1),
    (2, &[17], "AA-5", 1),
    // The user is to answer a request.
    (3, &[7], "AE-7", 6),
    (3, &[8], "AE-8", 13),
    (3, &[3, 4, 6, 10, 12, 13, 19], "AA-8", 13),
    (3, &[15], "AA-1", 13),
    (3, &[16], "AA-3", 1),
    (3, &[17], "AA-4", 1),
    // Connecting.
    (4, &[2], "AE-2", 5),
    (4, &[15], "AA-2", 1),
    (4, &[17], "AA-4", 1),
    // Waiting for the answer to our request.
    (5, &[3], "AE-3", 6),
    (5, &[4], "AE-4", 1),
    (5, &[6, 10, 12, 13, 19], "AA-8", 13),
    (5, &[15], "AA-1", 13),
    (5, &[16], "AA-3", 1),
    (5, &[17], "AA-4", 1),
    // Data transfer.
    (6, &[9], "DT-1", 6),
    (6, &[10], "DT-2", 6),
    (6, &[11], "AR-1", 7),
    (6, &[12], "AR-2", 8),
    (6, &[3, 4, 6, 13, 19], "AA-8", 13),
    (6, &[15], "AA-1", 13),
    (6, &[16], "AA-3", 1),
    (6, &[17], "AA-4", 1),
    // We have asked for release: data may still come, and so may the peer's own request.
    (7, &[10], "AR-6", 7),
    (7, &[12], "AR-8", 9),
    (7, &[13], "AR-3", 1),
    (7, &[3, 4, 6, 19], "AA-8", 13),
    (7, &[15], "AA-1", 13),
    (7, &[16], "AA-3", 1),
    (7, &[17], "AA-4", 1),
    // The peer has asked for release: our data may still go.
    (8, &[9], "AR-7", 8),
    (8, &[14], "AR-4", 13),
    (8, &[3, 4, 6, 10, 12, 13, 19], "AA-8", 13),
    (8, &[15], "AA-1", 13),
    (8, &[16], "AA-3", 1),
    (8, &[17], "AA-4", 1),
    // Collision: the requestor answers first, the acceptor awaits the answer before it gives its own.
    (9, &[14], "AR-9", 11),
    (9, &[3, 4, 6, 10, 12, 13, 19], "AA-8", 13),
    (9, &[15], "AA-1", 13),
    (9, &[16], "AA-3", 1),
    (9, &[17], "AA-4", 1),
    (10, &[13], "AR-10", 12),
    (10, &[3, 4, 6, 10, 12, 19], "AA-8", 13),
    (10, &[15], "AA-1", 13),
    (10, &[16], "AA-3", 1),
    (10, &[17], "AA-4", 1),
    (11, &[13], "AR-3", 1),
    (11, &[3, 4, 6, 10, 12, 19], "AA-8", 13),
    (11, &[15], "AA-1", 13),
    (11, &[16], "AA-3", 1),
    (11, &[17], "AA-4", 1),
    (12, &[14], "AR-4", 13),
    (12, &[3, 4, 6, 10, 12, 13, 19], "AA-8", 13),
    (12, &[15], "AA-1", 13),
    (12, &[16], "AA-3", 1),
    (12, &[17], "AA-4", 1),
    // Done, waiting for the peer to close: whatever it still says is ignored, or answered once more with an abort.
    (13, &[3, 4, 10, 12, 13], "AA-6", 13),
    (13, &[6, 19], "AA-7", 13),
    (13, &[16, 18], "AA-2", 1),
    (13, &[17], "AR-5", 1),
];

const EVENTS: [Event; 19] = [
    Event::AssociateRequest,
    Event::TransportConfirm,
    Event::AssociateAc,
    Event::AssociateRj,
    Event::TransportIndication,
    Event::AssociateRq { acceptable: true },
    Event::AssociateResponseAccept,
    Event::AssociateResponseReject,
    Event::DataRequest,
    Event::Data,
    Event::ReleaseRequest,
    Event::ReleaseRq,
    Event::ReleaseRp,
    Event::ReleaseResponse,
    Event::AbortRequest,
    Event::Abort { by_user: true },
    Event::TransportClosed,
    Event::ArtimExpired,
    Event::InvalidPdu { unrecognized: true },
];

fn number(action: Action) -> String {
    let name = format!("{action:?}").to_uppercase();
    format!("{}-{}", &name[..2], &name[2..])
}

#[test]
fn every_event_in_every_state_is_the_standards() {
    for (n, event) in EVENTS.into_iter().enumerate() {
        assert_eq!(usize::from(event.number()), n + 1);
    }
    for role in [Role::Requestor, Role::Acceptor] {
        for state in State::ALL {
            for event in EVENTS {
                let wanted: Vec<_> = BY_STATE
                    .iter()
                    .filter(|(s, events, ..)| *s == state as u8 && events.contains(&event.number()))
                    .map(|&(s, _, action, next)| {
                        // The one entry that depends on the role.
                        let next = if (s, action, role) == (7, "AR-8", Role::Acceptor) { 10 } else { next };
                        (action.to_owned(), next)
                    })
                    .collect();
                assert!(wanted.len() < 2, "listed twice: {state:?} {event:?}");
                let got = step(role, state, event).map(|s| (number(s.action), s.next as u8));
                assert_eq!(got.ok(), wanted.first().cloned(), "{role:?} {state:?} {event:?}");
            }
        }
    }
}

#[test]
fn what_the_actions_consist_of() {
    let todo = |state, event| step(Role::Acceptor, state, event).map_or(&[Do::Connect][..], |s| s.todo);
    assert_eq!(todo(State::Sta1, Event::TransportIndication), &[Do::AcceptConnection, Do::StartArtim]);
    assert_eq!(todo(State::Sta2, Event::AssociateRq { acceptable: true }), &[Do::StopArtim, Do::IndicateAssociate]);
    assert_eq!(todo(State::Sta3, Event::AssociateResponseReject), &[Do::SendAssociateRj, Do::StartArtim]);
    assert_eq!(todo(State::Sta8, Event::ReleaseResponse), &[Do::SendReleaseRp, Do::StartArtim]);
    assert_eq!(todo(State::Sta6, Event::Abort { by_user: true }), &[Do::IndicateAbort, Do::Close]);
    assert_eq!(todo(State::Sta6, Event::Abort { by_user: false }), &[Do::IndicateProviderAbort, Do::Close]);
    assert_eq!(todo(State::Sta13, Event::Data), &[]);
}

#[test]
fn an_unacceptable_request_is_rejected_by_the_upper_layer_itself() {
    let step = step(Role::Acceptor, State::Sta2, Event::AssociateRq { acceptable: false });
    let todo = &[Do::StopArtim, Do::SendAssociateRj, Do::StartArtim];
    assert_eq!(step, Ok(Step { action: Action::Ae6, todo, abort: None, next: State::Sta13 }));
}

/// S27: the right source and reason.
#[test]
fn aborts_name_source_and_reason() {
    let abort = |state, event| {
        let step = step(Role::Acceptor, state, event).ok()?;
        assert_eq!(step.abort.is_some(), step.todo.contains(&Do::SendAbort));
        step.abort.map(|a| (a.source, a.reason))
    };
    assert_eq!(abort(State::Sta2, Event::Data), Some((0, 0)), "as DCMTK before an association");
    assert_eq!(abort(State::Sta6, Event::AbortRequest), Some((0, 0)));
    assert_eq!(abort(State::Sta6, Event::AssociateAc), Some((2, 2)), "unexpected PDU, as DCMTK");
    assert_eq!(abort(State::Sta6, Event::InvalidPdu { unrecognized: true }), Some((2, 1)));
    assert_eq!(abort(State::Sta6, Event::InvalidPdu { unrecognized: false }), Some((2, 6)));
    assert_eq!(abort(State::Sta13, Event::AssociateRq { acceptable: true }), Some((2, 2)));
    assert_eq!(abort(State::Sta13, Event::Data), None);
}

/// A release collision, step by step on both sides (PS3.8 9.2.3), ends with both in Sta1 or awaiting the close.
#[test]
fn a_release_collision_resolves() {
    let run = |role, events: &[Event]| {
        events.iter().try_fold(State::Sta6, |state, &event| step(role, state, event).map(|s| s.next))
    };
    let (ask, asked, agree, agreed) =
        (Event::ReleaseRequest, Event::ReleaseRq, Event::ReleaseResponse, Event::ReleaseRp);
    assert_eq!(run(Role::Requestor, &[ask, asked, agree, agreed]), Ok(State::Sta1));
    assert_eq!(run(Role::Acceptor, &[ask, asked, agreed, agree, Event::TransportClosed]), Ok(State::Sta1));
}

#[test]
fn a_missing_entry_reads_as_dcmtks() {
    let error = step(Role::Acceptor, State::Sta1, Event::AssociateResponseReject).map_err(|e| e.to_string());
    let text = "0006:0303 DUL Finite State Machine Error: No action defined, state 1 event 7";
    assert_eq!(error, Err(text.to_owned()));
}

/// A peer can neither reach a hole of the table nor keep us from ending: every PDU is defined while a connection exists.
#[test]
fn no_pdu_meets_a_hole() {
    for state in State::ALL.into_iter().filter(|s| !matches!(s, State::Sta1 | State::Sta4)) {
        for event in EVENTS.into_iter().filter(|e| matches!(e.number(), 3 | 4 | 6 | 10 | 12 | 13 | 16 | 17 | 19)) {
            assert!(step(Role::Acceptor, state, event).is_ok(), "{state:?} {event:?}");
        }
    }
}
