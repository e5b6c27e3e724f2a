"""Files and folders whose names are not UTF-8: what `check` calls good can be trained and resumed.

Messages, checkpoints and files of tuilab are UTF-8 and hold such a name with escapes.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.support.not_none import not_none
from tests.support.shell import RunCommand
from tuilab.core import paths
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.file_paths import restore_paths
from tuilab.core.printable import escape_surrogates
from tuilab.core.protocol.commands import Start
from tuilab.host import framing
from tuilab.host.run_lock import RunLock, read_holder

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="its names are always UTF-8")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table in a folder, both with a name in Latin-1."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9/t\xff.csv"))
    path.parent.mkdir()
    rows = (f"{number},{number % 7},{'xy'[number % 2]}" for number in range(40))
    path.write_text("\n".join(("a,b,c", *rows)))
    return path


def test_a_table_is_checked_trained_and_resumed(table: Path, run_command: RunCommand) -> None:
    epochs = ("--set", "training.epochs=1")
    assert run_command("check", str(table))[0] == 0

    code, out, err = run_command("train", str(table), *epochs, "--plain")

    assert (code, err) == (0, "") and "log cannot be written" not in out
    (folder,) = paths.runs_dir().iterdir()
    stored = toml_file.read(folder / "experiment.toml").data
    assert isinstance(stored, Table) and stored.path == str(table)
    more = run_command("train", "--resume", folder.name, "--set", "training.epochs=2", "--plain")
    assert more[0] == 0, more


def test_a_path_in_a_message_leads_to_its_file(table: Path) -> None:
    experiment = Experiment(data=Table(path=str(table)), network=("Linear 2",))

    (command,) = framing.command_decoder().feed(framing.encode_frame(Start("a", experiment)))

    assert isinstance(command, Start) and isinstance(command.experiment.data, Table)
    assert command.experiment.data.path == escape_surrogates(str(table))
    assert restore_paths(command.experiment) == experiment


def test_a_home_folder_holds_runs_and_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_command: RunCommand
) -> None:
    monkeypatch.setenv("TUILAB_HOME", os.fsdecode(os.fsencode(tmp_path) + b"/h\xff"))

    options = ("--set", "training.epochs=1", "--set", "data.samples=40", "--plain")
    code, out, err = run_command("train", "moons", *options)

    assert (code, err) == (0, "") and "cannot be written" not in out
    (folder,) = paths.runs_dir().iterdir()
    assert folder.name in run_command("runs")[1]
    lock = RunLock.acquire(folder, paths.sockets_dir() / "a.sock")
    assert escape_surrogates(str(paths.sockets_dir())) in not_none(read_holder(folder)).socket
    lock.close()
