"""Commands in processes that start fast, to be killed: `python -m tests.faults.fork_server`.

The server has imported everything and forks for each command.
"""

import atexit
import json
import os
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

CALLS = "calls.txt"
"""The file that says how many calls to the disk a command has made."""

ROOT = Path(__file__).resolve().parent.parent.parent


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    "Its exit code; the negative number of the signal that ended it."
    text: str
    "What it printed, on stdout and stderr."


class ForkServer:
    """Runs one command at a time, each in a process of its own."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fork_server"], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._output = Path()
        self._read_line()  # when it has imported everything

    def close(self) -> None:
        """Ends the server."""
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def start(self, home: Path, *arguments: object, **faults: Any) -> int:
        """Starts a command with files in a folder; returns the id of its process.

        Args:
            faults: those of a faulty disk.
        """
        home.mkdir(parents=True, exist_ok=True)
        self._output = home / "output.txt"
        self._output.unlink(missing_ok=True)
        job = {"home": str(home), "arguments": [*map(str, arguments)], "faults": faults}
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return int(self._read_line())

    def wait(self) -> Ended:
        """Waits until the command has ended."""
        code = int(self._read_line())
        has_output = self._output.exists()  # not of one that was killed at once
        return Ended(code, self._output.read_text(errors="replace") if has_output else "")

    def run(self, home: Path, *arguments: object, **faults: Any) -> Ended:
        """Runs a command to its end."""
        self.start(home, *arguments, **faults)
        return self.wait()

    def _read_line(self) -> str:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError("the server of processes has ended")
        return line


@cache
def start_server() -> ForkServer:
    """Returns the server of this process, which ends with it."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def serve() -> None:
    """Forks for each line of JSON on stdin; prints the id of the process, then how it ended."""
    _import_everything()
    print("ready", flush=True)
    while line := sys.stdin.readline():
        process = os.fork()
        if not process:
            _run(json.loads(line))
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _import_everything() -> None:
    import torch

    import tuilab.cli.app
    import tuilab.cli.resume
    import tuilab.core.diagnosis.diagnosis
    import tuilab.engine.checkpoint_store
    import tuilab.engine.data.load
    import tuilab.engine.train
    import tuilab.host.host  # noqa: F401

    torch.set_num_threads(1)


def _run(job: dict[str, Any]) -> None:
    from tests.faults.injected_faults import FaultyDisk
    from tuilab.cli import main
    from tuilab.engine import checkpoint_store, progress
    from tuilab.host import run_controller

    home = Path(job["home"])
    os.environ["TUILAB_HOME"] = str(home)
    output = os.open(home / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(output, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Checkpoints whenever there is news, so that a kill often meets one; and no patience.
    run_controller.MIN_SAVE_INTERVAL = run_controller.MAX_SAVE_INTERVAL = 0.0
    run_controller.SAVE_SHARE = 0
    checkpoint_store.RETRY_DELAYS = (0.0, 0.0, 0.0, 0.0, 0.0)
    disk = FaultyDisk(home / "data", **job["faults"])
    if job["faults"]:
        disk.install()
    if "last_call" in job["faults"]:
        progress.REPORT_INTERVAL = 0.0  # after each step, so that the calls are always the same
    code = 70
    try:
        code = main.run(job["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        (home / CALLS).write_text(str(disk.calls))
        os._exit(code)


if __name__ == "__main__":
    serve()
