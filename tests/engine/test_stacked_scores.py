"""Scores of several networks at once: those of each alone, with ties and with missing classes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tuilab.core.catalogue import losses
from tuilab.core.catalogue.losses import Loss
from tuilab.engine.metrics.scores import ClassScores
from tuilab.engine.seeds.stacked_scores import measure_accuracies, score_classes

CONFIGS = [losses.CrossEntropy(), losses.MSE(), losses.Focal()]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 40), st.integers(1, 12),
    st.sampled_from(CONFIGS), st.sampled_from([0, 1, 3]), st.booleans(),
)  # fmt: skip
def test_the_scores_are_those_of_each_network_alone(
    seed: int, nets: int, examples: int, outputs: int, config: Loss, top_k: int, has_ties: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(nets, examples, outputs, generator=generator)
    scores = scores.round() if has_ties else scores
    targets = torch.randint(max(2, outputs), (nets, examples), generator=generator)
    results = score_classes(config, top_k, scores, targets)
    for net, (values, matrix) in enumerate(results):
        alone = ClassScores(config, top_k)
        alone.add(scores[net], targets[net])
        expected = alone.read()
        assert list(values) == list(expected)
        assert values == pytest.approx(expected, abs=1e-6)
        assert matrix == alone.matrix()
        assert measure_accuracies(scores, targets)[net] == pytest.approx(values["accuracy"])
