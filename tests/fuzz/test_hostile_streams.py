"""Streams made to hoard memory or never to end: every framing's memory stays flat, every byte accounted for."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from protocols.framer import framer, framings

GIGABYTE = """
from importlib import import_module
from protocols.framer import framer
made = framer({kind!r}, **{options!r}, **import_module("protocols.framing.{kind}").EXAMPLE)
chunk = {pattern!r} * (65536 // len({pattern!r}))
for _ in range(16):
    made.receive(chunk, 0)
before = int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])
times = {times}
for _ in range(times):
    made.receive(chunk, 0)
    assert made.ledger.balanced and made.ledger.pending <= made.bound
grown = int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]) - before
assert made.ledger.bytes_in == (times + 16) * len(chunk)
print(grown)
"""


def options_of(kind: str) -> set[str]:
    """The options of a framing."""
    return set(inspect.signature(import_module(f"protocols.framing.{kind}").FRAMER).parameters)


def checked(kind: str, check: str = "crc-16/ibm-3740") -> dict[str, str]:
    """The option for a check, where the framing's messages do not have one of their own."""
    return {"check": check} if "check" in options_of(kind) else {}


@pytest.mark.parametrize("kind", framings())
@pytest.mark.parametrize("pattern", [b"\xff"])
def test_a_line_of_a_gigabyte_takes_no_more_memory_than_its_beginning(kind: str, pattern: bytes) -> None:
    """64 KiB at a time, in a process of its own."""
    slow = ("datagram", "fixed", "dated")  # those that search look at every byte of it
    times = 1000 if kind in slow else (1 << 30) // 65536
    told = subprocess.run(
        [sys.executable, "-c", GIGABYTE.format(kind=kind, options=checked(kind), pattern=pattern, times=times)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert int(told.stdout) < 8 * 1024, "KiB"


HOSTILE = bytes.fromhex("00 01 02 fe ff c0 db dc dd a5 5a 1a cf fc 1d aa 7e")
RESERVED = {
    "asm": [b"\x1a\xcf\xfc\x1d", b"\x1a", b"\x1a\xcf\xfc\x1d" + bytes(28)],
    "cobs": [b"\0", b"\x01\0", b"\x02\0", b"\xff", b"\xff" * 255 + b"\0"],
    "slip": [b"\xc0", b"\xdb", b"\xdb\xc0", b"\xdb\xdc", b"\xc0\xdb\xdd\xc0"],
    "kiss": [b"\xc0", b"\xc0\0\xc0", b"\xdb\xc0", b"\xc0\x10\xc0", b"\0\xc0"],
    "sync": [b"\xa5\x5a", b"\xa5", b"\xa5\x5a\0\x04", b"\xa5\x5a\x10\0", b"\xa5\x5a\xff\xff"],
    "datagram": [b"\0"],
}


@pytest.mark.parametrize("kind", framings())
@pytest.mark.parametrize("check", ["", "crc-16/ibm-3740"])
def test_what_a_framing_reserves_over_and_over_comes_to_an_end(kind: str, check: str) -> None:
    example = import_module(f"protocols.framing.{kind}").EXAMPLE
    for pattern in RESERVED.get(kind, [HOSTILE]):
        one, many = (framer(kind, **checked(kind, check), **example) for _ in range(2))
        stream = pattern * (1 + 40_000 // len(pattern))
        pieces = [stream[at : at + 997] for at in range(0, len(stream), 997)]
        for number, piece in enumerate(pieces):
            one.receive(piece, number)
            assert one.ledger.balanced
        many.receive_many(pieces, list(range(len(pieces))))
        assert one.ledger == many.ledger
        assert one.ledger.pending <= one.bound


@pytest.mark.parametrize("kind", [each for each in framings() if {"max_length", "length_size"} & options_of(each)])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_frame_at_the_border_of_the_longest(kind: str, beyond: int) -> None:
    """The longest frame comes through in pieces of any size; one byte more, and it alone is discarded."""
    options = {"start": "a55a", "length_size": 2, "maximum": 400} if kind == "sync" else {"max_length": 400}
    loose = framer(kind, **{**options, "maximum" if kind == "sync" else "max_length": 4096})
    body = b"a" * 380
    while len(loose.encode([body])) < len(framer(kind, **options).encode([b"b"])) + 399 + beyond - 1:
        body += b"a"
    stream = loose.encode([body, b"after"])
    results = []
    for size in (1, 7, 399, 400, 401, len(stream)):
        made = framer(kind, **options)
        frames = [each for at in range(0, len(stream), size) for each in made.receive(stream[at : at + size], 0)]
        results.append((frames, made.ledger.as_dict()))
    assert all(each == results[0] for each in results)
    assert results[0][0][-1] == b"after"
    assert results[0][0] in ([body, b"after"], [b"after"])
