#!/usr/bin/env python3
"""Paste README's "An archive in five minutes" into a shell, and compare what it prints with what README shows.

usage: readme.py -r DCMTK_DIR OURS_DIR
DCMTK_DIR holds DCMTK's clients (findscu, getscu), OURS_DIR our programs. The everyday uses need no DCMTK: tests/all/docs.rs
pastes those. Only the port is another one, and the second's wait for a server is a wait until it listens.
"""
import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md")
HEADING = "\n## An archive in five minutes\n"
PORT = "11112"


def scans(folder):
    """The files of which README speaks: a study of two images, and one of one."""
    os.mkdir(folder)
    for name, instance, study in (("1", "1.2.3.11", "1.2.3.1"), ("2", "1.2.3.12", "1.2.3.1"), ("3", "1.2.3.21", "1.2.3.2")):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, instance
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, study + ".1"
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.save_as(f"{folder}/{name}.dcm", enforce_file_format=True)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return str(s.getsockname()[1])


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("-r", dest="dcmtk", required=True)
    ap.add_argument("ours")
    a = ap.parse_args()
    with open(README, encoding="utf-8") as f:
        text = f.read().split(HEADING)[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```\s*```text\n(.*?)```", text, re.S)
    if len(blocks) < 2:
        sys.exit("README shows no commands with their output under this heading")
    passed = failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scans(f"{folder}/scans")
        os.mkdir(f"{folder}/bin")
        for where, names in ((a.ours, ("storescp", "storescu", "dcmqrscp")), (a.dcmtk, ("findscu", "getscu"))):
            for name in names:
                os.symlink(os.path.abspath(f"{where}/{name}"), f"{folder}/bin/{name}")
        env = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "TCP_NODELAY": "1"}
        port = free_port()
        listens = f"until grep -q ':{int(port):04X} .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done;"
        for commands, shown in blocks:
            script = commands.replace(PORT, port).replace("sleep 1;", listens)
            shell = subprocess.Popen(["bash", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                printed = shell.communicate(timeout=60)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                os.killpg(shell.pid, 9)
                printed = shell.communicate()[0].decode(errors="replace") + "(no end after a minute)\n"
            if printed == shown:
                passed += 1
            else:
                failed += 1
                print(f"README's commands\n{commands}print\n{printed}and README shows\n{shown}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
