//! Messages → command set bytes.

use super::element::{
    COMPLETED, DATA_SET_PRESENT, DATA_SET_TYPE, ERROR_COMMENT, FAILED, FIELD, MESSAGE_ID, MOVE_DESTINATION,
    MOVE_ORIGINATOR_ID, MOVE_ORIGINATOR_TITLE, NO_DATA_SET, PRIORITY, REMAINING, RESPONDED_ID, SOP_CLASS, SOP_INSTANCE,
    STATUS, WARNING,
};
use super::{CCancelRq, CEchoRq, CFindRq, CGetRq, CMoveRq, Kind, Message, Request, Response, field};

/// Appends the command set of a message to `out`, group length first, elements ascending.
pub fn write(message: &Message, out: &mut Vec<u8>) {
    match &message.kind {
        Kind::Request(request) => write_request(request, message.data_set, out),
        Kind::Response(response) => write_response(response, out),
    }
}

/// Appends the command set of a request to `out`. Characters beyond U+00FF are written as `?`.
pub fn write_request(request: &Request, data_set: bool, out: &mut Vec<u8>) {
    let mut set = Writer::new(out);
    match request {
        Request::Echo(CEchoRq { message_id, sop_class }) => {
            set.uid(SOP_CLASS, sop_class);
            set.number(FIELD, field::C_ECHO_RQ);
            set.number(MESSAGE_ID, *message_id);
            set.data_set(data_set);
        }
        Request::Store(rq) => {
            set.uid(SOP_CLASS, &rq.sop_class);
            set.number(FIELD, field::C_STORE_RQ);
            set.number(MESSAGE_ID, rq.message_id);
            set.number(PRIORITY, rq.priority.code());
            set.data_set(data_set);
            set.uid(SOP_INSTANCE, &rq.sop_instance);
            rq.move_originator_title.iter().for_each(|title| set.text(MOVE_ORIGINATOR_TITLE, title, b' '));
            rq.move_originator_id.iter().for_each(|id| set.number(MOVE_ORIGINATOR_ID, *id));
        }
        Request::Find(CFindRq { message_id, sop_class, priority })
        | Request::Get(CGetRq { message_id, sop_class, priority })
        | Request::Move(CMoveRq { message_id, sop_class, priority, .. }) => {
            set.uid(SOP_CLASS, sop_class);
            set.number(FIELD, request.field());
            set.number(MESSAGE_ID, *message_id);
            if let Request::Move(CMoveRq { destination, .. }) = request {
                set.text(MOVE_DESTINATION, destination, b' ');
            }
            set.number(PRIORITY, priority.code());
            set.data_set(data_set);
        }
        Request::Cancel(CCancelRq { message_id }) => {
            set.number(FIELD, field::C_CANCEL_RQ);
            set.number(RESPONDED_ID, *message_id);
            set.data_set(data_set);
        }
        Request::Unknown { field, message_id } => {
            set.number(FIELD, *field);
            message_id.iter().for_each(|id| set.number(MESSAGE_ID, *id));
            set.data_set(data_set);
        }
    }
    set.finish();
}

/// Appends the command set of a response to `out`. Characters beyond U+00FF are written as `?`.
pub fn write_response(response: &Response, out: &mut Vec<u8>) {
    let mut set = Writer::new(out);
    response.sop_class.iter().for_each(|uid| set.uid(SOP_CLASS, uid));
    set.number(FIELD, response.field);
    set.number(RESPONDED_ID, response.message_id);
    set.data_set(response.data_set);
    set.number(STATUS, response.status);
    response.error_comment.iter().for_each(|text| set.text(ERROR_COMMENT, text, b' '));
    response.sop_instance.iter().for_each(|uid| set.uid(SOP_INSTANCE, uid));
    let counts = response.suboperations.unwrap_or_default();
    for (element, count) in [
        (REMAINING, counts.remaining),
        (COMPLETED, counts.completed),
        (FAILED, counts.failed),
        (WARNING, counts.warning),
    ] {
        count.iter().for_each(|n| set.number(element, *n));
    }
    set.finish();
}

/// A command set on its way out.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where the elements behind the group length start.
    start: usize,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.reserve(256);
        out.extend([0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
        let start = out.len();
        Self { out, start }
    }

    fn header(&mut self, element: u16, length: u32) {
        let ([e0, e1], [l0, l1, l2, l3]) = (element.to_le_bytes(), length.to_le_bytes());
        self.out.extend([0, 0, e0, e1, l0, l1, l2, l3]);
    }

    fn number(&mut self, element: u16, value: u16) {
        self.header(element, 2);
        self.out.extend(value.to_le_bytes());
    }

    fn data_set(&mut self, present: bool) {
        self.number(DATA_SET_TYPE, if present { DATA_SET_PRESENT } else { NO_DATA_SET });
    }

    fn uid(&mut self, element: u16, uid: &str) {
        self.text(element, uid, 0);
    }

    fn text(&mut self, element: u16, text: &str, padding: u8) {
        self.header(element, 0);
        let start = self.out.len();
        if text.is_ascii() {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.out.extend(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')));
        }
        if (self.out.len() - start) % 2 == 1 {
            self.out.push(padding);
        }
        self.set_length(start);
    }

    fn finish(mut self) {
        self.set_length(self.start);
    }

    /// Puts the number of bytes from `start` to the end into the four bytes before `start`.
    fn set_length(&mut self, start: usize) {
        let length = (self.out.len() - start) as u32;
        self.out[start - 4..start].copy_from_slice(&length.to_le_bytes());
    }
}
