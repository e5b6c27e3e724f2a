"""The data sets of the catalogue: help, shapes, tasks, classes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.experiment_strategies import struct_strategy
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.images import ImageFolder
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.catalogue.data.texts import TextFile
from tuilab.core.catalogue.data_sets import DATA_SETS
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Tokens
from tuilab.core.reference.docstrings import parse

every_set = pytest.mark.parametrize("kind", DATA_SETS, ids=lambda kind: kind.__name__)


@every_set
def test_a_set_has_a_summary_and_a_use(kind: type[DataSet]) -> None:
    docstring = parse(kind.__doc__ or "")

    assert 10 < len(docstring.summary) <= 90 and docstring.summary[-1] in ".?)"
    assert docstring.use


@every_set
def test_every_field_is_a_knob_with_help(kind: type[DataSet]) -> None:
    assert set(default_knobs(kind)) == set(kind.__struct_fields__)
    assert all(knob.help for knob in default_knobs(kind).values())


@given(st.data())
def test_shapes_tasks_and_classes_follow_from_the_knobs(data: st.DataObject) -> None:
    data_set = data.draw(st.sampled_from(DATA_SETS).flatmap(struct_strategy))

    assert set(data_set.tasks) <= {
        "classification", "regression", "language_model", "autoencoder", "gan", "perceptron",
    }  # fmt: skip
    assert data_set.title and isinstance(data_set.is_graph, bool)
    assert len(set(data_set.classes)) == len(data_set.classes) != 1
    if not isinstance(data_set, (Table, ImageFolder)):  # their classes are in a file
        assert bool(data_set.classes) == ("classification" in data_set.tasks)
    try:
        shape = data_set.shape
    except InputError as error:
        assert error.where and error.problem
        return
    assert all(isinstance(size, int) for size in shape)
    assert data_set.target_shape == shape[: len(data_set.target_shape)]
    if isinstance(shape, Tokens):
        assert shape.vocabulary >= 2


def test_a_text_without_a_file_has_no_shape() -> None:
    with pytest.raises(InputError, match=r"data\.path: no file is chosen yet"):
        TextFile().shape  # noqa: B018
