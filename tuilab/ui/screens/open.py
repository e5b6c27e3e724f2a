"""Choose an experiment: a preset by its name, or a file by its path."""

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
from tuilab.ui.screens.dialogs import Dialog

SHOWN = 200
"""Files of a folder that the list shows."""


class Open(Dialog):
    """Presets with their explanation above, paths completed as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self._presets = toml_file.presets()

    def compose(self) -> ComposeResult:
        """The line, what is wrong with it, and what it could mean."""
        with Vertical(classes="box") as box:
            box.border_title = "Open"
            box.border_subtitle = "tab completes · enter opens · escape cancels"
            yield Input(placeholder="a name, or a path such as ~/spiral.toml", compact=True)
            yield Static("", classes="problem", markup=False)
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Begin with every preset."""
        self._list("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self.query_one(".problem", Static).update("")
        self._list(event.value)

    def _list(self, text: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(list(self._options(text)))
        if options.option_count:
            options.highlighted = 0

    def _options(self, text: str) -> Iterator[Option]:
        if is_path(text):
            for path in completions(text)[:SHOWN]:
                yield Option(path, id=path)
            return
        words = text.lower().split()
        named = text.strip().lower()
        for name, preset in sorted(self._presets.items(), key=lambda item: item[0] != named):
            if all(word in f"{name} {preset.title} {preset.about}".lower() for word in words):
                title = Content.assemble((preset.title, "bold"), "  ", (name, "$accent"))
                about = Content.styled(preset.about, "$foreground 65%")
                yield Option(Content.assemble(title, "\n", about), id=str(preset.path))

    def on_key(self, event: events.Key) -> None:
        """Move in the list while writing; tab completes."""
        options, line = self.query_one(OptionList), self.query_one(Input)
        if not line.has_focus:
            return
        match event.key:
            case "down":
                options.action_cursor_down()
            case "up":
                options.action_cursor_up()
            case "tab" if options.highlighted is not None and is_path(line.value):
                line.value = str(options.get_option_at_index(options.highlighted).id)
                line.action_end()
            case _:
                return
        event.stop()
        event.prevent_default()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        options = self.query_one(OptionList)
        path = Path(event.value).expanduser()
        if is_path(event.value) and path.is_file():
            self._open(str(path))
        elif options.highlighted is not None:
            self._open(str(options.get_option_at_index(options.highlighted).id))
        else:
            self._open(event.value)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
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
            opened: tuple[Experiment, Path] = (toml_file.read(path), path)
        except InputError as error:
            self.query_one(".problem", Static).update(str(error))
            self.app.bell()
        else:
            self.dismiss(opened)


def is_path(text: str) -> bool:
    """Whether somebody writes a path, not a name."""
    return os.sep in text or text.startswith(("~", "."))


def completions(text: str) -> list[str]:
    """Folders and experiment files that a path could go on to; folders end with a slash."""
    if text == "~":
        return ["~" + os.sep]
    shown, start = os.path.split(text)
    try:
        entries = sorted(os.scandir(Path(shown).expanduser()), key=lambda e: (e.is_file(), e.name))
    except OSError:
        return []
    found = []
    for entry in entries:
        hidden = entry.name.startswith(".") and not start.startswith(".")
        if hidden or not entry.name.lower().startswith(start.lower()):
            continue
        path = os.path.join(shown, entry.name)
        if entry.is_dir():
            found.append(path + os.sep)
        elif entry.name.endswith(".toml"):
            found.append(path)
    return found


class Paths(Suggester):
    """Suggests how a path could go on."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The first completion that goes on from what is written."""
        return next((path for path in completions(value) if path.startswith(value)), None)
