"""The runner of the queue: order, failures, devices, and that nothing is lost when it is killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tests.support.tiny_sessions import make_experiment
from tests.support.wait_until import wait_until
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Save, Start
from tuilab.core.protocol.events import AnyEvent, Failed, Finished, Ready, Started
from tuilab.core.protocol.records import Device
from tuilab.core.run.run import Run
from tuilab.host import discovery, link, queue_runner, run_queue, run_store
from tuilab.host.queue_runner import QueueRunner

pytestmark = pytest.mark.usefixtures("hosts")


@pytest.fixture(autouse=True)
def _no_runner_remains() -> Iterator[None]:
    yield
    holder = run_queue.find_runner()
    if holder is not None and holder.process.pid != os.getpid():
        with suppress(ProcessLookupError):
            os.kill(holder.process.pid, signal.SIGKILL)


def make_failing_experiment() -> Experiment:
    return make_experiment(
        "Linear 8", "Linear 3", epochs=9,
        optimizer={"name": "sgd", "lr": 1000.0}, loss={"name": "mse"},
    )  # fmt: skip


def add(run: str, experiment: Experiment) -> None:
    run_queue.add_runs([Start(run, experiment)])


def states() -> dict[str, str]:
    return {entry.run: entry.state for entry in run_queue.list_entries()}


def read(run: str) -> Run:
    return run_store.read_run(run_store.run_dir(run))


def kill_runner() -> None:
    holder = run_queue.find_runner()
    assert holder is not None
    os.kill(holder.process.pid, signal.SIGKILL)
    wait_until(lambda: run_queue.find_runner() is None)


def wait_for_step(run: str) -> int:
    def step() -> int:
        with suppress(InputError):
            return read(run).step
        return 0

    return wait_until(step)


def wait_for_state(run: str, state: str) -> None:
    wait_until(lambda: states()[run] == state)


def test_runs_are_trained_in_order_and_one_that_fails_does_not_stop_the_others() -> None:
    add("first", make_experiment())
    add("second", make_failing_experiment())
    add("third", make_experiment())
    starts: list[str] = []

    def remember(run: str, event: AnyEvent) -> None:
        if isinstance(event, Started):
            starts.append(run)

    runner = QueueRunner(remember)
    runner.run()

    assert starts == ["first", "second", "third"]
    assert states() == {"first": "done", "second": "failed", "third": "done"}
    failed = runner.ended[1]
    assert failed.run == "second" and failed.problem
    assert read("third").finished is not None
    assert run_queue.find_runner() is None
    wait_until(lambda: not discovery.list_hosts())


def test_a_killed_runner_leaves_its_run_and_the_next_one_waits_for_it() -> None:
    add("long", make_long_experiment())
    add("next", make_experiment())
    run_queue.start_runner()
    step = wait_for_step("long")
    kill_runner()

    host = discovery.find_host("long")
    wait_until(lambda: read("long").step > step)
    assert states() == {"long": "training", "next": "waiting"}
    assert run_queue.start_runner()
    wait_until(run_queue.find_runner)
    assert not run_queue.start_runner()
    discovery.stop_run("long")
    wait_until(lambda: states() == {"long": "stopped", "next": "done"}, lambda: str(states()))
    assert host.run == "long"


def test_after_runner_and_host_were_killed_the_run_goes_on_from_its_checkpoint(
    watch: Callable[[link.Link], LinkWatcher],
) -> None:
    add("long", make_long_experiment())
    run_queue.start_runner()
    wait_for_step("long")
    lab = watch(link.attach_to_host("long"))
    lab.send(Save())
    wait_until(lambda: list(run_store.run_dir("long").glob("checkpoint.pt")))
    kill_runner()
    os.kill(discovery.find_host("long").pid, signal.SIGKILL)
    wait_until(lambda: states() == {"long": "cut off"}, lambda: str(states()))
    step = read("long").step

    run_queue.start_runner()
    wait_until(lambda: read("long").step > step)
    log = (run_store.run_dir("long") / run_store.LOG).read_bytes()
    starts = [event for event in run_store.decode_events(log.splitlines())
              if isinstance(event, Started)]  # fmt: skip
    assert len(starts) == 2 and starts[0].step == 0 < starts[1].step
    assert run_queue.stop_runner()
    assert states() == {"long": "waiting"}
    finished = read("long").finished
    assert finished is not None and finished.reason == "interrupted"


def test_a_killed_host_does_not_stop_the_others() -> None:
    add("long", make_long_experiment())
    add("next", make_experiment())
    run_queue.start_runner()
    wait_for_step("long")
    os.kill(discovery.find_host("long").pid, signal.SIGKILL)
    wait_until(lambda: states() == {"long": "cut off", "next": "done"}, lambda: str(states()))
    problem = next(entry.problem for entry in run_queue.list_entries() if entry.run == "long")
    assert "SIGKILL" in problem


def test_there_is_one_runner_at_a_time() -> None:
    add("long", make_long_experiment())
    run_queue.start_runner()
    wait_until(run_queue.find_runner)
    with pytest.raises(InputError, match="works the queue off already"):
        QueueRunner().run()


def test_what_is_added_while_the_runner_ends_is_trained() -> None:
    """Many short rounds: each adds at another moment of the end of the runner before."""
    for number in range(3):
        add(f"run-{number}", make_experiment(epochs=1))
        run_queue.start_runner()
        wait_for_state(f"run-{number}", "done")
    assert set(states().values()) == {"done"}


# --- devices, with hosts that only report ---------------------------------------------------------


class FakeHost:
    """A host that reports two GPUs, and ends its run when the test says so."""

    lost_reason = ""
    run_survives_exit = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: list[AnyEvent] = [Ready(
            [Device("cuda:0", "A"), Device("cuda:1", "B"), Device("cpu", "C")], {"torch": "2"}
        )]  # fmt: skip
        self.start: Start | None = None

    def send(self, command: object) -> None:
        if isinstance(command, Start):
            self.start = command

    def events(self) -> list[AnyEvent]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def close(self) -> None:
        pass

    def end(self, *, is_failure: bool = False) -> None:
        assert self.start is not None
        run = self.start.run
        self.waiting.append(
            Failed(run, "no") if is_failure else Finished(run, "done", 1, 1, 1.0, {})
        )


@pytest.fixture
def fake_hosts(monkeypatch: pytest.MonkeyPatch) -> list[FakeHost]:
    hosts: list[FakeHost] = []

    def spawn() -> FakeHost:
        hosts.append(FakeHost(f"host {len(hosts)}"))
        return hosts[-1]

    monkeypatch.setattr(queue_runner, "spawn_host", spawn)
    monkeypatch.setattr(queue_runner, "POLL_SECONDS", 0.01)
    return hosts


def _wait_for_start(hosts: list[FakeHost], number: int) -> FakeHost:
    """The host that was started as this one, from 1, once it knows its run."""
    return wait_until(lambda: next((host for host in hosts[number - 1 :] if host.start), None))


def _wait_for_ends(runner: QueueRunner, count: int) -> None:
    wait_until(lambda: len(runner.ended) == count)


def with_device(name: str) -> Experiment:
    return with_value(make_experiment(), "training.device", name)


@pytest.mark.parametrize(
    ("devices", "jobs", "expected"),
    [
        ("auto auto auto", 1, "cuda:0 cuda:1"),
        ("auto auto auto auto auto", 2, "cuda:0 cuda:1 cuda:0 cuda:1"),
        ("cpu cpu auto", 1, "cpu cuda:0"),
        ("cuda cuda:0 cuda:1", 1, "cuda cuda:1"),
        ("cpu cpu cpu", 2, "cpu cpu"),
    ],
)
def test_each_device_trains_as_many_runs_at_a_time_as_it_may(
    fake_hosts: list[FakeHost], devices: str, jobs: int, expected: str
) -> None:
    names = devices.split()
    for number, device in enumerate(names):
        add(f"run-{number}", with_device(device))
    run_queue.set_jobs(jobs)
    runner = QueueRunner()
    thread = threading.Thread(target=runner.run)
    thread.start()

    def started() -> list[str]:
        return [host.start.experiment.training.device for host in fake_hosts if host.start]

    wait_until(lambda: started() == expected.split(), lambda: str(started()))
    assert sum(state == "training" for state in states().values()) == len(expected.split())
    for number in range(1, len(names) + 1):  # the others follow as there is room
        host = _wait_for_start(fake_hosts, number)
        host.end(is_failure=number == 1)
        _wait_for_ends(runner, number)
    thread.join(10)
    assert not thread.is_alive()
    assert sorted(states().values()) == ["done"] * (len(names) - 1) + ["failed"]


def test_a_detached_runner_outlives_the_shell_that_started_it() -> None:
    script = (
        "from tests.support.link_watcher import make_long_experiment\n"
        "from tuilab.core.protocol.commands import Start\n"
        "from tuilab.host import run_queue\n"
        "run_queue.add_runs([Start('long', make_long_experiment())])\n"
        "run_queue.start_runner()\n"
    )
    shell = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    assert shell.wait(60) == 0
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGHUP)
    step = wait_for_step("long")
    wait_until(lambda: read("long").step > step)
    assert run_queue.stop_runner() and states() == {"long": "waiting"}
