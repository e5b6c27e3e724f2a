"""Where a user's things live."""

import os
import stat
from pathlib import Path

import pytest

from tuilab.lab import places


def test_one_variable_moves_all_of_a_users_places(home: Path) -> None:
    assert places.runs() == home / "data" / "runs"
    assert places.experiments() == home / "data" / "experiments"
    assert places.cache() == home / "cache"


def test_sockets_lie_in_a_folder_for_this_user_alone() -> None:
    folder = places.sockets()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()


def test_a_home_too_deep_for_a_socket_gets_a_short_folder_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path / ("deep" * 30)))
    monkeypatch.setattr("tempfile.tempdir", "/tmp")

    folder = places.sockets()
    try:
        assert len(os.fsencode(folder)) + 20 <= places.SOCKET_PATH_LIMIT
        assert folder == places.sockets()
    finally:
        folder.rmdir()


def test_the_shipped_presets_are_found_in_a_checkout() -> None:
    assert (places.presets() / "experiments" / "spiral.toml").is_file()
