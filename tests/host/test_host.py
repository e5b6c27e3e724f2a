"""A host in this process serves several clients, also late, slow and invalid ones."""

import contextlib
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tests.support.not_none import not_none
from tests.support.shell import RunCommand
from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Pause, SetKnob, Start, Step, Stop
from tuilab.core.protocol.events import AnyEvent, Finished, Logged
from tuilab.engine.session import Session
from tuilab.host import discovery, framing, link, run_lock, run_store
from tuilab.host.host import Host

Watch = Callable[[link.Link], LinkWatcher]


class HostThread:
    """A host that runs in a thread of the test."""

    def __init__(self) -> None:
        self.host = Host(discovery.new_socket_path())
        self.events: list[AnyEvent] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self.host:
            self.events.extend(self.host.events())

    def end(self) -> None:
        self.host.interrupt()
        self._thread.join()


@pytest.fixture
def serve_host() -> Iterator[Callable[[], HostThread]]:
    threads: list[HostThread] = []

    def start() -> HostThread:
        threads.append(HostThread())
        return threads[-1]

    yield start
    for each in threads:
        each.end()


@pytest.fixture
def lab(serve_host: Callable[[], HostThread], watch: Watch) -> LinkWatcher:
    """A client of a host that trains."""
    return start_training(serve_host(), watch)


def start_training(thread: HostThread, watch: Watch, run: str = "spiral-1") -> LinkWatcher:
    lab = watch(link._Remote(discovery.connect(not_none(thread.host.path))))
    lab.send(Start(run, make_long_experiment()))
    lab.wait_until(lambda: lab.run.step > 20)
    return lab


def test_a_late_client_has_the_whole_history(lab: LinkWatcher, watch: Watch) -> None:
    late = watch(link.attach_to_host("spiral"))
    late.wait_until(lambda: late.run.state == "training")
    late.send(Pause())
    for each in (late, lab):
        each.wait_for_state("paused")

    assert late.run.series == lab.run.series
    assert late.run.experiment == make_long_experiment()
    assert late.run.versions["torch"]


def test_two_clients_control_one_run(lab: LinkWatcher, watch: Watch) -> None:
    other = watch(link.attach_to_host("spiral"))

    other.send(Pause())
    lab.wait_for_state("paused")
    lab.send(SetKnob("optimizer.lr", 0.5))
    other.wait_until(lambda: other.run.experiment and other.run.experiment.optimizer.lr == 0.5)
    other.send(Start("other-2", make_long_experiment()))

    lab.wait_until(lambda: lab.run.id == "other-2" and lab.run.step > 0)


def test_every_client_receives_the_reason_why_a_run_cannot_start(
    lab: LinkWatcher, watch: Watch
) -> None:
    other = watch(link.attach_to_host("spiral"))

    lab.send(Start("wrong-2", make_long_experiment("Linear 5")))

    other.wait_until(lambda: other.run.id == "wrong-2" and other.run.failure)
    assert not_none(other.run.failure).title == "This experiment cannot be started"


def test_clients_that_never_read_or_send_invalid_bytes_do_no_harm(lab: LinkWatcher) -> None:
    host = discovery.find_host("spiral")
    silent, invalid = (discovery.connect(host.socket) for _ in range(2))
    with silent, invalid:
        invalid.sendall(b"GET / HTTP/1.1\r\n\r\n")
        step = lab.run.step

        lab.wait_until(lambda: lab.run.step > step + 200)

        invalid.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            while invalid.recv(65536):
                pass  # what it was sent before it was disconnected


def test_a_command_can_arrive_byte_by_byte(lab: LinkWatcher) -> None:
    with discovery.connect(discovery.find_host("spiral").socket) as slow:
        for byte in framing.encode_frame(Pause()):
            slow.sendall(bytes([byte]))

        lab.wait_for_state("paused")


def test_a_run_continues_from_its_checkpoint_with_its_history(lab: LinkWatcher) -> None:
    lab.send(Pause(), Stop())
    lab.wait_for_state("finished")
    step, before = lab.run.step, lab.run.series["loss/train"].points()

    lab.send(Start("spiral-1", make_long_experiment(), checkpoint=lab.run.checkpoint))
    lab.wait_until(lambda: lab.run.state == "training" and not_none(lab.run.progress).step > step)

    points = lab.run.series["loss/train"].points()
    assert points[: len(before)] == before
    assert points[len(before)][0] > step
    stored = run_store.read_run(run_store.run_dir("spiral-1"))
    assert stored.series["loss/train"].points()[0] == before[0]


def test_continuing_from_an_earlier_step_drops_later_history(lab: LinkWatcher) -> None:
    lab.send(Start("second-2", make_long_experiment(), paused=True), Step(steps=5))
    lab.wait_until(lambda: lab.run.id == "second-2" and lab.run.step == 5)
    lab.send(Stop())
    lab.wait_for_state("finished")
    checkpoint = run_store.run_dir("second-2").with_name("early.pt")
    checkpoint.write_bytes((run_store.run_dir("second-2") / run_store.CHECKPOINT).read_bytes())
    lab.send(Step(steps=5))
    lab.wait_until(lambda: lab.run.state == "paused" and lab.run.step == 10)

    lab.send(Start("second-2", make_long_experiment(), paused=True, checkpoint=str(checkpoint)))

    lab.wait_until(lambda: lab.run.state == "paused" and lab.run.step == 5)
    assert [point[0] for point in lab.run.series["loss/train"].points()][-1] == 5


def test_events_end_when_the_host_is_interrupted(
    serve_host: Callable[[], HostThread], watch: Watch
) -> None:
    thread = serve_host()
    lab = start_training(thread, watch)

    thread.end()

    reason = lab.wait_until_lost()
    assert isinstance(thread.events[-1], Finished)
    assert lab.run.finished == thread.events[-1]
    assert reason.startswith("The host has ended. The run is stored up to step")
    assert discovery.list_hosts() == []


def test_an_event_that_cannot_be_sent_fails_the_run_but_not_the_host(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as engine:
        event = Logged(text=object())  # type: ignore[arg-type]
        engine.setattr(Session, "set_knob", lambda *_: event)
        lab.send(SetKnob("optimizer.lr", 0.5))
        lab.wait_for_state("failed")

    failure = not_none(lab.run.failure)
    assert "object" in failure.title and failure.recoverable


# --- discovery ----------------------------------------------------------------------------------


def test_only_the_user_can_reach_a_host(lab: LinkWatcher) -> None:
    host = discovery.find_host("spiral")

    assert stat.S_IMODE(host.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(host.socket.stat().st_mode) == 0o600


def test_a_host_reports_its_run(lab: LinkWatcher) -> None:
    (host,) = discovery.list_hosts()

    assert (host.run, host.title) == ("spiral-1", "Blobs")
    assert (host.state, host.device) == ("training", "cpu")
    assert host.step >= lab.run.step and host.epochs == 100_000
    assert host.is_active and host.seconds > 0


def test_a_run_is_as_old_as_its_start_and_not_as_its_host(
    lab: LinkWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "process_age", lambda pid: 5000.0)
    folder = run_store.run_dir("spiral-1")

    (host,) = discovery.list_hosts()
    assert host.seconds < 600
    for name, age in ((run_store.EXPERIMENT, 2000), (run_lock.LOCK, 1000)):
        then = time.time() - age
        os.utime(folder / name, (then, then))
    (host,) = discovery.list_hosts()
    assert 1000 <= host.seconds < 1600


def test_a_run_is_found_by_a_unique_part_of_its_id(
    serve_host: Callable[[], HostThread], watch: Watch
) -> None:
    for run in ("spiral-1", "spiral-2"):
        start_training(serve_host(), watch, run)

    assert discovery.find_host("2").run == "spiral-2"
    with pytest.raises(InputError, match="several runs match: spiral-1, spiral-2"):
        discovery.find_host("spiral")
    with pytest.raises(InputError, match="there is spiral-1, spiral-2"):
        discovery.find_host("moons")
    stopped = discovery.stop_run("spiral-1")
    assert (stopped.state, not_none(stopped.finished).reason) == ("finished", "stopped")
    assert discovery.find_host().run == "spiral-2"


def test_without_a_run_attaching_is_refused() -> None:
    with pytest.raises(InputError, match="no run is in progress"):
        link.attach_to_host("spiral")


def test_a_stale_socket_is_removed() -> None:
    path = discovery.new_socket_path()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    assert discovery.list_hosts() == []
    assert not path.exists()


def test_a_host_that_does_not_answer_is_listed_as_such(
    monkeypatch: pytest.MonkeyPatch, run_command: RunCommand
) -> None:
    monkeypatch.setattr(discovery, "ANSWER_SECONDS", 0.1)
    path = discovery.new_socket_path()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()

        (host,) = discovery.list_hosts()
        code, out, _ = run_command("ps")

        assert (host.state, host.socket) == ("not answering", path)
        assert code == 0 and "not answering" in out and host.problem in out
        with pytest.raises(InputError, match="has not answered within"):
            link.attach_to_host()
        assert path.exists()
