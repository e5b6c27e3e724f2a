"""Weights from another run or file: what is copied, what is not, and files that are refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.bitwise import find_differences
from tests.support.shell import RunCommand
from tests.support.tiny_sessions import make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.model import transfer
from tuilab.engine.session import Session
from tuilab.engine.train import train
from tuilab.host import run_store

LINES = ("Linear 8", "Tanh", "Linear 6", "Tanh", "Linear 3")


def save_trained(tmp_path: Path) -> Path:
    session = make_session(*LINES)
    train_steps(session, 5)
    CheckpointStore(tmp_path / "checkpoint.pt").save(session)
    return tmp_path / "checkpoint.pt"


def session_from(source: Path | str, *lines: str, **tables: Any) -> Session:
    """Returns a session whose weights come from a source."""
    return make_session(*(lines or LINES), transfer={"source": str(source)}, **tables)


def test_the_same_network_starts_with_all_weights_of_the_other(tmp_path: Path) -> None:
    path = save_trained(tmp_path)
    expected = torch.load(path, weights_only=True)["network"]

    session = session_from(path)

    assert find_differences(dict(session.network.state_dict()), dict(expected)) == []
    assert f"3 of 3 layers have the weights of {path}" in session.started_event().note


def test_a_layer_of_another_shape_starts_from_scratch_and_is_named(tmp_path: Path) -> None:
    path = save_trained(tmp_path)
    expected = torch.load(path, weights_only=True)["network"]

    session = session_from(path, "Linear 8", "ReLU", "Linear 6", "ReLU", "Linear 4")

    state = session.network.state_dict()
    assert torch.equal(state["2.weight"], expected["2.weight"])
    assert "2 of 3 layers" in session.started_event().note
    assert "3 Linear ([4, 6] is not [3, 6]) starts from scratch" in session.started_event().note


def test_layers_at_other_positions_are_paired_in_order(tmp_path: Path) -> None:
    path = save_trained(tmp_path)
    expected = torch.load(path, weights_only=True)["network"]

    session = session_from(path, "Identity", "Linear 8", "Tanh", "Identity", "Linear 6", "Linear 3")

    state = session.network.state_dict()
    for to, source in (("1", "0"), ("4", "2"), ("5", "4")):
        assert torch.equal(state[f"{to}.weight"], expected[f"{source}.weight"])


def test_frozen_layers_keep_the_transferred_weights(tmp_path: Path) -> None:
    path = save_trained(tmp_path)
    expected = torch.load(path, weights_only=True)["network"]

    session = session_from(path, "Linear 8 frozen=true", *LINES[1:], epochs=3)
    list(train(session))

    state = session.network.state_dict()
    assert torch.equal(state["0.weight"], expected["0.weight"])
    assert not torch.equal(state["2.weight"], expected["2.weight"])


def test_a_safetensors_file_with_other_names_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    shapes = {"a.weight": (8, 2), "a.bias": (8,), "b.weight": (6, 8), "b.bias": (6,)}
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    save_file(tensors, path)

    session = session_from(path)

    state = session.network.state_dict()
    assert torch.equal(state["0.weight"], tensors["a.weight"])
    assert torch.equal(state["2.bias"], tensors["b.bias"])


def test_the_tenth_layer_of_a_file_comes_after_the_second(tmp_path: Path) -> None:
    path = tmp_path / "deep.safetensors"
    tensors = {f"body.{number}.weight": torch.randn(4, 4) for number in range(12)}
    save_file(tensors, path)
    layers = [torch.nn.Linear(4, 4, bias=False) for _ in range(12)]

    note = transfer.transfer_weights(torch.nn.Sequential(*layers), str(path))

    assert note == f"12 of 12 layers have the weights of {path}"
    for number, layer in enumerate(layers):
        assert torch.equal(layer.weight, tensors[f"body.{number}.weight"])


def test_a_run_resumes_without_the_file_that_it_started_from(
    tmp_path: Path, run_command: RunCommand
) -> None:
    path = save_trained(tmp_path).rename(tmp_path / "old.pt")
    options = ("--json", "--set", f"transfer.source={path}")
    assert run_command("train", "perceptron", "--set", 'network=["Linear 8","Tanh","Linear 2"]',
                "--set", "training.epochs=2", *options)[0] == 0  # fmt: skip
    path.unlink()
    (run,) = run_store.list_runs()

    code, _, err = run_command(
        "train", "--resume", run.name, "--json", "--set", "training.epochs=3"
    )

    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a complete safetensors file"), (b"\x00" * 64, "not a complete")],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        session_from(path)


def test_missing_and_unfitting_weights_are_reported(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="there is no file nothing and no run of that name with a checkpoint"
    ):
        session_from("nothing")
    with pytest.raises(InputError, match=r"no layer of .* has the same shape"):
        session_from(save_trained(tmp_path), "Linear 5", "Linear 3")


def test_an_exported_run_starts_another(tmp_path: Path, run_command: RunCommand) -> None:
    run_command(
        "train", "xor", "--json", "--set", "training.epochs=2", "--set", "averaging.name=ema"
    )
    (run,) = run_store.list_runs()
    file = tmp_path / "xor.safetensors"

    code, out, err = run_command("export", run.name[-4:], str(file))

    assert (code, err) == (0, "") and "numbers written" in out
    saved = torch.load(run / run_store.CHECKPOINT, weights_only=True)
    averaged = dict(zip(saved["network"], saved["average"]["mean"], strict=True))
    weights = load_file(file)
    assert weights.keys() == averaged.keys()
    assert all(torch.equal(weights[name], averaged[name]) for name in weights)
    content = file.read_bytes()
    assert run_command("export", run.name, str(file))[0] == 0  # the same, byte for byte
    file.write_bytes(b"of the user")
    code, _, err = run_command("export", run.name, str(file))
    assert code == 2 and "it exists; --overwrite replaces it" in err
    assert file.read_bytes() == b"of the user"
    assert run_command("export", run.name, str(file), "--overwrite")[0] == 0
    assert file.read_bytes() == content
    code, _, err = run_command("train", "xor", "--json", "--set", f"transfer.source={file}")
    assert (code, err) == (0, "")
    assert run_command("export", run.name, str(tmp_path / "x.pt"))[0] == 2
    assert run_command("export", "nothing", str(file))[0] == 2
    blocked = file / "below" / "a.safetensors"
    code, _, err = run_command("export", run.name, str(blocked))
    assert code == 2 and "create it, or choose another" in err
