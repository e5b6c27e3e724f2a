"""Every key of the lab with what it does; footer, palette and help are made of these."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

PANES = ("network", "knobs", "charts", "result", "log", "inside", "lesson")
"""The panes by their number keys."""

_RATE = Binding.Group("lr", compact=True)


def _key(key: str, action: str, label: str, tooltip: str, *, show: bool = False) -> Binding:
    name = action.replace("('", ".").replace("')", "").replace("(", ".").rstrip(")")
    group = _RATE if action.startswith("rate") else None
    return Binding(key, action, label, tooltip=tooltip, show=show, id=f"lab.{name}", group=group)


CONTROL = [
    _key("space", "run", "run", "Begin training, pause it, go on", show=True),
    _key("s", "step", "step", "Train one batch, then pause", show=True),
    _key("e", "epoch", "epoch", "Train one epoch, then pause"),
    _key("n", "steps", "N steps", "Train for some batches, then pause"),
    _key("x", "stop", "stop", "End the run: evaluate it and save a checkpoint"),
    _key("r", "restart", "restart", "Begin again with the same seed", show=True),
    _key("R", "restart_keeping", "restart, keep weights",
         "Begin again; layers that did not change keep their weights"),
    _key("N", "restart_reseeded", "restart, new seed", "Begin again with another seed"),
    _key("[", "rate(-1)", "lr down", "Lower the learning rate, also while it trains", show=True),
    _key("]", "rate(1)", "lr up", "Raise the learning rate, also while it trains", show=True),
    _key("L", "find('lr')", "find a learning rate",
         "Try rising learning rates for some seconds, and put the run back"),
    _key("S", "find('batch_size')", "find a batch size",
         "Time larger and larger batches, and put the run back"),
    _key("V", "validate", "cross-validate",
         "Train on several parts of the examples in turn: mean and spread"),
    _key("D", "device", "device", "Choose where to train"),
]  # fmt: skip

EDIT = [
    _key("u", "undo", "undo", "Take back the last change of the experiment"),
    _key("U,ctrl+r", "redo", "redo", "Do again what was taken back"),
    _key("P", "draw", "draw points", "Draw points by hand in the result pane, and learn those"),
    _key("ctrl+o", "open", "open", "Open a preset or an experiment file"),
    _key("ctrl+s", "save", "save", "Save the experiment to a file"),
    _key("y", "copy", "copy", "Copy the experiment, the network, the results or the run's path"),
]

VIEW = [
    *(
        _key(str(number), f"pane('{name}')", name, f"Show the {name} pane and go to it")
        for number, name in enumerate(PANES, 1)
    ),
    _key("tab", "next_pane(1)", "next pane", "Go to the next pane"),
    _key("shift+tab", "next_pane(-1)", "pane before", "Go to the pane before"),
    _key("C", "course", "course", "Choose a lesson of the course"),
    _key("G", "glossary", "glossary", "Look a term up"),
    _key("!", "diagnosis", "diagnosis", "Show what is wrong with the run, and what to do"),
    _key("f", "zoom", "full", "Give the pane the whole screen, or its place back", show=True),
    _key("T", "theme", "theme", "Choose the colours"),
    _key("/", "palette", "palette", "Find any action by its name", show=True),
    _key("?", "help", "keys", "Show every key", show=True),
]

APP = [
    Binding("q", "leave", "quit", tooltip="Leave the lab; a run can go on without it",
            show=True, id="lab.leave"),
    Binding("ctrl+z", "app.suspend_process", "suspend",
            tooltip="Back to the shell; fg comes back here", show=False, id="lab.suspend"),
]  # fmt: skip

LAB = [*CONTROL, *EDIT, *VIEW, *APP]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done: where, by which keys, and what it is."""

    place: str
    keys: tuple[str, ...]
    binding: Binding
    node: DOMNode


def every(screen: Screen[Any]) -> Iterator[Action]:
    """Every action of a screen and of its panes, whether they are in focus or not.

    Of two alike, such as the charts' keys, it is that of the one in focus, or else of the first.
    """
    yield from _of(screen, "", type(screen))
    for pane in screen.query(".pane"):
        title = str(pane.border_title or pane.id or "")
        nodes = [n for n in (pane, *pane.query("*")) if type(n).__module__.startswith("tuilab.")]
        kinds = dict.fromkeys(kind for node in nodes for kind in type(node).__mro__)
        for kind in kinds:
            if kind.__module__.startswith("tuilab."):
                alike = [node for node in nodes if kind in type(node).__mro__]
                seen = next((node for node in alike if node.display), alike[0])
                yield from _of(next((n for n in alike if n.has_focus_within), seen), title, kind)


def _of(node: DOMNode, title: str, kind: type) -> Iterator[Action]:
    """What a kind declares, a node's own or one that it is a kind of."""
    merged: dict[str, Action] = {}
    for declared in Binding.make_bindings(kind.__dict__.get("BINDINGS", ())):
        if not declared.description:
            continue
        keys: tuple[str, ...] = (node.app.get_key_display(declared),)
        if declared.action in merged:
            keys = (*merged[declared.action].keys, *keys)
        place = title or _group(declared)
        merged[declared.action] = Action(place, keys, declared, node)
    yield from merged.values()


def _group(binding: Binding) -> str:
    for title, members in (("Training", CONTROL), ("Experiment", EDIT), ("View", VIEW)):
        if any(member.action == binding.action for member in members):
            return title
    return "Lab"
