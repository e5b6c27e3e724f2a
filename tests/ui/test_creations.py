"""What networks make, in character cells: text, reconstructions, drawings; scores by class."""

from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuilab.ui.views.result.confusion_matrix import MORE, draw_matrix, size_of_matrix
from tuilab.ui.views.result.generated_samples import draw_gallery, draw_pairs, draw_written

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tests.support.fakes import open_lab
from tests.support.runs import confusion
from tests.ui.test_result_pane import run_with, shown, text_of
from tests.ui.test_result_pictures import plain
from tuilab.core.catalogue.data.images import Glyphs
from tuilab.core.catalogue.data.points import GaussiansRing, SwissRoll
from tuilab.core.catalogue.data.texts import PythonSource
from tuilab.core.catalogue.tasks import GAN, Autoencoder, LanguageModel, Regression
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Probe, SetKnob
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.result_messages import (
    Drawn,
    Picture,
    Reconstructed,
    Scatter,
    Written,
)
from tuilab.core.protocol.records import Reconstruction, Sample
from tuilab.ui.canvas.draw_style import DrawStyle

GREY = bytes(range(256)) * 3 + bytes(16)
SQUARE = (1, 28, 28)


def written(text: str, prompt: str = "def ") -> Written:
    return Written("a", 5, prompt, text, 0.8)


def pairs(count: int, shape: tuple[int, ...] = SQUARE) -> Reconstructed:
    pixels = GREY if len(shape) == 3 else b""
    return Reconstructed(
        "a", 5, [Reconstruction(pixels, pixels, shape, 0.1 + n) for n in range(count)]
    )


def gallery(count: int) -> Drawn:
    return Drawn("a", 5, pictures=[Sample(GREY, SQUARE, 0, 0, 0.0) for _ in range(count)])


# Text


def test_text_is_wrapped_with_its_prompt_in_bold() -> None:
    grid = draw_written(written("f(x):\n\treturn x + 1"), (12, 8), COLORLESS)
    lines = plain(grid).splitlines()

    assert "temperature" in lines[0]
    assert lines[2:5] == ["def f(x):", "·return x +", "1"]
    bold = [sign for sign, style in grid.rows[2] if style.bold]
    assert "".join(bold) == "def "


def test_of_a_long_text_the_end_is_shown() -> None:
    text = "\n".join(f"line {number}" for number in range(50))
    lines = plain(draw_written(written(text), (30, 10), COLORLESS)).splitlines()

    assert lines[-1] == "line 49" and len(lines) == 10


# Pictures


def test_reconstructions_stand_below_their_inputs_with_their_errors() -> None:
    text = plain(draw_pairs(pairs(12), (64, 30), COLORED))

    assert text.count("→ error") == 2
    assert "→ error 0.1" in text and "→ error 1.1" in text


def test_examples_that_are_no_pictures_have_bars_for_errors() -> None:
    text = plain(draw_pairs(pairs(3, (3,)), (40, 10), COLORLESS))

    lengths = [line.count("▄") for line in text.splitlines()[2:5]]
    assert lengths == sorted(lengths) and lengths[-1] == 24
    assert "error of each example" in text


@given(
    st.sampled_from([ASCII_ONLY, COLORLESS, COLORED]),
    st.integers(0, 90),
    st.integers(0, 40),
    st.integers(0, 9),
)
def test_creations_can_be_drawn_at_any_size(
    style: DrawStyle, width: int, height: int, count: int
) -> None:
    for grid in (
        draw_written(written("some words\n" * count, ""), (width, height), style),
        draw_pairs(pairs(count), (width, height), style),
        draw_pairs(pairs(count, (2,)), (width, height), style),
        draw_gallery(gallery(count), (width, height), style),
    ):
        assert len(grid.rows) == height
        assert all(len(row) == width for row in grid.rows)


def test_an_error_that_is_not_finite_breaks_nothing() -> None:
    broken = Reconstructed(
        "a", 5, [Reconstruction(b"", b"", (2,), nan), Reconstruction(b"", b"", (2,), 1.0)]
    )
    assert "NaN" in plain(draw_pairs(broken, (40, 10), COLORLESS))


# The pane


@pytest.mark.parametrize(
    ("picture", "experiment", "title", "words"),
    [
        (
            written("main():"), {"task": LanguageModel(), "data": PythonSource()},
            "Sample", ["def main():", "temperature 0.8"],
        ),
        (
            pairs(2), {"task": Autoencoder(), "data": Glyphs()},
            "Reconstructions", ["→ error 0.1"],
        ),
        (
            pairs(2, (3,)), {"task": Autoencoder(), "data": SwissRoll()},
            "Reconstructions", ["error of each example"],
        ),
        (
            Drawn("a", 5, bounds=(-1, 1, -1, 1), real=[(0.5, 0.5)], drawn=[(0, 0)], covered=3,
                  modes=8),
            {"task": GAN(), "data": GaussiansRing()},
            "Drawn examples", ["· data", "• drawn, 3 of 8 modes"],
        ),
        (
            Scatter("a", 5, [(0.0, 0.1), (1.0, 0.9)]), {"task": Regression(), "data": SwissRoll()},
            "Prediction against target", ["prediction", "right", "target"],
        ),
    ],
    ids=["written", "pairs", "errors", "drawn", "scatter"],
)  # fmt: skip
async def test_each_task_shows_what_its_network_makes(
    picture: Picture, experiment: dict[str, Any], title: str, words: list[str]
) -> None:
    async with shown(run_with(picture, **experiment), (76, 20)) as (app, _):
        assert app.pane.border_title == title
        assert all(word in text_of(app) for word in words)


async def test_keys_make_the_text_wilder_or_surer_while_it_trains() -> None:
    experiment = Experiment(task=LanguageModel(), data=PythonSource(size=20), network=("Linear 2",))
    async with open_lab(experiment, (80, 24)) as it:
        it.app.main_screen.training.can_start = lambda: True  # type: ignore[method-assign]
        run = await it.train(steps=20)
        it.app.main_screen.panes.go_to("result", it.workspace)
        await it.press("plus")
        assert it.link.commands(SetKnob) == [], "there is no text yet"
        await it.play(Written(run, 20, "def ", "x", 0.8))
        await it.press("4", "plus", "plus", "minus")
        sent = it.link.commands(SetKnob)
        assert [command.key for command in sent] == ["task.temperature"] * 3
        assert sent[0].value > 0.8 and sent[1].value > sent[2].value == sent[0].value


async def test_a_text_is_written_to_its_end_while_the_run_waits() -> None:
    experiment = Experiment(
        task=LanguageModel(sample_length=10), data=PythonSource(size=20), network=("Linear 2",)
    )
    async with open_lab(experiment) as it:
        it.app.main_screen.training.can_start = lambda: True  # type: ignore[method-assign]
        run = await it.train(steps=20)
        await it.play(Paused(run, 20))
        asked = len(it.link.commands(Probe))
        await it.play(Written(run, 20, "def ", "half", 0.8))
        await it.until(lambda: len(it.link.commands(Probe)) == asked + 1)
        await it.play(Written(run, 20, "def ", "whole text", 0.8))
        it.app.poll()
        assert len(it.link.commands(Probe)) == asked + 1


def test_precision_and_f1_stand_beside_the_matrix_where_there_is_room() -> None:
    matrix = confusion(("a", "b", "c"), 0)
    columns, rows = size_of_matrix(matrix)

    narrow = plain(draw_matrix(matrix, (columns, rows), COLORLESS))
    wide = plain(draw_matrix(matrix, (columns + MORE, rows), COLORLESS))
    assert "recall" in narrow and "precision" not in narrow
    head, first = wide.splitlines()[1:3]
    assert head.split()[-3:] == ["recall", "precision", "F1"]
    assert first.split()[-3:] == ["90%", "90%", "0.90"]
