"""What the view of examples is answered: true to autograd, and without a trace left behind."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.support import tiny
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import from_plain
from tuilab.core.protocol.inspect.examples_messages import (
    STEPS,
    WAYS,
    ZERO,
    ExamplesRequest,
    UserInput,
)
from tuilab.engine.data.load import load
from tuilab.engine.inspect.examples.attribution import gradcam, input_gradient, occlusion, patched
from tuilab.engine.inspect.examples.evaluation import fed
from tuilab.engine.inspect.examples.examples_inspector import ExamplesInspector
from tuilab.engine.inspect.examples.loss_survey import Survey
from tuilab.engine.inspect.examples.samples import codes_to_walk
from tuilab.engine.inspect.examples.user_input import given, opened
from tuilab.engine.session import Session
from tuilab.engine.train import train

CONVNET = ["Conv2d 3 kernel_size=3 padding=1", "BatchNorm2d", "ReLU", "MaxPool2d 2",
           "Conv2d 4 kernel_size=3 padding=1", "ReLU", "Flatten", "Dropout 0.2",
           "Linear 10"]  # fmt: skip
GLYPHS = {"name": "glyphs", "samples": 80, "batch_size": 16}


def of(plain: dict[str, Any]) -> Session:
    """A session on a data set of the catalogue."""
    training = {"epochs": 1, "device": "cpu", **plain.pop("training", {})}
    experiment = from_plain({"training": training, **plain})
    return Session("run", experiment, load(experiment, tiny.CPU, lambda *_: None), tiny.CPU)


@pytest.fixture(scope="module")
def glyphs() -> Session:
    """A small convnet that has learned a little."""
    session = of({"network": list(CONVNET), "data": dict(GLYPHS)})
    tiny.steps(session, 3)
    return session


KINDS: dict[str, dict[str, Any]] = {
    "points": {"network": ["Linear 4", "Tanh", "Linear 2"], "data": {"name": "xor", "samples": 40}},
    "convnet": {"network": list(CONVNET), "data": dict(GLYPHS)},
    "curve": {"network": ["Linear 4", "Tanh", "Linear 1"], "task": "regression",
              "data": {"name": "sine", "samples": 40}, "loss": {"name": "mse"}},
    "perceptron": {"network": ["Linear 1", "Step"], "task": "perceptron",
                   "data": {"name": "gauss", "samples": 40}, "loss": {"name": "zero_one"}},
    "scratch": {"network": ["Linear 4", "Tanh", "Linear 2"],
                "data": {"name": "xor", "samples": 40}, "training": {"engine": "scalar"}},
    "positions": {"network": ["GRU 4 returns=sequence", "Linear 2"],
                  "data": {"name": "parity", "running": True, "samples": 40}},
    "tokens": {"network": ["Embedding 4", "GRU 4 returns=sequence", "Linear 8"],
               "data": {"name": "copy", "memory": 2, "delay": 3, "samples": 40}},
    "series": {"network": ["LSTM 4", "Linear 1"], "task": "regression",
               "data": {"name": "adding", "length": 6, "samples": 40}, "loss": {"name": "mse"}},
    "graph": {"network": ["GraphConvolution 4", "ReLU", "GraphConvolution 4"],
              "data": {"name": "communities"}},
    "autoencoder": {"network": [["Encoder", "Flatten", "Linear 8", "Reparameterization"],
                                ["Decoder", "Linear 784", "Unflatten (1,28,28)"]],
                    "task": "autoencoder", "data": dict(GLYPHS), "loss": {"name": "mse"}},
    "gan": {"network": [["Generator", "Linear 8", "ReLU", "Linear 2"],
                        ["Discriminator", "Linear 8", "ReLU", "Linear 1"]],
            "task": {"name": "gan", "latent": 4}, "loss": {"name": "bce"},
            "data": {"name": "gaussians_ring", "samples": 80}},
    "language": {"network": ["Embedding 4", "GRU 8 returns=sequence", "Linear 97"],
                 "task": {"name": "language_model", "sample_length": 20},
                 "data": {"name": "python_source", "length": 16, "stride": 400}},
}  # fmt: skip


def everything(eye: ExamplesInspector) -> None:
    """Look at every page and every heat map."""
    for page in eye.pages():
        for why in WAYS:
            text = {"numbers": "0.5, 1", "text": "ab"}.get(eye.accepts(), "")
            seen = eye.inspect(ExamplesRequest(page, why=why, own=UserInput(text=text), count=3))
            assert seen.page == page
            assert seen.note or seen.example or seen.made or seen.counts


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_task_is_answered_and_trains_on_as_if_nobody_had_looked(name: str) -> None:
    plain, looked = of(copy.deepcopy(KINDS[name])), of(copy.deepcopy(KINDS[name]))
    eye, ends = ExamplesInspector(looked), []
    for session in (plain, looked):
        torch.manual_seed(5)
        loop = train(session)
        for _ in loop:
            if session is looked and session.step in (1, 3):
                chance = torch.get_rng_state()
                modes = [module.training for module in session.network.modules()]
                grads = [None if p.grad is None else p.grad.clone() for p in session.parameters]
                everything(eye)
                assert torch.equal(chance, torch.get_rng_state())
                assert modes == [module.training for module in session.network.modules()]
                for before, parameter in zip(grads, session.parameters, strict=True):
                    assert (before is None) == (parameter.grad is None)
                    assert before is None or torch.equal(before, parameter.grad)
                assert not any(m._forward_hooks for m in session.network.modules())
            if session.step >= 4:
                break
        loop.close()
        ends.append({**session.network.state_dict(), "chance": torch.get_rng_state()})

    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_saliency_is_autograd_s_gradient_of_the_loss(glyphs: Session) -> None:
    part = glyphs.dataset.validation
    raw, target = part.inputs[:1], part.targets[:1]
    inputs = fed(glyphs, raw).detach().requires_grad_()
    glyphs.network.eval()
    F.cross_entropy(glyphs.network(inputs), target).backward()
    glyphs.network.train()
    assert inputs.grad is not None
    glyphs.network.zero_grad()

    found = input_gradient(glyphs, fed(glyphs, raw), target)
    assert found is not None and torch.allclose(found, inputs.grad, atol=1e-6)
    own = (
        ExamplesInspector(glyphs)
        .inspect(ExamplesRequest("own", own=UserInput(pixels=bytes(784))))
        .example
    )
    assert own is not None and own.heat_shape == [28, 28] and "dL/dx" in own.about


def test_grad_cam_is_what_a_hand_computes(glyphs: Session) -> None:
    inputs = fed(glyphs, glyphs.dataset.validation.inputs[:1])
    network = list(glyphs.network)
    glyphs.network.eval()
    maps = inputs
    for module in network[:5]:
        maps = module(maps)
    maps = maps.detach().requires_grad_()
    scores = maps
    for module in network[5:]:
        scores = module(scores)
    number = int(scores.argmax())
    [slopes] = torch.autograd.grad(scores[0, number], [maps])
    glyphs.network.train()
    by_hand = torch.zeros(14, 14)
    for channel in range(4):
        by_hand += slopes[0, channel].mean() * maps[0, channel].detach()
    by_hand = by_hand.clamp(min=0)
    large = F.interpolate(by_hand[None, None], (28, 28), mode="bilinear", align_corners=False)

    found = gradcam(glyphs, inputs, glyphs.dataset.classes)
    assert found.heat is not None and torch.allclose(found.heat, large[0, 0], atol=1e-5)
    assert found.about.endswith(f"for {glyphs.dataset.classes[number]}")


def test_occlusion_is_the_drop_of_the_target_s_probability_under_each_patch(
    glyphs: Session,
) -> None:
    part = glyphs.dataset.validation
    inputs, target = fed(glyphs, part.inputs[:1]), part.targets[:1]
    found = occlusion(glyphs, inputs, target, glyphs.dataset.classes).heat
    assert found is not None
    side = found.shape[0]

    before = glyphs.predict(part.inputs[:1]).softmax(1)[0, target]
    after = glyphs.task.predict(patched(inputs, side)).softmax(1)[:, target[0]]
    assert torch.allclose(found.flatten(), before - after, atol=1e-6)
    differ = (patched(inputs, side) != inputs).flatten(2).sum(2)
    assert 0 < int(differ.max()) <= 25


def test_counts_and_order_are_those_of_the_whole_part(glyphs: Session) -> None:
    part = glyphs.dataset.validation
    survey = Survey(glyphs, part, 4)
    while survey.measured < survey.of:
        survey.go_on(0.0)
    output = glyphs.predict(part.inputs)
    losses = F.cross_entropy(output, part.targets, reduction="none")

    assert torch.allclose(survey.loss, losses, atol=1e-5)
    assert survey.order([], is_reversed=False)[0] == losses.argmax()
    assert survey.order([], is_reversed=True)[0] == losses.argmin()
    counts = survey.counts(10)
    for target, guess in zip(part.targets.tolist(), output.argmax(1).tolist(), strict=True):
        counts[target][guess] -= 1
    assert not any(map(any, counts))


def test_a_cell_s_examples_have_its_target_and_answer(glyphs: Session) -> None:
    eye = ExamplesInspector(glyphs)
    all_of_them = eye.inspect(ExamplesRequest("examples", count=48))
    worst = all_of_them.rows[0]
    seen = eye.inspect(ExamplesRequest("examples", cell=[worst.target, worst.predicted], count=48))

    assert {(row.target, row.predicted) for row in seen.rows} == {(worst.target, worst.predicted)}
    assert seen.found == seen.counts[worst.target][worst.predicted]
    assert seen.example is not None and seen.example.number == worst.number
    assert [row.loss for row in seen.rows] == sorted((r.loss for r in seen.rows), reverse=True)


def test_what_was_measured_holds_until_a_weight_changes(glyphs: Session) -> None:
    eye = ExamplesInspector(glyphs)
    before = eye.inspect(ExamplesRequest())
    survey = eye._survey
    eye.inspect(ExamplesRequest(cell=[0, 1]))
    assert eye._survey is survey
    with torch.no_grad():
        glyphs.parameters[-1][3] += 50
        eye.inspect(ExamplesRequest("own", own=UserInput(pixels=bytes(784))))
        after = eye.inspect(ExamplesRequest())
        glyphs.parameters[-1][3] -= 50

    assert after.step == before.step and eye._survey is not survey
    assert sum(row[3] for row in after.counts) == after.measured


def test_a_heat_map_in_bytes_keeps_sign_and_size() -> None:
    session = tiny.session("Linear 3")
    seen = ExamplesInspector(session).inspect(ExamplesRequest("examples"))
    example = seen.example
    assert example is not None
    target = torch.tensor([int(example.targets[0])])
    inputs = session.dataset.validation.inputs[example.number][None]
    gradient = input_gradient(session, inputs, target)
    assert gradient is not None
    told = [(byte - ZERO) / STEPS * example.reach for byte in example.heat]
    assert told == pytest.approx(gradient[0].tolist(), abs=example.reach / 100)


def test_nothing_drawn_is_said_and_still_answered(glyphs: Session) -> None:
    seen = ExamplesInspector(glyphs).inspect(
        ExamplesRequest("own", own=UserInput(pixels=bytes(784)))
    )
    assert "Nothing is drawn" in seen.note
    assert seen.example is not None and sum(seen.example.chances) == pytest.approx(1, abs=1e-4)

    wrong = ExamplesInspector(glyphs).inspect(ExamplesRequest("own", own=UserInput(pixels=b"123")))
    assert "28 by 28" in wrong.note and wrong.example is None


def test_unknown_characters_are_named_with_what_stands_for_them() -> None:
    session = of(copy.deepcopy(KINDS["language"]))
    own = given(session, UserInput(text="aΩb"))
    assert "'Ω'" in own.note and "' ' was used instead" in own.note
    assert own.inputs.shape == (1, 3)
    long = given(session, UserInput(text="x" * 40))
    assert long.inputs.shape == (1, 16) and "last 16" in long.note


def test_points_are_taken_in_the_units_of_the_plane_and_rubbish_is_refused() -> None:
    session = of(copy.deepcopy(KINDS["points"]))
    own = given(session, UserInput(text="0.5, -1"))
    assert session.dataset.inputs_at is not None
    assert torch.equal(own.inputs, session.dataset.inputs_at(torch.tensor([[0.5, -1.0]])))
    assert "outside" in given(session, UserInput(text="500, 1")).note
    for text in ("", "1", "1, 2, 3", "1, x", "nan, 1", "1e99, 1"):
        seen = ExamplesInspector(session).inspect(ExamplesRequest("own", own=UserInput(text=text)))
        assert seen.note and seen.example is None


def test_a_picture_file_is_cut_and_resized_and_what_is_none_is_told(tmp_path: Path) -> None:
    image = Image.new("RGB", (60, 40), "black")
    image.paste((255, 255, 255), (30, 0, 60, 40))
    image.save(tmp_path / "half.png")
    picture, note = opened(str(tmp_path / "half.png"), 1, 8, 8)
    assert picture.shape == (1, 8, 8) and picture[0, 4, 0] < 40 and picture[0, 4, 7] > 215
    assert "60x40" in note and "8x8" in note
    assert opened(str(tmp_path / "half.png"), 3, 8, 8)[0].shape == (3, 8, 8)

    (tmp_path / "text.png").write_text("no picture at all")
    whole = (tmp_path / "half.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for name, words in (
        ("text.png", "no picture"), ("cut.png", "damaged"), ("none.png", "no such file"),
        (".", "no file"), ("nul\0byte", "no such file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            opened(str(tmp_path / name), 1, 8, 8)


def test_a_picture_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "large.png")
    monkeypatch.setattr("tuilab.engine.inspect.examples.user_input.MOST_PIXELS", 1000)
    with pytest.raises(InputError, match="64 by 64 pixels are too many"):
        opened(str(tmp_path / "large.png"), 1, 8, 8)
    monkeypatch.setattr("tuilab.engine.inspect.examples.user_input.MOST_BYTES", 10)
    with pytest.raises(InputError, match="too many for a picture"):
        opened(str(tmp_path / "large.png"), 1, 8, 8)


def test_the_walk_goes_over_the_first_two_codes_and_nothing_else() -> None:
    codes = torch.tensor([[0.0, 10.0, 7.0], [2.0, 14.0, 7.0]])
    grid, columns, _ = codes_to_walk(codes)

    assert grid.shape == (49, 3) and columns == 7
    assert grid[0].tolist() == pytest.approx([-1.0, 16.0, 7.0])
    assert grid[6].tolist() == pytest.approx([3.0, 16.0, 7.0])
    assert grid[24].tolist() == pytest.approx([1.0, 12.0, 7.0])
