"""The host process outlives its lab, ends in good order, and tells how it was ended."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest

from tests.support.watching import Watcher, experiment, until
from tuilab.core import paths
from tuilab.core.protocol.commands import Pause, Save, Set, Start
from tuilab.core.run.run import Run
from tuilab.host import discovery, link, run_store

Watch = Callable[[link.Link], Watcher]

pytestmark = pytest.mark.usefixtures("hosts")

LAB = """
import threading
from tests.support.watching import Watcher, experiment
from tuilab.core.protocol.commands import Start
from tuilab.host import link
lab = Watcher(link.spawn())
lab.send(Start("spiral-1", experiment()))
lab.until(lambda: lab.run.step > 100)
print("training", flush=True)
threading.Event().wait()
"""


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stored() -> Run:
    return run_store.read(run_store.path_of("spiral-1"))


def assert_nothing_is_left() -> None:
    assert list(paths.sockets().iterdir()) == []


def test_training_outlives_the_lab_and_a_hangup_ends_it_with_a_checkpoint(watch: Watch):
    with subprocess.Popen([sys.executable, "-c", LAB], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"training\n"
        host = discovery.find("spiral")
        first.kill()

    lab = watch(link.attach("spiral"))
    lab.until(lambda: lab.run.step > host.step + 100)
    history = lab.run.series["loss/train"].points()
    os.kill(host.pid, signal.SIGHUP)
    lab.until_lost()

    assert history[0] == stored().series["loss/train"].points()[0]
    assert lab.run.finished.reason == "interrupted"
    assert lab.link.lost.startswith("The host has ended. The run is on the disk up to step")
    assert (stored().finished, stored().checkpoint) == (lab.run.finished, lab.run.checkpoint)
    assert_nothing_is_left()


def test_a_killed_host_is_told_in_the_users_terms_and_the_run_starts_again(watch: Watch):
    lab = watch(link.spawn())
    lab.send(Start("spiral-1", experiment()))
    lab.until(lambda: lab.run.progress)
    lab.send(Save(), Pause())
    lab.until_state("paused")
    host, step = discovery.find("spiral"), lab.run.step

    os.kill(host.pid, signal.SIGKILL)
    lab.until_lost()

    assert lab.link.lost.startswith("The host process was killed (SIGKILL). The run is on the disk")
    assert (stored().state, stored().step) == ("paused", step)
    assert discovery.hosts() == []
    assert_nothing_is_left()

    again = watch(link.spawn())
    again.send(Start("spiral-1", stored().experiment, checkpoint=stored().checkpoint))
    again.until(lambda: again.run.state == "training" and again.run.step > step)
    points = again.run.series["loss/train"].points()
    assert points[0] == stored().series["loss/train"].points()[0]
    assert points == sorted(points)


def test_a_run_that_nobody_watches_ends_on_the_disk(watch: Watch):
    lab = watch(link.spawn())
    lab.send(Start("spiral-1", experiment()))
    lab.until(lambda: lab.run.epoch)
    host = discovery.find("spiral")

    lab.send(Set("training.epochs", lab.run.epoch.epoch + 50))
    lab.link.close()
    until(lambda: is_gone(host.pid))

    assert stored().finished.reason == "done"
    assert stored().finished.results["test"]
    assert_nothing_is_left()


def test_a_second_signal_ends_it_at_once(watch: Watch):
    lab = watch(link.spawn())
    (host,) = lab.until(discovery.hosts)
    lab.send(Start("spiral-1", experiment()))  # PyTorch is being loaded, which takes seconds
    lab.until_state("starting")

    os.kill(host.pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        os.kill(host.pid, signal.SIGINT)

    until(lambda: is_gone(host.pid))
    assert list(paths.sockets().glob("*.sock")) == []


def test_a_host_without_work_ends_with_its_lab():
    end = link.spawn()
    (host,) = until(discovery.hosts)

    end.close()

    until(lambda: is_gone(host.pid))
    assert_nothing_is_left()


def test_a_host_without_work_ends_at_a_signal(watch: Watch):
    lab = watch(link.spawn())
    (host,) = lab.until(discovery.hosts)

    os.kill(host.pid, signal.SIGTERM)

    lab.until_lost()
    assert lab.link.lost == "The host has ended."
    assert_nothing_is_left()


def test_a_host_that_nobody_comes_to_ends():
    path = discovery.new_path()
    words = [sys.executable, "-m", "tuilab.host.process", "--socket", str(path), "--patience", "0"]

    assert subprocess.run(words, timeout=60, check=False).returncode == 0
    assert not path.exists()


def test_a_host_that_cannot_begin_says_why(watch: Watch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discovery, "new_path", lambda: paths.sockets() / ("x" * 120))

    lab = watch(link.spawn())
    lab.until_lost()

    assert lab.link.lost == (
        "The host process failed with exit code 1 (OSError: AF_UNIX path too long)."
    )
    assert_nothing_is_left()
