"""The data sets as the lab knows them, without torch: help, shapes, knobs that several share."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.experiments import struct
from tuilab.core.catalogue.data_sets import AnyData, Folder, Table, Text
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import options
from tuilab.core.experiment.knobs import declared
from tuilab.core.network.layer import Tokens
from tuilab.core.reference.docstrings import parse

SETS = get_args(AnyData)
every_set = pytest.mark.parametrize("kind", SETS, ids=[kind.__name__ for kind in SETS])


@every_set
def test_a_set_says_what_it_is_and_when_to_take_it(kind: Any) -> None:
    explanation = parse(kind.__doc__)

    assert 10 < len(explanation.summary) <= 90 and explanation.summary[-1] in ".?)"
    assert explanation.use


@every_set
def test_every_field_is_a_knob_with_help(kind: Any) -> None:
    assert set(declared(kind)) == set(kind.__struct_fields__)
    assert all(knob.help for knob in declared(kind).values())


@given(st.data())
def test_shapes_tasks_and_classes_follow_from_the_knobs(data: Any) -> None:
    subject = data.draw(st.sampled_from(options("data")).flatmap(struct))

    assert set(subject.tasks) <= {
        "classification", "regression", "language_model", "autoencoder", "gan", "perceptron",
    }  # fmt: skip
    assert subject.title and isinstance(subject.graph, bool)
    assert len(set(subject.classes)) == len(subject.classes) != 1
    if not isinstance(subject, (Table, Folder)):  # no file tells yet what there is to learn
        assert bool(subject.classes) == ("classification" in subject.tasks)
    try:
        shape = subject.shape
    except InputError as error:
        assert error.where and error.problem
        return
    assert all(isinstance(size, int) for size in shape)
    assert subject.positions == shape[: len(subject.positions)]
    if isinstance(shape, Tokens):
        assert shape.vocabulary >= 2


def test_a_text_without_a_file_says_so() -> None:
    with pytest.raises(InputError, match=r"data\.path: no file is named yet"):
        Text().shape  # noqa: B018
