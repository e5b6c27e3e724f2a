"""Where a user's things live."""

import os
import stat
from pathlib import Path

import pytest

from tuilab.core import paths


def test_one_variable_moves_all_of_a_users_places(home: Path) -> None:
    assert paths.runs() == home / "data" / "runs"
    assert paths.experiments() == home / "data" / "experiments"
    assert paths.cache() == home / "cache"


def test_sockets_lie_in_a_folder_for_this_user_alone() -> None:
    folder = paths.sockets()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()


def test_a_home_too_deep_for_a_socket_gets_a_short_folder_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path / ("deep" * 30)))
    monkeypatch.setattr("tempfile.tempdir", "/tmp")

    folder = paths.sockets()
    try:
        assert len(os.fsencode(folder)) + 20 <= paths.SOCKET_PATH_LIMIT
        assert folder == paths.sockets()
    finally:
        folder.rmdir()


def test_the_shipped_presets_are_found_in_a_checkout() -> None:
    assert (paths.presets() / "experiments" / "spiral.toml").is_file()
