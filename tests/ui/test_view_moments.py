"""Any two moments side by side: what a view remembers, and the keys that go through it."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.fakes import SIZES, Lab, history, open_lab, started
from tuilab.core.protocol.events import KnobChanged, Paused
from tuilab.core.protocol.inspect.backprop_messages import BackpropResponse, Phase
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Slice
from tuilab.core.protocol.inspect.layer_messages import LayerResponse
from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsResponse
from tuilab.ui.keymap import list_actions
from tuilab.ui.views.history import MAX_ENTRIES, RECENT_ENTRIES, ResponseHistory

LEFT = ("left_curly_bracket", "right_curly_bracket")
RIGHT = ("left_parenthesis", "right_parenthesis")
"""The keys of each side: to what was shown before, and after."""

LAYERS = LayerResponse("a", 1, "1 Linear", layers=["1 Linear", "2 Linear"], note="nothing to see")
UNITS = UnitsResponse("a", 1, [
    UnitColumn("input", 1, names=["x"], means=[0.0], stds=[1.0], active_fractions=[0.5]),
    UnitColumn("1 Linear", 1, means=[0.0], stds=[1.0], active_fractions=[0.5], weights=[[1.0]], biases=[0.5]),
])  # fmt: skip
MATRIX = ExamplesResponse(
    "a", 1, pages=["matrix", "examples"], task="classification", evaluated=9, total=9,
    classes=["cat", "dog"], counts=[[4, 1], [1, 3]],
)  # fmt: skip
STEP = BackpropResponse(
    "a", 1, examples=8, phases=[Phase("batch", "", "", ["[8, 2]"], has_numbers=True)]
)
MAP = LandscapeResponse(
    "a", 1, 1, 9, 9, 9, Slice(3, 1.0, [0.5] * 9, [(1, 0.0, 0.0)], 1.0, "random", 0)
)

VIEWS = {
    "units": UNITS, "layer": LAYERS, "examples": MATRIX, "backprop": STEP, "landscape": MAP
}  # fmt: skip


# --- the memory -----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=400), st.integers(4, 20))
def test_however_many_answers_come_few_are_remembered_in_order(
    questions: list[tuple[int, bool]], most: int
) -> None:
    subject, held = ResponseHistory[tuple[int]](most), []
    for step, (question, is_held) in enumerate(questions):
        answer = (step,)
        subject.add(question, step, answer, held)
        held = [answer] if is_held else held

        assert len(subject) <= most
        found = subject.related_to(answer)
        assert found[-1] is answer
        assert found == sorted(found)
        assert all(any(one is each for each in subject.related_to(one)) for one in held)


def test_moments_of_a_long_run_are_spread_over_all_of_it() -> None:
    subject = ResponseHistory[list[int]]()
    for step in range(10_000):
        newest = [step]
        subject.add("weights", step, newest)
    steps = [answer[0] for answer in subject.related_to(newest)]

    assert len(steps) == MAX_ENTRIES
    assert steps[0] == 0
    assert steps[-RECENT_ENTRIES:] == list(range(10_000 - RECENT_ENTRIES, 10_000))
    gaps = [after - before for before, after in itertools.pairwise(steps)]
    assert max(gaps) < 10_000 / 15


def test_where_everything_is_another_question_the_oldest_is_let_go() -> None:
    subject, answers = ResponseHistory[list[int]](5), [[step] for step in range(20)]
    for step, answer in enumerate(answers):
        subject.add(step, 0, answer, held=answers[:1])

    kept = [answer[0] for answer in answers if subject.related_to(answer)]
    assert kept == [0, 16, 17, 18, 19]


def test_more_of_an_answer_takes_its_place_unless_it_is_to_stay() -> None:
    subject, one, two, three = ResponseHistory[list[int]](), [1], [2], [3]
    assert subject.add("map", 100, one) is None
    assert subject.add("map", 100, two) is one
    assert subject.add("map", 100, three, whole=[two]) is None

    assert subject.related_to(one) == []
    assert subject.related_to(three) == [two, three]


# --- on the screen --------------------------------------------------------------------------------


async def opened(it: Lab, name: str = "layer") -> str:
    """A run that waits, with a view in focus."""
    await it.press("space")
    run = it.link.run
    await it.play(*history(run, it.workspace.experiment, 100), Paused(run, 100))
    await it.press("6")
    it.app.main_screen.panes.inspect.action_open(name)
    await it.pilot.pause()
    return run


async def seen(it: Lab, answer: Any, *steps: int) -> None:
    """The view shows an answer as of some steps, one after the other."""
    for step in steps:
        await it.play(
            Paused(it.workspace.run.id, step), replace(answer, run=it.workspace.run.id, step=step)
        )


@pytest.mark.parametrize("name", VIEWS)
async def test_in_every_view_both_sides_go_through_what_was_shown(name: str) -> None:
    async with open_lab() as it:
        await opened(it, name)
        await seen(it, VIEWS[name], 100, 200, 300)
        await it.press("b")
        await seen(it, VIEWS[name], 400)
        await it.shows("step 300 (kept), 3 of 4", "step 400 (now), 4 of 4")

        await it.press(LEFT[0], LEFT[0])
        await it.shows("step 100, 1 of 4", "step 400 (now), 4 of 4")
        await it.press(RIGHT[0], RIGHT[0])
        await it.shows("step 100, 1 of 4", "step 200, 2 of 4")
        await it.press(LEFT[1], RIGHT[1], RIGHT[1])
        await it.shows("step 200, 2 of 4", "step 400 (now), 4 of 4")

        await it.press("b")
        assert "2 of 4" not in it.text


async def test_at_either_end_it_says_so_and_nothing_moves() -> None:
    async with open_lab() as it:
        await opened(it)
        await seen(it, LAYERS, 100)
        await it.press("b")
        await it.shows("step 100 (kept)", "step 100 (now)")

        await it.press(LEFT[0])
        await it.shows("Nothing earlier was shown of this.", "step 100 (kept)")
        await it.press(RIGHT[1])
        await it.shows("This is the newest of it.", "step 100 (now)")


async def test_a_moment_that_is_fixed_stays_while_training_goes_on_and_now_follows() -> None:
    async with open_lab() as it:
        await opened(it)
        view = it.app.main_screen.panes.inspect.view
        assert view is not None
        view.moments = ResponseHistory(6)
        await seen(it, LAYERS, 100, 200)
        await it.press("b", RIGHT[0])
        await seen(it, LAYERS, *range(300, 2000, 100))
        await it.shows("step 200 (kept), 2 of 6", "step 100, 1 of 6")

        await it.press(*[RIGHT[1]] * 5)
        await seen(it, LAYERS, 2000)
        await it.shows("step 200 (kept), 2 of 6", "step 2 000 (now), 6 of 6")


async def test_moments_of_two_runs_name_their_runs() -> None:
    async with open_lab() as it:
        first = await opened(it)
        await seen(it, LAYERS, 100, 200)
        await it.press("b")
        await it.play(started("another-run", it.workspace.experiment))
        await it.press("r")
        second = it.link.run
        await it.play(started(second, it.workspace.experiment))
        await seen(it, LAYERS, 50)
        await it.shows(f"{first}, step 200 (kept), 2 of 3", f"{second}, step 50 (now), 3 of 3")

        await it.press(RIGHT[0])
        await it.shows("step 200 (kept), 2 of 3", "step 200, 2 of 3")
        assert f"{second}, step" not in it.text


async def test_each_question_has_its_own_moments_and_another_one_is_shown_at_once() -> None:
    async with open_lab() as it:
        await opened(it)
        gradients = replace(LAYERS, quantity="gradients")
        await seen(it, LAYERS, 100, 200)
        await seen(it, gradients, 200, 300)
        await it.press("b", RIGHT[0])
        await it.shows("step 300 (kept), 2 of 2", "step 200, 1 of 2")

        await seen(it, LAYERS, 300)
        await it.shows("step 300 (kept), 2 of 2", "step 300 (now), 3 of 3")


async def test_a_change_at_one_step_makes_two_moments_but_more_of_an_answer_does_not() -> None:
    async with open_lab() as it:
        run = await opened(it, "backprop")
        await seen(it, STEP, 100)
        await it.press("b")
        await it.play(KnobChanged(run, 100, "optimizer.lr", 0.5))
        await seen(it, STEP, 100)
        await it.shows("step 100 (kept), 1 of 2", "step 100 (now), 2 of 2")

    async with open_lab() as it:
        await opened(it, "landscape")
        await seen(it, replace(MAP, evaluations=2), 100)
        await it.press("b")
        await seen(it, MAP, 100)
        await it.shows("step 100 (kept)", "step 100 (now)")
        view = it.app.main_screen.panes.inspect.view
        assert view is not None and view.left_response is view.seen and len(view.moments) == 1


async def test_the_keys_are_offered_while_two_moments_are_compared() -> None:
    def offered(it: Lab) -> bool:
        shown = it.app.screen.active_bindings.values()
        return any(binding.binding.description == "Left moment" for binding in shown)

    async with open_lab() as it:
        await opened(it, "units")
        it.app.main_screen.panes.inspect.action_open("layer")
        await it.pilot.pause()
        await seen(it, LAYERS, 100)
        assert not offered(it)
        await it.press(LEFT[0])
        assert "Nothing earlier" not in it.text

        await it.press("b")
        assert offered(it)
        view = it.app.main_screen.panes.inspect.view
        mine = [
            action
            for action in list_actions(it.app.main_screen)
            if "travel" in action.binding.action
        ]
        assert all(action.node is view for action in mine)
        assert [action.binding.id for action in mine] == [
            "inside.left_earlier", "inside.left_later",
            "inside.right_earlier", "inside.right_later",
        ]  # fmt: skip
        assert all(action.binding.tooltip for action in mine)


@pytest.mark.parametrize("size", SIZES)
async def test_both_moments_are_named_at_every_size(size: tuple[int, int]) -> None:
    async with open_lab(size=size) as it:
        await opened(it)
        await seen(it, LAYERS, 1100, 1200)
        await it.press("b", LEFT[0])
        await it.shows("step 1 100, 1 of 2", "step 1 200 (now), 2 of 2")
