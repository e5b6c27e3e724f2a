"""The learner's files: written once, never lost; the editor that opens them."""

from pathlib import Path

import pytest

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files


def test_a_stub_is_written_once_and_never_overwrites() -> None:
    file = learner_files.write_stub("dropout")
    assert file == paths.data_dir() / "exercises" / "dropout.py"
    assert file.read_text() == exercise.find("dropout").stub

    file.write_text("mine")

    assert learner_files.write_stub("dropout") == file
    assert file.read_text() == "mine"


def test_reset_keeps_every_old_file() -> None:
    file = learner_files.write_stub("dropout")
    for text in ("first", "second"):
        file.write_text(text)
        learner_files.reset("dropout")

    assert file.read_text() == exercise.find("dropout").stub
    assert file.with_name("dropout.py.bak").read_text() == "first"
    assert file.with_name("dropout.py.bak2").read_text() == "second"


def test_an_unknown_exercise_writes_nothing() -> None:
    with pytest.raises(InputError, match="there is no exercise"):
        learner_files.write_stub("../../evil")

    assert not (paths.data_dir() / "exercises").exists()


def test_only_the_text_that_passed_may_be_used() -> None:
    file = learner_files.write_stub("dropout")
    with pytest.raises(InputError, match="has not passed its check"):
        learner_files.passed_source("dropout")

    learner_files.mark_passed("dropout", file.read_text())
    assert learner_files.passed_source("dropout") == file.read_text()

    file.write_text(file.read_text() + "\n# one more thought\n")
    with pytest.raises(InputError, match="has not passed its check"):
        learner_files.passed_source("dropout")


def write_programs(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)


def test_the_editor_is_what_the_user_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_programs(tmp_path, "code", "vi", "nano", "my editor")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("VISUAL", "code --wait")
    monkeypatch.setenv("EDITOR", "vi")
    assert learner_files.editor_command() == ["code", "--wait"]

    monkeypatch.setenv("VISUAL", "")
    assert learner_files.editor_command() == ["vi"]

    monkeypatch.setenv("EDITOR", str(tmp_path / "my editor"))
    assert learner_files.editor_command() == [str(tmp_path / "my editor")]

    monkeypatch.delenv("EDITOR")
    assert learner_files.editor_command() == ["nano"]


def test_a_missing_editor_is_reported_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    with pytest.raises(InputError, match=r"no editor was found: set \$EDITOR"):
        learner_files.editor_command()

    monkeypatch.setenv("EDITOR", "emacs -nw")
    with pytest.raises(InputError, match='there is no program "emacs"'):
        learner_files.editor_command()
