"""Error-correcting codes: Mbit/s of information on one core, beside libfec's C code through ctypes in the same run.

Run it as a script. Figures are the best of several rounds of CPU time; compare ratios, since machines are busy.
Targets: Viterbi 25 with numba; Reed-Solomon (255, 223) 400 of error-free words checked, 40 with 16 errors a word.
"""

import ctypes
import ctypes.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.coding import golay
from protocols.coding.compiled import compiled
from protocols.coding.convolutional import CODES, ConvolutionalEncoder, ViterbiDecoder
from protocols.coding.node_sync import NodeSynchronizer
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.coding.scrambler import Descrambler, Scrambler
from protocols.coding.viterbi import TOGETHER, one_by_one, quantised, side_by_side

ROUNDS = 7
DATA = 223
SIGMA = 0.63  # of a symbol's noise: 4 dB Eb/N0


def seconds(work: Callable[[], object]) -> float:
    """The best CPU time of one call, in s."""
    work()
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best


def libfec() -> Any:
    """The library, or None with a hint."""
    name = ctypes.util.find_library("fec")
    if name is None:
        print("libfec is not installed (Debian: libfec0): no figures to compare with")
        return None
    library = ctypes.CDLL(name)
    library.create_viterbi27.restype = ctypes.c_void_p
    return library


def row(what: str, bits: float, spent: float, theirs: float | None = None) -> float:
    """Print a line; return Mbit/s."""
    rate = bits / spent / 1e6
    print(f"{what:58} {rate:9.1f}  {'' if theirs is None else f'{rate / theirs:5.1f} x libfec ({theirs:.1f})'}")
    return rate


def words(code: ReedSolomon, count: int, errors: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Data, and their code words with that many symbols wrong."""
    random = np.random.default_rng(errors)
    data = random.integers(0, 256, (count, DATA), np.uint8)
    received = code.encode(data)
    for word in received:
        word[random.choice(255, errors, replace=False)] ^= random.integers(1, 256, errors, np.uint8)
    return data, received


def their_words(library: Any, received: NDArray[np.uint8]) -> float | None:
    """Mbit/s of libfec's decoder for this one code, word by word."""
    if library is None:
        return None

    def decode() -> None:
        copied = received.copy()
        for at in range(copied.ctypes.data, copied.ctypes.data + copied.size, 255):
            library.decode_rs_8(ctypes.c_void_p(at), None, 0, 0)

    return len(received) * DATA * 8 / seconds(decode) / 1e6


def reed_solomon(library: Any) -> None:
    """Checks and decodes by errors a word and by words a call."""
    code = ReedSolomon()
    for errors in (0, 4, 16):
        _, many = words(code, 1024, errors)
        theirs = their_words(library, many)
        for count in (1024, 64, 5, 1):
            data, received = words(code, count, errors)
            assert (code.decode(received).data == data).all()
            repeats = range(max(1, 256 // count))
            bits = len(repeats) * count * DATA * 8
            if not errors:
                checked = seconds(lambda repeats=repeats, received=received: [code.check(received) for _ in repeats])
                row(f"RS (255, 223) check, {count} words a call", bits, checked, theirs)
            spent = seconds(lambda repeats=repeats, received=received: [code.decode(received) for _ in repeats])
            row(f"RS (255, 223) decode, {errors} errors, {count} words a call", bits, spent, theirs)
    data = words(code, 1024, 0)[0]
    row("RS (255, 223) encode, 1024 words a call", data.size * 8, seconds(lambda: code.encode(data)))


def their_viterbi(library: Any, soft: NDArray[np.float32], bits: NDArray[np.uint8]) -> float | None:
    """Mbit/s of libfec's decoder, frames of 8192 bits; it agrees with the bits sent but for a frame's edges."""
    if library is None:
        return None
    frame = 8192
    symbols = np.clip(np.rint(soft * 40 + 128), 0, 255).astype(np.uint8)
    library.set_viterbi27_polynomial((ctypes.c_int * 2)(0x4F, -0x6D))
    decoder = ctypes.c_void_p(library.create_viterbi27(frame))
    out = np.empty((len(bits) // frame, frame // 8), np.uint8)

    def decode() -> None:
        for n, packed in enumerate(out):
            library.init_viterbi27(decoder, 0)
            library.update_viterbi27_blk(decoder, ctypes.c_void_p(symbols.ctypes.data + 2 * n * frame), frame - 6)
            library.chainback_viterbi27(decoder, ctypes.c_void_p(packed.ctypes.data), frame - 6, 0)

    spent = seconds(decode)
    assert np.count_nonzero(np.unpackbits(out)[: frame - 64] != bits[: frame - 64]) < 64
    return out.size * 8 / spent / 1e6


def viterbi(library: Any) -> None:
    """The decoder as a stream, compiled and not, and with its pairing to be found."""
    random = np.random.default_rng(1)
    bits = random.integers(0, 2, 1 << 19, np.uint8)
    sent = ConvolutionalEncoder().encode(bits) * np.float32(2) - 1
    soft = (sent + random.normal(0, SIGMA, len(sent))).astype(np.float32)
    theirs = their_viterbi(library, soft, bits)
    if compiled(one_by_one) is None:
        print("numba is not installed: the figures below are numpy's")
    for cut in (len(soft), 65_536, 4096):
        pieces = np.split(soft, range(cut, len(soft), cut))
        for kind in (ViterbiDecoder, NodeSynchronizer):

            def decode(kind: Any = kind, pieces: list[NDArray[np.float32]] = pieces) -> NDArray[np.uint8]:
                decoder = kind()
                return np.concatenate([*map(decoder.receive, pieces), decoder.flush()])

            wrong = np.count_nonzero(decode() != bits)
            assert wrong < 1e-4 * len(bits), wrong
            row(f"{kind.__name__}, {cut} symbols a call", len(bits), seconds(decode), theirs)
    levels = quantised(np.lib.stride_tricks.sliding_window_view(soft, 1280)[:: 1024 * 8][:TOGETHER])
    pairs, trellis = levels.reshape(TOGETHER, 640, 2), CODES["ccsds"].trellis
    spent = seconds(lambda: side_by_side(pairs, trellis, 512))
    row(f"Viterbi in numpy alone, {TOGETHER} blocks of 512 a call", TOGETHER * 512, spent, theirs)
    spent = seconds(lambda: side_by_side(pairs[:1], trellis, 512))
    row("Viterbi in numpy alone, 1 block a call", 512, spent, theirs)


def others() -> None:
    """Codes that nobody waits for."""
    bits = np.random.default_rng(2).integers(0, 2, 1 << 16, np.uint8)
    row("convolutional encoder", len(bits), seconds(lambda: ConvolutionalEncoder().encode(bits)))
    row("G3RUH scrambler", len(bits), seconds(lambda: Scrambler().scramble(bits)))
    row("G3RUH descrambler", len(bits), seconds(lambda: Descrambler().descramble(bits)))
    frames = np.zeros((256, 1275), np.uint8)
    row("CCSDS randomizer, 256 frames a call", frames.size * 8, seconds(lambda: Randomizer.SHORT.apply(frames)))
    headers = golay.encode(np.arange(4096)) ^ 0x10101
    row("Golay (24, 12), three errors", 12 * len(headers), seconds(lambda: golay.decode(headers)))


def main() -> None:
    """Print all figures."""
    library = libfec()
    print(f"{'':58} {'Mbit/s':>9}")
    reed_solomon(library)
    viterbi(library)
    others()


if __name__ == "__main__":
    main()
