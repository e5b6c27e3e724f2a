"""A run can be reached as long as it trains, whatever becomes of its socket."""

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tests.support.shell import RunCommand
from tests.support.wait_until import wait_until
from tuilab.core import paths
from tuilab.core.protocol.commands import Start
from tuilab.host import discovery, host, link, run_lock, run_store

Watch = Callable[[link.Link], LinkWatcher]

pytestmark = pytest.mark.usefixtures("hosts")


def start_training(watch: Watch) -> LinkWatcher:
    lab = watch(link.spawn_host())
    lab.send(Start("spiral-1", make_long_experiment()))
    lab.wait_until(lambda: lab.run.step > 5)
    return lab


def test_a_run_is_reachable_after_its_sockets_were_deleted(
    watch: Watch, run_command: RunCommand
) -> None:
    start_training(watch).link.close()

    shutil.rmtree(paths.sockets_dir())

    listed = discovery.list_hosts()  # by the folder of its run, until it listens again
    assert [(each.run, each.state) for each in listed] == [("spiral-1", "training")]
    assert "spiral-1" in run_command("ps")[1]
    assert "training" in run_command("runs")[1]
    again = watch(link.attach_to_host())
    again.wait_until(lambda: again.run.id == "spiral-1" and again.run.step > 5)
    shutil.rmtree(paths.sockets_dir())
    code, out, err = run_command("stop", "spiral-1")
    assert (code, err) == (0, "") and "stopped at step" in out


@pytest.mark.slow
def test_a_run_is_found_by_its_folder_where_its_socket_is_elsewhere(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another shell may have another folder for temporary files or for its session."""
    monkeypatch.setattr(discovery, "new_socket_path", lambda: tmp_path / "else" / "a.sock")
    (tmp_path / "else").mkdir()
    start_training(watch)

    host = discovery.find_host("spiral")

    assert host.socket == tmp_path / "else" / "a.sock"
    assert host.state == "training"


@pytest.mark.slow
def test_a_suspended_host_is_listed_and_goes_on(
    watch: Watch, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = start_training(watch)
    pid = discovery.find_host("spiral").pid
    monkeypatch.setattr(discovery, "ANSWER_SECONDS", 0.2)
    os.kill(pid, signal.SIGSTOP)
    try:
        for command in (("ps",), ("stop", "spiral"), ("train", "--resume", "spiral")):
            _, out, err = run_command(*command)
            assert f"its host (pid {pid}) is suspended; `kill -CONT {pid}`" in out + err
        assert "not answering" in run_command("runs")[1]
    finally:
        os.kill(pid, signal.SIGCONT)
    step = lab.run.step
    lab.wait_until(lambda: lab.run.step > step)


def test_what_a_run_folder_names_is_not_deleted_unless_it_is_a_socket(tmp_path: Path) -> None:
    file = tmp_path / "thesis.txt"
    file.write_text("years of work")

    with pytest.raises(OSError):
        discovery.connect(file)

    assert file.read_text() == "years of work"


def test_sockets_of_other_machines_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder may be shared, and another machine's host cannot be reached from here."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(discovery, "this_machine", lambda: ("other", "boot"))
        path = discovery.new_socket_path()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    assert discovery.list_hosts() == []
    assert path.exists()


def test_a_socket_that_another_one_has_replaced_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    first, second = host.Listener(path), host.Listener(path)

    assert (first.is_reachable, second.is_reachable) == (False, True)
    first.close()
    assert path.exists()
    second.close()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_host_listens_elsewhere_where_something_else_is_at_its_socket(
    watch: Watch, kind: str
) -> None:
    lab = start_training(watch)
    path = discovery.find_host("spiral").socket
    path.unlink()
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("mine")

    lab.wait_until(lambda: any("Something else is at" in line for line in lab.run.log))

    host_info = discovery.find_host("spiral")
    assert host_info.socket != path and host_info.state == "training"
    wait_until(lambda: run_lock.read_holder(run_dir()).socket == str(host_info.socket))
    os.kill(host_info.pid, signal.SIGTERM)
    lab.wait_until_lost()
    assert path.is_dir() if kind == "folder" else path.read_text() == "mine"
    assert not host_info.socket.exists()


def test_the_file_that_names_the_process_is_written_again(watch: Watch) -> None:
    lab = start_training(watch)
    holder = run_lock.read_holder(run_dir())

    (run_dir() / run_lock.LOCK).unlink()

    wait_until(lambda: run_lock.read_holder(run_dir()) == holder)
    assert run_lock.find_holder(run_dir()) == holder, "and it is locked again"
    step = lab.run.step
    lab.wait_until(lambda: lab.run.step > step)


def run_dir() -> Path:
    return run_store.run_dir("spiral-1")
