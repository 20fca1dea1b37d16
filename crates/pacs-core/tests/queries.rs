//! C-FIND, C-MOVE and C-GET over connections: the services with made-up owners on one side, scripted peers on the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "queries/find.rs"]
mod find;
#[path = "queries/get.rs"]
mod get;
#[path = "queries/movement.rs"]
mod movement;
#[path = "queries/objects.rs"]
mod objects;
#[path = "queries/peers.rs"]
mod peers;
