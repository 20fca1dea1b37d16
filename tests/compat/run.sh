#!/usr/bin/env bash
# Run our programs and DCMTK's side by side.
#
# usage: run.sh                           every scenario, the proof that they notice each option (coverage.py),
#                                         and README's archive in five minutes (readme.py)
#        run.sh [differ.py's options] [SCENARIO_FILE ...]       only these scenarios, e.g. run.sh -k storescp_echo -v
# environment: DCMTK  folder with DCMTK's programs (default /usr/bin)
#
# Builds the release binaries. Installs what is missing: Debian's packages dcmtk, openssl and strace (as root, or by sudo without a password),
# and pydicom in a virtual environment below target/. Exit status: 0 nothing failed, 1 something failed, 2 could not run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
target=${CARGO_TARGET_DIR:-target}
dcmtk=${DCMTK:-/usr/bin}
venv=$target/compat-venv

cannot() {
    printf 'run.sh: %s\n' "$@" >&2
    exit 2
}

install() { # PACKAGE...
    local as=()
    [ "$(id -u)" = 0 ] || as=(sudo -n)
    command -v apt-get >/dev/null || cannot "needs the Debian packages: $* (there is no apt-get here to install them)"
    { "${as[@]}" apt-get update && DEBIAN_FRONTEND=noninteractive "${as[@]}" apt-get install -y --no-install-recommends "$@"; } >&2 </dev/null ||
        cannot "needs the Debian packages: $*" "they could not be installed; install them by hand, or set DCMTK=DIR for DCMTK's programs elsewhere"
}

tools_missing() {
    local tool
    for tool in storescp storescu dcmqrscp echoscu findscu movescu getscu; do [ -x "$dcmtk/$tool" ] || return 0; done
    return 1
}

# DCMTK by its folder, not by PATH: other packages (pynetdicom) bring programs of the same names.
if tools_missing; then
    [ "$dcmtk" = /usr/bin ] || cannot "DCMTK=$dcmtk holds not all of DCMTK's programs"
    install dcmtk
    ! tools_missing || cannot "the package dcmtk is installed, but its programs are not in $dcmtk"
fi
for tool in openssl strace; do command -v $tool >/dev/null || install $tool; done

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" 2>/dev/null; then # Debian's python3 alone has no pip to give
        install python3-venv
        rm -rf "$venv"
        python3 -m venv "$venv"
    fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" </dev/null ||
        cannot "pydicom could not be installed in $venv"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

cargo build --release --bins
version=$("$dcmtk/storescp" --version | sed -n '1s/.* v\([0-9.]*\).*/\1/p')
[ "$version" = 3.6.7 ] || echo "run.sh: DCMTK here is $version; differences.tsv and waiting.tsv were written for 3.6.7" >&2

python=$venv/bin/python
status=0
"$python" "$here/differ.py" -r "$dcmtk" --expect "$here/differences.tsv" --waiting "$here/waiting.tsv" -j 2 "$target/release" "$@" || status=$?
if [ $# = 0 ] && [ $status -le 1 ]; then
    "$python" "$here/coverage.py" -r "$dcmtk" --ours "$target/release" -j 4 || status=$?
    "$python" "$here/readme.py" -r "$dcmtk" "$target/release" || status=$?
fi
exit $status
