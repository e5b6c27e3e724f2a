"""The checks below the findings: the offer to run them, their progress, or their results."""

from collections.abc import Sequence

from tuilab.core.diagnosis.checks import can_check, describe_checks, needs_rate
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_count, format_percent
from tuilab.core.protocol.events import Checking, ChecksReported
from tuilab.core.run.run import Run
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle
from tuilab.ui.panes.status import progress_bar
from tuilab.ui.views.diagnosis.draw_diagnosis import Line, cut_lines, wrap

MIN_HEIGHT = 10
"""Rows of the view from which on there is room for a line about checks."""

RESULT_SHARE = 3
"""Results take one of this many rows at most where there are findings above them."""

MAX_BAR = 16
"""Cells of the bar of a check in progress."""


def check_lines(
    run: Run, width: int, height: int, style: DrawStyle, diagnoses: Sequence[Diagnosis]
) -> list[Line]:
    """Returns an empty line and the lines about checks; none if there is nothing to say."""
    if run.checking is not None:
        return [[], *_progress_lines(run.checking, width - 2, style)]
    if height < MIN_HEIGHT or not can_check(run):
        return []
    if run.checks is None:
        return [[], *_offer_lines(width - 2, style, wants_rate=needs_rate(diagnoses))]
    lines = _result_lines(run.checks, width - 2, style)
    rows = height // RESULT_SHARE if diagnoses else len(lines)
    return [[], *cut_lines(lines, rows, width - 2, style)]


def _offer_lines(width: int, style: DrawStyle, *, wants_rate: bool) -> list[Line]:
    what = "checks on copies of the network what the history cannot show."
    if wants_rate:
        what = "finds a learning rate with short runs on copies of the network."
    first, *rest = wrap(what, width - 2)
    line: Line = [("k", style.text + BOLD), (f" {first}", style.muted)]
    return [line, *([(f"  {text}", style.muted)] for text in rest)]


def _progress_lines(checking: Checking, width: int, style: DrawStyle) -> list[Line]:
    """Returns what is being checked, how far it is, and how to cancel it."""
    what = f"Checking {checking.number} of {checking.total}: {checking.question}"
    percent = f" {format_percent(checking.fraction):>4}  "
    what = style.truncate(what, max(12, width - len(percent) - len("k cancels")))
    room = min(MAX_BAR, width - len(what) - len(percent) - 10)
    bar = f" {progress_bar(checking.fraction, room)}" if room >= 4 else ""
    head: Line = [(what, style.text + BOLD), (f"{bar}{percent}", style.muted)]
    return [[*head, ("k", style.text + BOLD), (" cancels", style.muted)]]


def _result_lines(report: ChecksReported, width: int, style: DrawStyle) -> list[Line]:
    title = f"Checked at step {format_count(report.step)}"
    lines: list[Line] = [
        [(title, style.title), ("  k", style.text + BOLD), (" again", style.muted)]
    ]
    for text in describe_checks(report):
        first, *rest = wrap(text, width - 4)
        lines.append([(f"  {first}", style.text)])
        lines += [[(f"    {line}", style.text)] for line in rest]
    return lines
