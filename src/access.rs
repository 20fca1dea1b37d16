//! Host access control, `--access-control`: who may connect is asked of the core, who may not is worded as DCMTK does.

use std::net::IpAddr;
use std::time::Duration;

use pacs_core::net::access::{Access, NoNames, Rules, SystemNames};
use pacs_core::net::resolve::Resolver;

use tracing::info;

use crate::options::network::{HostAccess, Network};

/// How long the line about a refusal waits for the peer's name.
const PATIENCE: Duration = Duration::from_millis(200);

/// The rules that the options ask for; none: everybody may connect.
pub fn rules(options: &Network) -> Option<Rules> {
    (options.host_access == HostAccess::Controlled).then(Rules::of_system)
}

/// DCMTK's condition for a peer that the rules keep out; none: it may connect. Which rule it is, is logged. Names are only
/// looked up with `names`.
pub fn refusal(rules: Option<&Rules>, daemon: &str, ip: IpAddr, names: Option<&Resolver>) -> Option<String> {
    let rules = rules?;
    let access = match names {
        Some(_) => rules.judge(daemon, ip, &SystemNames),
        None => rules.judge(daemon, ip, &NoNames),
    };
    let Access::Denied { rule } = access else { return None };
    let host = names.map_or_else(|| "unknown".to_owned(), |names| names.name_of(ip, PATIENCE));
    info!(target: "dcmtk.dcmnet", "{host} ({ip}) may not connect to {daemon} by {rule}; see hosts_access(5).");
    Some(format!("0006:0324 TCP wrapper: denied connection from {host} ({ip})"))
}
