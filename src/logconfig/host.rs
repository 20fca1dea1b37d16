//! The names of this machine.

use std::fs;

/// Its name, as the kernel has it.
pub(super) fn name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// Its name with its domain, if the machine itself knows it: nobody else is asked.
pub(super) fn full_name() -> String {
    let name = name();
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    canonical(&name, &hosts).unwrap_or(&name).to_owned()
}

/// The first name of the first line that has this one.
fn canonical<'a>(name: &str, hosts: &'a str) -> Option<&'a str> {
    hosts.lines().find_map(|line| {
        let mut names = line.split('#').next().unwrap_or_default().split_ascii_whitespace().skip(1);
        let first = names.next()?;
        (first == name || names.any(|other| other == name)).then_some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_line_is_the_full_one() {
        let hosts = "# 10.0.0.1 no vm\n127.0.0.1\tlocalhost\n10.0.0.7 pacs.example.org pacs # vm\n10.0.0.8 other\n";
        let cases = [("pacs", Some("pacs.example.org")), ("other", Some("other")), ("vm", None), ("10.0.0.8", None)];
        for (name, full) in cases {
            assert_eq!(canonical(name, hosts), full, "{name}");
        }
        assert!(!name().is_empty() && !full_name().is_empty());
    }
}
