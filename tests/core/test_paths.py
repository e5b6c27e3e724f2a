"""Folders of the user: where they are and who may read them."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuilab.core import paths
from tuilab.core.errors import InputError


def test_one_variable_moves_all_folders_of_the_user(home: Path) -> None:
    assert paths.runs_dir() == home / "data" / "runs"
    assert paths.experiments_dir() == home / "data" / "experiments"
    assert paths.cache_dir() == home / "cache"


def test_the_folder_of_sockets_is_readable_by_this_user_only() -> None:
    folder = paths.sockets_dir()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()


PLANTED = {
    "a link": lambda path, tmp: path.symlink_to(tmp),
    "a link to nothing": lambda path, tmp: path.symlink_to(tmp / "missing"),
    "a file": lambda path, tmp: path.write_text("mine"),
    "another user's folder": lambda path, tmp: path.mkdir(),
}


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("is_long", [False, True], ids=["own home", "/tmp"])
def test_a_planted_folder_of_sockets_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, is_long: bool
) -> None:
    """With a long home they are in /tmp, where everyone can plant something."""
    home = tmp_path / ("deep" * 30) if is_long else tmp_path
    monkeypatch.setenv("TUILAB_HOME", str(home))
    folder = paths.socket_dirs()[0]
    assert folder.is_relative_to("/tmp" if is_long else tmp_path)
    (tmp_path / "target").mkdir()
    PLANTED[kind](folder, tmp_path / "target")
    if kind.startswith("another"):
        monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
        monkeypatch.setattr(paths, "socket_dirs", lambda: [folder])  # named by the user's number
    try:
        with pytest.raises(InputError, match=f"{folder.name}: this .*; remove it, or set"):
            paths.sockets_dir()
        assert not paths.is_private(folder)
        assert list((tmp_path / "target").iterdir()) == []
    finally:
        folder.rmdir() if kind.startswith("another") else folder.unlink()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A temporary folder whose sockets have names that are short enough."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_sockets_are_where_they_last(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    """The login manager deletes its folder with the last session; the state folder stays."""
    session, state = short_path / "x", short_path / "s"
    session.mkdir()
    monkeypatch.delenv("TUILAB_HOME")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    monkeypatch.setenv("XDG_STATE_HOME", str(state))

    assert paths.sockets_dir() == state / "tuilab" / "run"
    assert stat.S_IMODE((state / "tuilab" / "run").stat().st_mode) == 0o700
    (short_path / "f").write_text("")  # where no folder can be created
    monkeypatch.setenv("XDG_STATE_HOME", str(short_path / "f"))
    assert paths.sockets_dir() == session / "tuilab"


def test_sockets_get_a_short_folder_if_the_home_is_too_deep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path / ("deep" * 30)))
    monkeypatch.setattr("tempfile.tempdir", "/tmp")

    folder = paths.sockets_dir()
    try:
        assert len(os.fsencode(folder)) + 20 <= paths.SOCKET_PATH_LIMIT
        assert folder == paths.sockets_dir()
    finally:
        folder.rmdir()


def test_the_shipped_presets_are_found_in_a_checkout() -> None:
    assert (paths.presets_dir() / "experiments" / "spiral.toml").is_file()
