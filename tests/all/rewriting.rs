//! The normal mode over a socket: what is read is written in the asked form, or refused with the right answer.

use pacs_testing::{Object, Peer, Request, uid};

use crate::receiver::Receiver;

/// A raw deflate stream that holds the bytes in stored blocks (RFC 1951 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let blocks = data.chunks(0xFFFF).count();
    for (number, block) in (1..).zip(data.chunks(0xFFFF)) {
        let length = u16::try_from(block.len()).unwrap();
        out.push(u8::from(number == blocks));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    if out.len() % 2 == 1 {
        out.push(0);
    }
    out
}

fn deflating(receiver: &Receiver) -> Peer {
    Peer::associated(receiver.port, &Request::new(&[(1, uid::MR, &[uid::DEFLATED])]))
}

#[test]
fn inflating_stops_at_the_limit() {
    let plain = Object::with_pixels("1.2.3.1", 200_000, 1);
    let object = plain.clone().with_data(stored(&plain.data));
    let more = plain.data.len().to_string();
    let less = (plain.data.len() - 1).to_string();
    for (args, expected) in [
        (&["+xd", "+te"][..], 0),
        (&["+xd", "+te", "--max-inflated", &more], 0),
        (&["+xd", "+te", "--max-inflated", &less], 0xA700),
        (&["+xd", "--max-inflated", "1000"], 0xA700),
        (&["+xd", "+B", "--max-inflated", "1000"], 0),
    ] {
        let receiver = Receiver::start(args);
        let mut peer = deflating(&receiver);
        assert_eq!(peer.store(1, &object), expected, "{args:?}");
        assert_eq!(receiver.stored().len(), usize::from(expected == 0), "{args:?}");
        if args == ["+xd", "+te"] {
            assert_eq!(receiver.data("MR.1.2.3.1"), plain.data);
        }
        assert!(peer.release(), "{args:?}");
    }
}
