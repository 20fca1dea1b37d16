//! What goes over the wire for data sets cut anywhere, read back with plain code.

use super::*;
use crate::association::state::Role;
use crate::association::wire::Timeouts;
use crate::net::{Link, SocketOptions};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn wire() -> (Wire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let near = listener.accept().unwrap().0;
    let link = Link::new(near, SocketOptions { no_delay: true, buffer_length: None }).unwrap();
    let second = Duration::from_secs(1);
    (Wire::new(link, 16384, Timeouts { acse: second, socket: Some(second), data_set: None }, Role::Requestor), far)
}

/// Sends pieces of these lengths; the payload lengths and last flags that come, and whether the bytes are right.
fn sent(longest: usize, announced: bool, pieces: &[&[usize]]) -> Vec<(usize, bool)> {
    let (mut wire, mut far) = wire();
    let total: usize = pieces.iter().flat_map(|piece| piece.iter()).sum();
    let bytes: Vec<u8> = (0..total).map(|i| (i % 251) as u8).collect();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        all
    });
    let mut outgoing = Outgoing::new(&mut wire, 7, longest, announced.then_some(total as u64));
    let mut rest = bytes.as_slice();
    for piece in pieces {
        let slices: Vec<_> = piece
            .iter()
            .map(|&length| {
                let (now, later) = rest.split_at(length);
                rest = later;
                IoSlice::new(now)
            })
            .collect();
        outgoing.write(&slices).unwrap();
    }
    let pdvs = outgoing.finish().unwrap();
    drop(wire);
    let (mut parts, mut payload) = (Vec::new(), Vec::new());
    let all = reader.join().unwrap();
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let pdu = u32::from_be_bytes(rest[2..6].try_into().unwrap()) as usize;
        let pdv = u32::from_be_bytes(rest[6..10].try_into().unwrap()) as usize;
        assert_eq!((rest[0], rest[10], pdu), (4, 7, pdv + 4));
        assert_eq!(rest[11] & 1, 0, "a data set");
        payload.extend_from_slice(&rest[12..6 + pdu]);
        parts.push((pdu - 6, rest[11] == 2));
        rest = &rest[6 + pdu..];
    }
    assert_eq!(payload, bytes);
    assert_eq!(pdvs, parts.len());
    parts
}

#[test]
fn pdvs_are_full_but_the_last() {
    for announced in [true, false] {
        for pieces in [&[&[50_usize][..]][..], &[&[1, 2], &[], &[3, 40], &[4]], &[&[10], &[10], &[10], &[10], &[10]]] {
            let parts = sent(16, announced, pieces);
            assert_eq!(parts, [(16, false), (16, false), (16, false), (2, true)], "{announced} {pieces:?}");
        }
        assert_eq!(sent(16, announced, &[&[16], &[16]]), [(16, false), (16, true)], "no empty PDV at the end");
        assert_eq!(sent(16, announced, &[&[2]]), [(2, true)]);
        assert_eq!(sent(16, announced, &[]), [(0, true)]);
        assert_eq!(sent(16, announced, &[&[0, 0]]), [(0, true)]);
    }
}

#[test]
fn many_slices_and_the_smallest_pdvs_fit_into_system_calls() {
    for announced in [true, false] {
        assert_eq!(sent(2, announced, &[&[5000], &[3, 1]]).len(), 2502);
        let slices = vec![1; 4000];
        assert_eq!(sent(64, announced, &[&slices]).len(), 63);
        assert_eq!(sent(131_060, announced, &[&[300_000], &[100_000, 2]]).len(), 4);
    }
}

#[test]
fn a_data_set_that_ends_early_leaves_the_stream_within_a_pdu() {
    let (mut wire, _far) = wire();
    let mut outgoing = Outgoing::new(&mut wire, 1, 16, Some(40));
    outgoing.write(&[IoSlice::new(&[0; 20])]).unwrap();
    assert!(matches!(outgoing.finish(), Err(AssociationError::DataSetTooShort)));
    assert!(wire.within_pdu);
    let mut outgoing = Outgoing::new(&mut wire, 1, 16, Some(40));
    outgoing.write(&[IoSlice::new(&[0; 32])]).unwrap();
    assert!(outgoing.finish().is_err() && !wire.within_pdu, "the peer can still be told");
}
