"""Opening, saving and copying an experiment, and leaving the lab."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

from textual.binding import Binding

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import share_string, toml_file
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.experiment.from_file import DATA_SUFFIXES, is_data
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.typed_path import clean_path
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import Stop
from tuilab.ui import copy_text
from tuilab.ui.controllers.context import Context
from tuilab.ui.keymap import bind
from tuilab.ui.screens.dialogs import Ask, Choice, Prompt


class FileController:
    """Moves experiments between the workspace and files; nothing unsaved is lost unasked."""

    BINDINGS: ClassVar[list[Binding]] = [
        bind("Experiment", "ctrl+o", "files.open", "open", "Open a preset or an experiment file"),
        bind("Experiment", "ctrl+s", "files.save", "save", "Save the experiment to a file"),
        bind("Experiment", "y", "files.copy", "copy",
             "Copy the experiment, the network, the results or the run's path"),
        bind("Experiment", "ctrl+y", "files.share", "share",
             "Copy the experiment as a short string, which tuilab opens elsewhere"),
        bind("Lab", "q", "files.leave", "quit", "Leave the lab; a run can continue without it",
             show=True),
    ]  # fmt: skip

    def __init__(
        self, context: Context, can_leave_run: Callable[[], bool], on_open: Callable[[], None]
    ) -> None:
        """Initializes the controller.

        Args:
            can_leave_run: whether a run goes on when the lab is closed.
            on_open: is called after another experiment was opened.
        """
        self._context = context
        self._workspace = context.workspace
        self.can_leave_run, self._on_open = can_leave_run, on_open
        self.is_stopping = False
        "The run ends with the lab."

    async def open(self) -> None:
        """Asks for another experiment and opens it."""
        from tuilab.ui.screens.open import Open

        opened: tuple[Experiment, Path | None] | None = await self._context.ask(Open())
        if opened is not None and await self.may_replace(opened[0]):
            self.replace(*opened)

    async def open_preset(self, path: Path, *, is_of_lesson: bool = False) -> None:
        """Opens an experiment file.

        Args:
            is_of_lesson: whether a page of the lesson that is open asks for it.
        """
        try:
            experiment = toml_file.read(path)
        except InputError as error:
            self._context.notify(str(error), severity="error")
            return
        if await self.may_replace(experiment):
            self.replace(experiment, path, is_of_lesson=is_of_lesson)

    async def may_replace(self, experiment: Experiment | None) -> bool:
        """Asks what becomes of unsaved edits, and of a run in progress of another experiment.

        Returns:
            Whether to go on; False to stay.
        """
        if not await self.settle_edits():
            return False
        workspace = self._workspace
        if not workspace.run.is_active or experiment == workspace.run_experiment:
            return True
        answer: Literal["leave", "stop"] | None = "stop"
        if workspace.run.state in ("starting", "training") or workspace.would_lose_training:
            answer = await self.ask_about_run("Open another experiment?", "the other one opens")
        run = workspace.run
        if answer is None or not run.is_active:
            return answer is not None
        if answer == "leave":
            self._context.leave_run()
        else:
            self._context.send([Stop()])
        what = "goes on in the background" if answer == "leave" else "is stopped and saved"
        self._context.notify(f"tuilab attach {run.id} comes back to it.",
                             title=f"{run.id} {what}")  # fmt: skip
        return True

    def replace(
        self, experiment: Experiment, path: Path | None, *, is_of_lesson: bool = False
    ) -> None:
        """Replaces the experiment in the workspace; what is shown of a run of another one goes."""
        self._workspace.open(experiment, path, is_of_lesson=is_of_lesson)
        self._on_open()
        self._context.repaint()

    async def save(self) -> bool:
        """Asks for a file and writes the experiment to it.

        Returns:
            Whether it was saved.
        """
        from tuilab.ui.screens.open import PathSuggester

        question = "Where? It becomes a TOML file that tuilab can open and train."
        path: Path | None = await self._context.ask(
            Prompt(
                "Save", question, str(self._suggest_path()),
                check=parse_toml_path, suggester=PathSuggester(),
            )
        )  # fmt: skip
        if path is None or not await self._may_write(path):
            return False
        try:
            toml_file.write(path, self._workspace.experiment)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"not valid TOML: {error}"
            self._context.notify(f"{path}: {reason}", title="Not saved", severity="error")
            return False
        self._workspace.saved, self._workspace.path = self._workspace.experiment, path
        self._workspace.remember_file()
        self._context.notify(str(path), title="Saved")
        self._context.repaint()
        return True

    def _suggest_path(self) -> Path:
        """Returns the file it came from, unless that is a preset; else one of the user's own."""
        path = self._workspace.path
        is_own = path is not None and paths.presets_dir() not in path.resolve().parents
        if path is not None and is_own and not share_string.is_kept(path):
            return path
        data = self._workspace.experiment.data
        if path is None and (source := getattr(data, "path", "")) and is_data(Path(source)):
            return Path(source).with_suffix(".toml")  # beside the data that it was made for
        return paths.experiments_dir() / (path.name if path else f"{name_of(data)}.toml")

    async def _may_write(self, path: Path) -> bool:
        if not path.exists():
            return True
        choices = [Choice("Overwrite it", "overwrite", "o"), Choice("Cancel", "cancel", "c")]
        title, text = "Overwrite?", f"{path} exists."
        if self._workspace.is_changed_on_disk(path):
            title, text = "Changed on disk", f"{path} was changed by another program."
            choices = [
                Choice("Overwrite its values", "overwrite", "o", "Its comments stay"),
                Choice("Open the file instead", "open", "f", "The changes in the lab are lost"),
                Choice("Cancel", "cancel", "c"),
            ]
        answer = await self._context.ask(Ask(title, text, choices))
        if answer == "open":
            self._workspace.discard_edits()
            await self.open_preset(path)
        return bool(answer == "overwrite")

    async def settle_edits(self) -> bool:
        """Asks what to do with edits that are in no file.

        Returns:
            Whether to go on; False to stay.
        """
        is_kept = not self._workspace.is_edited
        if is_kept or (self._workspace.is_of_lesson and self._workspace.path is None):
            return True
        choices = [
            Choice("Save them", "save", "s"),
            Choice("Discard them", "discard", "d"),
            Choice("Cancel", "cancel", "c"),
        ]
        text = "The experiment has unsaved changes."
        answer = await self._context.ask(Ask("Unsaved changes", text, choices))
        return await self.save() if answer == "save" else bool(answer == "discard")

    async def copy(self) -> None:
        """Asks what to copy, and puts it into the clipboard and a file."""
        choices = [
            Choice(label, text, key, about)
            for key, label, about, text in copy_text.list_copies(
                self._workspace.experiment, self._workspace.run
            )
        ]
        text: str | None = await self._context.ask(Ask("Copy", "", choices))
        if text is not None:
            self._copy(text)

    def share(self) -> None:
        """Copies the experiment as a short string."""
        try:
            string = share_string.encode(self._workspace.experiment)
        except InputError as error:
            self._context.notify(str(error), title="Not copied", severity="warning", timeout=10)
        else:
            self._copy(string, "It opens with: tuilab open STRING, or ctrl+o and paste")

    def _copy(self, text: str, advice: str = "") -> None:
        """Puts a text into the clipboard and a file, and says so."""
        self._context.copy_to_clipboard(text)
        path = paths.data_dir() / "copied.txt"
        try:
            write_atomically(path, text.encode())
        except OSError as error:
            self._context.notify(f"{path}: {error.strerror}", severity="warning")
            return
        note = f"{len(text)} characters, also in\n{path}"
        note = f"{note}\n{advice}".strip()
        self._context.notify(note, title="Copied to the terminal's clipboard")

    async def leave(self) -> None:
        """Closes the lab; asks first what becomes of the run and of unsaved edits."""
        if await self._settle_run() and await self.settle_edits():
            if self._workspace.is_edited:
                self._workspace.discard_edits()  # so that they do not come back with the lab
            self._context.exit()

    async def _settle_run(self) -> bool:
        if not self._workspace.run.is_active:
            return True
        answer = await self.ask_about_run("Quit?", "the lab closes")
        self.is_stopping = answer == "stop"
        if self.is_stopping:
            self._context.send([Stop()])
        return answer is not None

    async def ask_about_run(self, title: str, then: str) -> Literal["leave", "stop"] | None:
        """Asks what becomes of the run in progress; None to go back.

        Args:
            then: what happens after it was stopped.
        """
        run = self._workspace.run
        state = "paused" if run.state in ("paused", "failed") else "training"
        choices = [
            Choice(f"Leave it {state}", "leave", "l", f"Come back with: tuilab attach {run.id}",
                   "" if self.can_leave_run() else "It runs in this process, which ends now"),
            Choice("Stop it", "stop", "s", f"It is evaluated and saved, then {then}"),
            Choice("Cancel", None, "c"),
        ]  # fmt: skip
        text = f"{run.id} is {run.state} at step {format_count(run.step)}."
        answer: Literal["leave", "stop"] | None = await self._context.ask(Ask(title, text, choices))
        return answer


def parse_toml_path(text: str) -> Path:
    """Returns a path that an experiment can be saved to; InputError where it is a folder."""
    path = paths.expand_user(clean_path(text))
    if not text.strip() or path.is_dir():
        raise InputError("enter a file name, such as mine.toml")
    if path.suffix.lower() in DATA_SUFFIXES:
        raise InputError(f"{path.name} is data; enter a name such as {path.stem}.toml")
    return path if path.suffix else path.with_suffix(".toml")
