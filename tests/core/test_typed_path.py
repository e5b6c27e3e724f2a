"""Paths as terminals, browsers and people write them."""

from pathlib import Path

import pytest

from tuilab.core import paths
from tuilab.core.files.typed_path import clean_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/tmp/a b.csv", "/tmp/a b.csv"),
        (" /tmp/a.csv\n", "/tmp/a.csv"),
        ("'/tmp/a b.csv'", "/tmp/a b.csv"),
        ("'/tmp/a b.csv' ", "/tmp/a b.csv"),
        ('"/tmp/a b.csv"', "/tmp/a b.csv"),
        (r"/tmp/a\ b\(1\).csv", "/tmp/a b(1).csv"),
        (r"'/tmp/it'\''s.csv'", "/tmp/it's.csv"),
        ("file:///tmp/a%20b.csv", "/tmp/a b.csv"),
        ("file://localhost/tmp/%C3%A4.csv", "/tmp/ä.csv"),
        ("'file:///tmp/a.csv'", "/tmp/a.csv"),
        ("~/a.csv", "~/a.csv"),
        ("bob's.csv", "bob's.csv"),
        ("https://example.org/a.csv", "https://example.org/a.csv"),
        ("file://server/share/a.csv", "file://server/share/a.csv"),
        ("", ""),
        ("a\0b", "a\0b"),
    ],
)
def test_a_pasted_path_is_understood(text: str, path: str) -> None:
    assert clean_path(text) == path


def test_a_name_that_exists_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("'quoted'", r"back\ slash", " space "):
        (tmp_path / name).write_text("")

        assert clean_path(f"{tmp_path}/{name}") == f"{tmp_path}/{name}"


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUILAB_HOME", "mine")

    assert paths.runs_dir() == tmp_path / "mine" / "data" / "runs"
