//! What the kernel says of a process: memory, descriptors, threads, sockets it listens on.

use std::collections::HashSet;
use std::fs;

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory now, in KiB.
    pub resident: u64,
    /// Most that was ever resident, in KiB.
    pub peak: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: u64,
}

impl Usage {
    /// Of the process with this id; none when it has ended.
    pub fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            resident: number("VmRSS:")?,
            peak: number("VmHWM:")?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count(),
            threads: number("Threads:")?,
        })
    }
}

/// Whether a process listens on a TCP port. Nothing connects, so that a receiver sees no peer it was not meant to see.
pub(crate) fn listens(pid: u32, port: u16) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let sockets: HashSet<String> = descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    ["tcp", "tcp6"].iter().any(|table| {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        table.lines().skip(1).any(|line| {
            // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
            let columns: Vec<_> = line.split_whitespace().collect();
            let [_, local, _, state, _, _, _, _, _, inode, ..] = columns[..] else { return false };
            state == "0A" && local.ends_with(&format!(":{port:04X}")) && sockets.contains(inode)
        })
    })
}
