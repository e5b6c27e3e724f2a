"""The network pane: one line a layer, alive at each keystroke."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from tuilab.lab import edits
from tuilab.lab.edits import Network, line_at, removed
from tuilab.lab.experiment import Experiment
from tuilab.lab.network import Path, plan, same_modules
from tuilab.lab.run import Run
from tuilab.ui.widgets.drafts import Draft, adding, editing, wrapping
from tuilab.ui.widgets.folds import Folds
from tuilab.ui.widgets.glyphs import signs
from tuilab.ui.widgets.network_lines import ADD, View, differing, ending, help_of, passage, total
from tuilab.ui.widgets.network_rows import NetworkRows
from tuilab.ui.widgets.rows import Span
from tuilab.ui.widgets.sheet import Sheet
from tuilab.ui.widgets.tray import Choice


def _key(key: str, action: str, label: str, tooltip: str, *, shown: bool = True) -> Binding:
    name = action.replace("(-1)", "_up").replace("(1)", "_down")
    return Binding(key, action, label, tooltip=tooltip, show=shown, id=f"network.{name}")


class NetworkPane(Sheet):
    """The layers with their shapes and parameters: read, edit, move, wrap, fold."""

    BORDER_TITLE = "Network"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter,f2", "edit", "edit", "Edit the line in place, with completion"),
        _key("a", "add", "add", "Add a line below, or into an open block"),
        _key("A", "add_above", "add above", "Add a line above", shown=False),
        _key("d,delete", "remove", "delete", "Remove the line or the whole block"),
        _key("c", "duplicate", "copy", "The same line or block once more below"),
        _key("J,shift+down,alt+down", "shift(1)", "move", "Move the line down, also into blocks"),
        _key("K,shift+up,alt+up", "shift(-1)", "move up", "Move the line up, also into blocks",
             shown=False),
        _key("b", "wrap", "block", "Put a block around the line: Residual or Repeat"),
        _key("B", "unwrap", "unwrap", "Take the block away and keep what is in it", shown=False),
        _key("left", "fold", "fold", "Fold the block, or go to the block around", shown=False),
        _key("right", "unfold", "unfold", "Open the block, or go into it", shown=False),
    ]  # fmt: skip

    class Edited(Message):
        """The person made another network of it."""

        def __init__(self, network: Network) -> None:
            super().__init__()
            self.network = network

    def __init__(self) -> None:
        self.rows: NetworkRows
        super().__init__(NetworkRows())
        self._experiment = Experiment()
        self._ran: Experiment | None = None
        "What the run in progress was started with."
        self._seen: tuple[Experiment, Experiment | None] | None = None
        self._plan = plan((), ())
        self._folds = Folds()
        self._draft: Draft | None = None
        self._back: Path | str = ADD
        "Where the cursor stood before the draft."

    def on_mount(self) -> None:
        """Suggestions never take the focus."""
        self.tray.can_focus = False

    def show(self, experiment: Experiment, run: Run) -> None:
        """Repaint if the experiment or the run's own is another one."""
        ran = run.experiment if run.is_active else None
        if self._seen is not None and self._seen[0] is experiment and self._seen[1] is ran:
            return
        self._seen = (experiment, ran)
        if self._experiment.network != experiment.network:
            self._follow(experiment)
        self._experiment, self._ran = experiment, ran
        if self.is_mounted:
            self.paint()

    def _follow(self, experiment: Experiment) -> None:
        """Go to what came from elsewhere: undo, a preset."""
        self._drop()
        changed = differing(experiment.plan.rows, self._plan.rows)
        if changed:
            self.rows.go(min(changed) if self._plan.rows else (0,))

    def go_to_problem(self) -> None:
        """Go to the first line with something wrong; if none has, to the last, where it ends."""
        rows = self._plan.rows
        if wrong := [row.path for row in rows if row.problem] or [row.path for row in rows[-1:]]:
            self.rows.go(wrong[0])
            self.tell()

    # --- what it shows

    @property
    def _network(self) -> Network:
        """The network, with what is being typed."""
        return self._draft.make(self.line.value) if self._draft else self._experiment.network

    def paint(self) -> None:
        """Work out every shape anew and show it."""
        network, ran = self._network, self._ran
        experiment = replace(self._experiment, network=network)
        self._plan = experiment.plan
        differs = ran is not None and ran.network != network
        view = View(
            plan=self._plan,
            blocks=frozenset(path for path, _ in edits.blocks(network)),
            folded=self._folds.paths(network),
            differing=differing(self._plan.rows, ran.plan.rows) if ran and differs else frozenset(),
            editing=self._draft.path if self._draft else None,
            ending=ending(experiment) if self._plan.is_valid else "",
        )
        self.rows.show(view)
        waits = ran is not None and differs and not same_modules(ran.network, network)
        self.border_subtitle = "~ changed: restart to use it (r)" if waits else ""
        self.tell()

    def describe(self) -> Sequence[Span]:
        """What comes in and goes out, or what is wrong; then a line of help."""
        row = next((row for row in self._plan.rows if row.path == self.rows.cursor), None)
        if row is None:
            return [(total(self._plan), ""), ("press enter or a and type a layer", "rows--muted")]
        if self._draft is None:
            more = (row.text, "") if self.rows.is_cut(row.text) else (help_of(row), "rows--muted")
            return [passage(row), more]
        if not self.line.value.strip():
            return [("type a layer, such as Linear 16", "")]
        if row.problem:
            return [(f"{signs().wrong} {row.problem}", "rows--problem")]
        return [passage(row), (self.line.completion.hint, "rows--muted")]

    def typing_place(self) -> tuple[int, int, int] | None:
        """Over the text of the line."""
        place = self.rows.place
        return None if place is None else (place, *self.rows.text_region(place))

    # --- typing a line

    def _begin(self, draft: Draft) -> None:
        self._draft, self._back = draft, self.rows.cursor or ADD
        self.tray.display = True
        self.type_at(draft.path, draft.text, draft.completer(self._plan.input))

    def typed(self, text: str) -> None:
        """Shapes and suggestions follow each keystroke."""
        choices = [
            Choice(str(place), suggestion.label, suggestion.help)
            for place, suggestion in enumerate(self.line.completion.suggestions)
        ]
        self.tray.offer(choices, str(self.line.chosen))
        self.paint()

    def chosen(self, key: str) -> None:
        """Take the suggestion that was clicked."""
        self.line.take(int(key))

    def accepted(self, text: str) -> bool:
        """Keep the line, also one that is not right yet; a blank one changes nothing."""
        if self._draft is None or not text.strip():
            self.left()
            return True
        edited, path = self._draft.make(text), self._draft.path
        self._folds.carry(self._experiment.network, path, edited)
        self._drop()
        self._commit(edited, self.rows.cursor)
        return True

    def left(self) -> None:
        """Leave the network as it was."""
        self._drop()
        self.rows.go(self._back)
        self.paint()

    def _drop(self) -> None:
        if self._draft is not None:
            self._draft = None
            self.stop_typing()

    def _commit(self, network: Network, cursor: Path | str) -> None:
        """Show the edited network at once, and tell of it."""
        edited = network != self._experiment.network
        self._experiment, self._seen = replace(self._experiment, network=network), None
        self.rows.go(cursor)
        self.paint()
        self.rows.show_cursor()
        if edited:
            self.post_message(self.Edited(network))

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is typed, the keys are the line's."""
        return not self.is_typing or f"action_{action}" not in NetworkPane.__dict__

    @property
    def _at(self) -> tuple[Network, Path | None]:
        """The network and the layer at the cursor."""
        cursor = self.rows.cursor
        return self._experiment.network, cursor if isinstance(cursor, tuple) else None

    def pressed(self) -> None:
        """A second click edits."""
        self.action_edit()

    def action_edit(self) -> None:
        """Type another text in the place of this line."""
        network, path = self._at
        self._begin(adding(network, (len(network),)) if path is None else editing(network, path))

    def action_add(self) -> None:
        """Type a new line below, or at the beginning of an open block."""
        network, path = self._at
        if path is None:
            below: Path = (len(network),)
        elif self._is_block(path) and path not in self._folds.paths(network):
            below = (*path, 1)
        else:
            below = edits.after(path)
        self._begin(adding(network, below))

    def action_add_above(self) -> None:
        """Type a new line above."""
        network, path = self._at
        self._begin(adding(network, path or (len(network),)))

    def action_remove(self) -> None:
        """Take the line or block out."""
        network, path = self._at
        if path is not None:
            self._commit(removed(network, path), path)

    def action_duplicate(self) -> None:
        """Put the same line or block below."""
        network, path = self._at
        if path is not None:
            self._commit(edits.duplicated(network, path), edits.after(path))

    def action_shift(self, direction: int) -> None:
        """Move the line one row."""
        network, path = self._at
        if path is not None:
            self._commit(*edits.moved(network, path, direction, self._folds.paths(network)))

    def action_wrap(self) -> None:
        """Put a block around the line and ask which."""
        network, path = self._at
        if path is not None:
            self._begin(wrapping(network, path))

    def action_unwrap(self) -> None:
        """Take a block away around what is in it."""
        network, path = self._at
        if path is not None and self._is_block(path):
            self._commit(edits.unwrapped(network, path), path)

    def action_fold(self) -> None:
        """Fold the block, or go to the one around."""
        network, path = self._at
        if path is None:
            return
        if self._is_block(path) and path not in self._folds.paths(network):
            self._toggle(path)
        elif len(path) > 1:
            self.rows.cursor = path[:-1]

    def action_unfold(self) -> None:
        """Open the block, or go into it."""
        network, path = self._at
        if path is None or not self._is_block(path):
            return
        if path in self._folds.paths(network):
            self._toggle(path)
        elif len(line_at(network, path)) > 1:
            self.rows.cursor = (*path, 1)

    @on(NetworkRows.FoldPressed)
    def _fold_pressed(self, event: NetworkRows.FoldPressed) -> None:
        event.stop()
        if not self.is_typing:
            self._toggle(event.path)

    def _toggle(self, path: Path) -> None:
        self._folds.toggle(self._experiment.network, path)
        self.rows.go(path)
        self.paint()

    def _is_block(self, path: Path) -> bool:
        return isinstance(line_at(self._experiment.network, path), tuple)
