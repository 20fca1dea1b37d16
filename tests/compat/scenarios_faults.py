"""storescp where something is wrong or unusual: peers that break the standard, a folder that cannot take the file, who wrote it."""
import contextlib, os, re, stat, struct, time

import pydicom
from rawdimse import ECHO, EXPLICIT, IMPLICIT, Client, Closed, associate_rq, command, item, pdata
from scenarios_storescp import (CT, MR, Object, answer, connect, contents, echoes, el, obj, parts, pdu, pdv, put, receive, released, small, store_command)


def under(t, line):
    """A program that runs storescp after a line of shell: a umask, a limit."""
    script = t.write(f"under{len(os.listdir(t.dir))}.sh", f"#!/bin/bash\n{line}\nexec '{t.exe('storescp')}' \"$@\"\n")
    os.chmod(script, 0o755)
    return script


def heard(c, limit=2):
    """What comes next, in few words; then the connection is closed."""
    got = answer(c, limit)
    c.sock.close()
    return got if isinstance(got, str) else {2: "accepted", 3: "rejected " + got[1][2:], 4: "message", 6: "release answered", 7: "abort " + got[1][4:]}.get(got[0], got)


# --- associations ---------------------------------------------------------------------------------------------------

def scn_storescp_association_oddities(t):
    """Requests that are legal but strange, or not quite legal: what each of them hears, and whether the next peer is served."""
    echo = [(1, ECHO, [IMPLICIT])]
    plain = associate_rq(echo)
    user = plain.rindex(item(0x51, struct.pack(">I", 16384)))
    cases = {
        "blank called title": associate_rq(echo, called=""), "blank calling title": associate_rq(echo, calling=""),
        "no contexts": associate_rq([]), "no syntax in a context": associate_rq([(1, ECHO, [])]),
        "60 syntaxes": associate_rq([(1, ECHO, [f"1.2.3.{i}" for i in range(59)] + [IMPLICIT])]),
        "even id": associate_rq([(2, ECHO, [IMPLICIT])]), "id 0": associate_rq([(0, ECHO, [IMPLICIT])]),
        "same id twice": associate_rq([(1, ECHO, [IMPLICIT]), (1, MR, [IMPLICIT])]),
        "128 contexts": associate_rq([(2 * i + 1, MR, [IMPLICIT]) for i in range(128)]),
        "200 contexts": associate_rq([((2 * i + 1) % 256, MR, [IMPLICIT]) for i in range(200)]),
        "maximum length 0": associate_rq(echo, max_pdu=0), "maximum length 1": associate_rq(echo, max_pdu=1), "maximum length 7": associate_rq(echo, max_pdu=7),
        "no version name": associate_rq(echo, version=b""), "long version name": associate_rq(echo, version=b"V" * 40),
        "UID padded with NUL": associate_rq([(1, ECHO + "\0", [IMPLICIT + "\0"])]), "UID with a blank": associate_rq([(1, ECHO + " ", [IMPLICIT])]),
        "unknown item": plain[:74] + item(0x77, b"??") + plain[74:], "item beyond the end": plain[:-2],
        "no user information": plain[:user - 4], "empty user information": plain[:user - 2] + b"\0\0"}
    with t.serve("storescp") as s:
        for name, wire in cases.items():
            wire = wire[:2] + struct.pack(">I", len(wire) - 6) + wire[6:]
            c = Client(s.port)
            c.sock.sendall(wire)
            t.note(name, [heard(c), echoes(s.port)])


def scn_storescp_lengths_refused(t):
    """PDUs longer than allowed, or of no length: the connection ends and the next peer is served."""
    rq = associate_rq([(1, ECHO, [IMPLICIT]), (3, MR, [EXPLICIT])])
    head = lambda kind, length: struct.pack(">BBI", kind, 0, length)
    with t.serve("storescp") as s:
        for name, before, wire in (
                ("request of 4 GiB", b"", head(1, 0xFFFFFFF0)), ("request over a MiB", b"", head(1, (1 << 20) + 1)), ("request of nothing", b"", head(1, 0)),
                ("data of 4 GiB", rq, head(4, 0xFFFFFFF0)), ("data over the maximum", rq, head(4, 16385) + bytes(16385)), ("data of nothing", rq, head(4, 0)),
                ("PDV beyond its PDU", rq, head(4, 10) + struct.pack(">IBB", 100, 1, 3) + bytes(4)), ("PDV of length 1", rq, head(4, 5) + struct.pack(">IB", 1, 1)),
                ("PDV of length 0", rq, head(4, 4) + bytes(4)), ("PDV for no context", rq, pdu(pdv(99, 3, command(CommandField=0x30)))),
                ("abort of 4 GiB", rq, head(7, 0xFFFFFFF0)), ("release of 4 GiB", rq, head(5, 0xFFFFFFF0))):
            c = Client(s.port)
            if before:
                c.sock.sendall(before)
                c.recv_pdu()
            c.sock.sendall(wire)
            t.note(name, [heard(c), echoes(s.port)])


def scn_storescp_bad_commands(t):
    """Commands that lack what they need, or say one thing and send another."""
    o = small()
    cases = {
        "no class": store_command(o, AffectedSOPClassUID=None), "no instance": store_command(o, AffectedSOPInstanceUID=None),
        "empty instance": store_command(o, AffectedSOPInstanceUID=""), "no message id": store_command(o, MessageID=None), "no priority": store_command(o, Priority=None),
        "priority 9": store_command(o, Priority=9), "no field": store_command(o, CommandField=None), "field 0": store_command(o, CommandField=0),
        "store without data": store_command(o, CommandDataSetType=0x0101), "echo with data": command(AffectedSOPClassUID=ECHO, CommandField=0x30, MessageID=1, CommandDataSetType=1),
        "data of another sort": store_command(o, CommandDataSetType=0xFEFE), "instance of 64": store_command(o, AffectedSOPInstanceUID="1." + "2" * 62),
        "instance with blanks": store_command(o, AffectedSOPInstanceUID=" 1.2.3 "), "rubbish": b"rubbish!", "nothing": b""}
    for name, cmd in cases.items():
        out = t.folder("out " + name)
        with t.serve("storescp", "-od", out) as s:
            c = connect(s.port, [o])
            with contextlib.suppress(OSError):  # it may be gone before all is said
                c.send(1, cmd, None if name == "store without data" else o.data)
            t.note(name, [heard(c), sorted(contents(out)), echoes(s.port)])


def scn_receive_broken_messages(t):
    """Data sets of odd length, in the wrong context, or with another command inside: what is answered and what is kept."""
    o = small()
    cmd, data = store_command(o), o.data
    cases = {
        "odd length": pdu(pdv(1, 3, cmd)) + pdu(pdv(1, 2, data + b"\0")),
        "odd pieces": pdu(pdv(1, 3, cmd)) + pdu(pdv(1, 0, data[:31])) + pdu(pdv(1, 2, data[31:])),
        "another context": pdu(pdv(1, 3, cmd)) + pdu(pdv(3, 2, data)), "context changes": pdu(pdv(1, 3, cmd)) + pdu(pdv(1, 0, data[:30])) + pdu(pdv(3, 2, data[30:])),
        "command inside": pdu(pdv(1, 3, cmd)) + pdu(pdv(1, 0, data[:30])) + pdu(pdv(1, 3, cmd)), "data first": pdu(pdv(1, 2, data)),
        "release inside": pdu(pdv(1, 3, cmd)) + pdu(pdv(1, 0, data[:30])) + struct.pack(">BBII", 5, 0, 4, 0),
        "two commands": pdu(pdv(1, 3, cmd)) + pdu(pdv(1, 3, cmd))}
    for args in ((), ("+B",)):
        for name, wire in cases.items():
            out = t.folder(f"out {name} {args}")
            with t.serve("storescp", "-od", out, *args) as s:
                c = Client(s.port)
                c.associate([(1, MR, [EXPLICIT]), (3, CT, [EXPLICIT])])
                c.sock.sendall(wire)
                c.sock.settimeout(5)
                try:
                    got = c.recv()
                    got = f"status {got[1].Status:04X}" if got[0] else f"PDU type {got[1]} {got[2].hex()}"
                except (Closed, ConnectionError):
                    got = "closed"
                except TimeoutError:
                    got = "silent"
                c.sock.close()
                t.note(f"{name} {args}", [got, contents(out), echoes(s.port)])


def scn_receive_empty_data_set(t):
    """A data set of no bytes is refused with A700, but with +B kept as a file without any."""
    o = Object(EXPLICIT, MR, "1.2.3.1", b"", "empty")
    for args in ((), ("+B",), ("--ignore",)):
        receive(t, [o, small("1.2.3.2")], *args)


def scn_storescp_peer_stays(t):
    """A peer that keeps its connection open after a reject or a release holds nobody up for long."""
    for args in (("--refuse",), ("--reject",), ()):
        with t.serve("storescp", *args) as s:
            c = Client(s.port)
            ok = c.associate([(1, ECHO, [IMPLICIT])], implementation="")
            if ok:
                c.sock.sendall(struct.pack(">BBII", 5, 0, 4, 0))
                c.recv_pdu()
            second = Client(s.port)
            second.sock.settimeout(2)
            try:
                second.associate([(1, ECHO, [IMPLICIT])])
                t.note(f"second {args}", second.reply[0])
            except TimeoutError:
                t.note(f"second {args}", "silent")
            c.sock.close()
            second.sock.close()


# --- files ----------------------------------------------------------------------------------------------------------

def scn_receive_modes(t):
    """Received files have the mode that the umask leaves of rw-rw-rw-."""
    for mask in ("022", "000", "077", "027"):
        for args in ((), ("+B",)):
            out = t.folder(f"out{mask}{args}")
            with t.serve(under(t, f"umask {mask}"), "-od", out, *args) as s:
                c = connect(s.port, [small()])
                t.note(f"{mask} {args}", [put(c, small()), released(c), [oct(stat.S_IMODE(os.stat(os.path.join(out, f)).st_mode)) for f in os.listdir(out)]])


def scn_receive_no_room(t):
    """An object that the disk has no room for is answered with A700 and leaves nothing; a smaller one after it is stored."""
    large = small("1.2.3.8", extra=el(0x7FE0, 0x10, "OW", bytes(300_000)))
    for args in ((), ("+B",)):
        out = t.folder(f"out{args}")
        with t.serve(under(t, "trap '' XFSZ; ulimit -f 100"), "-od", out, *args) as s:
            c = connect(s.port, [small()])
            t.note(f"{args}", [put(c, large), sorted(contents(out)), put(c, small()), released(c), sorted(contents(out))])
            said = [re.sub(r"(MR[^:]*): .*", r"\1", t.neutral(l)) for l in parts(s.log(), "^E: ")]
            t.note(f"said {args}", said[:1])
            t.note(f"said more {args}", said[1:])


def scn_receive_name_taken(t):
    """What stands at the name of the file: a folder cannot be replaced, a link is not followed, another file is replaced."""
    for args in ((), ("+B",)):
        for what in ("folder", "link", "dangling link", "hard link", "file"):
            out, aside = t.folder(f"out {what} {args}"), t.write(f"aside {what} {args}", "precious")
            name = os.path.join(out, "MR.1.2.3.1")
            {"folder": lambda: os.mkdir(name), "link": lambda: os.symlink(aside, name), "dangling link": lambda: os.symlink(aside + ".none", name),
             "hard link": lambda: os.link(aside, name), "file": lambda: open(name, "w").close()}[what]()
            with t.serve("storescp", "-od", out, *args) as s:
                c = connect(s.port, [small()])
                status = put(c, small())
                with open(aside) as f:
                    kept = f.read() if os.path.getsize(aside) < 100 else "overwritten"
                t.note(f"{what} {args}", [status, released(c), kept, os.path.exists(aside + ".none"), stat.filemode(os.lstat(name).st_mode)[0]])


def scn_receive_seen_in_the_middle(t):
    """What a reader of the folder sees under the object's name while it is still coming."""
    o = obj("CT_small.dcm")
    for args in ((), ("+B",)):
        out = t.folder(f"out{args}")
        with t.serve("storescp", "-od", out, *args) as s:
            c = connect(s.port, [o])
            c.sock.sendall(pdata(1, store_command(o), True) + pdata(1, o.data[:30000], False, last=False))
            time.sleep(0.5)
            t.note(f"during {args}", sorted(os.listdir(out)))
            c.sock.sendall(pdata(1, o.data[30000:], False))
            t.note(f"after {args}", [f"{c.recv()[1].Status:04X}", released(c), sorted(os.listdir(out))])


# --- who it is ------------------------------------------------------------------------------------------------------

def scn_storescp_who_it_is(t):
    """The names that a program gives itself: on the wire, in the files, in its banner."""
    out = t.folder("out")
    with t.serve("storescp", "-od", out, "+uf") as s:
        c = connect(s.port, [small()])
        t.note("association", {f"{k:02x}": d.rstrip(b"\0").decode() for k, d in c.user_items if k in (0x52, 0x55)})
        t.note("status", [put(c, small()), c.release()])
        name = os.listdir(out)[0]
        m = pydicom.filereader.read_file_meta_info(os.path.join(out, name))
        t.note("file", [str(m.ImplementationClassUID), str(m.ImplementationVersionName)])
        t.note("generated name", re.match(r"MR\.X\.(1\.2\.276\.0\.7230010\.3\.1\.4|2\.25)\.", name).group(1))
    r = t.run("storescp", "--version", timeout=6)
    t.note("banner", re.sub(r"[0-9-]{10}", "DATE", r.out.splitlines()[0]))


def scn_storescp_fork_log(t):
    """With --fork the log names the process that serves."""
    with t.serve("storescp", "-v", "--fork") as s:
        echoes(s.port)
        s.wait_log("Association Release")
        t.note("log", [t.neutral(l) for l in parts(s.log(), "Association Received")])
