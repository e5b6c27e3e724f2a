"""The dialog that opens an experiment: a preset by its name, or a file by its path."""

import os
from collections.abc import Iterator
from pathlib import Path

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.from_file import DATA_SUFFIXES, is_data
from tuilab.core.files.typed_path import clean_path
from tuilab.core.paths import expand_user
from tuilab.ui.screens.dialogs import Dialog, move_highlight

MAX_PATHS = 200
"""Paths that the list shows."""


class Open(Dialog):
    """Lists presets with their descriptions, or completes a path while it is typed."""

    def __init__(self) -> None:
        super().__init__()
        self._presets = toml_file.find_presets()

    def compose(self) -> ComposeResult:
        """Yields the line, what is wrong with it, and what it could mean."""
        with Vertical(classes="box") as box:
            box.border_title = "Open"
            box.border_subtitle = "tab completes · enter opens · escape cancels"
            yield Input(
                placeholder="a name, a path such as ~/spiral.toml, or a shared string: tl1.…",
                compact=True,
            )
            yield Static("", classes="problem", markup=False)
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Lists every preset."""
        self._list("")

    @on(Input.Changed)
    def _on_changed(self, event: Input.Changed) -> None:
        self.query_one(".problem", Static).update("")
        self._list(event.value)

    def _list(self, text: str) -> None:
        options = self.query_one(OptionList).clear_options()
        options.add_options(self._options(text))
        options.highlighted = 0

    def _options(self, text: str) -> Iterator[Option]:
        if is_path(text):
            for path in complete_path(text)[:MAX_PATHS]:
                yield Option(path, id=path)
            return
        words, exact_name = text.lower().split(), text.strip().lower()
        for name, preset in sorted(self._presets.items(), key=lambda item: item[0] != exact_name):
            if all(word in f"{name} {preset.title} {preset.description}".lower() for word in words):
                title = Content.assemble((preset.title, "bold"), "  ", (name, "$accent"))
                about = Content.styled(preset.description, "$foreground 65%")
                yield Option(Content.assemble(title, "\n", about), id=str(preset.path))

    def on_key(self, event: events.Key) -> None:
        """Moves in the list while a name is typed; tab completes."""
        options, line = self.query_one(OptionList), self.query_one(Input)
        if not line.has_focus:
            return
        if event.key == "tab" and options.highlighted is not None and is_path(line.value):
            line.value = str(options.get_option_at_index(options.highlighted).id)
            line.action_end()
        elif not move_highlight(options, event.key):
            return
        event.stop()
        event.prevent_default()

    @on(Input.Submitted)
    def _on_submitted(self, event: Input.Submitted) -> None:
        options = self.query_one(OptionList)
        path = expand_user(clean_path(event.value))
        if is_path(str(path)) and path.is_file():
            self._open(str(path))
        elif options.highlighted is not None:
            self._open(str(options.get_option_at_index(options.highlighted).id))
        else:
            self._open(event.value)

    @on(OptionList.OptionSelected)
    def _on_selected(self, event: OptionList.OptionSelected) -> None:
        self._open(str(event.option_id))

    def _open(self, name: str) -> None:
        if name.endswith(os.sep):
            line = self.query_one(Input)
            line.value = name
            line.focus()
            line.action_end()
            return
        try:
            path = toml_file.find(name)
            file = None if is_data(path) else path
            opened: tuple[Experiment, Path | None] = (toml_file.read(path), file)
        except InputError as error:
            self.query_one(".problem", Static).update(str(error))
            self.app.bell()
        else:
            self.dismiss(opened)


def is_path(text: str) -> bool:
    """Returns whether a text is a path, not a name."""
    return os.sep in text or text.startswith(("~", "."))


def complete_path(text: str) -> list[str]:
    """Returns the folders and the files of experiments and data that a path could become.

    Folders end in a slash.
    """
    if text == "~":
        return ["~" + os.sep]
    folder, start = os.path.split(text)
    try:
        entries = sorted(os.scandir(expand_user(folder)), key=lambda e: (e.is_file(), e.name))
    except OSError:
        return []
    paths = []
    for entry in entries:
        is_hidden = entry.name.startswith(".") and not start.startswith(".")
        if is_hidden or not entry.name.lower().startswith(start.lower()):
            continue
        path = os.path.join(folder, entry.name)
        if entry.is_dir():
            paths.append(path + os.sep)
        elif entry.name.lower().endswith((".toml", *DATA_SUFFIXES)):
            paths.append(path)
    return paths


class PathSuggester(Suggester):
    """Suggests the rest of a path."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Returns the first completion that continues what is typed."""
        return next((path for path in complete_path(value) if path.startswith(value)), None)
