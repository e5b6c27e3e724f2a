"""Two states of a view side by side: its history, and the keys that go through it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.fake_link import started_event, training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.lessons.link_targets import ViewName
from tuilab.core.protocol.events import KnobChanged, Paused
from tuilab.core.protocol.inspect.backprop_messages import BackpropResponse, Phase
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Slice
from tuilab.core.protocol.inspect.layer_messages import LayerResponse
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsResponse
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.ui.keymap import list_actions
from tuilab.ui.views.history import MAX_ENTRIES, RECENT_ENTRIES, ResponseHistory

LEFT = ("left_curly_bracket", "right_curly_bracket")
RIGHT = ("left_parenthesis", "right_parenthesis")
"""The keys of each side: to an earlier and to a later state."""

LAYERS = LayerResponse("a", 1, "1 Linear", layers=["1 Linear", "2 Linear"], note="nothing to see")
UNITS = UnitsResponse("a", 1, [
    UnitColumn("input", 1, names=["x"], means=[0.0], stds=[1.0], active_fractions=[0.5]),
    UnitColumn("1 Linear", 1, means=[0.0], stds=[1.0], active_fractions=[0.5], weights=[[1.0]],
               biases=[0.5]),
])  # fmt: skip
MATRIX = ExamplesResponse(
    "a", 1, pages=["matrix", "examples"], task="classification", evaluated=9, total=9,
    matrix=ConfusionMatrix([[4, 1], [1, 3]], ["cat", "dog"]),
)  # fmt: skip
STEP = BackpropResponse(
    "a", 1, examples=8, phases=[Phase("batch", "", "", ["[8, 2]"], has_numbers=True)]
)
MAP = LandscapeResponse(
    "a", 1, 1, 9, 9, 9, Slice(3, 1.0, [0.5] * 9, [(1, 0.0, 0.0)], 1.0, "random", 0)
)

VIEWS: dict[ViewName, AnyInspectResponse] = {
    "units": UNITS, "layer": LAYERS, "examples": MATRIX, "backprop": STEP, "landscape": MAP
}  # fmt: skip


# --- the history ----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=400), st.integers(4, 20))
def test_of_many_responses_few_are_kept_in_order(
    kinds: list[tuple[int, bool]], max_entries: int
) -> None:
    history = ResponseHistory[tuple[int]](max_entries)
    keep: list[tuple[int]] = []
    for step, (kind, is_kept) in enumerate(kinds):
        response = (step,)
        history.add(kind, step, response, keep)
        keep = [response] if is_kept else keep

        assert len(history) <= max_entries
        related = history.related_to(response)
        assert related[-1] is response
        assert related == sorted(related)
        assert all(any(entry is other for other in history.related_to(entry)) for entry in keep)


def test_responses_of_a_long_run_are_kept_evenly() -> None:
    history = ResponseHistory[list[int]]()
    for step in range(10_000):
        newest = [step]
        history.add("weights", step, newest)
    steps = [response[0] for response in history.related_to(newest)]

    assert len(steps) == MAX_ENTRIES
    assert steps[0] == 0
    assert steps[-RECENT_ENTRIES:] == list(range(10_000 - RECENT_ENTRIES, 10_000))
    gaps = [after - before for before, after in itertools.pairwise(steps)]
    assert max(gaps) < 10_000 / 15


def test_if_all_kinds_differ_the_oldest_response_is_dropped() -> None:
    history, responses = ResponseHistory[list[int]](5), [[step] for step in range(20)]
    for step, response in enumerate(responses):
        history.add(step, 0, response, keep=responses[:1])

    steps = [response[0] for response in responses if history.related_to(response)]
    assert steps == [0, 16, 17, 18, 19]


def test_more_of_a_response_replaces_it_unless_it_is_complete() -> None:
    history, first, second, third = ResponseHistory[list[int]](), [1], [2], [3]
    assert history.add("map", 100, first) is None
    assert history.add("map", 100, second) is first
    assert history.add("map", 100, third, complete=[second]) is None

    assert history.related_to(first) == []
    assert history.related_to(third) == [second, third]


# --- on the screen --------------------------------------------------------------------------------


async def open_view(lab: Lab, name: ViewName = "layer") -> str:
    """Opens a view of a paused run; returns the run's id."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6")
    lab.app.main_screen.panes.inspect.action_open(name)
    await lab.pilot.pause()
    return run


async def play_responses(lab: Lab, response: AnyInspectResponse, *steps: int) -> None:
    """Plays a response at several steps, one after the other."""
    for step in steps:
        await lab.play(
            Paused(lab.workspace.run.id, step),
            replace(response, run=lab.workspace.run.id, step=step),
        )


FIRST, *OTHERS = VIEWS


@pytest.mark.parametrize(
    "name", [FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
async def test_in_every_view_both_sides_go_through_its_history(name: ViewName) -> None:
    async with open_lab() as lab:
        await open_view(lab, name)
        await play_responses(lab, VIEWS[name], 100, 200, 300)
        await lab.press("b")
        await play_responses(lab, VIEWS[name], 400)
        await lab.wait_for_text("step 300 (kept), 3 of 4", "step 400 (now), 4 of 4")

        await lab.press(LEFT[0], LEFT[0])
        await lab.wait_for_text("step 100, 1 of 4", "step 400 (now), 4 of 4")
        await lab.press(RIGHT[0], RIGHT[0])
        await lab.wait_for_text("step 100, 1 of 4", "step 200, 2 of 4")
        await lab.press(LEFT[1], RIGHT[1], RIGHT[1])
        await lab.wait_for_text("step 200, 2 of 4", "step 400 (now), 4 of 4")

        await lab.press("b")
        assert "2 of 4" not in lab.text


async def test_at_either_end_of_the_history_a_note_is_shown() -> None:
    async with open_lab() as lab:
        await open_view(lab)
        await play_responses(lab, LAYERS, 100)
        await lab.press("b")
        await lab.wait_for_text("step 100 (kept)", "step 100 (now)")

        await lab.press(LEFT[0])
        await lab.wait_for_text("There is no earlier state of this.", "step 100 (kept)")
        await lab.press(RIGHT[1])
        await lab.wait_for_text("This is the newest state.", "step 100 (now)")


async def test_an_earlier_state_stays_during_training_and_the_newest_follows() -> None:
    async with open_lab() as lab:
        await open_view(lab)
        view = lab.app.main_screen.panes.inspect.view
        assert view is not None
        view.history = ResponseHistory(6)
        await play_responses(lab, LAYERS, 100, 200)
        await lab.press("b", RIGHT[0])
        await play_responses(lab, LAYERS, *range(300, 2000, 100))
        await lab.wait_for_text("step 200 (kept), 2 of 6", "step 100, 1 of 6")

        await lab.press(*[RIGHT[1]] * 5)
        await play_responses(lab, LAYERS, 2000)
        await lab.wait_for_text("step 200 (kept), 2 of 6", "step 2,000 (now), 6 of 6")


async def test_states_of_two_runs_are_shown_with_their_runs() -> None:
    async with open_lab() as lab:
        first = await open_view(lab)
        await play_responses(lab, LAYERS, 100, 200)
        await lab.press("b")
        await lab.play(started_event("another-run", lab.workspace.experiment))
        await lab.press("r")
        second = lab.link.run
        await lab.play(started_event(second, lab.workspace.experiment))
        await play_responses(lab, LAYERS, 50)
        await lab.wait_for_text(
            f"{first}, step 200 (kept), 2 of 3", f"{second}, step 50 (now), 3 of 3"
        )

        await lab.press(RIGHT[0])
        await lab.wait_for_text("step 200 (kept), 2 of 3", "step 200, 2 of 3")
        assert f"{second}, step" not in lab.text


async def test_each_kind_of_response_has_its_own_history() -> None:
    async with open_lab() as lab:
        await open_view(lab)
        gradients = replace(LAYERS, quantity="gradients")
        await play_responses(lab, LAYERS, 100, 200)
        await play_responses(lab, gradients, 200, 300)
        await lab.press("b", RIGHT[0])
        await lab.wait_for_text("step 300 (kept), 2 of 2", "step 200, 1 of 2")

        await play_responses(lab, LAYERS, 300)
        await lab.wait_for_text("step 300 (kept), 2 of 2", "step 300 (now), 3 of 3")


async def test_a_change_at_one_step_makes_two_states_but_more_of_a_response_does_not() -> None:
    async with open_lab() as lab:
        run = await open_view(lab, "backprop")
        await play_responses(lab, STEP, 100)
        await lab.press("b")
        await lab.play(KnobChanged(run, 100, "optimizer.lr", 0.5))
        await play_responses(lab, STEP, 100)
        await lab.wait_for_text("step 100 (kept), 1 of 2", "step 100 (now), 2 of 2")

    async with open_lab() as lab:
        await open_view(lab, "landscape")
        await play_responses(lab, replace(MAP, evaluations=2), 100)
        await lab.press("b")
        await play_responses(lab, MAP, 100)
        await lab.wait_for_text("step 100 (kept)", "step 100 (now)")
        view = lab.app.main_screen.panes.inspect.view
        assert view is not None and view.left_response is view.response
        assert len(view.history) == 1


async def test_the_keys_are_offered_while_two_states_are_compared() -> None:
    def are_offered(lab: Lab) -> bool:
        bindings = lab.app.screen.active_bindings.values()
        return any(binding.binding.description == "Left state" for binding in bindings)

    async with open_lab() as lab:
        await open_view(lab, "units")
        lab.app.main_screen.panes.inspect.action_open("layer")
        await lab.pilot.pause()
        await play_responses(lab, LAYERS, 100)
        assert not are_offered(lab)
        await lab.press(LEFT[0])
        assert "no earlier state" not in lab.text

        await lab.press("b")
        assert are_offered(lab)
        view = lab.app.main_screen.panes.inspect.view
        result = lab.app.main_screen.panes.result
        actions = [
            a for a in list_actions(lab.app.main_screen) if a.binding.action.startswith("travel")
        ]
        for node in (view, result):
            assert [action.binding.id for action in actions if action.node is node] == [
                "inside.left_earlier", "inside.left_later",
                "inside.right_earlier", "inside.right_later",
            ]  # fmt: skip
        assert len(actions) == 8
        assert all(action.binding.tooltip for action in actions)


@pytest.mark.parametrize("size", SIZES)
async def test_both_states_are_named_at_every_size(size: tuple[int, int]) -> None:
    async with open_lab(size=size) as lab:
        await open_view(lab)
        await play_responses(lab, LAYERS, 1100, 1200)
        await lab.press("b", LEFT[0])
        await lab.wait_for_text("step 1,100, 1 of 2", "step 1,200 (now), 2 of 2")
