"""What every test stands on: homes of their own, so that no test sees or leaves a user's things."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.shell import Says
from tuilab.cli import main

REPOSITORY = Path(__file__).resolve().parent.parent
FASHION = REPOSITORY.parent / "shared" / "data"

# Two test processes on two cores: one thread each, in child processes as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("tuilab", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("tuilab")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Runs the whole suite in parallel; what is named on the command line runs in this process.

    So one test starts fast, and `-s`, `--pdb` and `-n` mean what they say.
    """
    is_whole = config.args_source != config.ArgsSource.ARGS
    is_watched = config.option.usepdb or config.option.capture == "no"
    if is_whole and not is_watched and config.option.numprocesses is None:
        config.option.numprocesses = min(8, (os.cpu_count() or 1) + 1)
        config.option.tx = ["popen"] * config.option.numprocesses
        config.option.dist = "worksteal"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folders, empty."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TUILAB_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own terminal decides how a test ends."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fashion() -> Path:
    """The folder with real images; skips where it is absent."""
    if not (FASHION / "FashionMNIST" / "raw").is_dir():
        pytest.skip(f"the real images are not at {FASHION}")
    return FASHION


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    """Run a command in this process: exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main.run(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run
