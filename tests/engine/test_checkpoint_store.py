"""Checkpoints on a disk that is full or fails, and files that are damaged or of other versions."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.support.bitwise import find_differences
from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.core.run import run_files
from tuilab.engine import checkpoint, checkpoint_file, checkpoint_store
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.session import Session


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the checkpoint of a run is; nothing waits before it is written again."""
    monkeypatch.setattr(checkpoint_store, "RETRY_DELAYS", (0.0, 0.0, 0.0))
    return tmp_path / run_files.CHECKPOINT


def save_steps(path: Path, *counts: int) -> Session:
    """Trains one run for each of these steps and saves it after each."""
    session, store = make_session(), CheckpointStore(path)
    for count in counts:
        train_steps(session, count)
        store.save(session)
    return session


def limit_disk(monkeypatch: pytest.MonkeyPatch, size: int, folder: Path) -> None:
    """Lets writes fail that would make the files of a folder larger than a size together."""
    write = os.write

    def write_or_fail(file: int, content: bytes) -> int:
        if sum(file.stat().st_size for file in folder.iterdir()) + len(content) > size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, content)

    monkeypatch.setattr(os, "write", write_or_fail)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(path: Path) -> None:
    save_steps(path, 3, 2)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    session = make_session()

    (note,) = checkpoint.load(session, path)

    assert session.step == 3
    assert "its checksum does not match" in note and "the one before it" in note
    CheckpointStore(path).save(session)  # the damaged one does not become the one before
    assert checkpoint_file.read(checkpoint_file.previous_path(path))["position"][0] == 3


def test_a_missing_checkpoint_falls_back_and_two_damaged_ones_are_an_error(path: Path) -> None:
    save_steps(path, 3, 2)
    path.unlink()
    assert checkpoint_file.read_summary(path).step == 3

    checkpoint_file.previous_path(path).write_bytes(b"")
    with pytest.raises(InputError, match="the checkpoint before it cannot be used either"):
        checkpoint_file.read_summary(path)


def test_a_checkpoint_of_an_older_version_has_no_checksum_and_is_read(path: Path) -> None:
    session = save_steps(path, 3)
    torch.save({**checkpoint.capture_state(session), "format": 2}, path)
    resumed = make_session()

    assert checkpoint.load(resumed, path) == []

    assert find_differences(resumed.network.state_dict(), session.network.state_dict()) == []
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a complete checkpoint"):
        checkpoint.load(resumed, path)


def test_a_checkpoint_whose_checksum_was_cut_off_is_damaged(path: Path) -> None:
    save_steps(path, 1)
    path.write_bytes(path.read_bytes().replace(checkpoint_file.SEAL, b"tuilab sha25? "))

    with pytest.raises(InputError, match="it has no checksum"):
        checkpoint_file.read(path)


def test_folders_in_the_way_are_put_aside_and_said(path: Path) -> None:
    path.mkdir()
    checkpoint_file.previous_path(path).mkdir()
    with pytest.raises(InputError, match="this checkpoint cannot be read: Is a directory"):
        checkpoint_file.read_summary(path)
    said: list[str] = []
    store = CheckpointStore(path, said.append)

    for _ in range(2):
        store.save(make_session())

    assert checkpoint_file.is_whole(path)
    assert checkpoint_file.is_whole(checkpoint_file.previous_path(path))
    names = [f"damaged-1-{name}" for name in (path.name, run_files.PREVIOUS_CHECKPOINT)]
    assert [text.split()[-1] for text in said] == [f"{name}." for name in names]


OTHER_VERSIONS: dict[str, Any] = {
    "experiment": '{"optimizer": {"name": "of the future"}}', "position": [1, 2],
    "seconds": "long", "average": None, "stopping": [], "chance": 5, "network": [1],
    "its content": Path("/"),
    "validation_losses": 0.5, "is_stopped": "no",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_VERSIONS)
def test_what_does_not_decode_is_an_error_with_the_next_step(path: Path, name: str) -> None:
    session = make_session()
    path.with_name(run_files.EXPERIMENT).touch()
    state = {**checkpoint.capture_state(session), name: OTHER_VERSIONS[name]}
    path.write_bytes(checkpoint_file.encode(state))

    with pytest.raises(InputError, match=rf"another version of tuilab \({name}.*tuilab train /"):
        checkpoint.load(session, path)


@pytest.mark.parametrize(
    "state",
    [{"average": {}}, {"stopping": {"best": 3}}, {"optimizer": {"param_groups": []}},
     {"recorder": {"points": None}}, {"position": [10**30, 0, 0], "chance": torch.zeros(3)}],
    ids=lambda state: next(iter(state)),
)  # fmt: skip
def test_what_does_not_fit_is_an_error_too(path: Path, state: dict[str, Any]) -> None:
    session = make_session()
    path.write_bytes(checkpoint_file.encode({**checkpoint.capture_state(session), **state}))

    with pytest.raises(InputError, match="this checkpoint is of another"):
        checkpoint.load(session, path)


def test_a_full_disk_gives_up_the_older_checkpoint_for_the_last_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = save_steps(path, 3, 2)
    train_steps(session, 1)
    limit_disk(monkeypatch, int(2.5 * path.stat().st_size), path.parent)

    final = CheckpointStore(path).save_final(session)

    assert final.saved is not None and (final.note, final.lost) == ("", "")
    assert checkpoint_file.read(path)["position"][0] == 6


def test_an_almost_full_disk_keeps_the_weights_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = save_steps(path, 3)
    train_steps(session, 2)
    limit_disk(monkeypatch, int(1.6 * path.stat().st_size), path.parent)

    final = CheckpointStore(path).save_final(session)

    weights = load_file(path.with_name(run_files.WEIGHTS))
    assert torch.equal(torch.cat([w.flatten() for w in weights.values()]).sort()[0],
                       flatten_parameters(session).sort()[0])  # fmt: skip
    assert (final.saved, final.lost) == (None, "")
    assert "The weights of step 5 are kept in" in final.note
    monkeypatch.undo()
    CheckpointStore(path).save(session)
    assert not path.with_name(run_files.WEIGHTS).exists()


def test_a_last_checkpoint_that_only_repeats_the_weights_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = save_steps(path, 3)
    session.is_stopped = True
    limit_disk(monkeypatch, 0, path.parent)

    final = CheckpointStore(path).save_final(session)

    assert (final.saved, final.lost) == (None, "")
    assert final.note.endswith(f"the one before it has the weights of step 3: {path}")


def test_what_is_lost_is_named_when_nothing_can_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = save_steps(path, 3)
    store = CheckpointStore(path)
    store.save(session)
    train_steps(session, 2)
    limit_disk(monkeypatch, 0, path.parent)

    final = store.save_final(session)

    assert (final.saved, final.note) == (None, "")
    assert final.lost == (
        f"The weights of step 5 are lost: they could not be written to {path.parent} "
        f"(No space left on device). Its last checkpoint is of step 3: {path}"
    )
    assert checkpoint_file.read(path)["position"][0] == 3
