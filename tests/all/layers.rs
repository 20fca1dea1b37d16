//! Which way the arrows point in `pacs-core`: its sources are read, and a path that leads against an arrow is an error.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Each top-level module and what it may name. The leaves, [`LEAVES`], are open to all and do not stand here again.
const ARROWS: [(&str, &[&str]); 10] = [
    ("names", &[]),
    ("uid", &[]),
    ("net", &[]),
    ("pdu", &[]),
    ("disk", &[]),
    ("dataset", &["disk"]),
    ("association", &["net", "pdu"]),
    ("dimse", &["association", "pdu"]),
    ("service", &["dimse", "association", "dataset", "disk"]),
    ("archive", &["service", "dataset", "disk"]),
];

/// What knows no layer: the table of UIDs, and the maker of new ones.
const LEAVES: [&str; 2] = ["names", "uid"];

#[test]
fn no_source_file_points_against_the_arrows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/pacs-core/src");
    let files = sources(&root);
    assert!(files.len() >= 8, "only {} source files in {}", files.len(), root.display());
    let mut wrong = Vec::new();
    for file in files {
        let within = file.strip_prefix(&root).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        wrong.extend(
            complaints(&module_of(within), &text).into_iter().map(|what| format!("{}: {what}", within.display())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_broken_arrow_is_noticed() {
    for (module, source) in [
        ("net", "use crate::pdu::Abort;"),
        ("net", "use crate::{names, disk::Folder};"),
        ("pdu", "use super::net;"),
        ("pdu::read", "use super::super::net::Link;"),
        ("pdu::read", "use super::{super::dataset, Abort};"),
        ("disk", "fn f() { crate::dataset::walk::start(); }"),
        ("disk", "fn f(x: &crate::net::Link) {}"),
        ("dataset::meta", "impl Into<crate::pdu::AeTitle> for X { }"),
        ("dataset", "fn f() { assert!(x == crate::pdu::LIMIT); }"),
        ("dataset", "fn f() { println!(\"{}\", super::net::x()); }"),
        ("dimse", "mod inner { fn f() { super::super::net::x(); } }"),
        ("dimse", "#[cfg(test)] mod tests { use crate::disk::Folder; }"),
        ("dimse", "use crate::net as pdu;"),
        ("service", "use crate::net::Link;"),
        ("service", "use crate::archive::Area;"),
        ("names", "use crate::pdu::AeTitle;"),
        ("net", "use crate::*;"),
        ("net", "use crate as core;"),
        ("net", "use crate::{self as core};"),
        ("net", "use crate::Shortcut;"),
        ("net", "fn f() { ::pacs_core::pdu::x(); }"),
        ("", "pub use disk::Folder;"),
        ("", "macro_rules! m { () => { crate::disk::x() } }"),
        ("unheard_of", "fn f() {}"),
        ("net", "#[path = \"../pdu/read.rs\"] mod read;"),
        ("net", "include!(\"../pdu/read.rs\");"),
    ] {
        let path: Vec<_> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        assert_eq!(complaints(&path, source).len(), 1, "{module}: {source}: {:?}", complaints(&path, source));
    }
    for (module, source) in [
        ("net", "use super::names::uid_name; use crate::IMPLEMENTATION_CLASS_UID; use std::net::TcpStream;"),
        ("pdu::read", "use super::{Abort, write}; mod tests { use super::super::AeTitle; use super::*; }"),
        ("association::accept", "use crate::{net::Link, pdu::{self, AeTitle}}; fn f() { super::state::step(); }"),
        ("dimse", "fn f() { info!(\"not crate::disk\"); crate::association::x(super::pdu::Y); }"),
        (
            "service::c_store",
            "use crate::disk::Staged; use crate::dataset; use self::inner::X; mod inner { pub struct X; }",
        ),
        ("", "//! [`crate::disk`] in words.\npub mod disk;\npub const X: u8 = 1;"),
    ] {
        let path: Vec<_> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        assert_eq!(complaints(&path, source), [""; 0], "{module}: {source}");
    }
}

/// All Rust source files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The module that a file below `src` holds.
fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<_> = file.iter().map(|part| part.to_str().unwrap().trim_end_matches(".rs").to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// What is wrong with a module's source.
fn complaints(module: &[String], source: &str) -> Vec<String> {
    let mut reader = Reader { module: module.to_vec(), wrong: BTreeSet::new() };
    match syn::parse_file(source) {
        Ok(file) => reader.visit_file(&file),
        Err(error) => reader.complain(format!("cannot be read: {error}")),
    }
    if let Some(top) = module.first().filter(|top| !ARROWS.iter().any(|(name, _)| name == *top)) {
        reader.complain(format!("module {top} has no arrows: say in this test what it may name"));
    }
    reader.wrong.into_iter().collect()
}

struct Reader {
    /// The module that is being read, from the crate's root.
    module: Vec<String>,
    wrong: BTreeSet<String>,
}

impl Reader {
    fn complain(&mut self, what: String) {
        self.wrong.insert(what);
    }

    /// Judges a path as it is written; of those that begin with another crate or a name in scope nothing is said here,
    /// since whatever brought the name into scope was judged itself.
    fn judge(&mut self, path: &[String]) {
        let mut at = match path.first().map(String::as_str) {
            Some("crate" | "pacs_core") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        let mut rest = path.iter().map(String::as_str).peekable();
        while let Some(step) = rest.next_if(|step| matches!(*step, "crate" | "pacs_core" | "self" | "super")) {
            if step == "super" {
                at.pop();
            }
        }
        at.extend(rest.map(str::to_owned));
        let Some(from) = self.module.first().cloned() else { return };
        let written = path.join("::");
        let Some(to) = at.first() else {
            // `crate` itself under another name would hide what is taken from it.
            return self.complain(format!("{written} takes the whole crate"));
        };
        let constant = to.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if *to == from || LEAVES.contains(&to.as_str()) || constant {
            return;
        }
        let allowed =
            ARROWS.iter().find(|(name, _)| *name == from).is_some_and(|(_, to_all)| to_all.contains(&to.as_str()));
        if !allowed {
            self.complain(format!("{written} leads from {from} to {to}"));
        }
    }

    fn judge_use(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.judge_use(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.judge_use(tree, prefix)),
            syn::UseTree::Glob(_) => self.judge(prefix),
            syn::UseTree::Name(syn::UseName { ident, .. }) | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                prefix.push(ident.to_string());
                self.judge(prefix);
                prefix.pop();
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let path_as_written: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // A lone `self` is a value, a lone `crate` or `super` a visibility.
        if path_as_written.len() > 1 {
            self.judge(&path_as_written);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if self.module.is_empty() {
            self.complain("the root brings names into scope that would hide where they come from".to_owned());
        }
        self.judge_use(&item.tree, &mut Vec::new());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            self.complain(format!("module {} lies elsewhere", item.ident));
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if item.path.is_ident("include") {
            self.complain("another file is included".to_owned());
        }
        if item.path.is_ident("macro_rules") && self.module.is_empty() {
            self.complain("a macro of the root may name anything anywhere".to_owned());
        }
        for path in paths_in(&item.tokens.to_string()) {
            self.judge(&path);
        }
        visit::visit_macro(self, item);
    }
}

/// The paths that begin with `crate`, `self` or `super` in the text of a macro's tokens; strings are passed over.
fn paths_in(tokens: &str) -> Vec<Vec<String>> {
    let (mut paths, mut path) = (Vec::new(), Vec::<String>::new());
    let mut characters = tokens.chars().peekable();
    let mut continues = false;
    while let Some(character) = characters.next() {
        if character.is_whitespace() {
            continue;
        }
        if character == ':' && characters.next_if_eq(&':').is_some() {
            continues = true;
            continue;
        }
        if !continues {
            paths.push(std::mem::take(&mut path));
        }
        if character.is_alphanumeric() || character == '_' {
            let mut word = String::from(character);
            while let Some(next) = characters.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            path.push(word);
        } else {
            if character == '"' {
                while let Some(next) = characters.next().filter(|next| *next != '"') {
                    if next == '\\' {
                        characters.next();
                    }
                }
            }
            paths.push(std::mem::take(&mut path));
        }
        continues = false;
    }
    paths.push(path);
    paths.retain(|path| path.len() > 1);
    paths
}
