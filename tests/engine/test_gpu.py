"""Training on a GPU: every preset, close to the CPU's results, without hidden synchronization."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support.datasets import ignore_progress
from tests.support.tiny_sessions import train_steps
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.inspect.result_messages import ResultRequest
from tuilab.engine import checkpoint, progress
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.data.load import load
from tuilab.engine.inspect.result.result_inspector import ResultInspector
from tuilab.engine.session import Session
from tuilab.engine.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

IMAGES = Path(__file__).resolve().parents[3] / "shared" / "data"


def load_preset(name: str) -> Experiment:
    preset = toml_file.read(toml_file.find(name))
    if preset.data.title == "Fashion-MNIST":
        if not IMAGES.is_dir():
            pytest.skip("the Fashion-MNIST images are absent")
        preset = with_value(preset, "data.root", str(IMAGES))
    return preset


def make_session(device_name: str, experiment: Experiment) -> Session:
    device = torch.device(device_name)
    return Session("run", experiment, load(experiment, device, ignore_progress), device)


@pytest.fixture
def reset_sync_debug() -> Iterator[None]:
    """Switches the errors about synchronization off after the test."""
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_every_preset_trains_on_cuda_and_ends_near_the_cpu(name: str) -> None:
    experiment = load_preset(name)

    results = []
    for device in ("cpu", "cuda:0"):
        session = make_session(device, experiment)
        list(train(session))
        results.append(session.finished_event("done").results)

    cpu, gpu = results
    assert gpu.keys() == cpu.keys()
    for part, scores in cpu.items():
        metric = next(key for key in scores if key != "loss")
        assert gpu[part][metric] == pytest.approx(scores[metric], abs=0.05)


@pytest.mark.parametrize("name", ["spiral", "glyphs"])
def test_the_first_steps_agree_with_the_cpu(name: str) -> None:
    experiment = load_preset(name)

    losses = []
    for device in ("cpu", "cuda:0"):
        session = make_session(device, experiment)
        train_steps(session, 20)
        train_part = session.dataset.train
        output = session.predict(train_part.inputs[:256])
        losses.append(session.task.loss(output, train_part.targets[:256]).item())

    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_steps_between_two_reports_do_not_synchronize_with_the_gpu(
    name: str, reset_sync_debug: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 1e9)
    session = make_session("cuda:0", with_value(load_preset(name), "training.clip_grad_norm", 1.0))
    loop = train(session)
    for _ in range(3):
        next(loop)

    torch.cuda.set_sync_debug_mode("error")
    for _ in range(3 * session.batches_per_epoch):
        next(loop)

    assert session.epoch >= 2


def test_a_checkpoint_goes_from_the_gpu_to_the_cpu_and_back(tmp_path: Path) -> None:
    experiment = load_preset("spiral")
    first = make_session("cuda:0", experiment)
    train_steps(first, 30)
    CheckpointStore(tmp_path / "checkpoint.pt").save(first)

    on_cpu = make_session("cpu", experiment)
    checkpoint.load(on_cpu, tmp_path / "checkpoint.pt")
    points = first.dataset.test.inputs
    assert torch.allclose(on_cpu.predict(points.cpu()), first.predict(points).cpu(), atol=1e-4)

    train_steps(on_cpu, 1)
    CheckpointStore(tmp_path / "checkpoint.pt").save(on_cpu)
    checkpoint.load(first, tmp_path / "checkpoint.pt")
    assert first.step == 31
    train_steps(first, 5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_half_precision_ends_near_fp32(precision: str, optimizer: str) -> None:
    experiment = with_value(load_preset("spiral"), "optimizer.name", optimizer)
    experiment = with_value(experiment, "training.clip_grad_norm", 1.0)
    halved = with_value(experiment, "training.precision", precision)

    results = []
    for each in (experiment, halved):
        session = make_session("cuda:0", each)
        list(train(session))
        results.append(session.finished_event("done").results["train"]["loss"])

    assert results[1] == pytest.approx(results[0], abs=0.1)
    assert {parameter.dtype for parameter in session.parameters} == {torch.float32}


def test_fp16_gradients_are_unscaled_before_they_are_clipped() -> None:
    norms = []
    for precision in ("fp32", "fp16"):
        experiment = with_value(load_preset("spiral"), "training.precision", precision)
        session = make_session("cuda:0", with_value(experiment, "training.clip_grad_norm", 0.01))
        train_steps(session, 1)
        gradients = [p.grad.norm() for p in session.parameters if p.grad is not None]
        norms.append(torch.stack(gradients).norm().item())

    assert norms == pytest.approx([0.01, 0.01], rel=1e-2)


def test_a_resumed_fp16_run_keeps_its_scaler(tmp_path: Path) -> None:
    experiment = with_value(load_preset("spiral"), "training.precision", "fp16")
    first, second = make_session("cuda:0", experiment), make_session("cuda:0", experiment)
    assert first.task.scaler is not None and second.task.scaler is not None
    train_steps(first, 1)
    first.task.scaler.update(new_scale=512.0)
    train_steps(first, 3)
    CheckpointStore(tmp_path / "checkpoint.pt").save(first)
    checkpoint.load(second, tmp_path / "checkpoint.pt")

    assert second.task.scaler.get_scale() == first.task.scaler.get_scale() == 512.0


def test_augmentation_and_class_weights_do_not_synchronize_with_the_gpu(
    reset_sync_debug: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 1e9)
    experiment = load_preset("glyphs")
    changes = {"shift": 2.0, "rotation": 9.0, "flip": 0.5, "cutout": 3, "noise": 0.1, "mixup": 0.2}
    for name, value in changes.items():
        experiment = with_value(experiment, f"augmentation.{name}", value)
    session = make_session("cuda:0", with_value(experiment, "loss.balanced", True))
    loop = train(session)
    for _ in range(3):
        next(loop)

    torch.cuda.set_sync_debug_mode("error")
    for _ in range(3):
        next(loop)


def test_results_are_computed_on_the_gpu() -> None:
    for name in ("spiral", "sine", "glyphs"):
        inspector = ResultInspector(make_session("cuda:0", load_preset(name)))
        assert inspector.inspect(ResultRequest()).picture is not None
