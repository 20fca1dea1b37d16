#!/usr/bin/env python3
"""Give many configuration files, good and bad, to DCMTK and to our dcmqrscp, and compare what they make of them.

usage: config_files.py [-r DIR] [-n COUNT] [-s SEED] [-v] OURS_DIR
  OURS_DIR  folder with our dcmqrscp
  -r DIR    folder with DCMTK's dcmqrti, which shows a configuration as DCMTK understands it (default: /usr/bin)
  -n COUNT  random files besides those written here (default 500)
  -s SEED   first seed of the random ones (default 1)
  -v        tell every file, and the seed of a random one
Compared are the verdict, the lines `CONFIG Error: ...!`, and the meaning: what dcmqrti shows for the file itself and for what
`dcmqrscp --print-config` makes of it. Files on which the two differ on purpose count apart, by reason. Exit status: 0 no other
difference, 1 some, 2 could not run.
"""
import argparse, collections, os, random, re, subprocess, sys, tempfile

AREA = b"AETable BEGIN\nX /tmp RW (9, 1mb) ANY\nAETable END\n"
HOST = b"HostTable BEGIN\nh = (A, a, 1)\nHostTable END\n"


def rows(table, text):
    return table + b" BEGIN\n" + text + b"\n" + table + b" END\n"


def area(row):
    return HOST + rows(b"AETable", row)


def written():
    """Files by hand: each construct, right and wrong."""
    yield from (b"", b"\n", b"#", b"# x\n", b"\r\n", b"  \t\n", b"\rjunk\n", AREA, HOST, AREA.replace(b"\n", b"\r\n"), AREA[:-1], HOST[:-1])
    for value in (b"", b"1", b"0", b"-5", b"70000", b"65536", b"+7", b"+ 7", b"0x50", b"text", b"\"77\"", b"9xyz", b"= 9", b",,=9", b"4294967376",
                  b"99999999999999999999", b"-99999999999999999999", b"8192", b"8192 # x", b"8192,"):
        yield from (name + b" " + value + b"\n" + AREA for name in (b"NetworkTCPPort", b"MaxAssociations"))
        yield b"MaxPDUSize " + value + b"\n" + AREA
        yield b"NetworkTCPPort 50\nNetworkTCPPort " + value + b"\nMaxPDUSize 5000\nMaxPDUSize " + value
    for line in (b"Bogus 1", b"maxpdusize 1", b"NetworkTCPPort=1", b"=NetworkTCPPort 1", b" # x", b"\"MaxPDUSize\" 1", b"HostTable=BEGIN",
                 b"ApplicationTitle x", b"ApplicationContext", b"ImplementationClass \"", b"ImplementationVersion (", b"NetworkType", b"Display 1",
                 b"DisplayPort", b"DisplayPorts", b"UserName x", b"GroupName \"x y\" z", b"UserName \"\"", b"SpecificCharacterSet",
                 b"SpecificCharacterSet \"ISO_IR 192\" fallback", b"\xff\xfe", b"\0junk", b"NetworkTCPPort 7\0 8", b"\x0bNetworkTCPPort\x0c7"):
        yield from (line + b"\n", line, line + b"\r\n" + AREA, AREA + line)
    for table in (b"HostTable", b"VendorTable", b"AETable"):
        for text in (b"END", b"end", b"foo", b"begin", b"BEGIN,", b"BEGIN x\n#\n\n%s END x", b"= BEGIN\n %s\tEND", b"BEGIN\n%s = END", b"BEGIN\n%s STOP",
                     b"BEGIN\nOther END\n%s END", b"BEGIN", b"BEGIN\n", b"BEGIN\n\"%s\" (A,b,1)\n%s END", b"BEGIN\n%s=(A,b,1)\n%s END",
                     b"BEGIN\n \n%s END", b"BEGIN\n\0\n%s END", b"BEGIN\n  # x\n%s END", b"BEGIN\n\r\r\n%s END\nBogus"):
            text = table + b" " + text.replace(b"%s", table)
            yield from (text, text + b"\n", HOST + text + b"\n")
        yield HOST + table + b"\n" + table + b" END\n"
    for peers in (b"(A, b, 1)", b"'A b=1,'", b"(A,b,1", b"(A,b,1)(B,b,2)", b"(A, b, 1, 2)", b"(A, b, )", b"(A,b,)", b"(A, b )", b"(A, b, x)", b"(A, b, -5)",
                  b"(A, b, 70000)", b"( A, b, 1)", b"(, b, 1)", b"(A b 1)", b"(A)", b"()", b"", b"h", b"h h", b"h, (B,b,2)", b"H", b"x", b"ANY", b"h ANY", b"any",
                  b"h # x", b"h \\", b"h (", b"h \"h", b"\"h", b"(A, \"b\", 1)", b"(A,b.c.d,104) h", b"h\0x", b"h \0x", b")A,b,1(", b"\"A\x0bb 7,\""):
        yield HOST + rows(b"HostTable", b"x " + peers + b"\ny = x")
        yield HOST + rows(b"VendorTable", b"\"The Maker\"=" + peers)
        yield area(b"X /p RW (9, 1mb) " + peers)
        yield rows(b"HostTable", peers)
    for row in (b"X", b"X /p", b"X /p RW", b"X /p RW (9,1mb)", b" X /p RW (9,1mb) ANY", b" /p RW (9,1mb) ANY", b"\"X /p", b"X \"/p RW (9,1mb) ANY",
                b"X = /p, RW, (9, 1mb), ANY", b"'X\" (/p x\" \"RW) '9, 1mb\" ANY", b"X /p RW (9, 1mb)ANY rest (", b"X\"Y /p'q R (9,1mb) h",
                b"X /p RW(9, 1mb) ANY", b"X /p RW 10,1mb h", b"X /p rw (9,1mb) ANY\nX /q W (8,2mb) h", b"\xe4\xff /\xfc R (1,1b) ANY",
                b"\"\" () R (1,1b) h"):
        yield area(row)
    for quota in ("9,1mb 9,1024b 9,10kb 9,10Kb 9,24MB 9,1gb 9,1.5gb 9,2tb 9,5kxb 9,+5b 9,1bB 9,1mb,kb +9,7b 009,007b 501,2gb 0,1mb 9,0mb 9,0b 9,kb 9,b 9,B "
                  "9,,1mb 9,x1mb 9,0x5b 9,=7b -1,1mb 9,-1mb 9,1024 9, 9 9,1m 9,b1 9,1mb, 3000000000,3000000000b").split() + [
                  "9 , 1mb", " 9,\t\x0b1mb x", "9,10 kb", "9 1mb", "x,1mb"]:
        yield area(b"X /p RW \"" + quota.encode() + b"\" ANY")
    yield AREA + rows(b"AETable", b"Y /q R (9,1mb) ANY") + HOST + HOST
    yield AREA + b"AETable BEGIN\nAETable END\n"
    yield rows(b"HostTable", b"a = b\nb = (B,b,1)") + rows(b"HostTable", b"a = b a\nc b c")
    yield b"\xef\xbb\xbfNetworkTCPPort 50\n" + AREA
    yield b"#" + b"x" * 600 + b"\n" + AREA
    yield rows(b"HostTable", b"x" + b" (A,b,1)" * 100)


PIECES = [b"HostTable BEGIN\n", b"HostTable END\n", b"VendorTable BEGIN\n", b"VendorTable END\n", b"AETable BEGIN\n", b"AETable END\n", b"HostTable",
          b"AETable", b"NetworkTCPPort ", b"MaxPDUSize ", b"MaxAssociations ", b"a = (A, h, 1)\n", b"b = a (B, i, 2)\n", b"a", b"b", b" ANY\n", b"X /p RW (9, 1mb) ",
          b"X /p RW (9, 1mb) a\n", b"(C, c, 3)", b"\n", b"\r\n", b"# c\n", b"5000\n", b" ", b"=", b",", b"\"", b"(", b")", b"'", b"\t", b"\0", b"7", b"-", b"b"]
SAMPLE = (b"NetworkTCPPort 5\nMaxPDUSize = 8192\nMaxAssociations -3\nUserName u\nHostTable BEGIN\na = (A, a.b, 1)\n\"b c\" a ( B,c,2)\nHostTable END\n"
          b"VendorTable BEGIN\n'v w' = a, \"b c\"\nVendorTable END\nAETable BEGIN\nX /p'q W (9, 1.5gb) a\n\"Y Z\" \"q r\" R \"1,7b\" ANY\nX z R (5,6kb)(Q,q,9)\n"
          b"AETable END\n")


def invented(seed):
    """A random file: pieces in any order, or a good one with some damage."""
    rnd = random.Random(seed)
    if rnd.random() < 0.4:
        return b"".join(rnd.choice(PIECES) for _ in range(rnd.randrange(40)))
    text = bytearray(SAMPLE)
    for _ in range(rnd.randrange(1, 4)):
        at = rnd.randrange(len(text))
        how = rnd.randrange(3)
        if how == 0:
            del text[at:at + rnd.randrange(1, 4)]
        else:
            text[at:at + how - 1] = rnd.choice(PIECES)
    return bytes(text)


def errors(text):
    # DCMTK ends its lines as they come, so a NUL cannot be in them; what is not UTF-8, and control characters, ours shows as U+FFFD.
    found = re.findall(r"CONFIG Error: (.*)!", text.decode("utf-8", "replace"))
    return [re.sub(r"[\0-\x1f\x7f-\x9f]", "\ufffd", e) for e in found if not e.startswith("Reading configuration file")]


class Theirs:
    def __init__(self, exe, path):
        run = subprocess.run([exe, "-v", "-c", path, "localhost"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        out = run.stdout + run.stderr
        self.errors = errors(out)
        self.verdict = "crash" if run.returncode < 0 else "bad" if b"cannot read configuration file" in out else "good"
        shown = [l[3:] for l in out.replace(b"\r", b"").split(b"\n") if l.startswith(b"I: ")]
        self.shown = b"\n".join(shown)


def meaning(shown):
    """dcmqrti's display with what only looks different made equal: access words, ports modulo 65536, limits of associations."""
    out, areas = [], False
    lines = shown.split(b"\n")
    for n, line in enumerate(lines):
        areas = areas or line.startswith(b"AEEntries:")
        if areas and n + 1 < len(lines) and re.fullmatch(rb"-?\d+, -?\d+", lines[n + 1]):
            line = b"RW" if line in (b"RW", b"WR", b"W") else b"R"
        elif m := re.fullmatch(rb"(.* )(-?\d+)", line, re.S):
            line = m[1] + b"%d" % (int(m[2]) % 65536)
        if n and lines[n - 1] == b"Global Parameters:":
            port = int(line)
            line = b"%d" % (104 if port == 0 else port % 65536)
        elif n > 1 and lines[n - 2] == b"Global Parameters:":
            line = b"16384" if line == b"0" else line
        elif n > 2 and lines[n - 3] == b"Global Parameters:":
            line = b"none" if line.startswith(b"-") else line
        out.append(line)
    return out


def difference(text, theirs, told, good, printed):
    """What differs, and the reason if it is meant to."""
    ours = errors(told)
    cures = told.decode("utf-8", "replace")
    if theirs.verdict == "crash":
        return None if not good else "crashes DCMTK, is good for us", "DCMTK crashes"
    if good and any(len(line) > 511 for line in text.split(b"\n")) or text.startswith(b"\xef\xbb\xbf"):
        return None, "long line or byte order mark"
    if theirs.verdict == "good" and not good:
        if "with all three of them" in cures:
            return None, "a peer without port"
        if "MaxPDUSize from" in cures and not ours:
            return None, "MaxPDUSize: dcmqrscp looks at it, dcmqrti does not"
        if re.search(r"expected (a positive number|at least one|a number of bytes|a comma|a number of studies)", cures) and not ours:
            return None, "a quota that DCMTK refuses since 3.6.8"
    if (theirs.verdict == "good") != good:
        return f"verdict: DCMTK {theirs.verdict}, ours {'good' if good else 'bad'}\n  DCMTK: {theirs.errors}\n  ours: {cures}", None
    if not good:
        if theirs.errors != ours:
            # A table's name alone where nothing was read yet; a row of blanks goes by what another row left behind.
            if any('status ""' in e for e in ours) or "must not have blanks" in cures:
                return None, "DCMTK reads memory it never wrote"
            return f"errors\n  DCMTK: {theirs.errors}\n  ours:  {ours}", None
        return None, None
    if meaning(theirs.shown) != meaning(printed.shown):
        lost = [(a, b) for a, b in zip(meaning(theirs.shown), meaning(printed.shown)) if a != b]
        if all(re.fullmatch(rb"-?\d+, -?\d+", a) and re.fullmatch(rb"-?\d+, -?\d+", b) for a, b in lost) and re.search(rb"\d{10,}|\d{4,}[gG][bB]", text):
            return None, "a quota beyond 32 bits"
        return f"meaning: {lost[:4]}", None
    return None, None


def main():
    parser = argparse.ArgumentParser(usage="config_files.py [-r DIR] [-n COUNT] [-s SEED] [-v] OURS_DIR")
    parser.add_argument("-r", default="/usr/bin")
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("-s", type=int, default=1)
    parser.add_argument("-v", action="store_true")
    parser.add_argument("ours")
    a = parser.parse_args()
    ti, scp = os.path.join(a.r, "dcmqrti"), os.path.join(a.ours, "dcmqrscp")
    if missing := [exe for exe in (ti, scp) if not os.access(exe, os.X_OK)]:
        print("config_files.py: not there:", *missing, file=sys.stderr)
        return 2
    files = [(f"file {n}", text) for n, text in enumerate(written(), 1)] + [(f"seed {n}", invented(n)) for n in range(a.s, a.s + a.n)]
    count, failed = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        path, again = os.path.join(folder, "f.cfg"), os.path.join(folder, "printed.cfg")
        for name, text in files:
            with open(path, "wb") as f:
                f.write(text)
            theirs = Theirs(ti, path)
            check = subprocess.run([scp, "--check-config", "-c", path], capture_output=True, timeout=60)
            printed = None
            if check.returncode == 0:
                with open(again, "wb") as f:
                    f.write(subprocess.run([scp, "--print-config", "-c", path], capture_output=True, timeout=60).stdout)
                printed = Theirs(ti, again)
            elif check.returncode != 10:
                what, reason = f"exit status {check.returncode}", None
            if check.returncode in (0, 10):
                ours = check.stdout + check.stderr, check.returncode == 0, printed
                what, reason = difference(text, theirs, *ours)
                if what and text and not text.endswith(b"\n"):
                    with open(path, "ab") as f:
                        f.write(b"\n")
                    second, also = difference(text + b"\n", Theirs(ti, path), *ours)
                    what, reason = second, also or "a last line without line feed is a line"
            count["differ" if what else reason or ("both good" if theirs.verdict == "good" else "both bad")] += 1
            failed += bool(what)
            if what or a.v:
                print(f"{name}: {what or reason or 'equal'}")
                if what:
                    print("  " + repr(text))
    for reason, n in sorted(count.items()):
        print(f"{n:6} {reason}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
