import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.models.base import Choice, Float, Int
from automl.models.space import sample

SPACE = {
    "kind": Choice(("plain", "scaled")),
    "depth": Int(2, 9, log=True),
    "leaves": Int(-3, 3),
    "rate": Float(1e-3, 0.1, log=True),
    "scale": Float(0.5, 1.0, when=("kind", ("scaled",))),
}


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_samples_lie_in_their_space(seed):
    drawn = sample(SPACE, np.random.default_rng(seed))
    assert drawn == sample(SPACE, np.random.default_rng(seed))
    assert ("scale" in drawn) == (drawn["kind"] == "scaled")
    for name, value in drawn.items():
        dimension = SPACE[name]
        if isinstance(dimension, Choice):
            assert value in dimension.values
        else:
            assert dimension.low <= value <= dimension.high
            assert type(value) is (int if isinstance(dimension, Int) else float)


def test_every_integer_is_drawn_and_logs_favour_the_low():
    rng = np.random.default_rng(0)
    drawn = [sample(SPACE, rng) for _ in range(2_000)]
    assert {one["leaves"] for one in drawn} == set(range(-3, 4))
    depths = np.bincount([one["depth"] for one in drawn])
    assert depths[2] > depths[9] > 0
    assert 0.4 < np.mean([one["rate"] < 0.01 for one in drawn]) < 0.6
