//! Our programs driven by scripted peers: one binary, a module for each theme.

#[cfg(test)]
mod docs;
