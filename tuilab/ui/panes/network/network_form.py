"""The lines of the network pane: what they show, and how one is typed; its keys are the pane's."""

from collections.abc import Sequence

from msgspec.structs import replace

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network import edit
from tuilab.core.network.edit import Network
from tuilab.core.network.plan import Path, plan, same_modules
from tuilab.core.reference import articles
from tuilab.core.reference.articles import Article
from tuilab.core.run.run import Run
from tuilab.ui.panes.network.drafts import Draft
from tuilab.ui.panes.network.folds import Folds
from tuilab.ui.panes.network.network_lines import (
    ADD,
    View,
    differing,
    doubts_of,
    ending,
    help_of,
    is_frozen,
    passage,
    total,
)
from tuilab.ui.panes.network.network_rows import NetworkList
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.widgets.choice_list import Choice
from tuilab.ui.widgets.editable_list import EditableList
from tuilab.ui.widgets.line_list import Span


class NetworkForm(EditableList):
    """The layers with their shapes and parameters, alive at each keystroke."""

    def __init__(self) -> None:
        self.rows: NetworkList
        super().__init__(NetworkList())
        self.experiment = Experiment()
        self._ran: Experiment | None = None
        "What the run in progress was started with."
        self._seen: tuple[Experiment, Experiment | None] | None = None
        self._plan = plan((), ())
        self.folds = Folds()
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
        if self.experiment.network != experiment.network:
            self._follow(experiment)
        self.experiment, self._ran = experiment, ran
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
        return self._draft.make(self.line.value) if self._draft else self.experiment.network

    def paint(self) -> None:
        """Work out every shape anew and show it."""
        network, ran = self._network, self._ran
        experiment = replace(self.experiment, network=network)
        self._plan = experiment.plan
        differs = ran is not None and ran.network != network
        view = View(
            plan=self._plan,
            blocks=frozenset(path for path, _ in edit.blocks(network)),
            folded=self.folds.paths(network),
            differing=differing(self._plan.rows, ran.plan.rows) if ran and differs else frozenset(),
            editing=self._draft.path if self._draft else None,
            ending=ending(experiment) if self._plan.is_valid else "",
            doubts=() if self._draft else doubts_of(experiment),
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
            return [passage(row, is_frozen(self._plan, row)), more]
        if not self.line.value.strip():
            return [("type a layer, such as Linear 16", "")]
        if row.problem:
            return [(f"{signs().wrong} {row.problem}", "rows--problem")]
        return [passage(row), (self.line.completion.hint, "rows--muted")]

    def article(self) -> Article | None:
        """The layer at the cursor, or the one that is being typed."""
        offered = self.line.completion
        if self._draft is not None and not offered.start and offered.suggestions:
            return articles.layer(offered.suggestions[self.line.chosen].label)
        row = next((row for row in self._plan.rows if row.path == self.rows.cursor), None)
        return None if row is None else articles.layer(row.text.partition(" ")[0])

    def typing_place(self) -> tuple[int, int, int] | None:
        """Over the text of the line."""
        place = self.rows.place
        return None if place is None else (place, *self.rows.text_region(place))

    # --- typing a line

    def begin(self, draft: Draft) -> None:
        """Start typing a line."""
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
        self.folds.carry(self.experiment.network, path, edited)
        self._drop()
        self.commit(edited, self.rows.cursor)
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

    def commit(self, network: Network, cursor: Path | str) -> None:
        """Show the edited network at once, and tell of it."""
        raise NotImplementedError
