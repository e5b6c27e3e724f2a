"""The view of what is wrong with a run, with the evidence and fixes."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tuilab.core.diagnosis.checks import can_check
from tuilab.core.diagnosis.finding import Fix
from tuilab.core.diagnosis.watch import Finding
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.messages import ChecksToggled, FindingsRequested, FixChosen
from tuilab.ui.views.diagnosis.draw_checks import check_lines
from tuilab.ui.views.diagnosis.draw_diagnosis import draw_findings, draw_no_findings, write_lines
from tuilab.ui.views.view import View
from tuilab.ui.views.view_keys import hidden_key, view_key

FIXES = Binding.Group("Apply fix", compact=True)
"""The keys of the fixes that there are."""


class FindingsResponse(InspectResponse, frozen=True):
    """The findings at one step; made here and never sent."""

    findings: list[Finding]
    too_early: str = ""
    "Why there are none yet; empty if the run is long enough."


class DiagnosisView(View[FindingsResponse]):
    """Shows what is wrong and why, and applies what would help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        view_key("a", "apply(0)", "Apply fix", "diagnosis_first",
                 "Apply the first fix; u undoes it", group=FIXES),
        view_key("w", "apply(1)", "Second fix", "diagnosis_second", "Apply the second fix",
                 group=FIXES),
        view_key("d", "apply(2)", "Third fix", "diagnosis_third", "Apply the third fix",
                 group=FIXES),
        hidden_key("enter", "apply(0)", "Apply fix", "diagnosis_enter", "Apply the first fix"),
        view_key("k", "check", "Check", "diagnosis_check",
                 "Check on copies of the network what the history cannot show; again: cancel"),
        view_key("down", "choose(1)", "Next finding", "diagnosis_next",
                 "Read the next finding", key_display="↑↓"),
        hidden_key("up", "choose(-1)", "Previous finding", "diagnosis_previous",
                   "Read the previous finding"),
    ]  # fmt: skip

    RESPONSE: ClassVar[type[InspectResponse]] = FindingsResponse
    empty_text = (
        "Press space to start training: problems of the run appear here, with the evidence and "
        "what to do."
    )

    waiting_text = "The first measurements come in a moment."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.selected = ""
        "The name of the finding that is shown in full; without such a finding, the first one."
        self._findings: list[Finding] = []
        self._too_early = ""
        self._run, self._experiment = Run(), Experiment()
        self._check_state: object = None
        "What decides the lines about checks."

    def on_mount(self) -> None:
        """Requests the findings so far."""
        self.post_message(FindingsRequested())

    def show_findings(self, findings: list[Finding], too_early: str = "") -> None:
        """Shows new findings, or why it is too early for any."""
        self._findings, self._too_early = findings, too_early
        self.response = self.get_response(self._run)
        self.record_response(self._run)
        self.refresh_bindings()
        self.draw_soon()

    def get_response(self, run: Run) -> FindingsResponse | None:
        """Returns the findings as a response, which no engine sends; None before a step."""
        if not run.series:
            return None
        return FindingsResponse(run.id, run.step, self._findings, self._too_early)

    def show(self, run: Run, experiment: Experiment) -> None:
        """Shows the status of the fixes for another experiment, and the step of the run."""
        before, self._experiment = self._experiment, experiment
        self._run = run
        self.follow_state(run)
        answer = self.get_response(run)
        checks, self._check_state = self._check_state, (can_check(run), run.checking, run.checks)
        if checks != self._check_state:
            self.refresh_bindings()
            self.draw_soon()
        if answer != self.response or experiment is not before:
            self.response = answer
            self.record_response(run)
            self.draw_soon()

    def snapshot_key(self, run: Run, response: FindingsResponse) -> object:
        """Returns the names of the findings: a snapshot lasts until they change."""
        names = [finding.diagnosis.name for finding in response.findings]
        return response.run, names, bool(response.too_early)

    def draw(self, width: int, height: int) -> CellBuffer:
        """Draws the findings, and below them the checks: the offer, the progress or the results."""
        if self.response is None or self.left_response is not None:
            return super().draw(width, height)
        style = self.draw_style
        diagnoses = [finding.diagnosis for finding in self._findings]
        lines = check_lines(self._run, width, height, style, diagnoses)
        cells = StyledCells((width, height), style, style.text)
        cells.paste(0, 0, super().draw(width, height - len(lines)))
        write_lines(cells, 1, height - len(lines), lines)
        return cells

    def draw_response(self, response: FindingsResponse, width: int, height: int) -> CellBuffer:
        """Draws the findings in a size."""
        style, findings = self.draw_style, response.findings
        if not findings:
            return draw_no_findings(response.step, response.too_early, width, height, style)
        selected = self._selected_index(findings)
        return draw_findings(findings, selected, width, height, style, self._describe_status)

    def _describe_status(self, fix: Fix) -> str:
        """Returns when a fix takes effect, or whether it has been applied."""
        if not fix.is_in(self._experiment):
            is_active = self._run.state in ("training", "paused")
            return "at once" if fix.is_live and is_active else "with a restart"
        check = self.draw_style.glyphs.check
        of_run = self._run.experiment
        if fix.is_live and of_run is not None and fix.is_in(of_run):
            return f"{check} applied"
        return f"{check} r restarts"

    # --- keys -----------------------------------------------------------------------------------

    def _selected_index(self, findings: list[Finding]) -> int:
        names = [finding.diagnosis.name for finding in findings]
        return names.index(self.selected) if self.selected in names else 0

    def _count_fixes(self) -> int:
        """Returns how many fixes the finding that is shown has."""
        findings = self._findings
        return len(findings[self._selected_index(findings)].diagnosis.fixes) if findings else 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers only the keys that have an effect."""
        if action == "choose":
            return len(self._findings) > 1
        if action == "check":
            return can_check(self._run)
        if action == "apply":
            return parameters[0] < self._count_fixes()  # type: ignore[operator]
        return super().check_action(action, parameters)

    def action_choose(self, by: int) -> None:
        """Shows a finding further down or up."""
        index = self._selected_index(self._findings) + by
        self.selected = self._findings[index % len(self._findings)].diagnosis.name
        self.refresh_bindings()
        self.redraw()

    def action_check(self) -> None:
        """Starts the checks, or cancels them."""
        self.post_message(ChecksToggled())

    def action_apply(self, number: int) -> None:
        """Applies a fix of the finding that is shown."""
        fixes = self._findings[self._selected_index(self._findings)].diagnosis.fixes
        if number < len(fixes):
            self.post_message(FixChosen(fixes[number]))
