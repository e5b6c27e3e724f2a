"""A run in a few lines: what it is, its results, what differs, and what the user wrote of it."""

from datetime import datetime

from textual.content import Content

from tuilab.core.format import format_compact, format_count, format_duration
from tuilab.core.run.run_summary import SPLITS, RunSummary
from tuilab.ui.screens.runs.run_columns import RunRow

MAX_VALUES = 8
"""Values of metrics that are named."""


def describe_run(row: RunRow, base: str) -> Content:
    """Returns the lines about a run.

    Args:
        base: what it is compared with, in words.
    """
    summary = row.summary
    lines = [_head(summary), Content(_facts(summary)), _values(summary)]
    if changes := row.describe_changes():
        lines.append(_labeled(f"differs from {base}", changes))
    if summary.note:
        lines.append(_labeled("note", summary.note))
    if summary.problem:
        lines.append(Content.styled(summary.problem, "$text-error"))
    return Content("\n").join(line for line in lines if line.plain)


def _head(summary: RunSummary) -> Content:
    parts = [Content.styled(summary.name or summary.id, "bold"), Content(f"  {summary.id}")]
    parts += [Content.styled(f"  #{tag}", "$text-accent") for tag in summary.tags]
    if summary.parent:
        step = format_count(summary.parent_step)
        parts.append(Content.styled(f"  branched from {summary.parent} at step {step}",
                                    "$text-muted"))  # fmt: skip
    if summary.group:
        parts.append(Content.styled(f"  one of the repeats {summary.group}", "$text-muted"))
    return Content.assemble(*parts)


def _facts(summary: RunSummary) -> str:
    when = datetime.fromtimestamp(summary.started) if summary.started else None
    epochs = f"epoch {summary.epoch} of {summary.epochs}" if summary.epochs else ""
    facts = [
        summary.state,
        f"{when:%Y-%m-%d %H:%M}" if when else "",
        format_duration(summary.seconds) if summary.seconds else "",
        f"{format_count(summary.step)} steps" if summary.step else "",
        epochs,
        f"{format_count(summary.parameters)} parameters" if summary.parameters else "",
        summary.device,
    ]
    return " · ".join(filter(None, facts))


def _values(summary: RunSummary) -> Content:
    """Returns the last values, with the best one where that is another."""
    order = {split: number for number, split in enumerate(reversed(SPLITS))}
    keys = sorted(summary.values, key=lambda key: order.get(key.partition(".")[0], 9))
    texts = []
    for key in keys[:MAX_VALUES]:
        value, (split, _, name) = summary.values[key], key.partition(".")
        best = f" (best {format_compact(value.best)})" if value.best != value.last else ""
        texts.append(f"{split} {name.replace('_', ' ')} {format_compact(value.last)}{best}")
    return Content(" · ".join(texts))


def _labeled(label: str, text: str) -> Content:
    return Content.assemble((f"{label}  ", "$text-muted"), text)
