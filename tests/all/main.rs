//! Our programs driven by scripted peers: one binary, a module for each theme.
mod cli;

#[cfg(test)]
mod docs;
