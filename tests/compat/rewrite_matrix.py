#!/usr/bin/env python3
"""Random data sets, well-formed, odd and broken, to our storescp and to DCMTK's, under every output option: both must
answer the same status and store the same data set.

    rewrite_matrix.py [--ours PATH] [--theirs PATH] [--count N] [--seed S]

Standard library only. Prints what differs, and exits 1 if a difference has no reason known below.
"""
import argparse
import collections
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

LEI, LEE, BEE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DFL, JPG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"
CT = "1.2.840.10008.5.1.4.1.1.2"
UNDEFINED = 0xFFFFFFFF

# No padding of files: it counts the file meta header, and ours has another length.
OPTIONS = ["", "+te", "+tb", "+ti", "-e", "+g", "-g", "-u", "+uc", "+p 0 16", "+g -e", "+tb -u +g", "+uc -u +tb -e",
           "+te +p 0 8 +g", "+ti -e +g", "+td", "+uc +ti", "+p 0 6 -e", "-g +p 0 128 +tb", "+te -u", "+p 15 2 +te"]

# ---------------------------------------------------------------- peers


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_rq(syntax):
    body = struct.pack(">HH", 1, 0) + b"ANY-SCP".ljust(16) + b"MATRIX".ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    body += item(0x20, bytes([1, 0, 0, 0]) + item(0x30, CT.encode()) + item(0x40, syntax.encode()))
    body += item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3"))
    return struct.pack(">BBI", 1, 0, len(body)) + body


def command(uid):
    def element(number, value):
        return struct.pack("<HHI", 0, number, len(value)) + value

    def padded(text):
        return text.encode() + b"\0" * (len(text) & 1)
    body = element(0x0002, padded(CT)) + element(0x0100, b"\1\0") + element(0x0110, b"\1\0")
    body += element(0x0700, b"\0\0") + element(0x0800, b"\1\0") + element(0x1000, padded(uid))
    return element(0, struct.pack("<I", len(body))) + body


def pdata(data, flags):
    pdv = struct.pack(">IBB", len(data) + 2, 1, flags) + data
    return struct.pack(">BBI", 4, 0, len(pdv)) + pdv


class Receiver:
    """A storescp with some options, and the folder it writes to."""

    def __init__(self, program, options):
        self.folder = tempfile.mkdtemp(prefix="rewrite-matrix-")
        self.files = os.path.join(self.folder, "files")
        os.mkdir(self.files)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = open(os.path.join(self.folder, "log"), "w+", errors="replace")
        call = [program, "-v", *options.split(), "-od", self.files, str(self.port)]
        self.process = subprocess.Popen(call, stdout=self.log, stderr=self.log)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        self.sent = 0

    def store(self, data, syntax):
        """The status, or "aborted", or "not negotiated"; what is before the data set in the file; the data set."""
        self.sent += 1
        with socket.create_connection(("127.0.0.1", self.port), 10) as link:
            link.settimeout(20)
            link.sendall(associate_rq(syntax))
            answer = self.receive(link)
            if answer is None or answer[0] != 2:
                return "not negotiated", b"", None
            pieces = [data[at:at + 16372] for at in range(0, len(data), 16372)] or [b""]
            out = pdata(command("1.2.%d" % self.sent), 3)
            out += b"".join(pdata(piece, 0) for piece in pieces[:-1]) + pdata(pieces[-1], 2)
            status = "aborted"
            try:
                link.sendall(out)
                answer = self.receive(link)
                if answer and answer[0] == 4:
                    status = self.status(answer[1][6:])
                    link.sendall(struct.pack(">BBII", 5, 0, 4, 0))
                    self.receive(link)
            except OSError:
                pass
        return (status, *self.stored())

    @staticmethod
    def receive(link):
        def exactly(count):
            data = b""
            while len(data) < count:
                more = link.recv(count - len(data))
                if not more:
                    return None
                data += more
            return data
        head = exactly(6)
        body = head and exactly(struct.unpack(">I", head[2:])[0])
        return None if body is None else (head[0], body)

    @staticmethod
    def status(body):
        at = 0
        while at < len(body):
            _, number, length = struct.unpack("<HHI", body[at:at + 8])
            if number == 0x0900:
                return "%04x" % struct.unpack("<H", body[at + 8:at + 10])
            at += 8 + length
        return "no status"

    def stored(self):
        names = os.listdir(self.files)
        if not names:
            return b"", None
        path = os.path.join(self.files, names[0])
        with open(path, "rb") as file:
            content = file.read()
        os.unlink(path)
        end = 144 + struct.unpack("<I", content[140:144])[0]
        return content[:end], content[end:]

    def last_lines(self):
        self.log.flush()
        with open(self.log.name, errors="replace") as log:
            return [line for line in log.read()[-2000:].splitlines() if line[:2] in ("W:", "E:")][-4:]

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

# ---------------------------------------------------------------- data sets


LONG = set("OB OW SQ UN UT UC UR OF OD OL OV SV UV ox px lt XX ZZ".split())
TEXT = set("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT".split())
VRS = "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
ODD_VRS = ["??", "XX", "ZZ", "ox", "lt", "xs", "up", "us", "X1", "  ", "OX"]
CREATORS = [b"ACUSON", b"SIEMENS CSA HEADER", b"SIEMENS MR HEADER", b"SPI-P Release 1", b"GEMS_ACQU_01", b"FOO ", b"acuson",
            b"SIEMENS MEDCOM HEADER2", b" ACUSON", b"ACUSON  ", b""]
TAGS = """00080005 CS,00080008 CS,00080016 UI,00080018 UI,00080020 DA,00080030 TM,00080060 CS,00080090 PN,00081030 LO,
00081140 SQ,00081115 SQ,00081150 UI,00081155 UI,00082112 SQ,00100010 PN,00100020 LO,00100030 DA,00101010 AS,00101030 DS,
00104000 LT,00181020 LO,00180050 DS,00189810 US,0018602C FD,00186020 SL,00189087 FD,0020000D UI,0020000E UI,00200013 IS,
00203101 CS,00203100 CS,00280002 US,00280009 AT,00280010 US,00280103 US,00280106 US,00280107 US,00280110 US,00281101 US,
00281201 OW,00283000 SQ,00283002 US,00283006 OW,00283010 SQ,00400275 SQ,0040A730 SQ,0040A160 UT,00409216 US,00401001 SH,
00540014 DS,00603004 US,00880200 SQ,54000100 SQ,54001004 US,54001010 OW,54000110 OB,60003000 OW,60020010 US,50003000 OB,
50040005 US,7FE00010 OW,7F000010 OB,00090010 LO,00090011 LO,00091000 IS,00091001 UN,00091100 IS,00091110 LO,00290010 LO,
00291010 CS,00291110 OB,7FE10010 LO,7FE11010 OB,00190010 LO,0019100A DS,00191008 CS,00000000 UL,00000002 UI,00020000 UL,
00020010 UI,00080000 UL,00100000 UL,00200000 UL,00280000 UL,00400000 UL,7FE00000 UL,FFFC0000 UL,00090000 UL,FFFCFFFC OB,
00081234 UN,55551201 UN,55561234 UN,0009000F UN,00090100 UN,00080001 UL,FFFE0001 LO,FFFF0001 LO,00030010 LO,60FF3000 UN,
00143050 OB,00041220 SQ,00041400 UL,00041430 CS,FFFEE0FE LO"""
TAGS = [(int(word[:8], 16), word[9:]) for word in TAGS.replace("\n", "").split(",")]


class Encoding:
    def __init__(self, syntax):
        self.explicit, self.order = syntax != LEI, ">" if syntax == BEE else "<"

    def element(self, tag, vr, value, length=None):
        length = len(value) if length is None else length
        head = struct.pack(self.order + "HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(self.order + "I", length) + value
        if vr in LONG:
            return head + vr.encode() + b"\0\0" + struct.pack(self.order + "I", length) + value
        return head + vr.encode() + struct.pack(self.order + "H", length & 0xFFFF) + value

    def bare(self, number, value, length=None):
        length = len(value) if length is None else length
        return struct.pack(self.order + "HHI", 0xFFFE, number, length) + value


class Maker:
    """Makes data sets. No NUL ends up in texts: the versions of DCMTK do not agree about those."""

    def __init__(self, rng):
        self.rng = rng

    def value(self, vr):
        rng = self.rng
        if vr in TEXT:
            text = "".join(rng.choice("AB1\\^ .") for _ in range(rng.randrange(12))) + " " * rng.choice([0, 0, 0, 1, 2, 3])
            return (text + " " * (len(text) & 1)).encode()
        if vr == "UI":
            text = "".join(rng.choice("12.3") for _ in range(rng.randrange(10)))
            if rng.random() < 0.2:
                text = text[:2] + rng.choice(" \t") + text[2:]
            return text.encode() + (rng.choice([b"\0", b"\0", b" "]) if len(text) & 1 else b"")
        count = rng.choice([0, 2, 4, 4, 8, 8, 16, 2, 6, 12]) + (rng.random() < 0.08)
        return bytes(rng.randrange(256) for _ in range(count))

    def data_set(self, encoding, depth, most, encapsulated, quirks):
        rng = self.rng
        tags = [rng.choice(TAGS) for _ in range(rng.randrange(most + 1))]
        if rng.random() < 0.6:
            tags = sorted(set(tags))
        elif tags and rng.random() < 0.5:
            tags = sorted(set(tags))
            tags.insert(rng.randrange(len(tags)), tags.pop(rng.randrange(len(tags))))
            if rng.random() < 0.3:
                tags.insert(rng.randrange(len(tags)), rng.choice(tags))
        return b"".join(self.element(encoding, tag, vr, depth, encapsulated, quirks) for tag, vr in tags)

    def element(self, encoding, tag, known, depth, encapsulated, quirks):
        rng = self.rng
        vr = rng.choice(VRS + ODD_VRS) if encoding.explicit and rng.random() < quirks else known
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            name = rng.choice(CREATORS)
            return encoding.element(tag, "LO" if vr == "SQ" else vr, name + b" " * (len(name) & 1))
        if (vr if encoding.explicit else known) == "SQ":
            return self.sequence(encoding, encoding, tag, "SQ", depth, encapsulated, quirks)
        if vr == "UN" and rng.random() < 0.15 and depth < 5:
            return self.sequence(encoding, Encoding(LEI), tag, "UN", depth, False, quirks)
        if vr in ("OB", "OW", "ox") and tag == 0x7FE00010 and rng.random() < (0.7 if encapsulated else 0.05):
            fragments = b"".join(encoding.bare(0xE000, self.value("OB")) for _ in range(rng.randrange(4)))
            end = encoding.bare(0xE0DD, b"", rng.choice([0, 0, 0, 8]))
            return encoding.element(tag, vr, fragments + end, UNDEFINED)
        return encoding.element(tag, vr, self.value(vr if encoding.explicit else known))

    def wrong(self, length, quirks):
        rng = self.rng
        return max(0, length + rng.choice([-8, -4, -2, 2, 8, 100])) if rng.random() < 0.15 * quirks else length

    def sequence(self, outer, encoding, tag, vr, depth, encapsulated, quirks):
        rng, items = self.rng, b""
        for _ in range(rng.choice([0, 1, 1, 2, 3]) if depth < 5 else 0):
            content = self.data_set(encoding, depth + 1, 4, encapsulated, quirks)
            if rng.random() < 0.5:
                items += encoding.bare(0xE000, content + encoding.bare(0xE00D, b"", rng.choice([0, 0, 0, 4])), UNDEFINED)
            else:
                content += encoding.bare(0xE00D, b"") if rng.random() < 0.1 else b""
                items += encoding.bare(0xE000, content, self.wrong(len(content), quirks))
        if vr == "UN" or rng.random() < 0.5:
            return outer.element(tag, vr, items + encoding.bare(0xE0DD, b"", rng.choice([0, 0, 9])), UNDEFINED)
        items += encoding.bare(0xE0DD, b"") if rng.random() < 0.1 else b""
        return outer.element(tag, vr, items, self.wrong(len(items), quirks))

    def any(self, syntax):
        rng, encoding = self.rng, Encoding(syntax)
        data = self.data_set(encoding, 0, 14, syntax == JPG, rng.choice([0, 0, 0.1, 0.3]))
        if data and rng.random() < 0.15:
            data = bytearray(data)
            for _ in range(rng.choice([1, 1, 2])):
                data[rng.randrange(len(data))] = rng.choice([1, 2, 4, 8, 255, 65, 32, rng.randrange(1, 256)])
            data = bytes(data)
        if rng.random() < 0.05:
            data = data[:rng.randrange(len(data) + 1)]
        return data

# ---------------------------------------------------------------- comparison


def deflate(data):
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def inflate(data):
    return None if data is None else zlib.decompressobj(-15).decompress(data)


def known(theirs, ours, lines):
    """The reason for a difference in what was done, if there is one."""
    cut = ("I/O suspension or premature end of stream", "Invalid stream", "Sequence Delimitation Item missing")
    if theirs not in ("aborted", ours):
        if ours in ("aborted", "a700", "c000") and any(text in line for line in lines for text in cut):
            return "what is cut short at the end is refused"
        if ours == "aborted" and any("Item Delimitation Item missing" in line for line in lines):
            return "a VR of bytes that are no letters is refused, as by DCMTK 3.7.0"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", default="target/debug/storescp")
    parser.add_argument("--theirs", default="/usr/bin/storescp")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    maker, receivers, counts, bad = Maker(rng), {}, collections.Counter(), 0

    def receiver(options):
        if options not in receivers:
            receivers[options] = [Receiver(program, options) for program in (arguments.theirs, arguments.ours)]
        return receivers[options]

    try:
        while sum(counts.values()) < arguments.count:
            options, syntax = rng.choice(OPTIONS), rng.choice([LEI, LEI, LEE, LEE, LEE, BEE, JPG, DFL])
            if syntax == JPG and "+t" in options:
                continue
            data = maker.any(syntax)
            # DCMTK aborts PDVs of odd length.
            data += Encoding(syntax).element(0xFFFF0002, "OW", b"A") if len(data) & 1 else b""
            if not data or len(data) & 1:
                continue
            raw = deflate(data) if syntax == DFL else data
            raw += b"\0" * (len(raw) & 1)
            prefer = {JPG: " +xy", DFL: " +xd"}.get(syntax, "")
            theirs, ours = receiver(options + prefer)
            (their_status, _, their_data), (our_status, _, our_data) = theirs.store(raw, syntax), ours.store(raw, syntax)
            if "+td" in options or (syntax == DFL and "+t" not in options):
                their_data, our_data = inflate(their_data), inflate(our_data)
            if (their_status, their_data) == (our_status, our_data):
                counts["same: " + their_status] += 1
                continue
            reason = known(their_status, our_status, ours.last_lines())
            counts[reason or "DIFFERENT"] += 1
            if reason is None:
                bad += 1
                print(f"{syntax} {options!r}\n  sent   {data.hex()}\n  theirs {their_status} "
                      f"{their_data and their_data.hex()}\n  ours   {our_status} {our_data and our_data.hex()}")
                print("  " + "\n  ".join(theirs.last_lines() + ["--"] + ours.last_lines()))
    finally:
        for pair in receivers.values():
            for one in pair:
                one.close()
    for reason, count in sorted(counts.items()):
        print(f"{count:6} {reason}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
