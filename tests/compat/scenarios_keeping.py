"""storescp where nothing is rewritten, sorted or run: the parts of longer scenarios that need none of it, each by itself, so that
they are watched while the others wait."""
import os, re, time

from rawdimse import BIG, ECHO, EXPLICIT, IMPLICIT, Client, pdata
from scenarios_storescp import (CT, MR, SC, Object, bad, chosen, connect, contents, echoes, el, group_length_right, meta, obj, parts, put, receive, small,
                                store_command, store_to)


def scn_receive_bit_preserving_all(t):
    """+B keeps the bytes of objects of all kinds, with -F as well, whatever the rest of the command line says of encoding."""
    for args in (("+B",), ("+B", "-F"), ("-F", "+B", "+t="), ("-B", "+B")):
        receive(t, [obj(n) for n in ("CT_small.dcm", "MR_small_implicit.dcm", "ExplVR_BigEnd.dcm", "test-SR.dcm", "priv_SQ.dcm", "rtplan.dcm",
                                     "MR_small_padded.dcm", "chrSQEncoding.dcm")], *args)


def scn_receive_bit_preserving_large(t):
    """An object of many PDUs is kept byte for byte, whatever -pdu says."""
    o = small(extra=el(0x7FE0, 0x10, "OW", b"".join((i * 7919 % 65536).to_bytes(2, "little") for i in range(400_000))))
    for pdu in ("4096", "16384", "131072"):
        receive(t, [o], "+B", "-pdu", pdu)


def scn_receive_bit_preserving_oddities(t):
    """+B does not look: rubbish, UIDs other than the request's and a data set in two-byte pieces are kept and answered with 0000."""
    objects = [Object(EXPLICIT, MR, "1.2.3.1", b"this is not a data set, not at all......", "text"),
               Object(EXPLICIT, MR, "1.2.3.2", small("9.9").data, "another's"), Object(EXPLICIT, MR, "1.2.3.3", bytes(2), "zeros")]
    receive(t, objects, "+B")
    o, out = small("1.2.3.4"), t.folder("pieces")
    with t.serve("storescp", "-od", out, "+B") as s:
        c = connect(s.port, [o])
        c.sock.sendall(pdata(1, store_command(o), True) + pdata(1, o.data, False, max_pdu=8))
        t.note("pieces", [c.recv()[1].Status, contents(out), c.release()])


def scn_receive_meta_header_kept(t):
    """With +B the meta header names class and instance of the request, the syntax received and the sender's title."""
    out = t.folder("out")
    with t.serve("storescp", "-od", out, "+B") as s:
        for o, title in ((obj("CT_small.dcm"), "MODALITY 1"), (small("1.2.3.77"), "x"), (obj("MR_small_implicit.dcm"), "X" * 16), (obj("ExplVR_BigEnd.dcm"), "  a b"),
                         (Object(EXPLICIT, CT, "1.2.3.78", small("9.9").data), "OTHER"), (small("1.2.3.4567", "1.2.840.10008.5.1.4.1.1.104.1"), "odd")):
            c = connect(s.port, [o], calling=title)
            t.note(f"status {o.instance}", put(c, o))
            c.release()
    for f in sorted(os.listdir(out)):
        t.note(f, [meta(os.path.join(out, f)), group_length_right(os.path.join(out, f)), open(os.path.join(out, f), "rb").read(140).hex()])


def scn_receive_promiscuous_kept(t):
    """-pm takes private classes, prefix UNKNOWN, beside the known ones; the log calls them OT."""
    objects = [small("1.2.3.1", "1.2.3.4.5"), small("1.2.3.2", "1.3.6.1.4.1.5962.99"), small("1.2.3.3")]
    for args in ((), ("-pm",), ("-pm", "+B"), ("-pm", "-fe", ".x")):
        statuses, files, log = store_to(t, objects, "-v", *args)
        t.note(f"{args}", [statuses, files, parts(log, "Received Store")])


def scn_receive_duplicates_kept(t):
    """The same instance again replaces the file, with a warning in normal mode; the sender sees success."""
    first, second = small(), small(extra=el(0x28, 0x10, "US", b"\1\0"))
    for args in ((), ("-v",), ("+B",), ("-v", "+B"), ("-q",)):
        statuses, files, log = store_to(t, [first, second, first], *args)
        t.note(f"{args}", [statuses, files])
        t.note(f"log {args}", [re.sub(r"/out\d+", "/out", t.neutral(l)) for l in parts(log, "^W: .*exists|storing")])


def scn_receive_lost_connection_kept(t):
    """A bit-preserving transfer that breaks off leaves no file, also where an older one was asked to be replaced by it; the next succeeds."""
    o, out = obj("CT_small.dcm"), t.folder("out")
    with t.serve("storescp", "-v", "-od", out, "+B") as s:
        for n, how in enumerate(("close", "abort"), 1):
            c = connect(s.port, [o])
            c.sock.sendall(pdata(1, store_command(o), True) + pdata(1, o.data[:20000], False, last=False))
            s.wait_log("Received Store Request")
            c.abort() if how == "abort" else c.sock.close()
            s.wait_log("(?s)" + "Association Aborted.*" * n)
            t.note(how, sorted(contents(out)))
        c = connect(s.port, [o])
        t.note("next", [put(c, o), c.release(), contents(out)])
        s.wait_log("Association Release")
        t.note("log", parts(s.log(), "^I: Assoc"))
        said = re.findall("E: .*", s.log())
        t.note("errors", [l for l in said if "Store SCP Failed" in l])
        t.note("more errors", [l for l in said if "Store SCP Failed" not in l])
        t.note("lines with an error", [re.sub(r"\.+", "DOTS", l) for l in parts(s.log(), "E: Store")])


def scn_receive_broken_repeat(t):
    """What a broken-off repeat leaves of the first copy."""
    o, out = obj("CT_small.dcm"), t.folder("out")
    with t.serve("storescp", "-v", "-od", out, "+B") as s:
        c = connect(s.port, [o])
        t.note("first", [put(c, o), c.release(), sorted(contents(out))])
        c = connect(s.port, [o])
        c.sock.sendall(pdata(1, store_command(o), True) + pdata(1, o.data[:20000], False, last=False))
        c.sock.close()
        s.wait_log("Association Aborted")
        t.note("after", sorted(contents(out)))


def scn_storescp_rightmost_kept(t):
    """Of options of one group the last one counts, of one given twice the last value; what names the default undoes the others."""
    a, b = t.folder("a"), t.folder("b")
    with t.serve("storescp", "+xi", "+xb", "-od", a, "-pdu", "4096", "-pdu", "8192", "-od", b) as s:
        c = Client(s.port)
        c.associate([(1, MR, [IMPLICIT, EXPLICIT, BIG]), (3, ECHO, [IMPLICIT, BIG])])
        t.note("association", [c.accepted, c.peer_max_pdu])
        c.release()
        c = connect(s.port, [small()])
        t.note("status", [put(c, small()), c.release()])
    t.note("folders", [contents(a), contents(b)])
    for args in ("-v +B -B", "-v -B +B", "-F +F", "-F +F +B", "+F -F +B", "+uf -uf", "-uf +uf +uf -uf", "-fe .a -fe .b", "--fork --single-process", "-q -v", "-ll debug -ll error"):
        statuses, files, log = store_to(t, [small()], *args.split())
        t.note(args, [statuses, files, len(parts(log, "^[IDW]: ")) > 0, len(parts(log, "storing DICOM file"))])
    for args in ("+xi +x=", "+xb +xe", "+xi +xa", "+xa +xs", "+xa +x=", "+xd +xi"):
        with t.serve("storescp", *args.split()) as s:
            t.note(args, [chosen(s.port, x) for x in ([IMPLICIT, BIG], [IMPLICIT, BIG, EXPLICIT], [BIG], ["1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5"],
                                                      ["1.2.840.10008.1.2.5"], ["1.2.840.10008.1.2.4.70", EXPLICIT])])


def scn_storescp_leftovers_accepted(t):
    """Options that change nothing where they stand are taken without a word."""
    for args in ("-xs", "+cl 3", "+B -F", "+xd +cl 9", "+B -ac", "-tls", "-uf -tn", "-up", "-aet X -aet Y", "+xi +xs +xi", "+g= +e -p -uc +u +t= +F -B"):
        with t.serve("storescp", "-v", *args.split()) as s:
            t.note(args, [echoes(s.port), parts(s.log(), "^[WEF]: ")])


def scn_storescp_long_names_kept(t):
    """Long names do what the short ones do."""
    out = t.folder("out")
    with t.serve("storescp", "--verbose", "--aetitle", "X", "--max-pdu", "8192", "--output-directory", out, "--filename-extension", ".dcm", "--bit-preserving",
                 "--acse-timeout", "20", "--dimse-timeout", "20", "--socket-timeout", "20", "--prefer-big", "--promiscuous", "--disable-host-lookup",
                 "--single-process", "--write-file", "--write-xfer-same", "--default-filenames", "--uid-padding", "--access-full", "--disable-tls") as s:
        objects = [obj("test-SR.dcm"), obj("MR_small_bigendian.dcm"), small("1.2.3.9", "1.2.3.4.5")]
        c = connect(s.port, objects)
        t.note("association", [c.accepted, c.peer_max_pdu])
        t.note("statuses", [put(c, o) for o in objects])
        t.note("released", c.release())
        t.note("verbose", s.wait_log("I: Association Release"))
    t.note("files", contents(out))


def scn_receive_ignore_kept(t):
    """--ignore with -v: success, no file, no line about storing; the sender's next object and its release go on as always."""
    objects = [small("1.2.3.1"), small("1.2.3.2", SC), obj("MR_small_implicit.dcm")]
    for args in ((), ("+B",), ("-fe", ".x")):
        statuses, files, log = store_to(t, objects, "-v", "--ignore", *args)
        t.note(f"{args}", [statuses, files, parts(log, "^[IWEF]: ")])


def scn_storescp_idle_between_objects(t):
    """A peer may pause between its objects, and echo between them."""
    out = t.folder("out")
    with t.serve("storescp", "-od", out, "-ts", "5") as s:
        c = Client(s.port)
        c.associate([(1, MR, [EXPLICIT]), (3, ECHO, [IMPLICIT])])
        for i in range(3):
            o = small(f"1.2.3.{i}")
            t.note(f"round {i}", [c.store(1, o.sop_class, o.instance, o.data), c.echo(3)])
            time.sleep(0.3)
        t.note("released", [c.release(), sorted(contents(out))])


def scn_storescp_sync(t):
    """--sync, which DCMTK has not, flushes file and folder before an object is answered (seen by strace)."""
    known = bad(t, ["--sync"], "--sync", tail=())[2] == []      # else it is an unknown option
    t.note("known", known)
    for args in ((), ("--sync",)) if known else ():
        trace, out = t.path("trace" + "".join(args)), t.folder("out" + "".join(args))
        script = t.write(f"traced{args}.sh", f"#!/bin/sh\nexec strace -D -f -y -e trace=fsync,fdatasync -o '{trace}' '{t.exe('storescp')}' \"$@\"\n")
        os.chmod(script, 0o755)
        with t.serve(script, "-od", out, *args) as s:
            c = connect(s.port, [small()])
            for i in (1, 2):
                status = put(c, small(f"1.2.3.{i}"))
                time.sleep(0.3)     # strace writes behind
                with open(trace) as f:
                    flushed = re.findall(r"(?:fsync|fdatasync)\(\d+<([^>]*)>", f.read())
                folders, files = flushed.count(out), len(flushed) - flushed.count(out)
                if status != "0000" or (folders >= i, files >= i) != (bool(args), bool(args)):
                    raise RuntimeError(f"{args}: status {status}, after {i} objects these were flushed: {flushed}")
            c.release()
