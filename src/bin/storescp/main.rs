//! In work.
mod options;

fn main() {}
