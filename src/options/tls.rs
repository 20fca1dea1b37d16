//! Transport layer security options.

use std::path::PathBuf;

pub use pacs_core::net::tls::PeerCertificate;

use crate::cli::{Exclusive, Group, Row, flag, option, text};

/// Plain TCP or TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Plain TCP.
    #[default]
    Plain,
    /// TLS with an own certificate.
    Tls {
        /// File of the private key.
        key: PathBuf,
        /// File of the certificate.
        certificate: PathBuf,
    },
    /// TLS without an own certificate.
    Anonymous,
}

/// Where the password of the private key comes from.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Password {
    /// From the terminal, if the key needs one.
    #[default]
    Ask,
    /// From the command line.
    Given(String),
    /// It is empty.
    Empty,
}

impl std::fmt::Debug for Password {
    /// Without the password, so that no log shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Password::Ask => "Ask",
            Password::Given(_) => "Given(…)",
            Password::Empty => "Empty",
        })
    }
}

/// Format of key and certificate files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyFormat {
    /// PEM.
    #[default]
    Pem,
    /// DER.
    Der,
}

/// Which certificates are checked against revocation lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// None, unless a list is given: then the leaf.
    #[default]
    Default,
    /// The peer's own.
    Leaf,
    /// The whole chain.
    Chain,
}

/// Security profiles (PS3.15 annex B).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// BCP 195 as of RFC 8996.
    #[default]
    Rfc8996,
    /// The same, modified.
    Rfc8996Modified,
    /// Non-downgrading BCP 195.
    NonDowngrading,
    /// BCP 195.
    Bcp195,
    /// Extended BCP 195.
    Extended,
    /// Basic.
    Basic,
    /// AES.
    Aes,
    /// Authenticated, but not encrypted.
    Unencrypted,
}

/// What becomes of the random generator's seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SeedOutput {
    /// Nothing.
    #[default]
    None,
    /// It is written back.
    SameFile,
    /// It is written to another file.
    File(PathBuf),
}

/// What the TLS options say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Plain TCP or TLS.
    pub transport: Transport,
    /// Password of the private key.
    pub password: Password,
    /// Format of key and certificate files.
    pub key_format: KeyFormat,
    /// Files of trusted certificates.
    pub trusted_files: Vec<PathBuf>,
    /// Folders of trusted certificates.
    pub trusted_folders: Vec<PathBuf>,
    /// Files of revocation lists.
    pub revocation_lists: Vec<PathBuf>,
    /// Which certificates are checked against them.
    pub revocation: Revocation,
    /// The security profile.
    pub profile: Profile,
    /// Names of cipher suites added to the profile's.
    pub ciphers: Vec<String>,
    /// File of Diffie-Hellman parameters.
    pub dh_parameters: Option<PathBuf>,
    /// The server name clients must ask for.
    pub expect_sni: Option<String>,
    /// The server name to ask for.
    pub request_sni: Option<String>,
    /// File to seed the random generator with.
    pub seed: Option<PathBuf>,
    /// What becomes of the seed.
    pub seed_output: SeedOutput,
    /// What is asked of the peer's certificate.
    pub peer_certificate: PeerCertificate,
}

const TLS: &str = "transport layer security (TLS) options";

/// Options that switch TLS on.
type Switch = &'static [&'static str];

/// Those of an acceptor, which has a certificate.
const ENABLE: Switch = &["--enable-tls"];

/// Those of a requestor, which may go without one.
const EITHER: Switch = &["--enable-tls", "--anonymous-tls"];

/// A row that stands beside a switch.
fn with_tls(on: Switch, row: Row<Tls>) -> Row<Tls> {
    row.only_with(on)
}

/// The groups of an acceptor.
pub fn acceptor() -> [Group<Tls>; 9] {
    accepting(sni(&["--expect-sni"], [expect_sni()]))
}

/// The groups of a program that is both, with its own certificate: as an acceptor, and a name to ask for.
pub fn both() -> [Group<Tls>; 9] {
    accepting(sni(&["--request-sni", "--expect-sni"], [request_sni(), expect_sni()]))
}

fn accepting(sni: Group<Tls>) -> [Group<Tls>; 9] {
    let on = ENABLE;
    [
        Group::new(TLS, STACK).choice(stack()),
        password(),
        formats(on),
        authorities(on),
        profiles(on),
        ciphers(on).row(dh_parameters()),
        sni,
        seeds(on),
        peer(on, true),
    ]
}

/// The groups of a requestor.
pub fn requestor() -> [Group<Tls>; 9] {
    let on = EITHER;
    let anonymous =
        flag("+tla", "--anonymous-tls", "TLS without a certificate", |o: &mut Tls| o.transport = Transport::Anonymous);
    [
        Group::new(TLS, STACK).choice(stack().into_iter().chain([anonymous])),
        password(),
        formats(on),
        authorities(on),
        profiles(on),
        ciphers(on),
        sni(&["--request-sni"], [request_sni()]),
        seeds(on),
        peer(on, false),
    ]
}

const STACK: &str = "transport protocol stack";

fn stack() -> [Row<Tls>; 2] {
    [
        flag("-tls", "--disable-tls", "plain TCP", |o: &mut Tls| o.transport = Transport::Plain).default(),
        option(
            "+tls",
            "--enable-tls",
            const { &[text("keyfile"), text("certfile")] },
            "TLS with this private key and this certificate",
            |o: &mut Tls, v| o.transport = Transport::Tls { key: v.path(0), certificate: v.path(1) },
        ),
    ]
}

fn password() -> Group<Tls> {
    Group::new(TLS, "private key password (only with --enable-tls)").choice([
        flag("+ps", "--std-passwd", "ask for it on the terminal", |o: &mut Tls| o.password = Password::Ask)
            .default()
            .only_with(ENABLE),
        with_tls(
            ENABLE,
            option("+pw", "--use-passwd", const { &[text("password")] }, "use this one", |o: &mut Tls, v| {
                o.password = Password::Given(v.string(0));
            }),
        ),
        with_tls(ENABLE, flag("-pw", "--null-passwd", "it is empty", |o: &mut Tls| o.password = Password::Empty)),
    ])
}

fn formats(on: Switch) -> Group<Tls> {
    Group::new(TLS, "key and certificate file format").choice([
        flag("-pem", "--pem-keys", "PEM", |o: &mut Tls| o.key_format = KeyFormat::Pem).default().only_with(on),
        with_tls(on, flag("-der", "--der-keys", "DER", |o: &mut Tls| o.key_format = KeyFormat::Der)),
    ])
}

fn authorities(on: Switch) -> Group<Tls> {
    let file = const { &[text("filename")] };
    let folder = const { &[text("directory")] };
    Group::new(TLS, "certification authority")
        .row(with_tls(
            on,
            option("+cf", "--add-cert-file", file, "trust the certificates in a file", |o: &mut Tls, v| {
                o.trusted_files.push(v.path(0));
            })
            .repeatable(),
        ))
        .row(with_tls(
            on,
            option("+cd", "--add-cert-dir", folder, "trust the certificates in a folder", |o: &mut Tls, v| {
                o.trusted_folders.push(v.path(0));
            })
            .repeatable(),
        ))
        .row(with_tls(
            on,
            option(
                "+crl",
                "--add-crl-file",
                file,
                "read a revocation list, and check leaf certificates",
                |o: &mut Tls, v| {
                    o.revocation_lists.push(v.path(0));
                },
            )
            .repeatable(),
        ))
        .choice([
            with_tls(
                on,
                flag("+crv", "--enable-crl-vfy", "check leaf certificates for revocation", |o: &mut Tls| {
                    o.revocation = Revocation::Leaf;
                }),
            ),
            with_tls(
                on,
                flag("+cra", "--enable-crl-all", "check whole chains for revocation", |o: &mut Tls| {
                    o.revocation = Revocation::Chain;
                }),
            ),
        ])
}

fn profiles(on: Switch) -> Group<Tls> {
    let row =
        |short, long, help, profile| flag(short, long, help, move |o: &mut Tls| o.profile = profile).only_with(on);
    Group::new(TLS, "security profile")
        .row(
            flag("+ph", "--list-profiles", "show the supported profiles and end", |_| ())
                .exclusive(Exclusive::List(crate::tls::list_profiles)),
        )
        .choice([
            row("+pg", "--profile-8996", "BCP 195, RFC 8996", Profile::Rfc8996).default(),
            row("+pm", "--profile-8996-mod", "modified BCP 195, RFC 8996", Profile::Rfc8996Modified),
            row("+py", "--profile-bcp195-nd", "non-downgrading BCP 195 (retired)", Profile::NonDowngrading),
            row("+px", "--profile-bcp195", "BCP 195 (retired)", Profile::Bcp195),
            row("+pz", "--profile-bcp195-ex", "extended BCP 195 (retired)", Profile::Extended),
            row("+pb", "--profile-basic", "basic (retired)", Profile::Basic),
            row("+pa", "--profile-aes", "AES (retired)", Profile::Aes),
            row("+pn", "--profile-null", "authenticated, but not encrypted (retired)", Profile::Unencrypted),
        ])
}

fn ciphers(on: Switch) -> Group<Tls> {
    Group::new(TLS, "ciphersuite")
        .row(
            flag("+cc", "--list-ciphers", "show the supported cipher suites and end", |_| ())
                .exclusive(Exclusive::List(crate::tls::list_ciphers)),
        )
        .row(
            with_tls(
                on,
                option("+cs", "--cipher", const { &[text("name")] }, "add a cipher suite", |o: &mut Tls, v| {
                    o.ciphers.push(v.string(0));
                }),
            )
            .repeatable()
            .not_with(&["--profile-bcp195-ex"]),
        )
}

fn dh_parameters() -> Row<Tls> {
    let file = const { &[text("filename")] };
    let row = option("+dp", "--dhparam", file, "read Diffie-Hellman parameters", |o: &mut Tls, v| {
        o.dh_parameters = Some(v.path(0));
    });
    with_tls(ENABLE, row)
}

/// The group about server names; `named` are the names of the others.
fn sni(named: &'static [&'static str], others: impl IntoIterator<Item = Row<Tls>>) -> Group<Tls> {
    let none = flag("", "--no-sni", "ask for no server name", |o: &mut Tls| {
        (o.expect_sni, o.request_sni) = (None, None);
    });
    Group::new(TLS, "server name indication").row(none.not_with(named).default()).rows(others)
}

const SERVER_NAME: &[crate::cli::ValueSpec] = &[text("servername")];

fn expect_sni() -> Row<Tls> {
    option("", "--expect-sni", SERVER_NAME, "serve only who asks for this name", |o: &mut Tls, v| {
        o.expect_sni = Some(v.string(0));
    })
}

fn request_sni() -> Row<Tls> {
    option("", "--request-sni", SERVER_NAME, "ask for this server name", |o: &mut Tls, v| {
        o.request_sni = Some(v.string(0));
    })
}

fn seeds(on: Switch) -> Group<Tls> {
    Group::new(TLS, "pseudo random generator")
        .row(with_tls(
            on,
            option(
                "+rs",
                "--seed",
                const { &[text("filename")] },
                "seed it with what is in this file",
                |o: &mut Tls, v| o.seed = Some(v.path(0)),
            ),
        ))
        .choice([
            with_tls(
                on,
                flag("+ws", "--write-seed", "write the seed back", |o: &mut Tls| {
                    o.seed_output = SeedOutput::SameFile;
                }),
            )
            .only_with(&["--seed"]),
            with_tls(
                on,
                option(
                    "+wf",
                    "--write-seed-file",
                    const { &[text("filename")] },
                    "write the seed here",
                    |o: &mut Tls, v| {
                        o.seed_output = SeedOutput::File(v.path(0));
                    },
                ),
            )
            .only_with(&["--seed"]),
        ])
}

fn peer(on: Switch, may_verify: bool) -> Group<Tls> {
    let row = |short, long, help, wanted| {
        flag(short, long, help, move |o: &mut Tls| o.peer_certificate = wanted).only_with(on)
    };
    let verify =
        row("-vc", "--verify-peer-cert", "a certificate must be valid, if there is one", PeerCertificate::Verify);
    let require =
        row("-rc", "--require-peer-cert", "there must be a certificate, and a valid one", PeerCertificate::Require);
    let ignore = row("-ic", "--ignore-peer-cert", "take any certificate, or none", PeerCertificate::Ignore);
    let rows = [require.default()].into_iter().chain(may_verify.then_some(verify)).chain([ignore]);
    Group::new(TLS, "peer authentication").choice(rows)
}
