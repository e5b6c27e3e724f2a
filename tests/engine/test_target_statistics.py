"""Statistics of the targets: their scale, and whether similar inputs have similar targets."""

import torch

from tests.support.not_none import not_none
from tests.support.tiny_sessions import make_session
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.target_statistics import target_statistics

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.rand(300, 2, generator=GENERATOR)
CLASSES = (INPUTS[:, 0] > 0.5).long()
ORDER = torch.randperm(300, generator=GENERATOR)


def test_similar_examples_share_a_class_unless_labels_are_shuffled() -> None:
    clean = not_none(target_statistics(Examples(INPUTS, CLASSES)))
    shuffled = not_none(target_statistics(Examples(INPUTS, CLASSES[ORDER])))

    assert clean.count == shuffled.count == 300
    assert clean.agreement > 0.95
    assert abs(shuffled.agreement - 0.5) < 0.1
    assert abs(clean.chance - 0.5) < 0.01


def test_units_of_the_inputs_do_not_matter() -> None:
    scaled = INPUTS * torch.tensor([1.0, 1e6])

    assert not_none(target_statistics(Examples(scaled, CLASSES))).agreement > 0.95


def test_numbers_have_a_scale_and_a_correlation() -> None:
    numbers = 1000 * INPUTS[:, :1] + 5000
    stats = not_none(target_statistics(Examples(INPUTS, numbers)))
    shuffled = not_none(target_statistics(Examples(INPUTS, numbers[ORDER])))

    assert stats.agreement > 0.95 and abs(shuffled.agreement) < 0.2
    assert 5300 < stats.mean < 5700 and 200 < stats.std < 350


def test_what_cannot_be_compared_is_not() -> None:
    tokens, columns = torch.zeros(40, 5, dtype=torch.int64), torch.rand(40, 3)

    assert (
        not_none(target_statistics(Examples(tokens, torch.zeros(40, dtype=torch.int64)))).count == 0
    )
    assert target_statistics(Examples(tokens, tokens)) is None
    assert target_statistics(Examples(columns, columns)) is None


def test_a_run_reports_them_when_it_starts() -> None:
    assert not_none(make_session().started_event().targets).agreement > 0.5
