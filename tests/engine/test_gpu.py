"""The same training on a GPU: every preset, near the CPU's numbers, without a hidden wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support.tiny import steps
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Probe
from tuilab.engine import checkpoint, progress
from tuilab.engine.data.load import load
from tuilab.engine.inspect.result.result_inspector import picture
from tuilab.engine.session import Session
from tuilab.engine.train import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

IMAGES = Path(__file__).resolve().parents[3] / "shared" / "data"


def experiment(name: str) -> Experiment:
    chosen = toml_file.read(toml_file.find(name))
    if chosen.data.title == "Fashion-MNIST":
        if not IMAGES.is_dir():
            pytest.skip("the Fashion-MNIST images are not here")
        chosen = with_value(chosen, "data.root", str(IMAGES))
    return chosen


def on(device: str, chosen: Experiment) -> Session:
    place = torch.device(device)
    return Session("run", chosen, load(chosen, place, lambda what, fraction: None), place)


@pytest.fixture
def waits_are_errors() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_every_preset_trains_on_cuda_and_ends_near_the_cpu(name: str):
    chosen = experiment(name)

    ends = []
    for device in ("cpu", "cuda:0"):
        subject = on(device, chosen)
        list(train(subject))
        ends.append(subject.finished_event("done").results)

    cpu, gpu = ends
    assert gpu.keys() == cpu.keys()
    for part, results in cpu.items():
        metric = next(key for key in results if key != "loss")
        assert gpu[part][metric] == pytest.approx(results[metric], abs=0.05)


@pytest.mark.parametrize("name", ["spiral", "glyphs"])
def test_the_first_steps_agree_with_the_cpu(name: str):
    chosen = experiment(name)

    losses = []
    for device in ("cpu", "cuda:0"):
        subject = on(device, chosen)
        steps(subject, 20)
        train_part = subject.dataset.train
        output = subject.predict(train_part.inputs[:256])
        losses.append(subject.task.loss(output, train_part.targets[:256]).item())

    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_steps_between_two_reports_never_wait_for_the_gpu(
    name: str, waits_are_errors: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 1e9)
    subject = on("cuda:0", with_value(experiment(name), "training.clip_grad_norm", 1.0))
    loop = train(subject)
    for _ in range(3):
        next(loop)

    torch.cuda.set_sync_debug_mode("error")
    for _ in range(3 * subject.batches_per_epoch):
        next(loop)

    assert subject.epoch >= 2


def test_a_checkpoint_goes_from_the_gpu_to_the_cpu_and_back(tmp_path: Path):
    chosen = experiment("spiral")
    first = on("cuda:0", chosen)
    steps(first, 30)
    checkpoint.save(first, tmp_path / "checkpoint.pt")

    there = on("cpu", chosen)
    checkpoint.load(there, tmp_path / "checkpoint.pt")
    points = first.dataset.test.inputs
    assert torch.allclose(there.predict(points.cpu()), first.predict(points).cpu(), atol=1e-4)

    steps(there, 1)
    checkpoint.save(there, tmp_path / "checkpoint.pt")
    checkpoint.load(first, tmp_path / "checkpoint.pt")
    assert first.step == 31
    steps(first, 5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_half_precision_ends_near_fp32(precision: str, optimizer: str):
    chosen = with_value(experiment("spiral"), "optimizer.name", optimizer)
    chosen = with_value(chosen, "training.clip_grad_norm", 1.0)
    halved = with_value(chosen, "training.precision", precision)

    ends = []
    for one in (chosen, halved):
        subject = on("cuda:0", one)
        list(train(subject))
        ends.append(subject.finished_event("done").results["train"]["loss"])

    assert ends[1] == pytest.approx(ends[0], abs=0.1)
    assert {parameter.dtype for parameter in subject.parameters} == {torch.float32}


def test_fp16_gradients_are_unscaled_before_they_are_clipped():
    first = []
    for precision in ("fp32", "fp16"):
        chosen = with_value(experiment("spiral"), "training.precision", precision)
        subject = on("cuda:0", with_value(chosen, "training.clip_grad_norm", 0.01))
        steps(subject, 1)
        norms = [p.grad.norm() for p in subject.parameters if p.grad is not None]
        first.append(torch.stack(norms).norm().item())

    assert first == pytest.approx([0.01, 0.01], rel=1e-2)


def test_a_resumed_fp16_run_keeps_its_scaler(tmp_path: Path):
    chosen = with_value(experiment("spiral"), "training.precision", "fp16")
    first, second = on("cuda:0", chosen), on("cuda:0", chosen)
    assert first.task.scaler is not None and second.task.scaler is not None
    steps(first, 1)
    first.task.scaler.update(new_scale=512.0)
    steps(first, 3)
    checkpoint.save(first, tmp_path / "checkpoint.pt")
    checkpoint.load(second, tmp_path / "checkpoint.pt")

    assert second.task.scaler.get_scale() == first.task.scaler.get_scale() == 512.0


def test_augmentation_and_class_weights_never_wait_for_the_gpu(
    waits_are_errors: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 1e9)
    chosen = experiment("glyphs")
    knobs = {"shift": 2.0, "rotation": 9.0, "flip": 0.5, "cutout": 3, "noise": 0.1, "mixup": 0.2}
    for name, value in knobs.items():
        chosen = with_value(chosen, f"augmentation.{name}", value)
    subject = on("cuda:0", with_value(chosen, "loss.balanced", True))
    loop = train(subject)
    for _ in range(3):
        next(loop)

    torch.cuda.set_sync_debug_mode("error")
    for _ in range(3):
        next(loop)


def test_pictures_come_from_the_gpu_too():
    for name in ("spiral", "sine", "glyphs"):
        assert picture(on("cuda:0", experiment(name)), Probe()) is not None
