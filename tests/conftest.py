"""The fixtures of all tests: no test reads or writes the files of a user."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.shell import RunCommand
from tuilab.cli import main

REPOSITORY = Path(__file__).resolve().parent.parent
FASHION = REPOSITORY.parent / "shared" / "data"

# There are at least as many test processes as cores: one thread each, in child processes as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("tuilab", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("tuilab")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Runs the whole suite in parallel, and tests named on the command line in this process.

    So one test starts fast, and `-s`, `--pdb` and `-n` keep their meaning.
    """
    if hasattr(config, "workerinput"):  # a worker runs what it is given, alone
        return
    _keep_bytecode(config.rootpath / ".pytest_cache" / "bytecode")
    is_whole = config.args_source != config.ArgsSource.ARGS
    is_interactive = config.option.usepdb or config.option.capture == "no"
    if is_whole and not is_interactive and config.option.numprocesses is None:
        config.option.numprocesses = min(8, (os.cpu_count() or 1) + 2)  # some wait
        config.option.tx = ["popen"] * config.option.numprocesses
        config.option.dist = "worksteal"


def _keep_bytecode(folder: Path) -> None:
    """Keeps bytecode in a folder of its own where it is not to be written beside the sources.

    The tests start hundreds of interpreters: without it, each compiles PyTorch for two seconds.
    """
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for all files of a user."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TUILAB_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the settings of the developer's own terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fashion() -> Path:
    """The folder with real images; skips where it is absent."""
    if not (FASHION / "FashionMNIST" / "raw").is_dir():
        pytest.skip(f"the real images are not at {FASHION}")
    return FASHION


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Runs a command in this process; returns its exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main.run(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run
