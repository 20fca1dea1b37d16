//! Our programs driven by scripted peers: one binary, a module for each theme.
//!
//! `PACS_TEST_STORESCP`, `PACS_TEST_STORESCU` and `PACS_TEST_DCMQRSCP` name other programs to run in place of ours, to see
//! what they do with the same bytes.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod archive_hostile;
#[cfg(test)]
mod archive_keep;
#[cfg(test)]
mod archive_options;
#[cfg(test)]
mod archive_queries;
#[cfg(test)]
mod archive_rights;
#[cfg(test)]
mod archive_serving;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod cli;

#[cfg(test)]
mod commands;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod events;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keep;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod layouts;
#[cfg(test)]
mod logging;
#[cfg(test)]
mod negotiate;
#[cfg(test)]
mod receive;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod rewriting;
#[cfg(test)]
mod send;
#[cfg(test)]
mod send_beyond;
#[cfg(test)]
mod sender;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod studies;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tls_archive;
#[cfg(test)]
mod traces;
