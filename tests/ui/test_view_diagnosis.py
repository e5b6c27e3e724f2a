"""The view of the diagnosis: findings, their evidence, and fixes on a key."""

import pytest
from msgspec import structs
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from textual.color import Color

from tests.support.fake_link import READY, training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.diagnosis.watch import Finding
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Cancel, Check, SetKnob, Start
from tuilab.core.protocol.events import (
    AnyEvent,
    Checking,
    ChecksReported,
    Finished,
    KnobChanged,
    LayerStatsReported,
    Paused,
    Progressed,
)
from tuilab.core.protocol.records import ActivationStats, LayerStats, Memorization, RateTrial
from tuilab.core.run.run import Run
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.controllers import diagnosis as diagnosis_controller
from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView
from tuilab.ui.views.diagnosis.draw_checks import check_lines
from tuilab.ui.views.diagnosis.draw_diagnosis import Line, cut_lines, draw_findings, wrap

STYLE = DrawStyle(Color(0, 0, 0), Color(255, 255, 255), has_color=True)

DYING = Experiment(
    title="A spiral", network=("Linear 16", "ReLU", "Linear 16", "Linear 2", "Softmax")
)
RELU = Experiment(title="A spiral", network=("Linear 16", "ReLU", "Linear 16", "Tanh", "Linear 2"))


pytestmark = pytest.mark.usefixtures("no_lag")


def dying_relu_events(run: str, experiment: Experiment, steps: int) -> list[AnyEvent]:
    """Returns the events of a run whose ReLUs die, and that learns nothing."""
    events = [
        structs.replace(event, loss=0.69, low=0.6, high=0.7)
        if isinstance(event, Progressed)
        else event
        for event in training_events(run, experiment, steps)
    ]
    for step in range(10, steps + 1, 10):
        relu = ActivationStats("ReLU after 1 Linear", 0.9, min(0.97, 0.5 + step / 1000), 0.0)
        layers = [LayerStats(f"{n} Linear", 0.1, 2e-3, 4.0) for n in (1, 2, 3)]
        events.append(LayerStatsReported(run, step, layers, [relu]))
    return events


LONG_TEXT = "Each step overshoots the minimum, and a lower rate rarely helps these weights. " * 6


@pytest.mark.parametrize("width", [42, 53, 64, 66, 110])
def test_lines_about_checks_fit_and_are_whole(width: int) -> None:
    run = Run()
    for event in [READY, *dying_relu_events("a-1", DYING, 100), Paused("a-1", 100)]:
        run.apply(event)
    offer = check_lines(run, width, 40, STYLE, [])
    run.apply(
        Checking("a-1", 1, 4, "Does it learn with another learning rate, or not at all?", 0.5)
    )
    progress = check_lines(run, width, 40, STYLE, [])

    offer_text, progress_text = ("\n".join(map(_text_of, lines)) for lines in (offer, progress))
    assert max(map(cell_len, (offer_text + "\n" + progress_text).splitlines())) <= width - 2
    assert " ".join(offer_text.split()).endswith("what the history cannot show.")
    assert progress_text.endswith("50%  k cancels")


@pytest.mark.parametrize("width", [24, 40, 53])
@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_lines_that_are_cut_say_so(width: int, rows: int) -> None:
    lines: list[Line] = [
        [("k", STYLE.text), (text, STYLE.text)] for text in wrap(LONG_TEXT, width - 1)
    ]

    cut = cut_lines(lines, rows, width, STYLE)

    assert len(cut) == rows < len(lines)
    assert all(cell_len(_text_of(line)) <= width for line in cut)
    assert [_text_of(line).endswith(" …") for line in cut] == [False] * (rows - 1) + [True] * (
        rows > 0
    )
    assert cut_lines(lines, len(lines), width, STYLE) == lines


def _text_of(line: Line) -> str:
    return "".join(text for text, _ in line)


async def open_view(lab: Lab, steps: int = 500) -> DiagnosisView:
    """Opens the diagnosis of a paused run with dead ReLUs."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(
        READY, *dying_relu_events(run, lab.workspace.experiment, steps), Paused(run, steps)
    )
    await lab.press("exclamation_mark")
    view = lab.app.main_screen.panes.inspect.view
    assert isinstance(view, DiagnosisView)
    return view


@pytest.mark.parametrize("size", SIZES)
async def test_the_screen(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with open_lab(RELU, size) as lab:
        await open_view(lab)
        await lab.wait_for_text("Most units of ReLU after 1 Linear are")

        assert lab.text == snapshot


@pytest.mark.parametrize("size", SIZES)
async def test_evidence_reason_and_fixes_are_visible_at_every_size(size: tuple[int, int]) -> None:
    async with open_lab(RELU, size) as lab:
        view = await open_view(lab)
        await lab.wait_for_text(
            "Evidence", "What to do", "a  LeakyReLU instead of ReLU", "w  learning rate 0.0001"
        )

        assert lab.app.focused is view
        assert "88%" in lab.text


async def test_without_findings_the_view_lists_what_is_watched() -> None:
    async with open_lab(RELU) as lab:
        await lab.train()
        await lab.press("exclamation_mark")

        await lab.wait_for_text("No problems found as of step", "Watched during training")
        assert "shows 1 finding" not in lab.text


async def test_of_a_run_that_has_just_begun_the_view_says_that_it_is_too_early() -> None:
    async with open_lab(RELU) as lab:
        await lab.train(steps=20)
        await lab.press("exclamation_mark")

        await lab.wait_for_text("Too early to say as of step 20", "most faults show after")
        assert "No problems found" not in lab.text


async def test_before_a_run_the_view_shows_what_to_press() -> None:
    async with open_lab(RELU) as lab:
        await lab.press("exclamation_mark")

        await lab.wait_for_text("Press space to start training")
        await lab.press("a", "enter", "down")


async def test_a_live_fix_is_sent_and_can_be_undone() -> None:
    async with open_lab(RELU) as lab:
        await open_view(lab)
        await lab.press("w")
        assert lab.link.commands(SetKnob) == [SetKnob("optimizer.lr", 0.0001)]
        await lab.wait_for_text("Applied; u undoes it")

        await lab.press("u")
        assert lab.link.commands(SetKnob)[-1] == SetKnob("optimizer.lr", 0.001)
        assert lab.workspace.experiment == RELU


async def test_a_fix_that_needs_a_restart_waits_for_it_and_can_be_undone() -> None:
    async with open_lab(RELU) as lab:
        await open_view(lab)
        await lab.press("a")
        assert lab.workspace.experiment.network[1] == "LeakyReLU"
        assert not lab.link.commands(SetKnob)
        await lab.wait_for_text("✓ r restarts", "r restarts with it; u undoes it")

        await lab.press("r", "r")
        assert lab.link.commands(Start)[-1].experiment.network[1] == "LeakyReLU"
        await lab.press("u")
        assert lab.workspace.experiment == RELU


@pytest.mark.parametrize("rate", [100.0, 0.001])
async def test_after_destructive_steps_a_rate_takes_a_restart_even_if_it_is_set_already(
    rate: float,
) -> None:
    experiment = with_value(RELU, "optimizer.lr", 100.0)
    async with open_lab(experiment) as lab:
        await lab.press("space")
        run = lab.link.run
        await lab.play(READY, *training_events(run, experiment, 10))
        events: list[AnyEvent] = []
        for step in range(20, 501, 10):
            layers = [LayerStats(f"{n} Linear", 0.1, 2e-3, 4.0) for n in (1, 2, 3)]
            if step < 100:
                layers = [structs.replace(stats, update_ratio=350.0) for stats in layers]
            values = {"accuracy": 0.5}
            progress = Progressed(run, step, 1, 9.0, 9.0, 9.0, values, rate, 1.0, 1.0, 1.0, None)
            events += [progress, LayerStatsReported(run, step, layers)]
            if step == 100 and rate < 1:
                events.append(KnobChanged(run, step, "optimizer.lr", rate))
        await lab.play(*events, Paused(run, 500))
        await lab.press("exclamation_mark")
        await lab.wait_for_text("a  learning rate 0.001, the")
        assert "at once" not in lab.text

        await lab.press("a")

        await lab.wait_for_text("✓ r restarts", "r restarts with it")
        await lab.press("r", "r")
        assert lab.link.commands(Start)[-1].experiment.optimizer.lr == 0.001


async def test_the_arrows_choose_among_several_findings() -> None:
    async with open_lab(DYING, (120, 40)) as lab:
        view = await open_view(lab)
        await lab.wait_for_text("Softmax is applied twice")
        first = view.selected
        await lab.press("down")
        assert view.selected == "no_nonlinearity" != first
        await lab.wait_for_text("follows another Linear directly")
        await lab.press("up")
        await lab.wait_for_text("applies it itself")


async def test_the_status_bar_counts_new_findings_until_the_view_is_opened() -> None:
    async with open_lab(RELU, (120, 40)) as lab:
        await lab.press("space")
        run = lab.link.run
        await lab.play(
            READY, *dying_relu_events(run, lab.workspace.experiment, 500), Paused(run, 500)
        )
        await lab.wait_for_text("! shows 1 finding")

        await lab.press("exclamation_mark")
        await lab.wait_until(lambda: "! shows 1 finding" not in lab.text)


async def test_two_snapshots_are_side_by_side() -> None:
    async with open_lab(RELU, (120, 40)) as lab:
        await open_view(lab, 300)
        await lab.press("b")
        run = lab.link.run
        await lab.play(*dying_relu_events(run, RELU, 500)[-51:], Paused(run, 800))

        await lab.wait_for_text("step 300 (kept)", "step 800")
        for line in lab.text.splitlines():
            assert cell_len(line) <= 120


async def test_the_findings_of_a_finished_run_are_shown_at_once() -> None:
    async with open_lab(RELU) as lab:
        await lab.press("space")
        run = lab.link.run
        end = Finished(run, "done", 500, 38, 9.0, {"test": {"loss": 0.1, "accuracy": 0.97}})
        await lab.play(READY, *dying_relu_events(run, RELU, 500), end)

        await lab.wait_for_text("! shows 1 finding")


async def test_a_restart_clears_the_findings_of_the_run_before() -> None:
    async with open_lab(RELU) as lab:
        await open_view(lab)
        await lab.wait_for_text("Most units of ReLU after 1 Linear are")
        await lab.press("r", "r")
        assert lab.link.run != lab.link.commands(Start)[0].run
        await lab.play(*training_events(lab.link.run, lab.workspace.experiment, 500))

        await lab.wait_for_text("No problems found as of step")
        assert "Most units" not in lab.text


CHECKED = ChecksReported(
    "", 500, memorization=Memorization(8, 40, 0.01, 0.7, 0.03, 0.69),
    rates=[RateTrial("new", factor, 0.1, 30, 0.7, 0.6) for factor in (1.0, 0.1, 10.0)],
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_checks_are_offered_shown_and_canceled(size: tuple[int, int]) -> None:
    async with open_lab(RELU, size) as lab:
        await lab.train()
        run = lab.link.run
        assert "k checks" not in lab.text, "it trains"
        await lab.play(Paused(run, 1990))
        await lab.press("exclamation_mark")
        await lab.wait_for_text("k checks on copies of the network")

        await lab.press("k")
        assert lab.link.commands(Check) == [Check()]
        await lab.play(Checking(run, 2, 4, "can it memorize one batch?", 0.4))
        await lab.wait_for_text("Checking 2 of 4: can it memorize one batch?", "40%", "k cancels")

        await lab.press("k")
        assert lab.link.commands(Cancel) == [Cancel()]
        await lab.play(Checking(run, 0, 0, "", 0.0))
        await lab.wait_for_text("k checks on copies of the network")

        await lab.play(structs.replace(CHECKED, run=run, step=1990))
        await lab.wait_for_text("Checked at step 1,990", "One batch: 8 examples are memorized")


async def test_a_run_that_waits_without_an_explanation_is_checked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagnosis_controller, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr("tuilab.core.diagnosis.checks.needs_checks", lambda *_: True)
    async with open_lab(RELU) as lab:
        await lab.train()
        assert not lab.link.commands(Check), "it trains"
        await lab.play(Paused(lab.link.run, 1990))
        for _ in range(3):
            await lab.play()

        assert lab.link.commands(Check) == [Check()]


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TUILAB_GLYPHS": "ascii"}])
async def test_the_view_is_readable_without_colors_and_in_ascii(
    setting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    async with open_lab(RELU, (120, 40)) as lab:
        view = await open_view(lab)
        cells = view.draw(70, 30)

        text = "\n".join("".join(glyph for glyph, _ in row) for row in cells.rows)
        assert "Most units of ReLU" in text and "What to do" in text
        assert text.isascii() == (setting.get("TUILAB_GLYPHS") == "ascii")


@pytest.mark.parametrize("size", [(36, 10), (44, 8), (20, 3), (150, 45)])
async def test_the_fixes_are_visible_at_every_size(size: tuple[int, int]) -> None:
    async with open_lab(RELU) as lab:
        view = await open_view(lab)

        cells = view.draw(*size)

        text = "\n".join("".join(glyph for glyph, _ in row) for row in cells.rows)
        assert ("a  LeakyReLU" in text) == (size[1] > 3)


def test_the_text_of_a_fix_goes_on_in_a_second_line_if_there_is_room() -> None:
    label = "learning rate 0.1, the optimizer SGD and no momentum"
    fix = Fix(label, "optimizer.lr", 0.1, is_live=True)
    diagnosis = Diagnosis(
        "rate", "The rate is too high", ["It grew."], "It overshoots.", 0.9, [fix]
    )

    def draw(height: int) -> list[str]:
        findings = [Finding(diagnosis, 390)]
        cells = draw_findings(findings, 0, 50, height, STYLE, lambda _: "during training")
        return ["".join(glyph for glyph, _ in row).strip() for row in cells.rows]

    tall = draw(20)
    row = next(number for number, text in enumerate(tall) if text.startswith("a  learning rate"))
    assert tall[row].split("  ")[1] == "learning rate 0.1, the"
    assert tall[row].endswith("during training")
    assert tall[row + 1] == "optimizer SGD and no momentum"
    assert draw(5)[-1].startswith("a  learning rate 0.1, the o…")


async def test_only_the_keys_of_fixes_that_exist_are_offered() -> None:
    async with open_lab(RELU, (160, 45)) as lab:
        await open_view(lab)
        await lab.wait_for_text("w  learning rate 0.0001")
        assert "a w apply fix" in lab.text


async def test_a_tall_view_is_filled() -> None:
    async with open_lab(RELU, (160, 45)) as lab:
        await open_view(lab)
        await lab.wait_for_text("What to do", "Watched during training")
