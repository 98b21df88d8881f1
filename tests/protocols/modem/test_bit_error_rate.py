"""How near to theory whole links come, modulator to soft bits, with a carrier and a clock that are off.

Seeds are fixed; a bound is met by more than three standard deviations of what is counted.
"""

from math import erfc, exp, sqrt

import pytest

from tests.protocols.modem.bit_error_rates import (
    BPSK,
    GFSK,
    OQPSK,
    PCM_FM,
    QPSK,
    VITERBI,
    Link,
    OptimumNoncoherent,
    bpsk,
    run,
)


@pytest.mark.parametrize(("eb_n0", "count"), [(0.0, 60_000), (4.0, 60_000), (7.0, 150_000)])
def test_bpsk_is_within_half_a_decibel_of_coherent_detection(eb_n0: float, count: int) -> None:
    got = run(BPSK, eb_n0, count, 1)
    assert BPSK.theory(eb_n0 + 0.2) < got.rate < BPSK.theory(eb_n0 - 0.5)


@pytest.mark.parametrize("link", [QPSK, OQPSK])
def test_qpsk_is_within_half_a_decibel_of_coherent_detection(link: Link) -> None:
    assert bpsk(5.2) < run(link, 5.0, 60_000, 4).rate < bpsk(4.5)


@pytest.mark.parametrize(("eb_n0", "count"), [(3.4, 150_000), (3.7, 250_000)])
def test_the_convolutional_code_over_bpsk_is_within_three_tenths_of_a_decibel(eb_n0: float, count: int) -> None:
    assert run(VITERBI, eb_n0, count, 2).rate < VITERBI.theory(eb_n0 - 0.3)


@pytest.mark.parametrize(("link", "eb_n0", "distance"), [(GFSK, 8.0, 2.0), (PCM_FM, 6.0, 2.43)])
def test_frequency_modulation_is_within_half_a_decibel_of_the_best_five_symbols_allow(
    link: Link, eb_n0: float, distance: float
) -> None:
    assert 1e-3 < link.theory(eb_n0) < 5e-3
    got = run(link, eb_n0 + 0.5, 120_000, 3).rate
    coherent = erfc(sqrt(distance * 10 ** ((eb_n0 + 0.5) / 10) / 2)) / 2  # the most that this distance allows
    assert coherent < got < link.theory(eb_n0)


def test_the_optimum_is_orthogonal_fsk_s_where_that_is_known() -> None:
    """From one symbol of h = 1 it errs by exp(-Eb/2N0) / 2 (J. G. Proakis, "Digital Communications", 5.4)."""
    detector = OptimumNoncoherent(0.5, None, symbols=1, bits=200_000)
    assert detector(8.0) == pytest.approx(exp(-(10**0.8) / 2) / 2, rel=0.06)


def test_the_optimum_from_five_symbols_is_better_than_coherent_psk() -> None:
    """At h = 0.715, the best index, as Osborne and Luntz found."""
    assert OptimumNoncoherent(0.3575, None, bits=500_000)(8.0) < bpsk(8.0)
