//! Provisional.
#![allow(missing_docs)]
#[derive(Debug)]
pub struct Resolver;
impl Resolver {
    pub fn new() -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self)
    }
    pub fn name_of(&self, ip: std::net::IpAddr, _p: std::time::Duration) -> String {
        ip.to_string()
    }
}
