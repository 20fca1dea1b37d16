//! PS3.8 table 9-10, the upper layer's state machine, as one pure function.
//!
//! [`step`] says what to do and which state follows; it does nothing itself. Rows, columns and action numbers stand as in
//! the standard, so that the table can be checked with a finger on the page. Beside each action stands what it consists
//! of (PS3.8 tables 9-6 to 9-9).

use crate::pdu::Abort;
use std::fmt;

/// A state of the upper layer (PS3.8 tables 9-1 to 9-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Idle.
    Sta1 = 1,
    /// Transport connection open, awaiting A-ASSOCIATE-RQ.
    Sta2,
    /// Awaiting the local A-ASSOCIATE response.
    Sta3,
    /// Awaiting the opening of the transport connection.
    Sta4,
    /// Awaiting A-ASSOCIATE-AC or -RJ.
    Sta5,
    /// Association established, ready for data transfer.
    Sta6,
    /// Awaiting A-RELEASE-RP.
    Sta7,
    /// Awaiting the local A-RELEASE response.
    Sta8,
    /// Release collision, requestor side: awaiting the local A-RELEASE response.
    Sta9,
    /// Release collision, acceptor side: awaiting A-RELEASE-RP.
    Sta10,
    /// Release collision, requestor side: awaiting A-RELEASE-RP.
    Sta11,
    /// Release collision, acceptor side: awaiting the local A-RELEASE response.
    Sta12,
    /// Awaiting the close of the transport connection: the association no longer exists.
    Sta13,
}

impl State {
    /// All states, in the order of the standard.
    pub const ALL: [Self; 13] = [
        Self::Sta1,
        Self::Sta2,
        Self::Sta3,
        Self::Sta4,
        Self::Sta5,
        Self::Sta6,
        Self::Sta7,
        Self::Sta8,
        Self::Sta9,
        Self::Sta10,
        Self::Sta11,
        Self::Sta12,
        Self::Sta13,
    ];
}

/// Something that happens (PS3.8 table 9-10, first column). Number *n* of the standard is [`number`](Self::number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// 1. The local user asks for an association.
    AssociateRequest,
    /// 2. The transport connection we asked for is open.
    TransportConfirm,
    /// 3. A-ASSOCIATE-AC received.
    AssociateAc,
    /// 4. A-ASSOCIATE-RJ received.
    AssociateRj,
    /// 5. A peer opened a transport connection.
    TransportIndication,
    /// 6. A-ASSOCIATE-RQ received.
    AssociateRq {
        /// The upper layer itself finds nothing against it, as a protocol version it does not speak.
        acceptable: bool,
    },
    /// 7. The local user accepts the association.
    AssociateResponseAccept,
    /// 8. The local user rejects the association.
    AssociateResponseReject,
    /// 9. The local user has data to send.
    DataRequest,
    /// 10. P-DATA-TF received.
    Data,
    /// 11. The local user wants to release.
    ReleaseRequest,
    /// 12. A-RELEASE-RQ received.
    ReleaseRq,
    /// 13. A-RELEASE-RP received.
    ReleaseRp,
    /// 14. The local user agrees to the release.
    ReleaseResponse,
    /// 15. The local user wants to abort.
    AbortRequest,
    /// 16. A-ABORT received.
    Abort {
        /// Its source: true for the service user (0), false for the service provider (2).
        by_user: bool,
    },
    /// 17. The transport connection was closed.
    TransportClosed,
    /// 18. The ARTIM timer has expired.
    ArtimExpired,
    /// 19. A PDU received whose type is unknown, or whose content cannot be read.
    InvalidPdu {
        /// The type is unknown; otherwise a parameter is invalid.
        unrecognized: bool,
    },
}

impl Event {
    /// Number in table 9-10, 1 to 19.
    pub fn number(self) -> u8 {
        match self {
            Self::AssociateRequest => 1,
            Self::TransportConfirm => 2,
            Self::AssociateAc => 3,
            Self::AssociateRj => 4,
            Self::TransportIndication => 5,
            Self::AssociateRq { .. } => 6,
            Self::AssociateResponseAccept => 7,
            Self::AssociateResponseReject => 8,
            Self::DataRequest => 9,
            Self::Data => 10,
            Self::ReleaseRequest => 11,
            Self::ReleaseRq => 12,
            Self::ReleaseRp => 13,
            Self::ReleaseResponse => 14,
            Self::AbortRequest => 15,
            Self::Abort { .. } => 16,
            Self::TransportClosed => 17,
            Self::ArtimExpired => 18,
            Self::InvalidPdu { .. } => 19,
        }
    }
}

/// Which end of the association we are. Only a release collision (AR-8) depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// We asked for the association.
    Requestor,
    /// We were asked.
    Acceptor,
}

/// An action of tables 9-6 to 9-9, by its number in the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub enum Action {
    Ae1,
    Ae2,
    Ae3,
    Ae4,
    Ae5,
    Ae6,
    Ae7,
    Ae8,
    Dt1,
    Dt2,
    Ar1,
    Ar2,
    Ar3,
    Ar4,
    Ar5,
    Ar6,
    Ar7,
    Ar8,
    Ar9,
    Ar10,
    Aa1,
    Aa2,
    Aa3,
    Aa4,
    Aa5,
    Aa6,
    Aa7,
    Aa8,
}

/// One thing to do; an action is a sequence of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Do {
    /// Ask the transport for a connection.
    Connect,
    /// Accept the transport connection.
    AcceptConnection,
    /// Close the transport connection.
    Close,
    /// Start the ARTIM timer, or restart it when it runs.
    StartArtim,
    /// Stop the ARTIM timer, when it runs.
    StopArtim,
    /// Send A-ASSOCIATE-RQ.
    SendAssociateRq,
    /// Send A-ASSOCIATE-AC.
    SendAssociateAc,
    /// Send A-ASSOCIATE-RJ.
    SendAssociateRj,
    /// Send P-DATA-TF.
    SendData,
    /// Send A-RELEASE-RQ.
    SendReleaseRq,
    /// Send A-RELEASE-RP.
    SendReleaseRp,
    /// Send the A-ABORT of [`Step::abort`].
    SendAbort,
    /// Tell the local user that a peer wants to associate.
    IndicateAssociate,
    /// Tell the local user that the peer has accepted.
    ConfirmAccept,
    /// Tell the local user that the peer has rejected.
    ConfirmReject,
    /// Hand received data to the local user.
    IndicateData,
    /// Tell the local user that the peer wants to release. In a collision too.
    IndicateRelease,
    /// Tell the local user that the association is released.
    ConfirmRelease,
    /// A-ABORT indication: the peer's user has aborted.
    IndicateAbort,
    /// A-P-ABORT indication: a provider has aborted, or the connection is lost.
    IndicateProviderAbort,
}

/// What follows from an event in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The entry of table 9-10.
    pub action: Action,
    /// What the action consists of, in order; empty when the PDU is to be ignored (AA-6).
    pub todo: &'static [Do],
    /// Source and reason of the A-ABORT to send, when one is among them.
    pub abort: Option<Abort>,
    /// The state that follows.
    pub next: State,
}

/// Table 9-10 has no entry for this event in this state: one of our own layers has done what it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undefined {
    /// The state.
    pub state: State,
    /// The event.
    pub event: Event,
}

impl std::error::Error for Undefined {}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // DCMTK counts events from 0.
        write!(
            f,
            "0006:0303 DUL Finite State Machine Error: No action defined, state {} event {}",
            self.state as u8,
            self.event.number() - 1
        )
    }
}

/// What to do when `event` happens in `state` (PS3.8 table 9-10).
///
/// # Errors
/// [`Undefined`] where the table has no entry. No PDU of a peer leads there from a state that has a connection.
pub fn step(role: Role, state: State, event: Event) -> Result<Step, Undefined> {
    let action = TABLE[usize::from(event.number()) - 1][state as usize - 1].ok_or(Undefined { state, event })?;
    let (todo, next) = effect(action, role, event);
    let abort = match action {
        Action::Aa1 => Some(USER_ABORT),
        Action::Aa7 | Action::Aa8 => Some(provider_abort(event)),
        _ => None,
    };
    Ok(Step { action, todo, abort, next })
}

type Cell = Option<Action>;

macro_rules! cells {
    ($($name:ident = $action:ident),*) => { $(const $name: Cell = Some(Action::$action);)* };
}
cells!(AE1 = Ae1, AE2 = Ae2, AE3 = Ae3, AE4 = Ae4, AE5 = Ae5, AE6 = Ae6, AE7 = Ae7, AE8 = Ae8, DT1 = Dt1, DT2 = Dt2);
cells!(AR1 = Ar1, AR2 = Ar2, AR3 = Ar3, AR4 = Ar4, AR5 = Ar5, AR6 = Ar6, AR7 = Ar7, AR8 = Ar8, AR9 = Ar9, ARX = Ar10);
cells!(AA1 = Aa1, AA2 = Aa2, AA3 = Aa3, AA4 = Aa4, AA5 = Aa5, AA6 = Aa6, AA7 = Aa7, AA8 = Aa8);
const ___: Cell = None;

/// PS3.8 table 9-10: a row for each event, a column for each state. `ARX` is AR-10.
#[rustfmt::skip]
const TABLE: [[Cell; 13]; 19] = [
//   Sta1 Sta2 Sta3 Sta4 Sta5 Sta6 Sta7 Sta8 Sta9 St10 St11 St12 St13
    [AE1, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___], //  1 A-ASSOCIATE request
    [___, ___, ___, AE2, ___, ___, ___, ___, ___, ___, ___, ___, ___], //  2 transport connect confirmation
    [___, AA1, AA8, ___, AE3, AA8, AA8, AA8, AA8, AA8, AA8, AA8, AA6], //  3 A-ASSOCIATE-AC
    [___, AA1, AA8, ___, AE4, AA8, AA8, AA8, AA8, AA8, AA8, AA8, AA6], //  4 A-ASSOCIATE-RJ
    [AE5, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___], //  5 transport connect indication
    [___, AE6, AA8, ___, AA8, AA8, AA8, AA8, AA8, AA8, AA8, AA8, AA7], //  6 A-ASSOCIATE-RQ
    [___, ___, AE7, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___], //  7 A-ASSOCIATE response, accept
    [___, ___, AE8, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___], //  8 A-ASSOCIATE response, reject
    [___, ___, ___, ___, ___, DT1, ___, AR7, ___, ___, ___, ___, ___], //  9 P-DATA request
    [___, AA1, AA8, ___, AA8, DT2, AR6, AA8, AA8, AA8, AA8, AA8, AA6], // 10 P-DATA-TF
    [___, ___, ___, ___, ___, AR1, ___, ___, ___, ___, ___, ___, ___], // 11 A-RELEASE request
    [___, AA1, AA8, ___, AA8, AR2, AR8, AA8, AA8, AA8, AA8, AA8, AA6], // 12 A-RELEASE-RQ
    [___, AA1, AA8, ___, AA8, AA8, AR3, AA8, AA8, ARX, AR3, AA8, AA6], // 13 A-RELEASE-RP
    [___, ___, ___, ___, ___, ___, ___, AR4, AR9, ___, ___, AR4, ___], // 14 A-RELEASE response
    [___, ___, AA1, AA2, AA1, AA1, AA1, AA1, AA1, AA1, AA1, AA1, ___], // 15 A-ABORT request
    [___, AA2, AA3, ___, AA3, AA3, AA3, AA3, AA3, AA3, AA3, AA3, AA2], // 16 A-ABORT
    [___, AA5, AA4, AA4, AA4, AA4, AA4, AA4, AA4, AA4, AA4, AA4, AR5], // 17 transport connection closed
    [___, AA2, ___, ___, ___, ___, ___, ___, ___, ___, ___, ___, AA2], // 18 ARTIM expired
    [___, AA1, AA8, ___, AA8, AA8, AA8, AA8, AA8, AA8, AA8, AA8, AA7], // 19 unrecognized or invalid PDU
];

/// PS3.8 tables 9-6 (AE), 9-7 (DT), 9-8 (AR) and 9-9 (AA).
#[rustfmt::skip]
fn effect(action: Action, role: Role, event: Event) -> (&'static [Do], State) {
    use State::{Sta1, Sta2, Sta3, Sta4, Sta5, Sta6, Sta7, Sta8, Sta9, Sta10, Sta11, Sta12, Sta13};
    match action {
        Action::Ae1 => (&[Do::Connect], Sta4),
        Action::Ae2 => (&[Do::SendAssociateRq], Sta5),
        Action::Ae3 => (&[Do::ConfirmAccept], Sta6),
        Action::Ae4 => (&[Do::ConfirmReject, Do::Close], Sta1),
        Action::Ae5 => (&[Do::AcceptConnection, Do::StartArtim], Sta2),
        Action::Ae6 => match event {
            Event::AssociateRq { acceptable: false } => (&[Do::StopArtim, Do::SendAssociateRj, Do::StartArtim], Sta13),
            _ => (&[Do::StopArtim, Do::IndicateAssociate], Sta3),
        },
        Action::Ae7 => (&[Do::SendAssociateAc], Sta6),
        Action::Ae8 => (&[Do::SendAssociateRj, Do::StartArtim], Sta13),
        Action::Dt1 => (&[Do::SendData], Sta6),
        Action::Dt2 => (&[Do::IndicateData], Sta6),
        Action::Ar1 => (&[Do::SendReleaseRq], Sta7),
        Action::Ar2 => (&[Do::IndicateRelease], Sta8),
        Action::Ar3 => (&[Do::ConfirmRelease, Do::Close], Sta1),
        Action::Ar4 => (&[Do::SendReleaseRp, Do::StartArtim], Sta13),
        Action::Ar5 => (&[Do::StopArtim], Sta1),
        Action::Ar6 => (&[Do::IndicateData], Sta7),
        Action::Ar7 => (&[Do::SendData], Sta8),
        Action::Ar8 => (&[Do::IndicateRelease], if role == Role::Requestor { Sta9 } else { Sta10 }),
        Action::Ar9 => (&[Do::SendReleaseRp], Sta11),
        Action::Ar10 => (&[Do::ConfirmRelease], Sta12),
        Action::Aa1 => (&[Do::SendAbort, Do::StartArtim], Sta13),
        Action::Aa2 => (&[Do::StopArtim, Do::Close], Sta1),
        Action::Aa3 => match event {
            Event::Abort { by_user: true } => (&[Do::IndicateAbort, Do::Close], Sta1),
            _ => (&[Do::IndicateProviderAbort, Do::Close], Sta1),
        },
        Action::Aa4 => (&[Do::IndicateProviderAbort], Sta1),
        Action::Aa5 => (&[Do::StopArtim], Sta1),
        Action::Aa6 => (&[], Sta13),
        Action::Aa7 => (&[Do::SendAbort], Sta13),
        Action::Aa8 => (&[Do::SendAbort, Do::IndicateProviderAbort, Do::StartArtim], Sta13),
    }
}

/// A-ABORT of the service user, whose reason has no meaning.
const USER_ABORT: Abort = Abort { source: 0, reason: 0 };

/// A-ABORT of the service provider (PS3.8 9.3.8): 1 unrecognized PDU, 2 unexpected PDU, 6 invalid parameter value.
fn provider_abort(event: Event) -> Abort {
    let reason = match event {
        Event::InvalidPdu { unrecognized: true } => 1,
        Event::InvalidPdu { unrecognized: false } => 6,
        _ => 2,
    };
    Abort { source: 2, reason }
}

#[cfg(test)]
mod tests;
