"""Folders of the user: where they are and who may read them."""

import os
import stat
from pathlib import Path

import pytest

from tuilab.core import paths


def test_one_variable_moves_all_folders_of_the_user(home: Path) -> None:
    assert paths.runs_dir() == home / "data" / "runs"
    assert paths.experiments_dir() == home / "data" / "experiments"
    assert paths.cache_dir() == home / "cache"


def test_the_folder_of_sockets_is_readable_by_this_user_only() -> None:
    folder = paths.sockets_dir()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()


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
