#!/usr/bin/env python3
"""Derives the vectors of identifiers, keys and proofs of orders from
docs/spec/order-identifiers.md alone, with another implementation of Ed25519, so
that they check the Go code and do not repeat it.

    python3 testdata/orderid/derive.py

writes testdata/orderid/identifiers.json anew. It needs the Python package
cryptography. The encodings of the requests are those of order-messages.md.
"""
import hashlib
import hmac
import json
import os
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def frame(*fields):
    return b"".join(struct.pack(">I", len(f)) + f for f in fields)


def label(text):
    """32 bytes that nobody chose."""
    return hashlib.sha256(("zkkex test vector " + text).encode()).digest()


def prf(secret, tag, *fields):
    return hmac.new(secret, frame(tag.encode(), *fields), hashlib.sha256).digest()


def client_id(secret, nullifier, n):
    return prf(secret, "zkkex/v1 order client id", nullifier, struct.pack(">Q", n))[:16]


def key(secret, order):
    return Ed25519PrivateKey.from_private_bytes(prf(secret, "zkkex/v1 order key", order))


def public(k):
    return k.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def identifier(name, secret, nullifier, n):
    i = client_id(secret, nullifier, n)
    return {"name": name, "secret": secret.hex(), "nullifier": nullifier.hex(), "n": str(n),
            "id": i.hex(), "owner_key": public(key(secret, i)).hex()}


def proof(name, expect, reason, request, owner=None, target=None, signed=None, bound=None, bits=None, tag=None):
    """A proof for a request, made with something else than it takes where that is given."""
    secret, target = label("order secret"), target or TARGET
    digest = hashlib.sha256(frame(b"zkkex/v1 order request", bytes.fromhex(signed or request))).digest()
    message = frame((tag or "zkkex/v1 order proof").encode(), bound or label("order binding"), digest)
    signature = bytearray(key(secret, target).sign(message))
    if bits is not None:
        signature = bits(signature)
    return {"name": name, "expect": expect, "reason": reason, "secret": secret.hex(),
            "owner_key": (owner if owner is not None else public(key(secret, TARGET))).hex(),
            "binding": label("order binding").hex(), "request": request,
            "digest": hashlib.sha256(frame(b"zkkex/v1 order request", bytes.fromhex(request))).hexdigest(),
            "proof": bytes(signature).hex()}


def flip(signature):
    signature[63] ^= 1
    return signature


def with_order(signature):
    """The same signature with s + the order of the group, which RFC 8032 refuses."""
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    return signature[:32] + bytearray(s.to_bytes(32, "little"))


TARGET = bytes.fromhex("ffeeddccbbaa99887766554433221100")
REQUESTS = {
    "cancel": "12240a1000112233445566778899aabbccddeeff1210ffeeddccbbaa99887766554433221100",
    "replace": "1a580a1000112233445566778899aabbccddeeff1210ffeeddccbbaa998877665544332211001a04081e10012206089a9e01100328e0d40332200100000000000000000000000000000000000000000000000000000000000000",
    "status": "22240a1000112233445566778899aabbccddeeff1210ffeeddccbbaa99887766554433221100",
    "quote cancel": "42240a1000112233445566778899aabbccddeeff1210ffeeddccbbaa99887766554433221100",
}
OTHER_CANCEL = "12240a1001112233445566778899aabbccddeeff1210ffeeddccbbaa99887766554433221100"

NO = "the proof does not show"


def main():
    a, b = label("order secret"), label("other order secret")
    n, m = label("nullifier"), label("other nullifier")
    vectors = {
        "comment": "Bytes are hexadecimal. Written by derive.py from docs/spec/order-identifiers.md. "
                   "request is the encoding, without a proof.",
        "identifiers": [
            identifier("the first of a session", a, n, 0),
            identifier("the second", a, n, 1),
            identifier("the last number", a, n, 2**64 - 1),
            identifier("another session", a, m, 0),
            identifier("another member, the same nullifier", b, n, 0),
        ],
        "proofs": [proof(name, "ok", "", r) for name, r in REQUESTS.items()] + [
            proof("another channel", "refused", NO, REQUESTS["cancel"], bound=label("other order binding")),
            proof("another order's key", "refused", NO, REQUESTS["cancel"], target=bytes(15) + b"\1"),
            proof("of another request", "refused", NO, REQUESTS["cancel"], signed=OTHER_CANCEL),
            proof("of a status request", "refused", NO, REQUESTS["cancel"], signed=REQUESTS["status"]),
            proof("under another tag", "refused", NO, REQUESTS["cancel"], tag="zkkex/v1 order request"),
            proof("one bit is wrong", "refused", NO, REQUESTS["cancel"], bits=flip),
            proof("s is above the order", "refused", NO, REQUESTS["cancel"], bits=with_order),
            proof("no proof", "refused", "there is none", REQUESTS["cancel"], bits=lambda s: bytes(64)),
            proof("an order without a key", "refused", "entered without a key", REQUESTS["cancel"], owner=bytes(32)),
        ],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "identifiers.json")
    with open(path, "w") as f:
        json.dump(vectors, f, indent=2)
        f.write("\n")


main()
