"""The bindings of the lab as actions: the key bar, the palette and the help are made of these."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from tuilab.core.lessons.link_targets import PANE_TITLES

APP_BINDINGS = [
    Binding("T", "app.change_theme", "theme", id="view.theme", tooltip="Choose the colors",
            show=False),
    Binding("/", "app.command_palette", "palette", id="view.palette",
            tooltip="Find any action by its name"),
    Binding("?", "help", "keys", id="view.help", tooltip="Show every key"),
    Binding("ctrl+z", "app.suspend_process", "suspend", id="lab.suspend",
            tooltip="Back to the shell; fg comes back here", show=False),
]  # fmt: skip
"""The bindings of the main screen that no controller owns."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do: where, by which keys, and what it is."""

    section: str
    keys: tuple[str, ...]
    binding: Binding
    node: DOMNode


def bind(
    section: str,
    keys: str,
    action: str,
    label: str,
    tooltip: str,
    *,
    show: bool = False,
    group: Binding.Group | None = None,
) -> Binding:
    """Builds a binding of the main screen.

    Args:
        place: the heading of the palette and the help under which it stands.
        action: a method of a controller such as `training.run`, with its arguments if it takes any.
        show: whether the key bar shows it.
    """
    name, _, arguments = action.partition("(")
    call = f"'{name}', {arguments}" if arguments else f"'{name}')"
    identity = f"{section}.{re.sub(r'[^a-z]+', '_', label)}".lower()
    return Binding(
        keys, f"dispatch({call}", label, tooltip=tooltip, show=show, id=identity, group=group
    )


def is_available(action: Action) -> bool:
    """Returns whether an action has an effect now, as far as its widget knows."""
    namespace, name, parameters = parse(action.binding.action)
    return bool(namespace) or action.node.check_action(name, parameters) is not False


def list_actions(screen: Screen[Any]) -> Iterator[Action]:
    """Yields every action of a screen and of its panes, whether they are in focus or not.

    Of widgets of the same class, such as the two charts, it is that of the one in focus, or else
    of the first that is displayed.
    """
    yield from _declared_actions(screen, "", type(screen))
    for pane in screen.query(".pane"):
        nodes = [n for n in (pane, *pane.query("*")) if _is_ours(type(n))]
        for kind in dict.fromkeys(kind for node in nodes for kind in type(node).__mro__):
            if not _is_ours(kind):
                continue
            alike = [node for node in nodes if kind in type(node).__mro__]
            displayed = next((node for node in alike if node.display), alike[0])
            node = next((node for node in alike if node.has_focus_within), displayed)
            yield from _declared_actions(node, _title(pane), kind)


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("tuilab.")


def _title(pane: Widget) -> str:
    """Returns a name that stays, where the border may show more, such as the page of a lesson."""
    return pane.BORDER_TITLE or PANE_TITLES.get(str(pane.id), "")


def _declared_actions(node: DOMNode, section: str, kind: type) -> Iterator[Action]:
    """Yields what a class declares itself, with all keys of an action together."""
    actions: dict[str, Action] = {}
    for binding in Binding.make_bindings(kind.__dict__.get("BINDINGS", ())):
        if not binding.description:
            continue
        keys: tuple[str, ...] = (node.app.get_key_display(binding),)
        if binding.action in actions:
            keys = (*actions[binding.action].keys, *keys)
        where = section or str(binding.id).partition(".")[0].capitalize()
        actions[binding.action] = Action(where, keys, binding, node)
    yield from actions.values()
