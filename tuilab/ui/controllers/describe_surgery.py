"""A change of the network in the run, line by line, for a dialog."""

from tuilab.core.network.surgery import SurgeryPlan
from tuilab.ui.terminal.glyphs import get_glyphs

MAX_LINES = 12
"""Changes that are listed one by one."""


def describe_surgery(plan: SurgeryPlan) -> str:
    """Returns one line for each change: whether the outputs stay the same, and why not."""
    glyphs = get_glyphs()
    lines = [
        f"{glyphs.check if surgery.preserves_output else '~'} {surgery.text}"
        + (f": {surgery.note}" if surgery.note else "")
        for surgery in plan.surgeries
    ]
    return "\n".join([*_cut(lines), "", "~ changes the outputs"])


def describe_obstacles(plan: SurgeryPlan) -> str:
    """Returns one line for each reason that the network cannot change while it trains."""
    cross = get_glyphs().cross
    return "\n".join(_cut([f"{cross} {obstacle}" for obstacle in plan.obstacles]))


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_LINES
    return lines if more <= 0 else [*lines[:MAX_LINES], f"and {more} more"]
