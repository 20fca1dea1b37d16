//! The rows of dcmqrscp's own options.

use std::time::Duration;

use pacs_tools::cli::{self, Group, Row, flag, int, option, text, uint, word};
use pacs_tools::options::general;
use pacs_tools::options::network::{self, Network};
use pacs_tools::options::output::{self, Output};
use pacs_tools::options::syntaxes;

use super::{Config, PnMatch, Task};

const DATABASE: &str = "database options";

pub(super) fn general() -> Group<Config> {
    general::basic().of(|o: &mut Config| &mut o.general).row(option(
        "-c",
        "--config",
        const { &[text("filename")] },
        "the archive's configuration",
        |o: &mut Config, v| {
            o.file = Some(v.path(0));
        },
    ))
}

pub(super) fn multi_process() -> Group<Config> {
    Group::new("multi-process options", "").choice([
        flag("-s", "--single-process", "serve one association after the other", |o: &mut Config| {
            o.single_process = true;
        }),
        flag("", "--fork", "serve associations at the same time", |o: &mut Config| o.single_process = false).default(),
    ])
}

pub(super) fn database() -> [Group<Config>; 4] {
    [
        Group::new(DATABASE, "association negotiation").rows([
            flag("", "--require-find", "refuse MOVE where FIND of the same model is not proposed", |o: &mut Config| {
                o.require_find = true;
            }),
            flag("", "--no-parallel-store", "let one association at a time store into a title", |o: &mut Config| {
                o.no_parallel_store = true;
            }),
            flag("", "--disable-get", "do not offer C-GET", |o: &mut Config| o.disable_get = true),
            flag("", "--allow-shutdown", "end when the private shutdown SOP class is proposed", |o: &mut Config| {
                o.allow_shutdown = true;
            }),
        ]),
        Group::new(DATABASE, "checking identifier validity")
            .choice([
                flag("-XF", "--check-find", "refuse C-FIND keys that break the hierarchy", |o: &mut Config| {
                    o.check_find = true;
                }),
                flag("", "--no-check-find", "take C-FIND keys as they are", |o: &mut Config| o.check_find = false)
                    .default(),
            ])
            .choice([
                flag(
                    "-XM",
                    "--check-move",
                    "refuse C-MOVE and C-GET keys that break the hierarchy",
                    |o: &mut Config| {
                        o.check_move = true;
                    },
                ),
                flag("", "--no-check-move", "take C-MOVE and C-GET keys as they are", |o: &mut Config| {
                    o.check_move = false;
                })
                .default(),
            ]),
        move_targets(),
        Group::new(DATABASE, "restriction of query/retrieve models").rows([
            flag("-QP", "--no-patient-root", "do not offer the Patient Root model", |o: &mut Config| {
                o.no_patient_root = true;
            }),
            flag("-QS", "--no-study-root", "do not offer the Study Root model", |o: &mut Config| {
                o.no_study_root = true;
            }),
            flag("-QO", "--no-patient-study", "do not offer the Patient/Study Only model", |o: &mut Config| {
                o.no_patient_study = true;
            })
            .must("cannot disable all Q/R models", |o: &mut Config| !(o.no_patient_root && o.no_study_root)),
        ]),
    ]
}

fn move_targets() -> Group<Config> {
    Group::new(DATABASE, "restriction of move targets").choice([
        flag("", "--move-unrestricted", "to every destination that the configuration knows", |_: &mut Config| ())
            .default(),
        flag("-ZA", "--move-aetitle", "only to the title that asks", |o: &mut Config| o.targets.same_title = true),
        flag("-ZH", "--move-host", "only to the host that asks", |o: &mut Config| o.targets.same_host = true),
        flag("-ZV", "--move-vendor", "only to titles of the vendor that asks", |o: &mut Config| {
            o.targets.same_vendor = true;
        }),
    ])
}

pub(super) fn profiles() -> Group<Config> {
    Group::new("network options", "association negotiation profiles from configuration file").row(
        option(
            "-xf",
            "--assoc-config-file",
            const { &[text("filename"), text("in-profile"), text("out-profile")] },
            "take the storage contexts that these profiles say: from callers, and to destinations",
            |o: &mut Config, v| o.profiles = Some((v.path(0), v.string(1), v.string(2))),
        )
        .not_with(&["--prefer-little", "--prefer-big"])
        .not_with(syntaxes::PREFER_COMPRESSED)
        .not_with(&["--prefer-deflated", "--implicit"])
        .not_with(syntaxes::PROPOSALS),
    )
}

pub(super) fn proposal() -> Group<Config> {
    let families = syntaxes::proposed().into_iter().map(|row| row.of(|o: &mut Config| &mut o.proposed));
    Group::new("network options", "proposed transmission transfer syntaxes (outgoing associations)").choice(families)
}

pub(super) fn other_network() -> Group<Config> {
    let shared = |row: Row<Network>| row.of(|o: &mut Config| &mut o.network);
    let max_pdu = option(
        "-pdu",
        "--max-pdu",
        const { &[uint("bytes", 4096, 131_072)] },
        "largest PDU to be received",
        |o: &mut Config, v| {
            (o.network.max_pdu, o.max_pdu_given) = (u32::try_from(v.uint(0)).unwrap_or(131_072), true);
        },
    )
    .default_value("16384, or as the configuration says");
    Group::new("network options", "other network options")
        .row(
            option(
                "-to",
                "--timeout",
                const { &[int("seconds", 1)] },
                "limit for connecting to a destination",
                |o: &mut Config, v| o.connect_timeout = Some(Duration::from_secs(v.int(0).unsigned_abs())),
            )
            .default_value("unlimited"),
        )
        .rows([network::acse_timeout(), network::dimse_timeout()].map(shared))
        .row(max_pdu)
        .row(shared(network::disable_host_lookup()))
        .rows(network::turning_away().map(shared))
        .row(shared(network::uid_padding()))
}

pub(super) fn character_set() -> Group<Config> {
    let set = |short, long, help, set: &'static str| {
        flag(short, long, help, move |o: &mut Config| o.charset.set = Some(set.to_owned()))
    };
    Group::new("processing options", "specific character set")
        .choice([
            flag("+Cr", "--use-request-charset", "answer in the request's character set", |o: &mut Config| {
                o.charset.overrides = Some(false);
            })
            .default(),
            flag("-Cr", "--override-charset", "answer in the configured character set", |o: &mut Config| {
                o.charset.overrides = Some(true);
            }),
        ])
        .choice([
            set("+A7", "--convert-to-ascii", "the configured set is ASCII", "").default(),
            set("+U8", "--convert-to-utf8", "the configured set is UTF-8", "ISO_IR 192"),
            set("+L1", "--convert-to-latin1", "the configured set is Latin-1", "ISO_IR 100"),
            option(
                "+C",
                "--convert-to-charset",
                const { &[text("charset")] },
                "the configured set is this one, by its defined term",
                |o: &mut Config, v| o.charset.set = Some(v.string(0)),
            ),
        ])
        .rows([
            flag("-Ct", "--transliterate", "replace characters that the set does not have", |o: &mut Config| {
                o.charset.transliterate = true;
            }),
            flag("-Cd", "--discard-illegal", "leave out characters that the set does not have", |o: &mut Config| {
                o.charset.discard = true;
            }),
        ])
}

pub(super) fn written() -> [Group<Output>; 9] {
    [
        output::bit_preserving(),
        output::format(),
        output::syntax(&[], syntaxes::PREFER_COMPRESSED),
        output::new_vrs_kept(),
        output::group_lengths(),
        output::lengths(),
        output::padding(),
        output::compression_level(
            "deflate compression level (only with --propose-deflated or --write-xfer-deflated/same)",
            &["--propose-deflated", "--write-xfer-deflated", "--write-xfer-same"],
        ),
        output::inflation(),
    ]
}

pub(super) fn beyond() -> [Group<Config>; 4] {
    let title = const { &[text("aetitle")] };
    let pn = const { &[word("how", &["exact", "ignorecase", "fold"], &[], "Invalid value for --pn-match option")] };
    [
        Group::new("additional options", "instead of serving").choice([
            flag("", "--check-config", "say what is wrong with the configuration", |o: &mut Config| {
                o.beyond.task = Task::CheckConfig;
            }),
            flag("", "--print-config", "show the configuration as it is understood", |o: &mut Config| {
                o.beyond.task = Task::PrintConfig;
            }),
            option(
                "",
                "--check",
                title,
                "compare the catalog and the files of this title's area",
                |o: &mut Config, v| {
                    o.beyond.task = Task::Check(v.string(0));
                },
            ),
            option("", "--repair", title, "and mend the catalog", |o: &mut Config, v| {
                o.beyond.task = Task::Repair(v.string(0));
            }),
        ]),
        Group::new("additional options", "storing")
            .row(flag(
                "",
                "--no-sync",
                "answer an object before it is on the disk: faster, but a power failure may take it",
                |o: &mut Config| o.beyond.no_sync = true,
            ))
            .row(option(
                "",
                "--index-directory",
                const { &[text("directory")] },
                "keep catalogs here instead of in the storage areas",
                |o: &mut Config, v| o.beyond.index_directory = Some(v.path(0)),
            )),
        Group::new("additional options", "queries").row(
            option("", "--pn-match", pn, "compare names of persons so", |o: &mut Config, v: &cli::Values<'_>| {
                o.beyond.pn_match = match v.string(0).as_str() {
                    "ignorecase" => PnMatch::IgnoreCase,
                    "fold" => PnMatch::Fold,
                    _ => PnMatch::Exact,
                };
            })
            .default_value("exact"),
        ),
        Group::new("additional options", "network").row(
            option(
                "",
                "--idle-timeout",
                const { &[int("seconds", 1)] },
                "abort a peer that has been silent for so long",
                |o: &mut Config, v| o.beyond.idle_timeout = Some(Duration::from_secs(v.int(0).unsigned_abs())),
            )
            .default_value("never"),
        ),
    ]
}
