"""The findings of the diagnosis, one of them with its evidence, curve, reason and fixes."""

import textwrap
from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.diagnosis.watch import Finding
from tuilab.core.format import format_count, format_percent
from tuilab.ui.canvas.cell_buffer import CellBuffer, find_first_visible
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.draw_chart import draw_chart
from tuilab.ui.plot.traces import Trace, to_points

FIX_KEYS = "awd"
"""The keys of the first, second and third fix."""

BESIDE_FROM_WIDTH = 90
"""From this many columns on, the chart is beside the text."""

MAX_CHART_ROWS, MIN_CHART_ROWS, SIDE_CHART_ROWS = 9, 4, 16
"""Rows of a chart below the text, and beside it."""

WATCHED = (
    ("Steps", "learning rate too high, too low or decayed too early, momentum, single examples, a "
     "plateau, gradients that vanish, explode, are clipped at every step or never arrive, a loss "
     "that is not a number"),
    ("Layers", "dead ReLUs, saturated, identical or frozen units, no activation between linear "
     "layers, a second softmax, an output that does not match the loss, batch norm, recurrent "
     "states, missing positions, targets visible in the inputs, too many graph convolutions"),
    ("Data", "inputs or targets that are not normalized, rare classes, uninformative labels, "
     "validation examples that are also trained on"),
    ("Learning", "overfitting, too small a network, too much dropout or weight decay, forgotten "
     "early inputs, codes or generated examples that are all alike"),
)  # fmt: skip
"""What the diagnosis looks for, by kind."""

DescribeStatus = Callable[[Fix], str]
"""Returns whether a fix has been applied, and when it takes effect."""

Line = list[tuple[str, Style]]
"""Pieces of text in their styles."""


def draw_no_findings(
    step: int, too_early: str, width: int, height: int, style: DrawStyle
) -> CellBuffer:
    """Draws the page of a run without findings, or of one that is too short for any."""
    cells = StyledCells((width, height), style, style.text)
    result = f"{style.glyphs.check} No problems found as of step {format_count(step)}."
    if too_early:
        result = f"Too early to say as of step {format_count(step)}."
    policy = (
        too_early
        or "Only confident findings are shown, with their evidence and what to do about them."
    )
    lines: list[Line] = [[(result, style.text + BOLD)], []]
    lines += [[(text, style.muted)] for text in wrap(policy, width - 2)]
    watched = _watched_lines(width - 2, style)
    if height > len(lines) + len(watched):
        lines += [[], *watched]
    write_lines(cells, 1, 0, lines)
    return cells


def _watched_lines(width: int, style: DrawStyle) -> list[Line]:
    """Returns what the diagnosis looks for."""
    lines: list[Line] = [[("Watched during training", style.title)]]
    for kind, faults in WATCHED:
        for number, text in enumerate(wrap(faults, width - 10)):
            head = kind if number == 0 else ""
            lines.append([(f"{head:<10}", style.text), (text, style.muted)])
    return lines


def draw_findings(
    findings: Sequence[Finding], selected: int, width: int, height: int, style: DrawStyle,
    describe_status: DescribeStatus,
) -> CellBuffer:  # fmt: skip
    """Draws a list of the findings, and the chosen one in full."""
    cells = StyledCells((width, height), style, style.text)
    rows = max(1, min(len(findings), height // 4))
    write_lines(cells, 0, 0, _list_lines(findings, selected, width - 1, rows, style))
    top = rows + (height >= 16)
    diagnosis, rest = findings[selected].diagnosis, height - top
    has_curve = len(diagnosis.curve_points) > 1
    is_beside = width >= BESIDE_FROM_WIDTH and has_curve and rest >= 6
    column = (width * 11 // 20 if is_beside else width) - 2
    fixes = _fix_lines(diagnosis, column, rest // 2, style, describe_status)
    evidence = [line for text in diagnosis.evidence for line in wrap(text, column - 2)]
    reason = _block("Why it matters", wrap(diagnosis.explanation, column - 2), style)
    gap: list[Line] = [[]] if rest >= 18 else []
    free = rest - len(fixes) - len(gap)
    lines = cut_lines(_block("Evidence", evidence, style), free, column, style)
    free -= len(lines)
    chart_rows = 0
    if has_curve and not is_beside:
        chart_rows = min(MAX_CHART_ROWS, free - len(reason))
        chart_rows = chart_rows if chart_rows >= MIN_CHART_ROWS else 0
    if free - chart_rows >= len(reason) + len(gap):
        lines += [*gap, *reason]
    write_lines(cells, 1, top, lines)
    y = top + len(lines)
    if chart_rows:
        _draw_curve(cells, Region(1, y, column, chart_rows), diagnosis)
        y += chart_rows
    write_lines(cells, 1, min(y + len(gap), height - len(fixes)), fixes)
    y += len(gap) + len(fixes)
    if is_beside:
        columns = width - column - 4
        side = Region(column + 3, top, columns, min(rest, max(SIDE_CHART_ROWS, columns // 2)))
        _draw_curve(cells, side, diagnosis)
        y = max(y, side.bottom)
    watched = _watched_lines(width - 2, style)
    if height - y > len(watched) + 1:
        write_lines(cells, 1, height - len(watched), watched)
    return cells


def _draw_curve(cells: StyledCells, region: Region, diagnosis: Diagnosis) -> None:
    """Draws the curve that shows a finding."""
    points = to_points(diagnosis.curve_points)
    values = sorted(y for _, y in diagnosis.curve_points)
    is_log = values[0] > 0 and values[-1] > 100 * values[0]
    trace = Trace(diagnosis.curve_name or "it shows here", points, 1, latest=points[-1][1])
    drawing = draw_chart(ChartData([trace]), ChartOptions(is_log), region.size, cells.style)
    cells.paste(region.x, region.y, drawing.cells)


def _list_lines(
    findings: Sequence[Finding], selected: int, width: int, rows: int, style: DrawStyle
) -> list[Line]:
    """Returns the findings around the chosen one, a line each."""
    first, lines = find_first_visible(selected, rows, len(findings)), []
    for index in range(first, first + rows):
        finding, is_chosen = findings[index], index == selected
        note = format_percent(finding.diagnosis.confidence)
        if width >= 60:
            note += f" sure, at step {format_count(finding.step)}"
        if rows < len(findings) and is_chosen:
            note = f"{index + 1} of {len(findings)}  {note}"
        title = style.truncate(finding.diagnosis.title, width - cell_len(note) - 6)
        mark = style.glyphs.arrow if is_chosen and len(findings) > 1 else "!"
        gap = " " * max(2, width - cell_len(title) - cell_len(note) - 3)
        title_style = style.text + BOLD if is_chosen else style.text
        lines.append([(f" {mark} ", style.error), (title, title_style), (gap + note, style.muted)])
    return lines


def _fix_lines(
    diagnosis: Diagnosis, width: int, rows: int, style: DrawStyle, describe_status: DescribeStatus
) -> list[Line]:
    """Returns every fix with its key and its status; long texts are cut if the rows are few."""
    if not diagnosis.fixes:
        return []
    cut: list[Line] = [[("What to do", style.title)]]
    wrapped = [*cut]
    for key, fix in zip(FIX_KEYS, diagnosis.fixes, strict=False):
        status = describe_status(fix)
        room = width - cell_len(status) - 8
        first, *rest = wrap(fix.label, room)
        rest = wrap(" ".join(rest), width - 5)
        for lines, text in ((cut, fix.label), (wrapped, first)):
            label = style.truncate(text, room)
            gap = " " * max(2, min(width, 64) - cell_len(label) - cell_len(status) - 5)
            lines.append([
                (f"  {key}", style.text + BOLD), (f"  {label}", style.text),
                (gap + status, style.muted),
            ])  # fmt: skip
        wrapped += [[(f"     {text}", style.text)] for text in rest]
    return wrapped if len(wrapped) <= rows else cut


def _block(title: str, texts: Sequence[str], style: DrawStyle) -> list[Line]:
    return [[(title, style.title)], *([(f"  {text}", style.text)] for text in texts)]


def cut_lines(lines: list[Line], rows: int, width: int, style: DrawStyle) -> list[Line]:
    """Returns the first lines; the last one ends with an ellipsis where some are left out."""
    if len(lines) <= rows or rows < 1:
        return lines[: max(0, rows)]
    *whole, last = lines[:rows]
    *head, (text, text_style) = last
    room = width - sum(cell_len(piece) for piece, _ in head) - 2
    return [*whole, [*head, (f"{text[:room]} {style.glyphs.ellipsis}", text_style)]]


def wrap(text: str, width: int) -> list[str]:
    """Returns a text as lines of this width."""
    return textwrap.wrap(text, max(12, width))


def write_lines(cells: CellBuffer, x: int, y: int, lines: Sequence[Line]) -> None:
    """Writes lines of pieces in their styles below each other."""
    for row, line in enumerate(lines):
        end = x
        for text, text_style in line:
            end = cells.write(end, y + row, text, text_style)
