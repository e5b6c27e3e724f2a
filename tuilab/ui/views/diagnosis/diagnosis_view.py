"""What is wrong with a run, in words, with the evidence and ways out."""

from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType

from tuilab.core.diagnosis.finding import Fix
from tuilab.core.diagnosis.watch import Finding
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, value_at
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.scene import Look
from tuilab.ui.terminal.glyphs import glyphs, signs
from tuilab.ui.views.diagnosis.cured import Consulted, Cured
from tuilab.ui.views.diagnosis.diagnosis_page import KEYS, Paper, page, sound_page
from tuilab.ui.views.view import View


class FindingsSeen(InspectResponse, frozen=True):
    """What is found at one step; made here and never sent."""

    findings: list[Finding]


class DiagnosisView(View):
    """Says what is wrong, shows why, and applies what would help."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*Chart.COMPONENT_CLASSES}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "apply(0)", "Do it", key_display=" ".join(KEYS), id="inside.diagnosis_first",
                tooltip="Apply the first way out; u takes it back"),
        Binding("w", "apply(1)", "Second way", id="inside.diagnosis_second", show=False,
                tooltip="Apply the second way out"),
        Binding("d", "apply(2)", "Third way", id="inside.diagnosis_third", show=False,
                tooltip="Apply the third way out"),
        Binding("enter", "apply(0)", "Do it", id="inside.diagnosis_enter", show=False,
                tooltip="Apply the first way out"),
        Binding("down", "choose(1)", "Next finding", key_display="↑↓", id="inside.diagnosis_next",
                tooltip="Read the next finding"),
        Binding("up", "choose(-1)", "Finding before", id="inside.diagnosis_previous", show=False,
                tooltip="Read the finding before"),
    ]  # fmt: skip

    SEEN: ClassVar[type[InspectResponse]] = FindingsSeen
    EMPTY: ClassVar[str] = (
        "Press space to start training: what is wrong with the run is said here, with the "
        "evidence and what to do."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.chosen = ""
        "The name of the finding that is read; the first one where it is not there."
        self._findings: list[Finding] = []
        self._run, self._experiment = Run(), Experiment()

    def on_mount(self) -> None:
        """Ask what is found so far."""
        self.post_message(Consulted())

    def tell(self, findings: list[Finding]) -> None:
        """Take what is found now."""
        self._findings = findings
        self.seen = self._answer(self._run)
        self.remember(self._run)
        self.refresh_bindings()
        self.catch_up()

    def _answer(self, run: Run) -> InspectResponse | None:
        return FindingsSeen(run.id, run.step, self._findings) if run.series else None

    def show(self, run: Run, experiment: Experiment) -> None:
        """Show how the fixes stand with another experiment, and how far the run is."""
        before, self._experiment = self._experiment, experiment
        self._run = run
        answer = self._answer(run)
        if answer != self.seen or experiment is not before:
            self.seen = answer
            self.remember(run)
            self.catch_up()

    def mark(self, run: Run, seen: InspectResponse) -> object:
        """A moment lasts until something else is found."""
        assert isinstance(seen, FindingsSeen)
        return seen.run, [found.diagnosis.name for found in seen.findings]

    # --- drawing --------------------------------------------------------------------------------

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """What is found in a size."""
        assert isinstance(seen, FindingsSeen)
        paper = self._paper()
        if not seen.findings:
            return sound_page(seen.step, width, height, paper)
        return page(seen.findings, self._place(seen.findings), width, height, paper)

    def _paper(self) -> Paper:
        style = self.get_component_rich_style
        look = Look(
            self.rich_style,
            axis=style("chart--axis"),
            label=style("chart--label"),
            title=style("chart--title"),
            mark=style("chart--mark"),
            gap=style("chart--gap"),
            lines={1: style("chart--line-1")},
            signs=signs(),
            glyphs=glyphs(),
        )
        bold = self.rich_style + Style(bold=True)
        return Paper(look, bold, self.hues().wrong, self._standing)

    def _standing(self, fix: Fix) -> str:
        """When a fix acts, or whether it has been applied."""
        right = signs().right
        if not _has(self._experiment, fix):
            goes_live = fix.live and self._run.state in ("training", "paused")
            return "at once" if goes_live else "with a restart"
        if self._run.experiment is not None and _has(self._run.experiment, fix):
            return f"{right} applied"
        return f"{right} r restarts"

    # --- what the user does ---------------------------------------------------------------------

    def _place(self, findings: list[Finding]) -> int:
        names = [finding.diagnosis.name for finding in findings]
        return names.index(self.chosen) if self.chosen in names else 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys for what is there."""
        if action == "choose":
            return len(self._findings) > 1
        if action == "apply":
            return bool(self._findings)
        return super().check_action(action, parameters)

    def action_choose(self, by: int) -> None:
        """Read the finding so many further on."""
        place = self._place(self._findings) + by
        self.chosen = self._findings[place % len(self._findings)].diagnosis.name
        self.redraw()

    def action_apply(self, number: int) -> None:
        """Apply a fix of the finding that is read."""
        fixes = self._findings[self._place(self._findings)].diagnosis.fixes
        if number < len(fixes):
            self.post_message(Cured(fixes[number]))


def _has(experiment: Experiment, fix: Fix) -> bool:
    try:
        return bool(value_at(experiment, fix.key) == fix.value)
    except (InputError, AttributeError):
        return False
