"""Reed-Solomon against libfec's words, the definition of the dual basis, and what any decoder of the code must do."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocols.coding.galois import field
from protocols.coding.reed_solomon import CCSDS_223, CCSDS_239, DUAL_BASIS, ReedSolomon
from protocols.errors import DeclarationError

CODES = [
    CCSDS_223,
    CCSDS_239,
    ReedSolomon(),
    ReedSolomon(32, 0x11D, 0, 1),  # AX100's and others' generic one
    ReedSolomon(5, 0x11D, 1, 2),  # an odd number of roots
    ReedSolomon(16, first=120, dual=True, interleave=5),
]


def row(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(text), np.uint8)[None]


def corrupt(words: NDArray[np.uint8], errors: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Each word with that many of its symbols changed."""
    wrong = words.copy()
    for word in wrong:
        word[random.choice(len(word), errors, replace=False)] ^= random.integers(1, 256, errors, np.uint8)
    return wrong


def holds(code: ReedSolomon, vector: dict[str, Any]) -> None:
    """Encode and decode a vector as libfec did; where libfec gave up so do we, leaving the data as received."""
    assert (code.encode(row(vector["data"])) == row(vector["codeword"])).all()
    received = row(vector["received"])
    made = code.decode(received)
    correctable = vector["errors"] <= code.roots // 2
    assert made.symbols.tolist() == [[vector["errors"] if correctable else -1]]
    assert made.good.tolist() == [correctable]
    assert (made.data == (row(vector["data"]) if correctable else received[:, : -code.roots])).all()
    assert code.check(received).tolist() == [[vector["errors"] == 0]]


def test_libfecs_72_ccsds_words_in_both_bases_and_four_lengths(data: Path) -> None:
    vectors = json.loads((data / "fec_vectors" / "rs_255_223_ccsds_libfec.json").read_text())
    assert len(vectors) == 72
    for vector in vectors:
        holds(CCSDS_223 if vector["basis"] == "dual" else ReedSolomon(), vector)


def test_libfecs_12_words_of_other_codes(data: Path) -> None:
    vectors = json.loads((data / "fec_vectors" / "rs_generic_libfec.json").read_text())
    assert len(vectors) == 12
    for vector in vectors:
        holds(ReedSolomon(vector["nroots"], vector["gfpoly"], vector["fcr"], vector["prim"]), vector)


def test_the_dual_basis_is_that_of_the_traces() -> None:
    """131.0-B annex F: bit i of the symbol sent is the trace of u alpha^(117 i), the first bit being the highest."""
    elements = field(0x187)
    for u in range(256):
        traces = 0
        for i in range(8):
            power = trace = elements.multiply(np.array([u], np.uint8), elements.power(np.array([117 * i])))
            for _ in range(7):
                power = elements.multiply(power, power)
                trace = trace ^ power
            traces = traces << 1 | int(trace[0])
        rows = [each for bit, each in enumerate(DUAL_BASIS) if u << bit & 0x80]
        assert traces == np.bitwise_xor.reduce([0, *rows])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CODES), st.integers(1, 200), st.integers(0, 2**32), st.data())
def test_up_to_half_the_roots_are_corrected_wherever_they_are(
    code: ReedSolomon, length: int, seed: int, draw: st.DataObject
) -> None:
    random, depth = np.random.default_rng(seed), code.interleave
    data = random.integers(0, 256, (3, length * depth), np.uint8)
    frames = code.encode(data)
    assert (frames[:, : length * depth] == data).all()
    assert code.check(frames).all()
    errors = [draw.draw(st.integers(0, min(code.roots // 2, length))) for _ in range(depth)]
    wrong = frames.copy()
    for word, count in enumerate(errors):
        wrong[:, word::depth] = corrupt(frames[:, word::depth], count, random)
    made = code.decode(wrong)
    assert (made.data == data).all()
    assert made.symbols.tolist() == [errors] * 3
    assert (code.check(wrong) == (made.symbols == 0)).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CODES[:5]), st.integers(20, 200), st.integers(0, 2**32), st.data())
def test_erasures_count_half(code: ReedSolomon, length: int, seed: int, draw: st.DataObject) -> None:
    random = np.random.default_rng(seed)
    data = random.integers(0, 256, (4, length), np.uint8)
    frames = code.encode(data)
    erased = draw.draw(st.integers(0, code.roots))
    errors = draw.draw(st.integers(0, min(length, code.roots - erased) // 2))
    wrong, mask = frames.copy(), np.zeros(frames.shape, np.bool_)
    for word, lost in zip(wrong, mask, strict=True):
        at = random.permutation(len(word))
        word[at[:erased]] = random.integers(0, 256, erased, np.uint8)
        lost[at[:erased]] = True
        word[at[erased : erased + errors]] ^= random.integers(1, 256, errors, np.uint8)
    made = code.decode(wrong, mask)
    assert (made.data == data).all()
    assert made.symbols[:, 0].tolist() == (wrong != frames).sum(axis=1).tolist()


def test_more_erasures_than_roots_fail() -> None:
    frames = CCSDS_223.encode(np.zeros((1, 100), np.uint8))
    frames[0, :40] = 1
    for lost in (33, 34, 60, 132):
        mask = np.arange(132)[None] < lost
        assert CCSDS_223.decode(frames, mask).symbols.tolist() == [[-1]]


@pytest.mark.parametrize(("code", "errors", "most"), [(CCSDS_223, 17, 0), (CCSDS_223, 60, 0), (CCSDS_239, 9, 2)])
def test_beyond_the_bound_words_are_marked_as_lost(code: ReedSolomon, errors: int, most: int) -> None:
    """A word passes for another one in 16! or in 8! = 40,320 at most (R. McEliece, L. Swanson, 1986)."""
    random = np.random.default_rng(3)
    frames = code.encode(random.integers(0, 256, (4000, 255 - code.roots), np.uint8))
    wrong = corrupt(frames, errors, random)
    made = code.decode(wrong)
    lost = made.symbols[:, 0] < 0
    assert np.count_nonzero(~lost) <= most
    assert (made.data[lost] == wrong[lost, : -code.roots]).all()


@given(st.integers(0, 300), st.integers(1, 8), st.integers(0, 3), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_any_bytes_of_any_width_give_code_words_or_are_marked(width: int, depth: int, count: int, seed: int) -> None:
    code = ReedSolomon(8, 0x11D, 1, 1, interleave=depth)
    frames = np.random.default_rng(seed).integers(0, 256, (count, width), np.uint8)
    made = code.decode(frames)
    assert made.symbols.shape == (count, depth)
    assert made.data.shape == (count, max(0, width - 8 * depth))
    if width % depth or not 8 < width // depth <= 255:
        assert (made.symbols == -1).all()
        assert not code.check(frames).any()
    for frame, word in zip(*np.nonzero(made.symbols >= 0), strict=True):  # it came from a word that near
        sent = code.encode(made.data[frame : frame + 1])[0, word::depth]
        assert np.count_nonzero(sent != frames[frame, word::depth]) == made.symbols[frame, word]


def test_no_word_is_corrected_in_its_virtual_fill() -> None:
    """An error at a symbol that was not sent is proof of more errors than the code corrects."""
    whole = CCSDS_223.encode(np.zeros((1, 223), np.uint8))
    whole[0, 0] = 1
    assert CCSDS_223.decode(whole[:, 1:]).symbols.tolist() == [[0]]
    parity = CCSDS_223.encode(np.eye(1, 223, dtype=np.uint8))[:, 100:]  # a one in front, cut off
    assert CCSDS_223.decode(parity).symbols.tolist() == [[-1]]


def test_many_words_and_one_at_a_time_agree() -> None:
    random = np.random.default_rng(4)
    frames = CCSDS_239.encode(random.integers(0, 256, (300, 239), np.uint8))
    wrong = np.concatenate([corrupt(frames[first : first + 25], first // 25, random) for first in range(0, 300, 25)])
    together = CCSDS_239.decode(wrong)
    apart = [CCSDS_239.decode(wrong[i : i + 1]) for i in range(300)]
    assert (together.data == np.concatenate([each.data for each in apart])).all()
    assert (together.symbols == np.concatenate([each.symbols for each in apart])).all()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"roots": 0}, "use 1 to 254"),
        ({"field": 0x11B}, "0x187"),  # AES's: irreducible, but x does not generate it
        ({"field": 0x101}, "0x187"),
        ({"field": 3}, "0x187"),
        ({"primitive": 3}, "in common with 255"),
        ({"interleave": 0}, "use 1 to 8"),
        ({"field": 0x11D, "dual": True}, "dual=False"),
    ],
)
def test_a_code_that_is_none_is_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(DeclarationError, match=hint):
        ReedSolomon(**options)


@pytest.mark.parametrize("length", [0, 224, 446])
def test_data_that_does_not_fit_is_refused(length: int) -> None:
    with pytest.raises(DeclarationError, match="a multiple of 1 up to 223"):
        CCSDS_223.encode(np.zeros((1, length), np.uint8))
