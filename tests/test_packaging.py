"""The wheel: it contains the presets, the stylesheet and the command."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tuilab.core import paths

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_wheel_contains_the_presets_the_stylesheet_and_the_command(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    command = [uv, "build", "--wheel", "--out-dir", str(tmp_path), str(REPOSITORY)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert process.returncode == 0, process.stderr

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packaged = {
            name.removeprefix("tuilab/_presets/"): wheel.read(name)
            for name in wheel.namelist()
            if name.startswith("tuilab/_presets/")
        }
        names = wheel.namelist()
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        commands = wheel.read(entry).decode()

    presets = REPOSITORY / "presets"
    assert packaged == {
        str(path.relative_to(presets)): path.read_bytes()
        for path in presets.rglob("*")
        if path.is_file()
    }
    assert "tuilab/ui/tuilab.tcss" in names
    assert "tuilab = tuilab.cli.main:main" in commands
    assert not [name for name in names if name.startswith("tests")]


def test_presets_inside_the_package_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "tuilab" / "core" / "paths.py"
    inside, beside = tmp_path / "tuilab" / "_presets", tmp_path / "presets"
    monkeypatch.setattr(paths, "__file__", str(module))

    with pytest.raises(FileNotFoundError, match="reinstall tuilab"):
        paths.presets_dir()
    beside.mkdir()
    assert paths.presets_dir() == beside
    inside.mkdir(parents=True)
    assert paths.presets_dir() == inside
