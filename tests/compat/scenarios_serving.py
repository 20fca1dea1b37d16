"""storescp's options that no other scenario would miss: who is served when, whom hosts.deny keeps out, how numbers are read."""
import contextlib, os, shutil, time

from archivepeer import config
from rawdimse import ECHO, IMPLICIT, Client, Closed
from scenarios_storescp import answer, bad, connect, contents, echoes, el, parts, put, released, small


def waits(port):
    """A second peer that wants an echo: what it hears within a second."""
    c = Client(port)
    c.sock.settimeout(1)
    try:
        return c, "answered" if c.associate([(1, ECHO, [IMPLICIT])]) else "rejected"
    except TimeoutError:
        return c, "silent"


def scn_storescp_single_process(t):
    """One peer at a time is served, the next one when it has gone; --fork serves both, and a later --single-process undoes it."""
    for args in ((), ("--single-process",), ("--fork",), ("--fork", "--single-process"), ("--single-process", "--fork")):
        with t.serve("storescp", *args) as s:
            first = Client(s.port)
            t.note(f"first {args}", first.associate([(1, ECHO, [IMPLICIT])]))
            second, heard = waits(s.port)
            t.note(f"second {args}", heard)
            t.note(f"first goes {args}", [first.echo(1), first.release()])
            if heard == "silent":
                second.sock.settimeout(10)
                t.note(f"second's turn {args}", second.recv_pdu()[0])
            second.sock.close()


def scn_storescp_not_on_this_system(t):
    """--forked-child belongs to other systems: here it is no option."""
    t.note("--forked-child", bad(t, ["--forked-child"], "error:", "--forked-child"))


# --- who may connect ------------------------------------------------------------------------------------------------

def with_hosts(t, allow, deny, tool="storescp"):
    """A program that runs a tool where /etc/hosts.allow and /etc/hosts.deny say this: an /etc of its own in a mount
    namespace of its own, so that the system's is left alone. Root or a system that lets users make namespaces."""
    etc = t.folder(f"etc{len(os.listdir(t.dir))}")
    for name in ("passwd", "group", "hosts", "nsswitch.conf", "host.conf", "ld.so.cache", "localtime", "services", "dcmtk"):
        with contextlib.suppress(OSError):
            if os.path.isdir("/etc/" + name):
                shutil.copytree("/etc/" + name, os.path.join(etc, name))
            else:
                shutil.copy("/etc/" + name, etc)
    for name, text in (("hosts.allow", allow), ("hosts.deny", deny)):
        with open(os.path.join(etc, name), "w") as f:
            f.write(text + "\n" * bool(text))
    user = "" if os.geteuid() == 0 else "-r "
    script = t.write(etc + ".sh", f"#!/bin/sh\nexec unshare {user}-m sh -c 'mount --bind \"$0\" /etc && exec \"$@\"' '{etc}' '{t.exe(tool)}' \"$@\"\n")
    os.chmod(script, 0o755)
    return script


def admitted(t, allow, deny, *args):
    """What a peer hears that wants an echo, and the errors in the log."""
    with t.serve(with_hosts(t, allow, deny), "-v", *args) as s:
        c = Client(s.port)
        try:
            heard = c.associate([(1, ECHO, [IMPLICIT])]) and [c.echo(1), c.release()]
        except (Closed, ConnectionError):
            heard = "closed"
        c.sock.close()
        s.wait_log("Association Release|failed")
        return [heard, parts(s.log(), "^E: ")]


def scn_storescp_access_control(t):
    """+ac asks hosts.allow and hosts.deny about the daemon storescp; who is denied gets a closed connection and a line in the log."""
    every, us = "storescp: ALL", "storescp: 127.0.0.1"
    for name, allow, deny, *args in (
            ("nothing said", "", "", "+ac"), ("all denied", "", every, "+ac"), ("another daemon denied", "", "sshd: ALL", "+ac"),
            ("every daemon denied", "", "ALL: ALL", "+ac"), ("denied by address", "", us, "+ac"), ("denied by net", "", "storescp: 127.", "+ac"),
            ("another net denied", "", "storescp: 10.0.0.0/255.0.0.0", "+ac"), ("denied by mask", "", "storescp: 127.0.0.0/255.0.0.0", "+ac"),
            ("allowed before denied", us, every, "+ac"), ("all but us denied", "", "storescp: ALL EXCEPT 127.0.0.1", "+ac"),
            ("denied, not asked", "", every), ("denied, full access", "", every, "-ac"), ("denied, full access last", "", every, "+ac", "-ac"),
            ("denied, control last", "", every, "-ac", "+ac")):
        t.note(name, admitted(t, allow, deny, *args))


def scn_dcmqrscp_access_control(t):
    """+ac of the archive asks hosts.allow and hosts.deny about the daemon dcmqrscp; who is denied gets a closed connection."""
    cfg = t.write("qr.cfg", config(t))
    every = "dcmqrscp: ALL"
    for name, allow, deny, *args in (("nothing said", "", "", "+ac"), ("denied", "", every, "+ac"), ("another denied", "", "storescp: ALL", "+ac"),
                                     ("allowed", "dcmqrscp: 127.", every, "+ac"), ("not asked", "", every), ("full last", "", every, "+ac", "-ac"),
                                     ("control last", "", every, "-ac", "+ac")):
        with t.serve(with_hosts(t, allow, deny, "dcmqrscp"), "-c", cfg, *args) as s:
            c = Client(s.port)
            try:
                t.note(name, c.associate([(1, ECHO, [IMPLICIT])], called="ARCH") and [c.echo(1), c.release()])
            except (Closed, ConnectionError):
                t.note(name, "closed")
            c.sock.close()


def scn_storescp_no_host_lookup(t):
    """With --disable-host-lookup a peer has no name: hosts.deny cannot mean it by its name, and the log calls it unknown."""
    for args in ((), ("-dhl",)):
        t.note(f"denied by name {args}", admitted(t, "", "storescp: localhost", "+ac", *args))
        t.note(f"denied by address {args}", admitted(t, "", "storescp: 127.0.0.1", "+ac", *args))


# --- numbers --------------------------------------------------------------------------------------------------------

def scn_storescp_number_spellings(t):
    """Numbers may have blanks before and rubbish behind; time-outs may be hexadecimal or octal, sizes are decimal."""
    for spelling in ("{}", " {}", "{}x", "{}.5", "0{}"):
        port = t.port()
        with t.serve("storescp", spelling.format(port), port=port, port_last=False) as s:
            t.note(f"port {spelling}", echoes(s.port))
    for size in ("8192", " 8192", "8192x", "08192"):
        with t.serve("storescp", "-pdu", size) as s:
            c = Client(s.port)
            t.note(f"-pdu {size!r}", [c.associate([(1, ECHO, [IMPLICIT])]), c.peer_max_pdu, c.release()])
    for args in (["-pdu", "0x2000"], ["-ta", "0x0"], ["-ta", "00"], ["-ts", "-0x2"]):
        long = {"-pdu": "--max-pdu", "-ta": "--acse-timeout", "-ts": "--socket-timeout"}[args[0]]
        t.note(" ".join(args), bad(t, args, "error:", long))
    for limit in ("0x1", "01", "1x"):
        with t.serve("storescp", "-v", "-ta", limit) as s:
            c, start = Client(s.port), time.time()
            t.note(f"-ta {limit}", [answer(c), time.time() - start < 3])
            c.sock.close()


def scn_storescp_socket_timeout_values(t):
    """--socket-timeout 1 drops an idle peer; 0 sets no limit and -1 leaves the system's."""
    for limit in ("1", "0", "-1"):
        with t.serve("storescp", "-v", "-ts", limit) as s:
            c = Client(s.port)
            ok = c.associate([(1, ECHO, [IMPLICIT])])
            heard = answer(c, 2)
            t.note(f"-ts {limit}", [ok, heard, heard == "silent" and [c.echo(1), c.release()]])
            c.sock.close()


def scn_storescp_dimse_timeout_only_inside(t):
    """--dimse-timeout counts inside a data set alone: a peer that is slow between messages goes on."""
    out = t.folder("out")
    with t.serve("storescp", "-v", "-td", "1", "-od", out) as s:
        c = connect(s.port, [small()])
        time.sleep(1.5)
        t.note("after a pause", [put(c, small()), released(c), sorted(contents(out))])
        t.note("log", parts(s.log(), "^E: "))


# --- what the file and the commands show ----------------------------------------------------------------------------

def scn_receive_compression_level(t):
    """+cl sets how hard the deflated file is packed: 0 not at all, 9 no worse than 1."""
    o, sizes = small(extra=el(0x40, 0xA160, "UT", "".join(f"{i * i % 977} words that come again and again " for i in range(3000)))), {}
    for args in (("+td",), ("+td", "+cl", "0"), ("+td", "+cl", "1"), ("+td", "+cl", "6"), ("+td", "+cl", "9")):
        out = t.folder("".join(args))
        with t.serve("storescp", "-od", out, *args) as s:
            c = connect(s.port, [o])
            t.note(f"{args}", [put(c, o), released(c), contents(out)])
        sizes[args[-1]] = sum(os.path.getsize(os.path.join(out, f)) for f in os.listdir(out))
    t.note("sizes", {"0 holds all": sizes["0"] > len(o.data), "1 is smaller": sizes["1"] < sizes["0"] / 2, "9 is smaller yet": sizes["9"] < sizes["1"],
                     "6 is the default": sizes["6"] == sizes["+td"]})


def scn_storescp_exec_sync(t):
    """-xs waits for the command of one object before it serves the next; without it the peer need not wait."""
    for args in ((), ("-xs",)):
        with t.serve("storescp", "-od", t.folder("out"), *args, "-xcr", "sleep 2") as s:
            c, objects = connect(s.port, [small()]), [small("1.2.3.1"), small("1.2.3.2")]
            t.note(f"first {args}", put(c, objects[0]))
            start = time.time()
            t.note(f"second {args}", [put(c, objects[1]), "waits" if time.time() - start > 1.5 else "at once", released(c)])
