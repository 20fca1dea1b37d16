//! The user and group that the server becomes once its port is bound, before any thread starts.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setgroups, setuid};
use pacs_core::archive::config::Config;
use pacs_tools::{exit, fatal};

use crate::{Failed, TARGET};

/// Becomes the configured group and user, supplementary groups included. Whoever is that user already changes nothing.
pub(crate) fn become_configured(config: &Config) -> Result<(), Failed> {
    let group = config.group.as_ref().map(|name| group_named(&name.to_string())).transpose()?;
    let user = config.user.as_ref().map(|name| user_named(&name.to_string())).transpose()?;
    let root = Uid::effective().is_root();
    if root && (user.is_some() || group.is_some()) {
        // DCMTK keeps the groups that root had.
        let groups = match (&user, group) {
            (Some(user), group) => {
                let name = CString::new(user.name.as_str()).unwrap_or_default();
                initgroups(&name, group.unwrap_or(user.gid))
            }
            (None, Some(group)) => setgroups(&[group]),
            (None, None) => Ok(()),
        };
        if let Err(e) = groups {
            fatal!(target: TARGET, "setgroups: Unable to set supplementary groups\n{}", e.desc());
            return Err(Failed(exit::ARCHIVE_FAILED));
        }
    }
    if let Some(group) = group
        && let Err(e) = setgid(group)
    {
        fatal!(target: TARGET, "setgid: Unable to set group id to group {group}\n{}: start the server as root, or as a member.", e.desc());
        return Err(Failed(exit::ARCHIVE_FAILED));
    }
    let Some(user) = user else { return Ok(()) };
    if let Err(e) = setuid(user.uid) {
        fatal!(target: TARGET, "setuid: Unable to set user id to user {}\n{}: start the server as root, or as that user.", user.uid, e.desc());
        return Err(Failed(exit::ARCHIVE_FAILED));
    }
    // The way back must be gone for good.
    if !user.uid.is_root() && root && setuid(Uid::from_raw(0)).is_ok() {
        fatal!(target: TARGET, "setuid: Unable to set user id to user {}\nThe system gives root's rights back.", user.uid);
        return Err(Failed(exit::ARCHIVE_FAILED));
    }
    Ok(())
}

fn group_named(name: &str) -> Result<Gid, Failed> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        _ => {
            fatal!(target: TARGET, "bad group name {name}\nGroupName in the configuration names no group of this system.");
            Err(Failed(exit::ARCHIVE_FAILED))
        }
    }
}

fn user_named(name: &str) -> Result<User, Failed> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user),
        _ => {
            fatal!(target: TARGET, "bad user name {name}\nUserName in the configuration names no user of this system.");
            Err(Failed(exit::ARCHIVE_FAILED))
        }
    }
}
