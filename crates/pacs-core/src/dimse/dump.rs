//! Messages as DCMTK prints them at debug level.

use super::command::{Counts, Kind, Message, Priority, Request, Response, field};
use super::status::{self, Service};
use crate::names::dimse_name;
use std::fmt::{Display, Write as _};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received.
    Incoming,
    /// Sent.
    Outgoing,
}

/// The dump of a message: several lines without a newline at the end. `context_id` is missing in DCMTK's dumps of requests
/// about to be sent.
///
/// Control characters in values are written as `\x0a`, so that a peer cannot start a line of its own.
pub fn dump(direction: Direction, context_id: Option<u8>, message: &Message) -> String {
    let way = match direction {
        Direction::Incoming => "INCOMING",
        Direction::Outgoing => "OUTGOING",
    };
    let mut out = Lines(format!("===================== {way} DIMSE MESSAGE ====================\n"));
    out.line("Message Type", message_type(message.field()));
    if let Some(id) = context_id {
        out.line("Presentation Context ID", id);
    }
    match &message.kind {
        Kind::Request(request) => dump_request(&mut out, request, message.data_set),
        Kind::Response(response) => dump_response(&mut out, response),
    }
    out.0.push_str("======================= END DIMSE MESSAGE =======================");
    out.0
}

/// DCMTK's name of a command field, as `C-STORE RQ`.
pub fn message_type(command_field: u16) -> &'static str {
    match command_field {
        field::C_STORE_RQ => "C-STORE RQ",
        field::C_STORE_RSP => "C-STORE RSP",
        field::C_GET_RQ => "C-GET RQ",
        field::C_GET_RSP => "C-GET RSP",
        field::C_FIND_RQ => "C-FIND RQ",
        field::C_FIND_RSP => "C-FIND RSP",
        field::C_MOVE_RQ => "C-MOVE RQ",
        field::C_MOVE_RSP => "C-MOVE RSP",
        field::C_ECHO_RQ => "C-ECHO RQ",
        field::C_ECHO_RSP => "C-ECHO RSP",
        field::C_CANCEL_RQ => "C-CANCEL RQ",
        0x0100 => "N-EVENT-REPORT RQ",
        0x8100 => "N-EVENT-REPORT RSP",
        0x0110 => "N-GET RQ",
        0x8110 => "N-GET RSP",
        0x0120 => "N-SET RQ",
        0x8120 => "N-SET RSP",
        0x0130 => "N-ACTION RQ",
        0x8130 => "N-ACTION RSP",
        0x0140 => "N-CREATE RQ",
        0x8140 => "N-CREATE RSP",
        0x0150 => "N-DELETE RQ",
        0x8150 => "N-DELETE RSP",
        _ => "Unknown",
    }
}

fn dump_request(out: &mut Lines, request: &Request, data_set: bool) {
    match request {
        // DCMTK shows the class of no echo request.
        Request::Echo(rq) => {
            out.line("Message ID", rq.message_id);
            out.data_set(data_set);
        }
        Request::Store(rq) => {
            out.line("Message ID", rq.message_id);
            out.uid("Affected SOP Class UID", &rq.sop_class);
            out.line("Affected SOP Instance UID", printable(&rq.sop_instance));
            out.data_set(data_set);
            out.priority(rq.priority);
            if let Some(title) = &rq.move_originator_title {
                out.line("Move Originator AE Title", printable(title));
            }
            if let Some(id) = rq.move_originator_id {
                out.line("Move Originator ID", id);
            }
        }
        Request::Find(rq) => out.query(rq.message_id, &rq.sop_class, data_set, rq.priority),
        Request::Get(rq) => out.query(rq.message_id, &rq.sop_class, data_set, rq.priority),
        Request::Move(rq) => {
            out.query(rq.message_id, &rq.sop_class, data_set, rq.priority);
            out.line("Move Destination", printable(&rq.destination));
        }
        Request::Cancel(rq) => {
            out.line("Message ID Being Responded To", rq.message_id);
            out.data_set(data_set);
        }
        Request::Unknown { message_id, .. } => {
            out.number("Message ID", *message_id);
            out.data_set(data_set);
        }
    }
}

fn dump_response(out: &mut Lines, response: &Response) {
    let service = Service::of(response.field);
    out.line("Message ID Being Responded To", response.message_id);
    match &response.sop_class {
        Some(uid) => out.uid("Affected SOP Class UID", uid),
        None => out.line("Affected SOP Class UID", "none"),
    }
    if matches!(service, Service::Store | Service::Normalized) {
        match &response.sop_instance {
            Some(uid) => out.line("Affected SOP Instance UID", printable(uid)),
            None => out.line("Affected SOP Instance UID", "none"),
        }
    }
    if matches!(service, Service::Get | Service::Move) {
        let Counts { remaining, completed, failed, warning } = response.suboperations.unwrap_or_default();
        out.number("Remaining Suboperations", remaining);
        out.number("Completed Suboperations", completed);
        out.number("Failed Suboperations", failed);
        out.number("Warning Suboperations", warning);
    }
    out.data_set(response.data_set);
    let code = response.status;
    out.line("DIMSE Status", format_args!("0x{code:04x}: {}", status::text(service, code)));
}

/// Lines of a label, padded to 30 columns, and a value.
struct Lines(String);

impl Lines {
    fn line(&mut self, label: &str, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{label:<30}: {value}");
    }

    fn uid(&mut self, label: &str, uid: &str) {
        self.line(label, printable(&dimse_name(uid)));
    }

    fn data_set(&mut self, present: bool) {
        self.line("Data Set", if present { "present" } else { "none" });
    }

    fn priority(&mut self, priority: Priority) {
        let name = match priority {
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Low => "low",
            Priority::Other(_) => "",
        };
        self.line("Priority", name);
    }

    fn number(&mut self, label: &str, number: Option<u16>) {
        match number {
            Some(n) => self.line(label, n),
            None => self.line(label, "none"),
        }
    }

    fn query(&mut self, message_id: u16, sop_class: &str, data_set: bool, priority: Priority) {
        self.line("Message ID", message_id);
        self.uid("Affected SOP Class UID", sop_class);
        self.data_set(data_set);
        self.priority(priority);
    }
}

/// The text with its control characters escaped.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
