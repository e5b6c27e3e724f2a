"""The screen of all stored runs: list, filter, sort, mark, label, pin, delete; it opens one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from tuilab.core.errors import InputError
from tuilab.core.format import format_bytes, format_counted
from tuilab.core.run.run_filter import FilterError, RunFilter, parse_filter
from tuilab.core.run.run_keys import sort_runs
from tuilab.core.run.run_labels import check_tag
from tuilab.core.run.run_settings import describe_changes
from tuilab.core.run.run_summary import RunSummary
from tuilab.host.run_library import RunLibrary, TrashedRun
from tuilab.ui.panes.key_bar import KeyBar
from tuilab.ui.screens.dialogs import Ask, Choice, Overlay, Prompt
from tuilab.ui.screens.runs.describe_run import describe_run
from tuilab.ui.screens.runs.run_columns import RunRow, find_metrics, fit_layout
from tuilab.ui.screens.runs.run_list import RunHeadings, RunList
from tuilab.ui.widgets.line_list import LineList

REFRESH_SECONDS = 1.0
"""Seconds between two looks at the folders of runs."""

EMPTY = (
    "No run is stored yet.\n\nA run is stored as soon as it starts: escape goes back to the lab, "
    "and space trains there. In a shell, `tuilab train spiral` makes one as well."
)

NO_MATCH = "No run matches. escape in the line above shows all again."

FILTER_HINT = "filter: a word, state:done, tag:good, lr>0.01, validation.accuracy>0.9 …"


@dataclass(frozen=True, slots=True)
class RunChoice:
    """The answer of the screen."""

    run: str
    action: Literal["open", "resume", "overlay"] = "open"
    runs: tuple[str, ...] = ()
    "All that are meant, where it may be more than one."


class RunsScreen(Overlay):
    """Lists the stored runs; the answer is a `RunChoice`, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="runs.mark", tooltip="Mark the run, or unmark it"),
        Binding("/", "filter", "filter", id="runs.filter", tooltip="Filter the runs while typing"),
        Binding("s", "sort(1)", "sort", id="runs.sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "reverse", id="runs.reverse", show=False,
                tooltip="Sort the other way round"),
        Binding("t", "metric", "metric", id="runs.metric", show=False,
                tooltip="Show the values of another metric"),
        Binding("o", "overlay", "draw", id="runs.overlay",
                tooltip="Draw the marked runs over the charts of the lab, or remove them"),
        Binding("d", "compare", "compare", id="runs.compare",
                tooltip="What differs between the marked runs, and their results"),
        Binding("p", "pin", "pin", id="runs.pin",
                tooltip="Pin the run as the baseline that all others are compared with"),
        Binding("n", "rename", "rename", id="runs.rename", tooltip="Give the run another name"),
        Binding("#", "tag", "tag", id="runs.tag",
                tooltip="Add tags to the marked runs, or remove them"),
        Binding("N", "note", "note", id="runs.note", show=False,
                tooltip="Write a note on the run"),
        Binding("r", "resume", "resume", id="runs.resume", show=False,
                tooltip="Open the run in the lab, and let it go on"),
        Binding("x", "stop", "stop", id="runs.stop", show=False,
                tooltip="Stop the marked runs that are in progress; each is saved"),
        Binding("y", "copy", "copy id", id="runs.copy", show=False,
                tooltip="Copy the ids of the marked runs"),
        Binding("delete,backspace", "delete", "delete", id="runs.delete",
                tooltip="Move the marked runs to the trash"),
        Binding("u", "restore", "restore", id="runs.restore", show=False,
                tooltip="Bring a deleted run back from the trash"),
        Binding("U", "unmark", "unmark all", id="runs.unmark", show=False,
                tooltip="Unmark all runs"),
        Binding("question_mark", "help", "keys", id="view.help", tooltip="Show every key"),
        Binding("escape,q", "dismiss(None)", "close", id="lab.quit", tooltip="Back to the lab"),
    ]  # fmt: skip

    def __init__(
        self, library: RunLibrary, open_run: str = "", markers: Mapping[str, str] | None = None
    ) -> None:
        """Initializes the screen.

        Args:
            open_run: the run that the lab shows.
            markers: those of the runs that are drawn over it.
        """
        super().__init__()
        self._library, self._open_run = library, open_run
        self._markers = markers or {}
        self._lock = asyncio.Lock()
        self._all: list[RunSummary] = []
        self._filter = RunFilter("")
        self._sort_key, self._is_reversed = "started", False
        self._metrics = ["loss"]
        self._marked: set[str] = set()
        self._pinned = ""
        self._is_loaded = False
        self._changes: dict[str, tuple[object, str]] = {}
        self._list = RunList()
        self._headings = RunHeadings(self._list)
        self._line = Input(placeholder=FILTER_HINT, compact=True)
        self._count = Static("", classes="count", markup=False)
        self._empty = Static("", classes="empty", markup=False)
        self._about = Static("", classes="about", markup=False)

    def compose(self) -> ComposeResult:
        """Yields the line of the filter, the list, what is at the cursor, and the keys."""
        with Horizontal(classes="top"):
            yield Static("Runs", classes="name", markup=False)
            yield self._line
            yield self._count
        yield self._headings
        yield self._list
        yield self._empty
        with VerticalScroll(classes="detail", can_focus=False):
            yield self._about
        yield KeyBar()

    def on_mount(self) -> None:
        """Begins to read the runs."""
        self.set_focus(self._list)
        self._empty.display = False
        self._load()
        self.set_interval(REFRESH_SECONDS, self._refresh)

    # --- reading the runs -------------------------------------------------------------------

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls the library in a thread, one call at a time."""
        async with self._lock:
            return await asyncio.to_thread(function, *arguments)

    @work(group="runs")
    async def _load(self) -> None:
        def report(done: int, total: int) -> None:
            if done < total and self.is_running:
                text = f"reading {done:,} of {total:,} runs"
                self.app.call_from_thread(self._count.update, text)

        self._all = await self._call(self._library.list_summaries, report)
        self._pinned = await self._call(lambda: self._library.pinned)
        if self._all:
            await self._call(self._library.base_settings, self._all[0])  # reads the presets
        self._is_loaded = True
        self._metrics = find_metrics(self._all)
        self._list.metric = self._metrics[0]
        if self._open_run:
            self._list.set_cursor(self._open_run)
        self._show()

    @work(group="runs", exclusive=False)
    async def _refresh(self) -> None:
        """Looks at the runs again, unless the last look is not over."""
        if self._is_loaded and not self._lock.locked():
            await self._reload()

    async def _reload(self) -> None:
        runs = await self._call(self._library.refresh)
        if runs != self._all:
            self._all = runs
            self._metrics = find_metrics(runs)
            self._show()

    # --- showing them -----------------------------------------------------------------------

    def _show(self) -> None:
        """Shows the runs that match, in their order."""
        runs = [run for run in self._all if self._filter.matches(run)]
        self._marked &= {run.id for run in self._all}
        if self._sort_key != "started" or self._is_reversed:
            runs = sort_runs(runs, self._sort_key, reverse=self._is_reversed)
        self._list.set_lines([self._row(run) for run in runs])
        self._headings.show(self._sort_key, self._is_reversed)
        self._empty.display = not runs
        self._list.display = self._headings.display = bool(runs)
        self._empty.update(NO_MATCH if self._all else EMPTY)
        if not runs and not self._line.has_focus:
            self.set_focus(self._line)
        self._show_count(len(runs))
        self._show_about()

    def _row(self, run: RunSummary) -> RunRow:
        return RunRow(
            run, partial(self._describe_changes, run), run.id in self._marked,
            run.id == self._pinned, run.id == self._open_run, self._markers.get(run.id, ""),
        )  # fmt: skip

    def _describe_changes(self, run: RunSummary) -> str:
        """Returns what differs from the pinned run or the preset."""
        state = (run.settings, self._pinned)
        known = self._changes.get(run.id)
        if known is None or known[0] != state:
            changes = describe_changes(run.settings, self._library.base_settings(run))
            known = self._changes[run.id] = (state, changes)
        return known[1]

    def _show_count(self, count: int) -> None:
        total = format_counted(len(self._all), "run")
        parts = [f"{count:,} of {total}" if count != len(self._all) else total]
        if active := sum(run.is_active for run in self._all):
            parts.append(f"{active} in progress")
        if self._marked:
            parts.append(f"{len(self._marked)} marked")
        self._count.remove_class("-problem")
        self._count.update(" · ".join(parts))

    @on(LineList.Highlighted)
    def _show_about(self) -> None:
        row = self._list.current_line
        base = "the pinned run" if self._pinned else "its preset"
        self._about.update(describe_run(row, base) if row is not None else "")

    # --- filter and order -------------------------------------------------------------------

    def action_filter(self) -> None:
        """Goes to the line of the filter."""
        self.set_focus(self._line)

    @on(Input.Changed)
    def _on_filter_typed(self, event: Input.Changed) -> None:
        try:
            self._filter = parse_filter(event.value)
        except FilterError as error:
            self._count.add_class("-problem")
            self._count.update(f"column {error.column}: {error.problem}")
            return
        if self._is_loaded:
            self._show()

    @on(Input.Submitted)
    def _on_filter_entered(self) -> None:
        self.set_focus(self._list)

    def on_key(self, event: Any) -> None:
        """Leaves the line of the filter: escape clears it, down keeps it."""
        if not self._line.has_focus or event.key not in ("escape", "down"):
            return
        if event.key == "escape":
            if not self._line.value and not self._list.lines:
                return  # nothing to go back to: the screen closes
            self._line.value = ""
        self.set_focus(self._list)
        event.stop()
        event.prevent_default()

    def action_sort(self, by: int) -> None:
        """Sorts by the column `by` places further on."""
        layout = fit_layout(self._list.metric, self._list.line_width)
        keys = ["state", "name", *(column.sort_key for column in layout.columns)]
        index = keys.index(self._sort_key) if self._sort_key in keys else -1
        self._sort_by(keys[(index + by) % len(keys)], False)

    def action_reverse(self) -> None:
        """Sorts the other way round."""
        self._sort_by(self._sort_key, not self._is_reversed)

    @on(RunHeadings.Clicked)
    def _on_heading_clicked(self, event: RunHeadings.Clicked) -> None:
        is_same = event.sort_key == self._sort_key
        self._sort_by(event.sort_key, is_same and not self._is_reversed)

    def _sort_by(self, key: str, is_reversed: bool) -> None:
        self._sort_key, self._is_reversed = key, is_reversed
        self._show()

    def action_metric(self) -> None:
        """Shows the values of the next metric."""
        metrics, old = self._metrics, self._list.metric
        new = metrics[(metrics.index(old) + 1) % len(metrics)] if old in metrics else metrics[0]
        self._list.metric = new
        self._sort_key = {f"metric.{old}": f"metric.{new}", f"best.{old}": f"best.{new}"}.get(
            self._sort_key, self._sort_key
        )
        self.notify(f"last and best {new.replace('_', ' ')}", markup=False)
        self._show()

    # --- marks ------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Marks the run at the cursor, or unmarks it, and goes to the next."""
        row = self._list.current_line
        if row is not None:
            self._marked ^= {row.key}
            self._show()
            self._list.action_move(1)

    def action_unmark(self) -> None:
        """Unmarks all runs."""
        self._marked.clear()
        self._show()

    def _targets(self) -> list[RunSummary]:
        """Returns the marked runs in view, or else the one at the cursor."""
        marked = [row.summary for row in self._list.lines if row.is_marked]
        current = self._list.current_line
        return marked or ([current.summary] if current is not None else [])

    # --- what is done with runs -------------------------------------------------------------

    @on(LineList.Selected)
    def _on_selected(self) -> None:
        row = self._list.current_line
        if row is not None:
            self.dismiss(RunChoice(row.key))

    def action_resume(self) -> None:
        """Opens the run at the cursor, and lets it go on."""
        row = self._list.current_line
        if row is not None:
            self.dismiss(RunChoice(row.key, "resume"))

    def action_overlay(self) -> None:
        """Draws the marked runs over the charts of the lab, or removes them."""
        if runs := tuple(run.id for run in self._targets()):
            self.dismiss(RunChoice(runs[0], "overlay", runs))

    @work(group="runs-edit")
    async def action_compare(self) -> None:
        """Shows what differs between the marked runs; of one, from the pinned run or its preset."""
        from tuilab.ui.screens.runs.differences_screen import DifferencesScreen

        runs = [run.id for run in self._targets()]
        if not runs:
            return
        try:
            comparison = await self._call(self._library.compare, runs)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(DifferencesScreen(comparison))

    def action_copy(self) -> None:
        """Copies the ids of the marked runs."""
        if runs := self._targets():
            text = " ".join(run.id for run in runs)
            self.app.copy_to_clipboard(text)
            self.notify(text, title="Copied", markup=False)

    def action_pin(self) -> None:
        """Pins the run at the cursor as the baseline, or unpins it."""
        row = self._list.current_line
        if row is not None:
            self._change([row.summary], self._pin, "" if row.is_pinned else row.key)

    def _pin(self, _: str, run: str) -> None:
        self._library.pin(run)
        self._pinned = run

    @work(group="runs-edit")
    async def action_rename(self) -> None:
        """Asks for another name of the run at the cursor."""
        row = self._list.current_line
        if row is None:
            return
        summary = row.summary
        text = f"{summary.id}: its name in lists and charts; empty for its title."
        name = await self.app.push_screen_wait(Prompt("Rename", text, summary.name))
        if name is not None:
            self._change([summary], self._library.rename, name)

    @work(group="runs-edit")
    async def action_tag(self) -> None:
        """Asks for tags of the marked runs, or of the one at the cursor."""
        runs = self._targets()
        if not runs:
            return
        which = runs[0].id if len(runs) == 1 else format_counted(len(runs), "run")
        known = " ".join(sorted(set().union(*(run.tags for run in runs))))
        text = f"{which}: words that are added as tags; -word removes one."
        if known:
            text += f" Tags now: {known}"
        words = await self.app.push_screen_wait(Prompt("Tag", text, check=_parse_tags))
        if words:
            add, remove = words
            self._change(runs, self._library.tag, add, remove)

    @work(group="runs-edit")
    async def action_note(self) -> None:
        """Asks for a note on the run at the cursor."""
        row = self._list.current_line
        if row is None:
            return
        text = f"{row.key}: what you want to remember of it."
        note = await self.app.push_screen_wait(Prompt("Note", text, row.summary.note))
        if note is not None:
            self._change([row.summary], self._library.note, note)

    @work(group="runs-edit")
    async def action_delete(self) -> None:
        """Moves the marked runs to the trash, after a question where it is more than one."""
        runs = self._targets()
        if len(runs) > 1:
            choices = [Choice("Move them to the trash", True, "d"), Choice("Cancel", False, "c")]
            title = f"Delete {format_counted(len(runs), 'run')}?"
            text = "u brings them back, one by one."
            if not await self.app.push_screen_wait(Ask(title, text, choices)):
                return
        self._change(runs, self._library.delete, done="in the trash; u brings it back")

    @work(group="runs-edit")
    async def action_restore(self) -> None:
        """Asks which deleted run comes back."""
        trash: Sequence[TrashedRun] = await self._call(self._library.list_trash)
        if not trash:
            self.notify("The trash is empty.")
            return
        choices = [Choice(run.id, run.id, about=format_bytes(run.size)) for run in trash[:50]]
        text = "`tuilab runs empty-trash` removes them for good."
        run = await self.app.push_screen_wait(Ask("Restore", text, choices))
        if run is not None:
            self._change([run], self._library.restore, done="restored")

    @work(group="runs-edit")
    async def action_stop(self) -> None:
        """Stops the marked runs that are in progress."""
        runs = [run for run in self._targets() if run.is_active]
        if not runs:
            self.notify("This run is not in progress.")
            return
        self.notify(f"{len(runs)} to stop: each is evaluated and saved.", title="Stopping")
        self._change(runs, self._library.stop, done="stopped")

    @work(group="runs-change")
    async def _change(
        self, runs: Sequence[RunSummary | str], function: Callable[..., Any], *arguments: Any,
        done: str = "",
    ) -> None:  # fmt: skip
        """Calls a function of the library for each run; says what went wrong, and goes on."""
        ids = [run if isinstance(run, str) else run.id for run in runs]
        succeeded = []
        for run in ids:
            try:
                await self._call(function, run, *arguments)
                succeeded.append(run)
            except InputError as error:
                self.notify(str(error), severity="error", markup=False)
        if done and succeeded:
            which = succeeded[0] if len(succeeded) == 1 else f"{len(succeeded)} runs"
            self.notify(f"{which}: {done}", markup=False)
        self._all = await self._call(self._library.refresh)
        self._show()

    def action_help(self) -> None:
        """Shows every key."""
        from tuilab.ui.screens.help import Help

        self.app.push_screen(Help(self))


def _parse_tags(text: str) -> tuple[list[str], list[str]]:
    """Returns the tags to add and to remove; InputError where one cannot be a tag."""
    words = text.replace(",", " ").split()
    tags = [word.lstrip("+#") for word in words if not word.startswith("-")]
    removed = [word.lstrip("-#") for word in words if word.startswith("-")]
    for tag in (*tags, *removed):
        check_tag(tag)
    return tags, removed
