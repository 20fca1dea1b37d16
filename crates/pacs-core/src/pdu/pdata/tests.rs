use super::*;

/// Command, data, number of PDVs ended, other PDUs.
type Got = (Vec<u8>, Vec<u8>, usize, Vec<PduHeader>);

/// Feeds `wire` in pieces of `piece` bytes.
fn receive(wire: &[u8], piece: usize, maximum: u32) -> Result<Got, PdataError> {
    let (mut inbox, mut rest) = (Inbox::new(maximum), wire);
    let (mut command, mut data, mut pdvs, mut others) = (Vec::new(), Vec::new(), 0, Vec::new());
    loop {
        match inbox.step()? {
            Step::More => {
                if rest.is_empty() {
                    return Ok((command, data, pdvs, others));
                }
                let space = inbox.space();
                let n = piece.min(rest.len()).min(space.len());
                space[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
                inbox.filled(n);
            }
            Step::Pdu(header) => others.push(header),
            Step::Fragment(f) => {
                let bytes = inbox.bytes(f.payload.clone());
                if f.command {
                    command.extend_from_slice(bytes)
                } else {
                    data.extend_from_slice(bytes)
                }
                pdvs += usize::from(f.ends_pdv);
            }
        }
    }
}

fn pdv(control: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32 + 2).to_be_bytes().to_vec();
    out.extend([1, control]);
    out.extend(payload);
    out
}

fn pdu(body: &[u8]) -> Vec<u8> {
    let mut out = PduHeader::to_bytes(PduType::Data, body.len() as u32).to_vec();
    out.extend(body);
    out
}

#[test]
fn any_cut_of_any_layout_gives_the_same_message() {
    let data: Vec<u8> = (0..=255).collect();
    let layouts = [
        pdu(&[pdv(3, b"command"), pdv(2, &data)].concat()),
        [pdu(&pdv(1, b"com")), pdu(&[pdv(3, b"mand"), pdv(0, &data[..7]), pdv(2, &data[7..])].concat())].concat(),
        [pdu(&pdv(3, b"command")), pdu(&pdv(0, &data)), pdu(&pdv(2, b""))].concat(),
        [pdu(&pdv(3, b"command"))]
            .into_iter()
            .chain(data.iter().map(|&b| pdu(&pdv(0, &[b]))))
            .collect::<Vec<_>>()
            .concat(),
    ];
    for wire in layouts {
        for piece in [1, 2, 3, 5, 11, 12, 13, 100, 5000] {
            let (command, got, ..) = receive(&wire, piece, 16384).unwrap();
            assert_eq!((command.as_slice(), got.as_slice()), (b"command".as_slice(), data.as_slice()), "piece {piece}");
        }
    }
}

#[test]
fn the_maximum_is_allowed_and_one_more_is_not() {
    let exact = pdu(&pdv(2, &[7; 4096 - 6]));
    assert_eq!(receive(&exact, 999, 4096).unwrap().1.len(), 4090);
    let one_more = pdu(&pdv(2, &[7; 4096 - 5]));
    assert_eq!(receive(&one_more, 999, 4096).unwrap_err(), PdataError::TooLong { length: 4097, maximum: 4096 });
}

#[test]
fn lengths_that_lie_are_refused_from_the_header() {
    let head = |length: u32| PduHeader::to_bytes(PduType::Data, length).to_vec();
    assert_eq!(receive(&head(0), 1, 16384).unwrap_err(), PdataError::Empty);
    for length in 1..6 {
        assert_eq!(receive(&head(length), 1, 16384).unwrap_err(), PdataError::DoNotAddUp);
    }
    let lie = |length: u32| [head(100), length.to_be_bytes().to_vec(), vec![1, 3]].concat();
    assert_eq!(receive(&lie(0), 6, 16384).unwrap_err(), PdataError::PdvTooShort(0));
    assert_eq!(receive(&lie(1), 6, 16384).unwrap_err(), PdataError::PdvTooShort(1));
    for length in [97, 1 << 31, u32::MAX - 1, u32::MAX] {
        assert_eq!(receive(&lie(length), 6, 16384).unwrap_err(), PdataError::DoNotAddUp, "{length}");
    }
    // 100 = 6 + 94: a PDV of 89 bytes of payload would leave 5, too few for another header.
    assert_eq!(receive(&lie(91), 6, 16384).unwrap_err(), PdataError::DoNotAddUp);
    assert!(receive(&lie(96), 6, 16384).is_ok());
}

#[test]
fn other_pdus_are_told_by_their_header() {
    let wire = [pdu(&pdv(3, b"x")), vec![5, 0, 0, 0, 0, 4]].concat();
    assert_eq!(receive(&wire, 1, 16384).unwrap().3, [PduHeader { kind: 5, length: 4 }]);
}

#[test]
fn a_large_buffer_comes_and_goes_without_losing_a_byte() {
    let data: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
    let wire: Vec<u8> = data.chunks(4000).flat_map(|part| pdu(&pdv(0, part))).collect();
    let (mut inbox, mut rest, mut got) = (Inbox::new(16384), wire.as_slice(), Vec::new());
    for round in 0.. {
        match inbox.step().unwrap() {
            Step::More if rest.is_empty() => break,
            Step::More => {
                if round % 3 == 0 {
                    inbox.grow()
                } else {
                    inbox.shrink()
                }
                let space = inbox.space();
                let n = rest.len().min(space.len()).min(777);
                space[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
                inbox.filled(n);
            }
            Step::Fragment(f) => got.extend_from_slice(inbox.bytes(f.payload)),
            Step::Pdu(_) => panic!("no other PDU was sent"),
        }
    }
    assert_eq!(got, data);
}

#[test]
fn tiny_payloads_are_joined_and_others_are_not() {
    let wire = [pdu(&pdv(0, b"ab")), pdu(&pdv(0, b"cd"))].concat();
    let mut inbox = Inbox::new(16384);
    inbox.space()[..wire.len()].copy_from_slice(&wire);
    inbox.filled(wire.len());
    let (Step::Fragment(a), Step::Fragment(b)) = (inbox.step().unwrap(), inbox.step().unwrap()) else { panic!() };
    let mut joined = a.payload;
    assert!(inbox.join(&mut joined, &b.payload));
    assert_eq!(inbox.bytes(joined.clone()), b"abcd");
    assert!(!inbox.join(&mut joined, &(5000..5000 + TINY)));
}

#[test]
fn headers_for_sending_are_read_back() {
    let wire = [pdv_headers(5, true, true, 3).to_vec(), b"abc".to_vec()].concat();
    assert_eq!(wire[..12], [4, 0, 0, 0, 0, 9, 0, 0, 0, 5, 5, 3]);
    assert_eq!(receive(&wire, 4, 16384).unwrap().0, b"abc");
}
