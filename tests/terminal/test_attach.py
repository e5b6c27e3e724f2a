"""A run continues when its lab is killed."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.link_watcher import LinkWatcher
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Stop
from tuilab.host import link

ENDLESS = with_value(
    Experiment(title="Endless", network=("Linear 4", "Tanh", "Linear 2")),
    "training.epochs",
    1_000_000,
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[PseudoTerminal]:
    """A lab with a host process, opened on an experiment that does not end by itself."""
    path = tmp_path / "endless.toml"
    toml_file.write(path, ENDLESS)
    terminal = PseudoTerminal([sys.executable, "-m", "tuilab", "open", str(path)], size=(160, 45))
    yield terminal
    terminal.close()


def test_training_continues_when_the_lab_is_killed(lab: PseudoTerminal) -> None:
    lab.wait_for_text("Endless", "Linear 4")
    lab.type(" ")
    lab.wait_until(lambda: "● training" in lab.text and "steps/s" in lab.text, seconds=60)

    lab.process.send_signal(signal.SIGKILL)
    lab.process.wait()

    watcher = LinkWatcher(link.attach_to_host())
    try:
        watcher.wait_until(lambda: watcher.run.state == "training" and watcher.run.step > 0)
        step = watcher.run.step
        watcher.wait_until(lambda: watcher.run.step > step)
        assert watcher.run.id.startswith("endless-")
        watcher.send(Stop())
        watcher.wait_until(lambda: watcher.run.state == "finished")
    finally:
        watcher.link.close()
