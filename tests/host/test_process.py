"""The host process: it survives the lab, ends cleanly, and gives the reason of its end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tests.support.not_none import not_none
from tests.support.wait_until import wait_until
from tuilab.core import paths
from tuilab.core.protocol.commands import Pause, Resume, Save, SetKnob, Start
from tuilab.core.run.run import Run
from tuilab.host import discovery, link, run_store

Watch = Callable[[link.Link], LinkWatcher]

pytestmark = pytest.mark.usefixtures("hosts")

TRAIN_IN_HOST = """
import threading
from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tuilab.core.protocol.commands import Start
from tuilab.host import link
lab = LinkWatcher(link.spawn_host())
lab.send(Start("spiral-1", make_long_experiment()))
lab.wait_until(lambda: lab.run.step > 100)
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


def assert_no_socket_remains() -> None:
    assert list(paths.sockets_dir().iterdir()) == []


def test_a_run_survives_the_lab_and_a_hangup_stores_it_with_a_checkpoint(watch: Watch) -> None:
    with subprocess.Popen([sys.executable, "-c", TRAIN_IN_HOST], stdout=subprocess.PIPE) as first:
        assert not_none(first.stdout).readline() == b"training\n"
        host = discovery.find_host("spiral")
        first.kill()

    lab = watch(link.attach_to_host("spiral"))
    lab.wait_until(lambda: lab.run.step > host.step + 100)
    history = lab.run.series["loss/train"].points()
    os.kill(host.pid, signal.SIGHUP)
    lab.wait_until_lost()

    assert history[0] == read_stored_run().series["loss/train"].points()[0]
    assert not_none(lab.run.finished).reason == "interrupted"
    assert lab.link.lost_reason.startswith("The host has ended. The run is stored up to step")
    stored = read_stored_run()
    assert (stored.finished, stored.checkpoint) == (lab.run.finished, lab.run.checkpoint)
    assert_no_socket_remains()


def test_a_killed_host_is_reported_and_its_run_can_be_resumed(watch: Watch) -> None:
    lab = watch(link.spawn_host())
    lab.send(Start("spiral-1", make_long_experiment()))
    lab.wait_until(lambda: lab.run.progress)
    lab.send(Save(), Pause())
    lab.wait_for_state("paused")
    host, step = discovery.find_host("spiral"), lab.run.step

    os.kill(host.pid, signal.SIGKILL)
    lab.wait_until_lost()

    killed = "The host process was killed (SIGKILL). The run is stored"
    assert lab.link.lost_reason.startswith(killed)
    stored = read_stored_run()
    assert (stored.state, stored.step) == ("paused", step)
    assert discovery.list_hosts() == []
    assert_no_socket_remains()

    resumed = watch(link.spawn_host())
    resumed.send(Start("spiral-1", not_none(stored.experiment), checkpoint=stored.checkpoint))
    resumed.wait_until(lambda: resumed.run.state == "training" and resumed.run.step > step)
    points = resumed.run.series["loss/train"].points()
    assert points[0] == read_stored_run().series["loss/train"].points()[0]
    assert points == sorted(points)


def test_a_run_without_clients_is_stored_at_its_end(watch: Watch) -> None:
    lab = watch(link.spawn_host())
    lab.send(Start("spiral-1", make_long_experiment()))
    lab.wait_until(lambda: lab.run.epoch)
    host = discovery.find_host("spiral")

    lab.send(Pause())  # the last epoch cannot have passed before the knob arrives
    lab.wait_for_state("paused")
    lab.send(SetKnob("training.epochs", not_none(lab.run.epoch).epoch + 50), Resume())
    lab.link.close()
    wait_until(lambda: is_gone(host.pid))

    finished = not_none(read_stored_run().finished)
    assert finished.reason == "done"
    assert finished.results["test"]
    assert_no_socket_remains()


def test_a_second_signal_ends_the_host_at_once(watch: Watch) -> None:
    lab = watch(link.spawn_host())
    (host,) = lab.wait_until(discovery.list_hosts)
    lab.send(Start("spiral-1", make_long_experiment()))  # loads PyTorch for seconds
    lab.wait_for_state("starting")

    os.kill(host.pid, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        os.kill(host.pid, signal.SIGINT)

    wait_until(lambda: is_gone(host.pid))
    assert list(paths.sockets_dir().glob("*.sock")) == []


def test_a_host_without_a_run_ends_with_its_lab() -> None:
    connection = link.spawn_host()
    (host,) = wait_until(discovery.list_hosts)

    connection.close()

    wait_until(lambda: is_gone(host.pid))
    assert_no_socket_remains()


def test_a_host_without_a_run_ends_at_a_signal(watch: Watch) -> None:
    lab = watch(link.spawn_host())
    (host,) = lab.wait_until(discovery.list_hosts)

    os.kill(host.pid, signal.SIGTERM)

    lab.wait_until_lost()
    assert lab.link.lost_reason == "The host has ended."
    assert_no_socket_remains()


def test_a_host_without_clients_ends() -> None:
    path = discovery.new_socket_path()
    command = [
        sys.executable,
        "-m",
        "tuilab.host.process",
        "--socket",
        str(path),
        "--patience",
        "0",
    ]

    assert subprocess.run(command, timeout=60, check=False).returncode == 0
    assert not path.exists()


def test_a_host_that_cannot_start_gives_the_reason(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "new_socket_path", lambda: paths.sockets_dir() / ("x" * 120))

    lab = watch(link.spawn_host())
    lab.wait_until_lost()

    assert lab.link.lost_reason == (
        "The host process failed with exit code 1 (OSError: AF_UNIX path too long)."
    )
    assert_no_socket_remains()
