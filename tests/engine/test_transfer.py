"""Weights from another run or file: what is taken, what begins anew, and what is refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.shell import Says
from tests.support.tiny import session, steps
from tuilab.core.errors import InputError
from tuilab.engine import checkpoint
from tuilab.engine.model import transfer
from tuilab.engine.session import Session
from tuilab.engine.train import train
from tuilab.host import run_store

LINES = ("Linear 8", "Tanh", "Linear 6", "Tanh", "Linear 3")


def trained(tmp_path: Path, *lines: str) -> Path:
    subject = session(*(lines or LINES))
    steps(subject, 5)
    checkpoint.save(subject, tmp_path / "checkpoint.pt")
    return tmp_path / "checkpoint.pt"


def beginning(source: Path | str, *lines: str, **knobs: object) -> Session:
    return session(*(lines or LINES), transfer={"source": str(source)}, **knobs)


def test_the_same_network_begins_with_all_weights_of_the_other(tmp_path: Path):
    path = trained(tmp_path)
    wanted = torch.load(path, weights_only=True)["network"]

    subject = beginning(path)

    for name, tensor in subject.network.state_dict().items():
        assert torch.equal(tensor, wanted[name])
    assert f"3 of 3 layers have the weights of {path}" in subject.started().note


def test_a_layer_of_another_shape_begins_anew_and_is_named(tmp_path: Path):
    path = trained(tmp_path)
    wanted = torch.load(path, weights_only=True)["network"]

    subject = beginning(path, "Linear 8", "ReLU", "Linear 6", "ReLU", "Linear 4")

    state = subject.network.state_dict()
    assert torch.equal(state["2.weight"], wanted["2.weight"])
    assert "2 of 3 layers" in subject.started().note
    assert "3 Linear ([4, 6] is not [3, 6]) begins anew" in subject.started().note


def test_layers_that_stand_elsewhere_are_paired_in_order(tmp_path: Path):
    path = trained(tmp_path)
    wanted = torch.load(path, weights_only=True)["network"]

    subject = beginning(path, "Identity", "Linear 8", "Tanh", "Identity", "Linear 6", "Linear 3")

    state = subject.network.state_dict()
    for here, there in (("1", "0"), ("4", "2"), ("5", "4")):
        assert torch.equal(state[f"{here}.weight"], wanted[f"{there}.weight"])


def test_frozen_layers_keep_what_they_were_given(tmp_path: Path):
    path = trained(tmp_path)
    wanted = torch.load(path, weights_only=True)["network"]

    subject = beginning(path, "Linear 8 frozen=true", *LINES[1:], epochs=3)
    list(train(subject))

    state = subject.network.state_dict()
    assert torch.equal(state["0.weight"], wanted["0.weight"])
    assert not torch.equal(state["2.weight"], wanted["2.weight"])


def test_a_safetensors_file_of_anybody_s_names_is_taken_in_order(tmp_path: Path):
    path = tmp_path / "mine.safetensors"
    shapes = {"a.weight": (8, 2), "a.bias": (8,), "b.weight": (6, 8), "b.bias": (6,)}
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    save_file(tensors, path)

    subject = beginning(path)

    assert torch.equal(subject.network[0].weight, tensors["a.weight"])
    assert torch.equal(subject.network[2].bias, tensors["b.bias"])


def test_the_tenth_layer_of_a_file_comes_after_the_second(tmp_path: Path):
    path = tmp_path / "deep.safetensors"
    tensors = {f"body.{number}.weight": torch.randn(4, 4) for number in range(12)}
    save_file(tensors, path)
    network = torch.nn.Sequential(*(torch.nn.Linear(4, 4, bias=False) for _ in range(12)))

    note = transfer.take(network, str(path))

    assert note == f"12 of 12 layers have the weights of {path}"
    for number, layer in enumerate(network):
        assert torch.equal(layer.weight, tensors[f"body.{number}.weight"])


def test_a_run_goes_on_when_what_it_began_with_is_gone(tmp_path: Path, says: Says):
    path = trained(tmp_path).rename(tmp_path / "old.pt")
    more = ("--json", "--set", f"transfer.source={path}")
    assert says("train", "perceptron", "--set", 'network=["Linear 8","Tanh","Linear 2"]',
                "--set", "training.epochs=2", *more)[0] == 0  # fmt: skip
    path.unlink()
    (run,) = run_store.stored()

    code, _, err = says("train", "--resume", run.name, "--json", "--set", "training.epochs=3")

    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "no whole safetensors file"), (b"\x00" * 64, "no whole")]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)

    with pytest.raises(InputError, match=words):
        beginning(path)


def test_what_is_not_there_or_does_not_fit_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="no file and no run with a checkpoint"):
        beginning("nothing")
    with pytest.raises(InputError, match=r"no layer of .* has the shape"):
        beginning(trained(tmp_path), "Linear 5", "Linear 3")


def test_a_run_is_exported_and_begins_another(tmp_path: Path, says: Says):
    says("train", "xor", "--json", "--set", "training.epochs=2", "--set", "averaging.name=ema")
    (run,) = run_store.stored()
    file = tmp_path / "xor.safetensors"

    code, out, err = says("export", run.name[-4:], str(file))

    assert (code, err) == (0, "") and "numbers written" in out
    captured = torch.load(run / run_store.CHECKPOINT, weights_only=True)
    averaged = dict(zip(captured["network"], captured["average"]["mean"], strict=True))
    written = load_file(file)
    assert written.keys() == averaged.keys()
    assert all(torch.equal(written[name], averaged[name]) for name in written)
    code, _, err = says("train", "xor", "--json", "--set", f"transfer.source={file}")
    assert (code, err) == (0, "")
    assert says("export", run.name, str(tmp_path / "x.pt"))[0] == 2
    assert says("export", "nothing", str(file))[0] == 2
    blocked = file / "below" / "a.safetensors"
    code, _, err = says("export", run.name, str(blocked))
    assert code == 2 and "it cannot be written" in err
