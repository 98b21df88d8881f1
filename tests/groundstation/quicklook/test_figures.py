"""Figures and courses: what is kept of samples is what all samples together say."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundstation.quicklook.figures_of import BINS, Course, Figures

SAMPLES = st.lists(
    st.tuples(st.integers(0, 10**6), st.floats(-1e6, 1e6)),
    min_size=1,
    max_size=60,
)


def parts(samples, cuts):
    """Samples cut into pieces of so many."""
    at = 0
    for size in cuts:
        if samples[at : at + size]:
            yield samples[at : at + size]
        at += size
    if samples[at:]:
        yield samples[at:]


@given(SAMPLES, st.lists(st.integers(1, 9), max_size=9))
def test_figures_do_not_depend_on_how_samples_are_grouped(samples, cuts):
    figures = Figures()
    for part in parts(samples, cuts):
        figures.add(np.array([t for t, _ in part]), np.array([v for _, v in part]))
    values = [value for _, value in samples]
    assert (figures.count, figures.low, figures.high) == (len(values), min(values), max(values))
    assert (figures.low_ns, min(values)) in samples
    assert (figures.high_ns, max(values)) in samples
    assert math.isclose(figures.mean, math.fsum(values) / len(values), rel_tol=1e-9, abs_tol=1e-6)


@given(SAMPLES, SAMPLES)
def test_joined_figures_are_those_of_all(first, second):
    def of(samples):
        figures = Figures()
        figures.add(np.array([t for t, _ in samples]), np.array([v for _, v in samples]))
        return figures

    both, whole = of(first).joined(of(second)), of(first + second)
    assert (both.count, both.low, both.high) == (whole.count, whole.low, whole.high)
    assert math.isclose(both.mean, whole.mean, rel_tol=1e-9, abs_tol=1e-6)


@given(SAMPLES, st.lists(st.integers(1, 9), max_size=9))
def test_a_course_has_the_lowest_and_highest_of_each_step(samples, cuts):
    step = 10**6 // BINS + 1
    course = Course(0, step)
    for part in parts(samples, cuts):
        course.add(np.array([t for t, _ in part]), np.array([v for _, v in part]))
    steps = {}
    for time, value in samples:
        steps.setdefault(min(time // step, BINS - 1), []).append(value)
    times, low, high = course.points()
    assert (times // step).tolist() == sorted(steps)
    assert low.tolist() == [min(steps[at]) for at in sorted(steps)]
    assert high.tolist() == [max(steps[at]) for at in sorted(steps)]
