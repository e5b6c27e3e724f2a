"""Opening, saving, copying and leaving: what becomes of an experiment outside the lab."""

from pathlib import Path
from typing import Any

from textual import work

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.format import grouped
from tuilab.core.protocol.commands import Stop
from tuilab.ui import copy_text
from tuilab.ui.controllers.studies import StudyController
from tuilab.ui.screens.dialogs import Ask, Choice, Prompt


class FileController(StudyController):
    """Control with studies, and the experiment's files."""

    is_stopping = False
    "The run ends with the lab."

    @work
    async def action_open(self) -> None:
        """Choose another experiment."""
        from tuilab.ui.screens.open import Open

        opened: tuple[Experiment, Path] | None = await self.app.push_screen_wait(Open())
        if opened is not None and await self._settle_edits():
            self.take(*opened)

    @work
    async def open_preset(self, path: Path) -> None:
        """Take the experiment of this file."""
        try:
            experiment = toml_file.read(path)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if await self._settle_edits():
            self.take(experiment, path)

    def take(self, experiment: Experiment, path: Path | None) -> None:
        """Put another experiment on the desk."""
        self.send(self.workspace.open(experiment, path))

    @work
    async def action_save(self) -> None:
        """Save to a file."""
        await self._save()

    async def _save(self) -> bool:
        from tuilab.ui.screens.open import Paths

        path: Path | None = await self.app.push_screen_wait(
            Prompt(
                "Save",
                "Where to? The file is TOML; tuilab opens and trains it.",
                str(self._place()),
                check=toml_path,
                suggester=Paths(),
            )
        )
        if path is None or not await self._may_write(path):
            return False
        try:
            toml_file.write(path, self.workspace.experiment)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else f"it is no TOML: {error}"
            self.notify(f"{path}: {why}", title="Not saved", severity="error", markup=False)
            return False
        self.workspace.saved, self.workspace.path = self.workspace.experiment, path
        self.notify(str(path), title="Saved", markup=False)
        self.repaint()
        return True

    def _place(self) -> Path:
        """Where it came from, unless that is ours to keep; else the user's own folder."""
        path = self.workspace.path
        if path is not None and paths.presets() not in path.resolve().parents:
            return path
        name = path.name if path is not None else f"{name_of(self.workspace.experiment.data)}.toml"
        return paths.experiments() / name

    async def _may_write(self, path: Path) -> bool:
        if not path.exists():
            return True
        choices = [Choice("Overwrite it", True, "o"), Choice("Cancel", False, "c")]
        return bool(await self.app.push_screen_wait(Ask("Overwrite?", f"{path} exists.", choices)))

    async def _settle_edits(self) -> bool:
        """Ask what to do with changes that are in no file; False to stay."""
        if not self.workspace.is_edited:
            return True
        choices = [
            Choice("Save them", "save", "s"),
            Choice("Discard them", "discard", "d"),
            Choice("Cancel", "cancel", "c"),
        ]
        text = "The experiment has changes that are in no file."
        answer = await self.app.push_screen_wait(Ask("Unsaved changes", text, choices))
        if answer == "save":
            return await self._save()
        return bool(answer == "discard")

    @work
    async def action_copy(self) -> None:
        """Choose what to copy."""
        choices = [
            Choice(label, text, key, about)
            for key, label, about, text in copy_text.copies(
                self.workspace.experiment, self.workspace.run
            )
        ]
        text: str | None = await self.app.push_screen_wait(Ask("Copy", "", choices))
        if text is None:
            return
        self.app.copy_to_clipboard(text)
        path = paths.data() / "copied.txt"
        try:
            toml_file.write_atomically(path, text.encode())
        except OSError as error:
            self.notify(f"{path}: {error.strerror}", severity="warning", markup=False)
            return
        note = f"{len(text)} characters, also in\n{path}"
        self.notify(note, title="Copied to the terminal's clipboard", markup=False)

    @work(exclusive=True, group="leave")
    async def action_leave(self) -> None:
        """Leave the lab; the run goes on or ends, as wanted."""
        if not await self._settle_run() or not await self._settle_edits():
            return
        self.app.exit(0)

    async def _settle_run(self) -> bool:
        run = self.workspace.run
        if not run.is_active:
            return True
        leaves = getattr(self.app, "can_leave", True)
        how = "paused" if run.state in ("paused", "failed") else "training"
        choices = [
            Choice(f"Leave it {how}", "leave", "l", f"Come back with: tuilab attach {run.id}",
                   "" if leaves else "It runs in this process, which ends now"),
            Choice("Stop it", "stop", "s", "It is evaluated and saved, then the lab closes"),
            Choice("Cancel", None, "c"),
        ]  # fmt: skip
        answer: Any = await self.app.push_screen_wait(
            Ask("Quit?", f"A run is {run.state} at step {grouped(run.step)}.", choices)
        )
        self.is_stopping = answer == "stop"
        if self.is_stopping:
            self.send([Stop()])
        return answer is not None


def toml_path(text: str) -> Path:
    """A path that an experiment can be saved to."""
    path = Path(text).expanduser()
    if not text.strip() or path.is_dir():
        raise InputError("write a file's name, such as mine.toml")
    return path if path.suffix else path.with_suffix(".toml")
