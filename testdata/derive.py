#!/usr/bin/env python3
"""Derives the vectors of statement, scope and presentation from the texts in
docs/spec alone, so that they check the Go code and do not repeat it.

    python3 testdata/derive.py

writes testdata/{statement,scope,presentation}/*.json anew.
"""
import base64
import hashlib
import json
import os
import struct

R = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001


def frame(b):
    return struct.pack(">I", len(b)) + b


def tagged(tag, *fields):
    return hashlib.sha256(frame(tag.encode()) + b"".join(map(frame, fields))).digest()


def label(text):
    """32 bytes that nobody chose."""
    return hashlib.sha256(("zkkex test vector " + text).encode()).digest()


def element(text):
    return (int.from_bytes(label(text), "big") % R).to_bytes(32, "big")


def u16(v): return struct.pack(">H", v)
def u32(v): return struct.pack(">I", v)
def u64(v): return struct.pack(">Q", v)
def i64(v): return struct.pack(">q", v)


def epoch(origin, length, number):
    return i64(origin) + u32(length) + u64(number)


def named(name, registry, e):
    return tagged("zkkex/v1 scope named", name, registry, epoch(*e))


def venue(key, registry, chain, e, generation):
    return tagged("zkkex/v1 scope venue", key, registry, u64(chain), epoch(*e), u32(generation))


def binding(kind, value, circuit, params, registry, sequence, scope, limit):
    return tagged("zkkex/v1 binding " + kind, value, u16(circuit), params, registry,
                  u64(sequence), scope, u32(limit))


def statement(circuit, limit, root, scope, nullifier, bind):
    return u16(circuit) + u32(limit) + root + scope + nullifier + bind


# The sample that docs/spec shows.
REGISTRY, PARAMS = label("registry"), label("params")
ROOT, NULLIFIER = element("root"), element("nullifier")
EPOCH = (0, 86400, 20778)
SCOPE = named(b"rfq.example/2026", REGISTRY, EPOCH)
MESSAGE = b"an offer\n"
DIGEST = hashlib.sha256(frame(b"zkkex/v1 message") + MESSAGE).digest()
LIMIT, SEQUENCE, CIRCUIT = 4, 1234, 0x0101
BINDING = binding("message", DIGEST, CIRCUIT, PARAMS, REGISTRY, SEQUENCE, SCOPE, LIMIT)
STATEMENT = statement(CIRCUIT, LIMIT, ROOT, SCOPE, NULLIFIER, BINDING)
PROOF = (label("proof 1") + label("proof 2") + label("proof 3") + label("proof 4"))


def presentation(st=STATEMENT, params=PARAMS, registry=REGISTRY, sequence=SEQUENCE, e=EPOCH,
                 kind=2, value=DIGEST, proof=PROOF):
    return st + params + registry + u64(sequence) + epoch(*e) + bytes([kind]) + value + proof


def armor(body):
    text = base64.b64encode(body).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "zkkex/v1 presentation\n" + "".join(line + "\n" for line in lines)


def statements():
    ones = b"\xff" * 32
    order = R.to_bytes(32, "big")
    plus = (int.from_bytes(NULLIFIER, "big") + R).to_bytes(32, "big")
    last = (R - 1).to_bytes(32, "big")
    make = lambda **k: statement(**{**dict(circuit=CIRCUIT, limit=LIMIT, root=ROOT, scope=SCOPE,
                                           nullifier=NULLIFIER, bind=BINDING), **k})
    cases = [
        ("sample", "ok", "", STATEMENT),
        ("the other circuit", "ok", "", make(circuit=0x0102)),
        ("edges", "ok", "", make(limit=2**32 - 1, root=last, nullifier=bytes(32), scope=ones, bind=ones)),
        ("empty", "malformed", "expected 134 bytes, got 0", b""),
        ("last byte missing", "malformed", "got 133", STATEMENT[:-1]),
        ("one byte too many", "malformed", "got 135", STATEMENT + b"\0"),
        ("limit of 0", "malformed", "limit is 0", make(limit=0)),
        ("root is the order", "malformed", "malformed root", make(root=order)),
        ("nullifier is the order", "malformed", "malformed nullifier", make(nullifier=order)),
        ("nullifier plus the order", "malformed", "malformed nullifier", make(nullifier=plus)),
        ("root of ones", "malformed", "malformed root", make(root=ones)),
        ("circuit 0", "unsupported", "circuit 0x0000", make(circuit=0)),
        ("the circuit of the other proof system", "ok", "", make(circuit=0x0201)),
        ("the other circuit of it", "ok", "", make(circuit=0x0202)),
        ("circuit of another family", "unsupported", "circuit 0x0301", make(circuit=0x0301)),
    ]
    return [dict(name=n, expect=e, reason=r, encoded=b.hex()) for n, e, r, b in cases]


def scopes():
    key = label("venue key")
    out = dict(named=[], venue=[], binding=[], message=[])
    for name in (b"rfq.example/2026", b"", b"\x00\xff not UTF-8"):
        for e in (EPOCH, (-1, 1, 0), (1763716200, 3600, 2**40)):
            out["named"].append(dict(name=name.hex(), registry=REGISTRY.hex(), origin=e[0], length=e[1],
                                     number=e[2], scope=named(name, REGISTRY, e).hex()))
    for chain, generation, e in ((0, 0, EPOCH), (1, 0, EPOCH), (2**64 - 1, 2**32 - 1, (-1, 1, 0))):
        out["venue"].append(dict(venue=key.hex(), registry=REGISTRY.hex(), chain_id=chain, generation=generation,
                                 origin=e[0], length=e[1], number=e[2],
                                 scope=venue(key, REGISTRY, chain, e, generation).hex()))
    for kind in ("session", "message"):
        for circuit, limit, sequence in ((0x0101, 1, 0), (0x0102, 2**32 - 1, 2**64 - 1)):
            value = label(kind)
            out["binding"].append(dict(
                kind=kind, value=value.hex(), circuit=circuit, params=PARAMS.hex(), registry=REGISTRY.hex(),
                root_sequence=sequence, scope=SCOPE.hex(), limit=limit,
                binding=binding(kind, value, circuit, PARAMS, REGISTRY, sequence, SCOPE, limit).hex()))
    for message in (MESSAGE, b"", b"\0" * 200):
        out["message"].append(dict(message=message.hex(),
                                   digest=hashlib.sha256(frame(b"zkkex/v1 message") + message).hexdigest()))
    return out


def presentations():
    good = presentation()
    text = armor(good)
    body = text.split("\n", 1)[1]
    binary = [
        ("sample", "ok", "", good),
        ("a session key, the other circuit", "ok", "", presentation(
            st=statement(0x0102, 1, ROOT, SCOPE, NULLIFIER, BINDING), kind=1, value=label("session"))),
        ("the other proof system", "ok", "", presentation(st=statement(0x0201, 1, ROOT, SCOPE, NULLIFIER, BINDING), proof=PROOF * 4)),
        ("the proof of the other proof system", "malformed", "expected 512 bytes for babyjubjub-20-plonk, got 128", presentation(
            st=statement(0x0201, 1, ROOT, SCOPE, NULLIFIER, BINDING))),
        ("a proof of the other proof system", "malformed", "expected 128 bytes for babyjubjub-20, got 512", presentation(proof=PROOF * 4)),
        ("the last epoch", "ok", "", presentation(e=(253402300798, 1, 0))),
        ("empty", "malformed", "expected at least 259 bytes", b""),
        ("head without proof", "malformed", "expected 128 bytes for babyjubjub-20, got 0", good[:-128]),
        ("last byte missing", "malformed", "got 127", good[:-1]),
        ("one byte too many", "malformed", "got 129", good + b"\0"),
        ("kind 0", "malformed", "authorization kind 0", presentation(kind=0)),
        ("kind 3", "malformed", "authorization kind 3", presentation(kind=3)),
        ("epochs of no length", "malformed", "length is 0", presentation(e=(0, 0, 1))),
        ("an epoch after the year 9999", "malformed", "out of range", presentation(e=(0, 86400, 2**40))),
        ("an epoch that would overflow", "malformed", "out of range", presentation(e=(2**63 - 1, 2**32 - 1, 2**64 - 1))),
        ("limit of 0", "malformed", "limit is 0", presentation(
            st=statement(CIRCUIT, 0, ROOT, SCOPE, NULLIFIER, BINDING))),
        ("unknown circuit", "unsupported", "circuit 0xffff", presentation(
            st=statement(0xFFFF, 1, ROOT, SCOPE, NULLIFIER, BINDING))),
    ]
    texts = [
        ("sample", "ok", "", text),
        ("the other proof system", "ok", "", armor(presentation(st=statement(0x0201, 1, ROOT, SCOPE, NULLIFIER, BINDING), proof=PROOF * 4))),
        ("empty", "malformed", "first line", ""),
        ("no first line", "malformed", "first line", body),
        ("next version", "malformed", "first line", text.replace("/v1", "/v2")),
        ("carriage returns", "malformed", "first line", text.replace("\n", "\r\n")),
        ("one long line", "malformed", "lines of 64 columns", "zkkex/v1 presentation\n" + body.replace("\n", "") + "\n"),
        ("no newline at the end", "malformed", "lines of 64 columns", text[:-1]),
        ("an empty line at the end", "malformed", "lines of 64 columns", text + "\n"),
        ("no digit of base64", "malformed", "illegal base64", text[:22] + "!" + text[23:]),
        ("URL-safe digits", "malformed", "illegal base64", text[:22] + "-" + text[23:]),
        ("padding that is not due", "malformed", "illegal base64", text[:-1] + "=\n"),
        ("oversized", "malformed", "at most 2048 bytes", text + "A" * 2048),
        ("a line twice", "malformed", "got 131", text + body.split("\n")[-2] + "\n"),
    ]
    return dict(binary=[dict(name=n, expect=e, reason=r, encoded=b.hex()) for n, e, r, b in binary],
                text=[dict(name=n, expect=e, reason=r, encoded=t) for n, e, r, t in texts])


def write(path, value):
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), path)
    with open(here, "w", newline="\n") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


write("statement/statements.json", statements())
write("scope/scopes.json", scopes())
write("presentation/presentations.json", presentations())
