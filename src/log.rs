//! Provisional.
#![allow(missing_docs)]
use crate::options::general::Level;
use std::borrow::Cow;
pub fn init(_l: Level, r: &str) {
    eprint!("{r}");
}
#[macro_export]
macro_rules! fatal { (target: $t:expr, $($x:tt)*) => { eprintln!("F: {}", format!($($x)*)) } }
pub use crate::fatal;
pub fn clean(s: &str) -> Cow<'_, str> {
    pacs_core::names::printable(s)
}
pub fn banner(n: &str) -> String {
    n.to_owned()
}
pub fn reason(e: &std::io::Error) -> String {
    e.to_string()
}
pub fn cure_of_write_error(_e: &std::io::Error) -> String {
    String::new()
}
#[derive(Debug)]
pub struct Progress;
#[derive(Debug)]
pub struct DotLine;
impl Progress {
    pub fn new(_b: bool) -> Self {
        Self
    }
    pub fn begin(&self, _s: &str) -> DotLine {
        DotLine
    }
}
impl DotLine {
    pub fn dots(&mut self, _n: usize) {}
    pub fn end(&mut self) {}
}
