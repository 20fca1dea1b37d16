"""Options of dcmqrscp that no scenario of scenarios_dcmqrscp.py would miss: one option of each group against another,
each syntax that can be preferred or proposed, log options, limits on waiting."""
import os
import re
import socket
import time

import storepeer
from archivepeer import CT, archive, attempt, config, fill, obj, peer
from rawdimse import ECHO, EXPLICIT, FIND_PATIENT, GET_STUDY, MOVE_STUDY, encode
from scenarios_dcmqrscp import (conversion, destination, getter, host, named, objects_in, receive, told, until)

SYNTAXES = ["1.2.840.10008.1.2" + x for x in (
    "", ".1", ".1.99", ".2", ".4.50", ".4.51", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91", ".4.100", ".4.101", ".4.102", ".4.103", ".4.104",
    ".4.105", ".4.106", ".4.107", ".4.108", ".5")]


# --- transfer syntaxes ------------------------------------------------------------------------------------------

def preferred(t, *args):
    with archive(t, *args) as s:
        c = peer(s.port, (CT, SYNTAXES))
        t.note(" ".join(args), storepeer.short(c.accepted.get(1, "none")))
        c.release()


def scn_dcmqrscp_prefer_uncompressed(t):
    """The four options for uncompressed syntaxes, each against another one."""
    for args in (["+xe"], ["+xb", "+x="], ["+xb"], ["+xb", "+xe"], ["+xi"], ["+xi", "+xb"]):
        preferred(t, *args)


def scn_dcmqrscp_prefer_jpeg(t):
    """The options for syntaxes of the JPEG family."""
    for option in ("+xs", "+xy", "+xx", "+xv", "+xw", "+xt", "+xu"):
        preferred(t, option)


def scn_dcmqrscp_prefer_video(t):
    """The options for video, RLE and deflated syntaxes."""
    for option in ("+xm", "+xh", "+xn", "+xl", "+x2", "+x3", "+xo", "+x4", "+x5", "+xr", "+xd"):
        preferred(t, option)


def proposed(t, *options):
    """Which syntaxes are offered to a destination for CT images, with each option alone."""
    with archive(t) as s:
        fill(s, obj("1.1.1"))
    for args in options:
        args = args.split()
        d = destination(syntaxes=tuple(SYNTAXES))
        with archive(t, *args, hosts=[host(d)]) as s:
            c = peer(s.port, MOVE_STUDY)
            c.moved(MOVE_STUDY, "DEST", level="STUDY", StudyInstanceUID="1.2.3.1")
            c.release()
        offers = [ts for _, _, a, ts in storepeer.describe(d.associations[0])["contexts"] if a == [CT]]
        t.note(" ".join(args), sorted({storepeer.short(x) for ts in offers for x in ts}))
        d.close()


def scn_dcmqrscp_propose_uncompressed(t):
    """The four options for uncompressed syntaxes, each against another one."""
    proposed(t, "-xi", "-xi -x=", "-xe -xi", "-xb -xi", "-xi -xe", "-xi -xb")


def scn_dcmqrscp_propose_jpeg(t):
    """The options for syntaxes of the JPEG family."""
    proposed(t, "-xs", "-xy", "-xx", "-xv", "-xw", "-xt", "-xu")


def scn_dcmqrscp_propose_video(t):
    """The options for video, RLE and deflated syntaxes."""
    proposed(t, "-xm", "-xh", "-xn", "-xl", "-x2", "-x3", "-xo", "-x4", "-x5", "-xr", "-xd")


# --- of two options the second ------------------------------------------------------------------------------------

def scn_dcmqrscp_no_check_move(t):
    """--no-check-move takes --check-move back."""
    for args in (["-XM"], ["-XM", "--no-check-move"], ["--no-check-move", "--check-move"]):
        with archive(t, *args) as s:
            fill(s, obj("1.1.1"))
            c = getter(s, GET_STUDY, classes=(CT,))
            responses, stores, _ = c.fetch(GET_STUDY, level="STUDY", StudyInstanceUID="")
            t.note(" ".join(args), [responses[-1], len(stores)])
            c.release()


def scn_dcmqrscp_output_second_wins(t):
    """Options that name the default take another one of their group back, one by one."""
    for args in (("+ti", "+t="), ("-u", "+u"), ("+g", "+g="), ("-e", "+e"), ("+p", "1024", "64", "-p")):
        receive(t, ["MR_small.dcm", "test-SR.dcm", "rtplan.dcm", "reportsi.dcm"], *args)


def scn_dcmqrscp_group_lengths(t):
    """-g leaves group lengths out, +g makes them, +g= keeps those that came and makes them right."""
    ds = obj("1.1.1")
    data = encode(ds, EXPLICIT)
    at = data.index(b"\x10\0\x10\0PN")
    lengths = [bytes([group, 0, 0, 0]) + b"UL\x04\0" + (4711).to_bytes(4, "little") for group in (0x08, 0x10)]
    data = lengths[0] + data[:at] + lengths[1] + data[at:]
    for i, args in enumerate(([], ["-g"], ["+g"], ["-g", "+g="])):
        area = t.folder(f"area{i}")
        with archive(t, *args, rows=[f"ARCH {area} RW (9, 1mb) ANY"]) as s:
            c = peer(s.port, (CT, [EXPLICIT]))
            t.note(f"{args} stored", f"{c.store(1, CT, ds.SOPInstanceUID, data):04x}")
            c.release()
        kept = b"".join(open(os.path.join(area, f), "rb").read() for f in objects_in(area))
        t.note(f"{args}", [kept.count(bytes([group, 0, 0, 0]) + b"UL") for group in (0x08, 0x10, 0x20)] + [kept.count((4711).to_bytes(4, "little"))])


def new_representations():
    """An object with values that have representations of after 1993."""
    ds = obj("1.1.1")
    ds.add_new(0x00081195, "UR", "http://x")
    ds.add_new(0x00091001, "UN", b"unknown!")
    ds.add_new(0x00187082, "UC", "no such element")
    ds.add_new(0x0040A160, "UT", "unlimited text")
    return ds


def scn_dcmqrscp_new_representations(t):
    """-u writes values of later representations as older ones; +u as they are."""
    for args in ([], ["-u"], ["-u", "+u"], ["-u", "+ti"]):
        area = t.folder("area" + "".join(args))
        with archive(t, *args, rows=[f"ARCH {area} RW (9, 1mb) ANY"]) as s:
            t.note(f"{args} stored", fill(s, new_representations(), syntaxes=[EXPLICIT]))
        data = b"".join(open(os.path.join(area, f), "rb").read() for f in objects_in(area))
        t.note(f"{args}", {vr: data.count(tag + vr.encode()) for tag, vr in (
            (b"\x08\0\x95\x11", "UR"), (b"\x40\0\x60\xa1", "UT"), (b"\x40\0\x60\xa1", "OB"), (b"\x08\0\x95\x11", "OB"), (b"\x09\0\x01\x10", "UN"), (b"\x09\0\x01\x10", "OB"))})


def scn_dcmqrscp_compression_level(t):
    """+cl: the effort of compression shows in the size of what is stored deflated."""
    sizes = {}
    for level in ("0", "1", "9"):
        area = t.folder("area" + level)
        with archive(t, "+td", "+cl", level, rows=[f"ARCH {area} RW (9, 9mb) ANY"]) as s:
            t.note(f"{level} stored", fill(s, obj("1.1.1", ImageComments="".join(chr(65 + (i * i) % 23) for i in range(9000)))))
        sizes[level] = sum(os.path.getsize(os.path.join(area, f)) for f in objects_in(area))
    t.note("sizes", [sizes["0"] > 9000, sizes["1"] < 9000, sizes["9"] <= sizes["1"]])


def scn_dcmqrscp_charset_second_wins(t):
    """Options of the character set go before the configuration, the later one before the earlier."""
    with archive(t) as s:
        fill(s, *named())
    for args, line in ((["-Cr", "+A7"], "SpecificCharacterSet = \"ISO_IR 192\""), (["-Cr", "+U8", "+A7"], None), (["-Cr", "+L1", "+U8"], None), (["-Cr", "+U8", "+L1"], None),
                       (["-Cr", "+U8", "+C", "ISO_IR 100"], None), (["-Cr", "+U8", "+Cr"], None)):
        with archive(t, *args, globals=[line] if line else [], env=conversion(t)) as s:
            c = peer(s.port, FIND_PATIENT)
            t.note(f"{args} {line}", {cs: told(c, cs) for cs in (None, "ISO_IR 192")})
            c.release()


# --- log ------------------------------------------------------------------------------------------------------------

def scn_dcmqrscp_quiet_log(t):
    """-q: what is otherwise warned of is not said; what ends the program is."""
    for args in ([], ["-q"], ["-ll", "error"]):
        with archive(t, *args) as s:
            t.note(f"{args} stored", fill(s, obj("1.1.1"), obj("1.1.1", StudyDescription="again"), obj("1.1.2", SOPInstanceUID=None)))
            args or s.wait_log("W: NOTICE")
            t.note(f"{args}", sorted({l[:3] for l in s.log().splitlines() if l[:3] in ("W: ", "E: ", "F: ")}))


def scn_dcmqrscp_log_config(t):
    """--log-config sends the records where its file says; a file without settings ends the program."""
    text = ("log4cplus.rootLogger = INFO, file\nlog4cplus.appender.file = log4cplus::FileAppender\nlog4cplus.appender.file.File = out.log\n"
            "log4cplus.appender.file.layout = log4cplus::PatternLayout\nlog4cplus.appender.file.layout.ConversionPattern = [%p] %m%n\n")
    for name, wanted in (("info", text), ("warn", text.replace("INFO", "WARN"))):
        cwd = t.folder(name)
        with archive(t, "-lc", t.write(name + ".log.cfg", wanted), cwd=cwd) as s:
            t.note(f"{name} stored", fill(s, obj("1.1.1"), obj("1.1.1")))
            log = os.path.join(cwd, "out.log")
            until(lambda: os.path.exists(log) and (name == "warn" or "Association Release" in open(log).read()))
            time.sleep(0.2)
            said = open(log).read() if os.path.exists(log) else ""
            t.note(name, [s.log(), sorted(set(re.findall(r"(?m)^\[(\w+)\]", said))), "Association Release" in said])
    for name, wanted in (("empty", ""), ("no root", text.replace("rootLogger", "logger.x"))):
        r = t.run("dcmqrscp", "-lc", t.write(name, wanted), "-c", t.write("ok.cfg", config(t)), t.port(), timeout=6)
        t.note(name, [r.rc, "error:" in r.err, "--log-config" in r.err])


# --- limits on waiting --------------------------------------------------------------------------------------------------

def scn_dcmqrscp_connect_timeout(t):
    """-to ends the wait for a destination that does not take the connection: A702."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = []
        for _ in range(4):                  # the queue of waiting connections is full: the next one gets no answer
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(deaf.getsockname())
            fillers.append(c)
        with archive(t, "-to", "1", hosts=[f"d = (DEST, 127.0.0.1, {deaf.getsockname()[1]})"]) as s:
            fill(s, obj("1.1.1"))
            c = peer(s.port, MOVE_STUDY)
            begun = time.time()
            t.note("final", c.move_failed(MOVE_STUDY, "DEST", level="STUDY", StudyInstanceUID="1.2.3.1"))
            t.note("soon", time.time() - begun < 6)
            c.release()
        for c in fillers:
            c.close()


def scn_dcmqrscp_dimse_timeout(t):
    """-td gives a destination up that takes longer to answer an object, but no peer that is idle."""
    d = destination(respond=lambda p, n, store, send: time.sleep(2) or send(Status=0))
    with archive(t, "-td", "1", hosts=[host(d)]) as s:
        fill(s, obj("1.1.1"))
        idle, c = peer(s.port, ECHO), peer(s.port, MOVE_STUDY)
        t.note("final", c.move_failed(MOVE_STUDY, "DEST", level="STUDY", StudyInstanceUID="1.2.3.1"))
        t.note("idle", idle.echo(1))
        t.note("released", [c.release(), idle.release()])
    d.close()


def scn_dcmqrscp_acse_timeout(t):
    """-ta ends a peer that connects and asks for nothing."""
    with archive(t, "-ta", "1") as s:
        with socket.create_connection(("127.0.0.1", s.port)) as silent:
            silent.settimeout(5)
            begun = time.time()
            try:
                t.note("closed", silent.recv(100) == b"")
            except (OSError, socket.timeout) as e:
                t.note("closed", isinstance(e, ConnectionError))
            t.note("in time", 0.5 < time.time() - begun < 4)
        t.note("next", attempt(s.port))
