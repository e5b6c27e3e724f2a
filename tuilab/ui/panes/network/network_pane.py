"""The network pane: read, edit, move, wrap and fold lines by key."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import BindingType

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.fit_output import fit_output
from tuilab.core.network import edit
from tuilab.core.network.edit import Network, get_line, remove_line
from tuilab.core.network.plan import LinePath, PlanRow, have_same_modules, plan
from tuilab.core.protocol.commands import ChangeNetwork
from tuilab.core.reference import articles
from tuilab.core.reference.articles import Article
from tuilab.core.run.run import Run
from tuilab.ui.messages import CommandIssued, EditRequested
from tuilab.ui.panes.network.drafts import Draft, draft_edit, draft_insertion, draft_wrapping
from tuilab.ui.panes.network.folds import Folds
from tuilab.ui.panes.network.network_lines import (
    ADD,
    NetworkDisplay,
    describe_shapes,
    describe_total,
    find_changed_paths,
    find_layer_warnings,
    find_output_problem,
    is_frozen,
    summarize_layer,
)
from tuilab.ui.panes.network.network_list import NetworkList
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.choice_list import Choice
from tuilab.ui.widgets.editable_list import EditableList, help_bindings, pane_binding
from tuilab.ui.widgets.line_list import Span

_bind = partial(pane_binding, "network")


class NetworkPane(EditableList):
    """The layers with their shapes and parameters, updated at every keystroke."""

    BORDER_TITLE = "Network"
    BINDINGS: ClassVar[list[BindingType]] = [
        _bind("enter,f2", "edit", "edit", "Edit the line in place, with completion"),
        _bind("a", "add", "add", "Add a line below, or into an open block"),
        _bind("A", "add_above", "add above", "Add a line above", show=False),
        _bind("d,delete", "remove", "delete", "Remove the line or the whole block"),
        *help_bindings("network"),
        _bind("c", "duplicate", "copy", "Duplicate the line or block below"),
        _bind("J,shift+down,alt+down", "shift(1)", "move", "Move the line down, also into blocks"),
        _bind("K,shift+up,alt+up", "shift(-1)", "move up", "Move the line up, also into blocks",
              show=False),
        _bind("b", "wrap", "block", "Put a block around the line: Residual or Repeat"),
        _bind("B", "unwrap", "unwrap", "Remove the block and keep what is in it", show=False),
        _bind("z", "freeze", "freeze", "Freeze the layer's weights, or unfreeze them; live"),
        _bind("Z", "reset", "reset", "Give the layer new weights, in the run", show=False),
        _bind("F", "fit", "fit", "Give the last layer the size that the data needs", show=False),
        _bind("left", "fold", "fold", "Fold the block, or go to the block around", show=False),
        _bind("right", "unfold", "unfold", "Open the block, or go into it", show=False),
    ]  # fmt: skip

    def __init__(self) -> None:
        self.line_list: NetworkList
        super().__init__(NetworkList())
        self.experiment = Experiment()
        self.folds = Folds()
        self._run_experiment: Experiment | None = None
        "The experiment of the run in progress."
        self._plan = plan((), ())
        self._draft: Draft | None = None
        self._cursor_before_draft: LinePath | str = ADD

    def on_mount(self) -> None:
        """Keeps the focus from suggestions."""
        self.choice_list.can_focus = False

    # --- view -------------------------------------------------------------------------------------

    def show(self, experiment: Experiment, run: Run) -> None:
        """Shows an experiment beside its run, if either changed."""
        running = run.experiment if run.is_active else None
        if (experiment, running) == (self.experiment, self._run_experiment):
            return
        if self.experiment.network != experiment.network:
            self._go_to_change(experiment)
        self.experiment, self._run_experiment = experiment, running
        if self.is_mounted:
            self.update_view()

    def _go_to_change(self, experiment: Experiment) -> None:
        """Goes to the first line that was changed elsewhere, by undo or a preset."""
        self._drop_draft()
        changed = find_changed_paths(experiment.plan.rows, self._plan.rows)
        if changed:
            self.line_list.set_cursor(min(changed) if self._plan.rows else (0,))

    def go_to_problem(self) -> None:
        """Goes to the first line with a problem; without one to the last, where the output is."""
        rows = self._plan.rows
        if paths := [row.path for row in rows if row.problem] or [row.path for row in rows[-1:]]:
            self.line_list.set_cursor(paths[0])
            self.update_detail()

    def update_view(self) -> None:
        """Plans every shape again and shows it."""
        network, running, draft = self.experiment.network, self._run_experiment, self._draft
        if draft is not None:
            network = draft.build_network(self.input.value)
        experiment = replace(self.experiment, network=network)
        self._plan = experiment.plan
        changed: frozenset[LinePath] = frozenset()
        needs_restart = False
        if running is not None and running.network != network:
            changed = find_changed_paths(self._plan.rows, running.plan.rows)
            needs_restart = not have_same_modules(running.sized_network, experiment.sized_network)
        display = NetworkDisplay(
            plan=self._plan,
            blocks=frozenset(path for path, _ in edit.iter_blocks(network)),
            folded=self.folds.folded_paths(network),
            changed=changed,
            editing=draft.path if draft else None,
            output_problem=find_output_problem(experiment) if self._plan.is_valid else "",
            warnings=() if draft else find_layer_warnings(experiment),
        )
        self.line_list.show(display)
        self.border_subtitle = "~ changed: E live, r restart" if needs_restart else ""
        self.update_detail()

    @property
    def _row(self) -> PlanRow | None:
        """The row of the plan at the cursor."""
        return next((row for row in self._plan.rows if row.path == self.line_list.cursor), None)

    def describe(self) -> Sequence[Span]:
        """Returns the shapes that come in and go out, or the problem; then a line of help."""
        row = self._row
        if row is None:
            invitation = "press enter or a and type a layer"
            return [(describe_total(self._plan), ""), (invitation, "line-list--muted")]
        if self._draft is None:
            is_cut = self.line_list.is_cut(row.text)
            help_line = (row.text, "") if is_cut else (summarize_layer(row), "line-list--muted")
            return [describe_shapes(row, is_frozen(self._plan, row)), help_line]
        if not self.input.value.strip():
            return [("type a layer, such as Linear 16", "")]
        if row.problem:
            return [(f"{get_glyphs().cross} {row.problem}", "line-list--problem")]
        echo = row.doubt or row.note or self.input.completion.hint
        return [describe_shapes(row), (echo, "line-list--muted")]

    def find_article(self) -> Article | None:
        """Returns the article about the layer at the cursor, or the one that is being typed."""
        completion = self.input.completion
        if self._draft is not None and not completion.start and completion.suggestions:
            suggestion = completion.suggestions[self.input.selected_index]
            return articles.layer_article(suggestion.label)
        row = self._row
        return None if row is None else articles.layer_article(row.text.partition(" ")[0])

    def locate_input(self) -> tuple[int, int, int] | None:
        """Returns the place of the text of the line at the cursor."""
        index = self.line_list.cursor_index
        return None if index is None else (index, *self.line_list.locate_text(index))

    # --- typing a line ----------------------------------------------------------------------------

    def start_draft(self, draft: Draft) -> None:
        """Starts typing a line."""
        self._draft, self._cursor_before_draft = draft, self.line_list.cursor or ADD
        self.choice_list.display = True
        completer = draft.completer(self._plan.input, self.experiment.auto_sizes)
        self.start_typing(draft.path, draft.text, completer)

    def update_draft(self, text: str) -> None:
        """Updates shapes and suggestions at each keystroke."""
        choices = [
            Choice(str(index), suggestion.label, suggestion.help)
            for index, suggestion in enumerate(self.input.completion.suggestions)
        ]
        self.choice_list.show_choices(choices, str(self.input.selected_index))
        self.update_view()

    def choose(self, key: str) -> None:
        """Takes the suggestion that was clicked."""
        self.input.insert_suggestion(int(key))

    def accept(self, text: str) -> bool:
        """Keeps the line, even with a problem; a blank one changes nothing."""
        if self._draft is None or not text.strip():
            self.cancel_edit()
            return True
        edited, path = self._draft.build_network(text), self._draft.path
        self.folds.keep_folded(self.experiment.network, path, edited)
        self._drop_draft()
        self.commit(edited, self.line_list.cursor)
        return True

    def cancel_edit(self) -> None:
        """Leaves the network unchanged."""
        self._drop_draft()
        self.line_list.set_cursor(self._cursor_before_draft)
        self.update_view()

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft = None
            self.stop_typing()

    def commit(self, network: Network, cursor: LinePath | str) -> None:
        """Shows the edited network at once, and reports it."""
        is_edited = network != self.experiment.network
        self.experiment = replace(self.experiment, network=network)
        self.line_list.set_cursor(cursor)
        self.update_view()
        self.line_list.scroll_to_cursor()
        if is_edited:
            self.post_message(EditRequested("network", network))

    # --- keys -------------------------------------------------------------------------------------

    @property
    def _network_and_path(self) -> tuple[Network, LinePath | None]:
        """The network, and the path of the layer at the cursor."""
        cursor = self.line_list.cursor
        return self.experiment.network, cursor if isinstance(cursor, tuple) else None

    def action_edit(self) -> None:
        """Types another text in the place of this line."""
        network, path = self._network_and_path
        if path is None:
            self.start_draft(draft_insertion(network, (len(network),)))
        else:
            self.start_draft(draft_edit(network, path))

    def action_add(self) -> None:
        """Types a new line below, or at the beginning of an open block."""
        network, path = self._network_and_path
        if path is None:
            below: LinePath = (len(network),)
        elif self._is_block(path) and path not in self.folds.folded_paths(network):
            below = (*path, 1)
        else:
            below = edit.path_below(path)
        self.start_draft(draft_insertion(network, below))

    def action_add_above(self) -> None:
        """Types a new line above."""
        network, path = self._network_and_path
        self.start_draft(draft_insertion(network, path or (len(network),)))

    def action_remove(self) -> None:
        """Removes the line or block."""
        network, path = self._network_and_path
        if path is not None:
            self.commit(remove_line(network, path), path)

    def action_duplicate(self) -> None:
        """Duplicates the line or block below."""
        network, path = self._network_and_path
        if path is not None:
            self.commit(edit.duplicate_line(network, path), edit.path_below(path))

    def action_shift(self, direction: int) -> None:
        """Moves the line by one row."""
        network, path = self._network_and_path
        if path is not None:
            folded = self.folds.folded_paths(network)
            self.commit(*edit.move_line(network, path, direction, folded))

    def action_wrap(self) -> None:
        """Puts a block around the line and asks which."""
        network, path = self._network_and_path
        if path is not None:
            self.start_draft(draft_wrapping(network, path))

    def action_unwrap(self) -> None:
        """Removes a block around its content."""
        network, path = self._network_and_path
        if path is not None and self._is_block(path):
            self.commit(edit.unwrap_block(network, path), path)

    def action_freeze(self) -> None:
        """Freezes the weights of a layer or a block, or unfreezes them."""
        network, path = self._network_and_path
        if path is None:
            return
        try:
            self.commit(edit.toggle_frozen(network, path), path)
        except InputError as error:
            self.notify(str(error), severity="warning", markup=False)

    def action_reset(self) -> None:
        """Gives a layer of the run new weights; the optimizer forgets the old ones."""
        _, path = self._network_and_path
        running = self._run_experiment
        if path is None:
            return
        if running is None or running.network != self.experiment.network:
            text = "Only a layer of the run in progress can be reset, as long as no line waits."
            self.notify(text, severity="warning", markup=False)
        else:
            self.post_message(CommandIssued(ChangeNetwork(running.network, reset=[list(path)])))

    def action_fit(self) -> None:
        """Gives the last layer as many outputs as the data, the task and the loss need."""
        fitted = fit_output(self.experiment)
        if fitted is None:
            text = "No size of the last layer fits; the errors say what does."
            self.notify(text, severity="warning", markup=False)
        else:
            self.commit(fitted, (len(fitted) - 1,))

    def action_fold(self) -> None:
        """Folds the block, or goes to the one around."""
        network, path = self._network_and_path
        if path is None:
            return
        if self._is_block(path) and path not in self.folds.folded_paths(network):
            self._toggle_fold(path)
        elif len(path) > 1:
            self.line_list.cursor = path[:-1]

    def action_unfold(self) -> None:
        """Opens the block, or goes into it."""
        network, path = self._network_and_path
        if path is None or not self._is_block(path):
            return
        if path in self.folds.folded_paths(network):
            self._toggle_fold(path)
        elif len(get_line(network, path)) > 1:
            self.line_list.cursor = (*path, 1)

    @on(NetworkList.FoldPressed)
    def _on_fold_pressed(self, event: NetworkList.FoldPressed) -> None:
        event.stop()
        if not self.is_typing:
            self._toggle_fold(event.path)

    def _toggle_fold(self, path: LinePath) -> None:
        self.folds.toggle(self.experiment.network, path)
        self.line_list.set_cursor(path)
        self.update_view()

    def _is_block(self, path: LinePath) -> bool:
        return isinstance(get_line(self.experiment.network, path), tuple)
