"""The network pane: read, edit, move, wrap and fold lines by key."""

from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import BindingType
from textual.message import Message

from tuilab.core.errors import InputError
from tuilab.core.network import edit
from tuilab.core.network.edit import Network, line_at, removed
from tuilab.core.network.plan import Path
from tuilab.ui.panes.network.drafts import adding, editing, wrapping
from tuilab.ui.panes.network.network_form import NetworkForm
from tuilab.ui.panes.network.network_rows import NetworkList
from tuilab.ui.widgets.editable_list import explaining, key

_key = partial(key, "network")


class NetworkPane(NetworkForm):
    """The layers with their shapes and parameters: read, edit, move, wrap, fold."""

    BORDER_TITLE = "Network"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter,f2", "edit", "edit", "Edit the line in place, with completion"),
        _key("a", "add", "add", "Add a line below, or into an open block"),
        _key("A", "add_above", "add above", "Add a line above", shown=False),
        _key("d,delete", "remove", "delete", "Remove the line or the whole block"),
        *explaining("network"),
        _key("c", "duplicate", "copy", "The same line or block once more below"),
        _key("J,shift+down,alt+down", "shift(1)", "move", "Move the line down, also into blocks"),
        _key("K,shift+up,alt+up", "shift(-1)", "move up", "Move the line up, also into blocks",
             shown=False),
        _key("b", "wrap", "block", "Put a block around the line: Residual or Repeat"),
        _key("B", "unwrap", "unwrap", "Take the block away and keep what is in it", shown=False),
        _key("z", "freeze", "freeze", "Let the layer keep its weights, or learn again; goes live"),
        _key("left", "fold", "fold", "Fold the block, or go to the block around", shown=False),
        _key("right", "unfold", "unfold", "Open the block, or go into it", shown=False),
    ]  # fmt: skip

    class Edited(Message):
        """The person made another network of it."""

        def __init__(self, network: Network) -> None:
            super().__init__()
            self.network = network

    def commit(self, network: Network, cursor: Path | str) -> None:
        """Show the edited network at once, and tell of it."""
        edited = network != self.experiment.network
        self.experiment, self._seen = replace(self.experiment, network=network), None
        self.rows.go(cursor)
        self.paint()
        self.rows.show_cursor()
        if edited:
            self.post_message(self.Edited(network))

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is typed, the keys are the line's."""
        if self.is_typing and f"action_{action}" in NetworkPane.__dict__:
            return False
        return super().check_action(action, parameters)

    @property
    def _at(self) -> tuple[Network, Path | None]:
        """The network and the layer at the cursor."""
        cursor = self.rows.cursor
        return self.experiment.network, cursor if isinstance(cursor, tuple) else None

    def pressed(self) -> None:
        """A second click edits."""
        self.action_edit()

    def action_edit(self) -> None:
        """Type another text in the place of this line."""
        network, path = self._at
        self.begin(adding(network, (len(network),)) if path is None else editing(network, path))

    def action_add(self) -> None:
        """Type a new line below, or at the beginning of an open block."""
        network, path = self._at
        if path is None:
            below: Path = (len(network),)
        elif self._is_block(path) and path not in self.folds.paths(network):
            below = (*path, 1)
        else:
            below = edit.after(path)
        self.begin(adding(network, below))

    def action_add_above(self) -> None:
        """Type a new line above."""
        network, path = self._at
        self.begin(adding(network, path or (len(network),)))

    def action_remove(self) -> None:
        """Take the line or block out."""
        network, path = self._at
        if path is not None:
            self.commit(removed(network, path), path)

    def action_duplicate(self) -> None:
        """Put the same line or block below."""
        network, path = self._at
        if path is not None:
            self.commit(edit.duplicated(network, path), edit.after(path))

    def action_shift(self, direction: int) -> None:
        """Move the line one row."""
        network, path = self._at
        if path is not None:
            self.commit(*edit.moved(network, path, direction, self.folds.paths(network)))

    def action_wrap(self) -> None:
        """Put a block around the line and ask which."""
        network, path = self._at
        if path is not None:
            self.begin(wrapping(network, path))

    def action_unwrap(self) -> None:
        """Take a block away around what is in it."""
        network, path = self._at
        if path is not None and self._is_block(path):
            self.commit(edit.unwrapped(network, path), path)

    def action_freeze(self) -> None:
        """Let a layer or a block keep its weights; once more, let it learn again."""
        network, path = self._at
        if path is None:
            return
        try:
            self.commit(edit.refrozen(network, path), path)
        except InputError as error:
            self.notify(str(error), severity="warning", markup=False)

    def action_fold(self) -> None:
        """Fold the block, or go to the one around."""
        network, path = self._at
        if path is None:
            return
        if self._is_block(path) and path not in self.folds.paths(network):
            self._toggle(path)
        elif len(path) > 1:
            self.rows.cursor = path[:-1]

    def action_unfold(self) -> None:
        """Open the block, or go into it."""
        network, path = self._at
        if path is None or not self._is_block(path):
            return
        if path in self.folds.paths(network):
            self._toggle(path)
        elif len(line_at(network, path)) > 1:
            self.rows.cursor = (*path, 1)

    @on(NetworkList.FoldPressed)
    def _fold_pressed(self, event: NetworkList.FoldPressed) -> None:
        event.stop()
        if not self.is_typing:
            self._toggle(event.path)

    def _toggle(self, path: Path) -> None:
        self.folds.toggle(self.experiment.network, path)
        self.rows.go(path)
        self.paint()

    def _is_block(self, path: Path) -> bool:
        return isinstance(line_at(self.experiment.network, path), tuple)
