"""The host process: it survives the lab, ends in good order, and says how it has ended."""

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
from tuilab.core.protocol.commands import Pause, Save, SetKnob, Start
from tuilab.core.run.run import Run
from tuilab.host import discovery, link, run_store

Watch = Callable[[link.Link], Watcher]

pytestmark = pytest.mark.usefixtures("hosts")

LAB = """
import threading
from tests.support.watching import Watcher, experiment
from tuilab.core.protocol.commands import Start
from tuilab.host import link
lab = Watcher(link.spawn_host())
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


def read_stored_run() -> Run:
    return run_store.read_run(run_store.run_dir("spiral-1"))


def assert_no_socket_is_left() -> None:
    assert list(paths.sockets_dir().iterdir()) == []


def test_a_run_survives_the_lab_and_a_hangup_ends_it_with_a_checkpoint(watch: Watch):
    with subprocess.Popen([sys.executable, "-c", LAB], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"training\n"
        host = discovery.find_host("spiral")
        first.kill()

    lab = watch(link.attach_to_host("spiral"))
    lab.until(lambda: lab.run.step > host.step + 100)
    history = lab.run.series["loss/train"].points()
    os.kill(host.pid, signal.SIGHUP)
    lab.until_lost()

    assert history[0] == read_stored_run().series["loss/train"].points()[0]
    assert lab.run.finished.reason == "interrupted"
    assert lab.link.lost_reason.startswith("The host has ended. The run is stored up to step")
    assert (read_stored_run().finished, read_stored_run().checkpoint) == (
        lab.run.finished,
        lab.run.checkpoint,
    )
    assert_no_socket_is_left()


def test_a_killed_host_is_reported_and_its_run_can_be_resumed(watch: Watch):
    lab = watch(link.spawn_host())
    lab.send(Start("spiral-1", experiment()))
    lab.until(lambda: lab.run.progress)
    lab.send(Save(), Pause())
    lab.until_state("paused")
    host, step = discovery.find_host("spiral"), lab.run.step

    os.kill(host.pid, signal.SIGKILL)
    lab.until_lost()

    assert lab.link.lost_reason.startswith(
        "The host process was killed (SIGKILL). The run is stored"
    )
    assert (read_stored_run().state, read_stored_run().step) == ("paused", step)
    assert discovery.list_hosts() == []
    assert_no_socket_is_left()

    again = watch(link.spawn_host())
    again.send(
        Start("spiral-1", read_stored_run().experiment, checkpoint=read_stored_run().checkpoint)
    )
    again.until(lambda: again.run.state == "training" and again.run.step > step)
    points = again.run.series["loss/train"].points()
    assert points[0] == read_stored_run().series["loss/train"].points()[0]
    assert points == sorted(points)


def test_a_run_without_clients_is_stored_at_its_end(watch: Watch):
    lab = watch(link.spawn_host())
    lab.send(Start("spiral-1", experiment()))
    lab.until(lambda: lab.run.epoch)
    host = discovery.find_host("spiral")

    lab.send(SetKnob("training.epochs", lab.run.epoch.epoch + 50))
    lab.link.close()
    until(lambda: is_gone(host.pid))

    assert read_stored_run().finished.reason == "done"
    assert read_stored_run().finished.results["test"]
    assert_no_socket_is_left()


def test_a_second_signal_ends_the_host_at_once(watch: Watch):
    lab = watch(link.spawn_host())
    (host,) = lab.until(discovery.list_hosts)
    lab.send(Start("spiral-1", experiment()))  # PyTorch is being loaded, which takes seconds
    lab.until_state("starting")

    os.kill(host.pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        os.kill(host.pid, signal.SIGINT)

    until(lambda: is_gone(host.pid))
    assert list(paths.sockets_dir().glob("*.sock")) == []


def test_a_host_without_a_run_ends_with_its_lab():
    end = link.spawn_host()
    (host,) = until(discovery.list_hosts)

    end.close()

    until(lambda: is_gone(host.pid))
    assert_no_socket_is_left()


def test_a_host_without_a_run_ends_at_a_signal(watch: Watch):
    lab = watch(link.spawn_host())
    (host,) = lab.until(discovery.list_hosts)

    os.kill(host.pid, signal.SIGTERM)

    lab.until_lost()
    assert lab.link.lost_reason == "The host has ended."
    assert_no_socket_is_left()


def test_a_host_without_clients_ends():
    path = discovery.new_socket_path()
    words = [sys.executable, "-m", "tuilab.host.process", "--socket", str(path), "--patience", "0"]

    assert subprocess.run(words, timeout=60, check=False).returncode == 0
    assert not path.exists()


def test_a_host_that_cannot_start_says_why(watch: Watch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discovery, "new_socket_path", lambda: paths.sockets_dir() / ("x" * 120))

    lab = watch(link.spawn_host())
    lab.until_lost()

    assert lab.link.lost_reason == (
        "The host process failed with exit code 1 (OSError: AF_UNIX path too long)."
    )
    assert_no_socket_is_left()
