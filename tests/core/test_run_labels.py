"""Labels of a run: what can be written, and what happens to a damaged or read-only file."""

import json
import os
from pathlib import Path

import pytest

from tuilab.core.errors import InputError
from tuilab.core.run import run_labels
from tuilab.core.run.run_labels import RunLabels, read_labels


def test_labels_are_kept_beside_what_a_newer_version_wrote(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"tags": ["b"], "color": "red"}')

    run_labels.tag(tmp_path, ["a"], ["c"])
    run_labels.rename(tmp_path, "  wide \n net ")

    assert read_labels(tmp_path) == RunLabels("wide net", ("a", "b"), "")
    assert json.loads((tmp_path / "labels.json").read_text())["color"] == "red"


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"tags": 3}', b"\xff"])
def test_a_damaged_file_is_put_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.json").write_bytes(content)
    assert read_labels(tmp_path) == RunLabels()

    run_labels.annotate(tmp_path, "new")

    assert read_labels(tmp_path).note == "new"
    assert (tmp_path / "damaged-labels.json").read_bytes() == content


@pytest.mark.parametrize("word", ["", "+a", "-a", "two words", "a,b", "x" * 41, 'a"', "\x1b[2J"])
def test_what_cannot_be_a_tag_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match="a tag is"):
        run_labels.tag(tmp_path, [word])


def test_a_name_and_a_note_have_a_length(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 100"):
        run_labels.rename(tmp_path, "x" * 101)
    with pytest.raises(InputError, match="at most 4,000"):
        run_labels.annotate(tmp_path, "x" * 4001)


def test_a_run_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="moons-1: this run is not stored any more"):
        run_labels.rename(tmp_path / "moons-1", "x")
    assert not (tmp_path / "moons-1").exists()


def test_a_folder_that_cannot_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(InputError, match=r"its labels cannot be written \(Permission denied\)"):
        run_labels.rename(tmp_path, "x")
