"""The page of the diagnosis: what is found, and of one of it evidence, chart, why and ways out."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.diagnosis.watch import Finding
from tuilab.core.format import grouped
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.plot.axes import short
from tuilab.ui.plot.chart import plotted
from tuilab.ui.plot.chart_layout import draw
from tuilab.ui.plot.scene import Look, Scene, Settings
from tuilab.ui.plot.traces import Trace

KEYS = "awd"
"""The keys of the first, second and third fix."""

WIDE = 90
"""From so many columns on the chart stands beside the words."""

TALLEST, LOWEST = 9, 4
"""Lines of a chart under the words."""

WATCHED = (
    ("Steps", "learning rate too high or too low, a plateau, gradients that vanish, explode, are "
     "cut at every step or never arrive, a loss that is no number"),
    ("Layers", "dead ReLUs, saturated units, equal beginnings, no bend between linear layers, a "
     "second softmax, an output that the loss does not expect, batch norm, recurrent states"),
    ("Data", "inputs that are not normalised, rare classes, labels that tell nothing, validation "
     "examples that were trained on"),
    ("Learning", "by heart, too small a network, dropout or decay too strong, a generator that "
     "always draws the same"),
)  # fmt: skip
"""What is looked for, by kind."""

Standing = Callable[[Fix], str]
"""How a fix stands: whether it has been applied, and when it would act."""

Line = list[tuple[str, Style]]
"""Pieces of text in their styles."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What the page is drawn with."""

    look: Look
    bold: Style
    wrong: Style
    standing: Standing


def sound_page(step: int, width: int, height: int, paper: Paper) -> CellBuffer:
    """The page of a run with which nothing is wrong."""
    grid = CellBuffer(width, height, paper.look.base)
    right = paper.look.signs.right
    lines: list[Line] = [
        [(f"{right} Nothing wrong is found, as of step {grouped(step)}.", paper.bold)], []
    ]  # fmt: skip
    said = "Only what is sure is said, with its evidence and what to do about it."
    lines += [[(text, paper.look.label)] for text in _wrapped(said, width - 2)]
    lines += [[], [("Watched as it trains", paper.look.title)]]
    for kind, faults in WATCHED:
        for number, text in enumerate(_wrapped(faults, width - 12)):
            head = (f"{kind if number == 0 else '':<10}", paper.look.base)
            lines.append([head, (text, paper.look.label)])
    _put(grid, 1, 0, lines)
    return grid


def page(
    findings: Sequence[Finding], chosen: int, width: int, height: int, paper: Paper
) -> CellBuffer:
    """The page of what is found, the finding at `chosen` in full."""
    grid = CellBuffer(width, height, paper.look.base)
    listed = _listed(findings, chosen, width - 1, max(1, min(len(findings), height // 4)), paper)
    diagnosis = findings[chosen].diagnosis
    _put(grid, 0, 0, listed)
    top = len(listed) + (1 if height >= 16 else 0)
    rest = height - top
    has_side = width >= WIDE and len(diagnosis.points) > 1 and rest >= 6
    column = (width * 11 // 20 if has_side else width) - 2
    fixes = _fixes(diagnosis, column, paper)
    evidence = _evidence(diagnosis, column, paper)
    why = _block("Why it matters", _wrapped(diagnosis.why, column - 2), paper)
    blank: list[Line] = [[]] if rest >= 18 else []
    free = rest - len(fixes) - len(blank)
    words = evidence[: max(0, free)]
    free -= len(words)
    tall = 0 if has_side or len(diagnosis.points) < 2 else min(TALLEST, free - len(why))
    if tall < LOWEST and not has_side and free >= LOWEST > free - len(why):
        tall = 0
    if free - max(0, tall) >= len(why) + len(blank):
        words += [*blank, *why]
    _put(grid, 1, top, words)
    y = top + len(words)
    if tall >= LOWEST:
        grid.place(1, y, chart(diagnosis, column, tall, paper.look))
        y += tall
    _put(grid, 1, min(y + len(blank), height - len(fixes)), fixes)
    if has_side:
        left = column + 3
        tall = min(rest, 16)
        grid.place(left, top, chart(diagnosis, width - left - 1, tall, paper.look))
    return grid


def chart(diagnosis: Diagnosis, width: int, height: int, look: Look) -> CellBuffer:
    """The curve that shows it, small."""
    points = [(x, y, y, y) for x, y in diagnosis.points]
    values = sorted(y for _, y in diagnosis.points)
    is_log = values[0] > 0 and values[-1] > 100 * values[0]
    trace = Trace(diagnosis.curve or "it shows here", points, 1, newest=points[-1][1])
    scene = Scene([trace])
    return draw(scene, Settings(is_log=is_log), (width, height), look, plotted).grid


def _listed(
    findings: Sequence[Finding], chosen: int, width: int, rows: int, paper: Paper
) -> list[Line]:
    """The findings around the chosen one, a line each."""
    first = max(0, min(chosen - rows // 2, len(findings) - rows))
    signs, lines = paper.look.signs, []
    for place in range(first, first + rows):
        finding = findings[place]
        is_chosen = place == chosen
        about = f"{finding.diagnosis.confidence:.0%} sure, "
        about += f"{'since' if finding.has_come else 'at'} step {grouped(finding.step)}"
        if width < 60:
            about = f"{finding.diagnosis.confidence:.0%}"
        if rows < len(findings) and is_chosen:
            about = f"{place + 1} of {len(findings)}  {about}"
        room = width - cell_len(about) - 6
        title = fitted(finding.diagnosis.title, room, signs.ellipsis)
        mark = signs.arrow if is_chosen and len(findings) > 1 else "!"
        style = paper.bold if is_chosen else paper.look.base
        gap = " " * max(2, width - cell_len(title) - cell_len(about) - 3)
        lines.append([
            (f" {mark} ", paper.wrong), (title, style), (gap + about, paper.look.label)
        ])  # fmt: skip
    return lines


def _evidence(diagnosis: Diagnosis, width: int, paper: Paper) -> list[Line]:
    said = [line for sentence in diagnosis.evidence for line in _wrapped(sentence, width - 2)]
    return _block("Evidence", said, paper)


def _block(title: str, said: Sequence[str], paper: Paper) -> list[Line]:
    return [[(title, paper.look.title)], *([(f"  {text}", paper.look.base)] for text in said)]


def _fixes(diagnosis: Diagnosis, width: int, paper: Paper) -> list[Line]:
    """Every fix with its key and how it stands."""
    if not diagnosis.fixes:
        return []
    lines: list[Line] = [[("What to do", paper.look.title)]]
    for key, fix in zip(KEYS, diagnosis.fixes, strict=False):
        standing = paper.standing(fix)
        text = fitted(fix.label, width - cell_len(standing) - 8, paper.look.signs.ellipsis)
        gap = " " * max(2, min(width, 64) - cell_len(text) - cell_len(standing) - 5)
        lines.append([
            (f"  {key}", paper.bold), (f"  {text}", paper.look.base),
            (gap + standing, paper.look.label),
        ])  # fmt: skip
    return lines


def described(fix: Fix) -> str:
    """A fix as a key with its value, where that is short.

    >>> described(Fix("learning rate 0.001", "optimizer.lr", 0.001))
    'optimizer.lr = 0.001'
    """
    value = short(fix.value) if isinstance(fix.value, float) else fix.value
    return fix.key if isinstance(fix.value, (list, tuple)) else f"{fix.key} = {value}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(12, width))


def _put(grid: CellBuffer, x: int, y: int, lines: Sequence[Line]) -> None:
    for row, line in enumerate(lines):
        at = x
        for text, style in line:
            at = grid.write(at, y + row, text, style)
