//! The archive: storage areas by application entity title, each one folder of files with one catalog. The files are the
//! truth; the catalog is derived from them. Blocking, and without a word of DIMSE but the service traits it implements.

pub mod config;
