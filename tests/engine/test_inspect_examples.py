"""The responses to the view of examples agree with autograd and do not change the session."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.support.bitwise import find_differences
from tests.support.not_none import not_none
from tests.support.tiny_sessions import load_session, make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.examples_messages import (
    ATTRIBUTIONS,
    ExamplesRequest,
    UserInput,
)
from tuilab.core.protocol.inspect.quantization import dequantize
from tuilab.engine.inspect.evaluation import prepare_inputs
from tuilab.engine.inspect.examples.attribution import (
    compute_gradcam,
    compute_input_gradient,
    compute_occlusion,
    mask_patches,
)
from tuilab.engine.inspect.examples.examples_inspector import ExamplesInspector
from tuilab.engine.inspect.examples.latent_walk import build_latent_grid
from tuilab.engine.inspect.examples.loss_survey import LossSurvey
from tuilab.engine.inspect.examples.user_input import prepare_user_input, read_image
from tuilab.engine.session import Session
from tuilab.engine.train import train

CONVNET = ["Conv2d 3 kernel_size=3 padding=1", "BatchNorm2d", "ReLU", "MaxPool2d 2",
           "Conv2d 4 kernel_size=3 padding=1", "ReLU", "Flatten", "Dropout 0.2",
           "Linear 10"]  # fmt: skip
GLYPHS = {"name": "glyphs", "samples": 80, "batch_size": 16}


@pytest.fixture(scope="module")
def glyphs() -> Session:
    """A small convnet after three steps."""
    session = load_session({"network": CONVNET, "data": GLYPHS})
    train_steps(session, 3)
    return session


KINDS: dict[str, dict[str, Any]] = {
    "points": {"network": ["Linear 4", "Tanh", "Linear 2"], "data": {"name": "xor", "samples": 40}},
    "convnet": {"network": CONVNET, "data": GLYPHS},
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
                    "task": "autoencoder", "data": GLYPHS, "loss": {"name": "mse"}},
    "gan": {"network": [["Generator", "Linear 8", "ReLU", "Linear 2"],
                        ["Discriminator", "Linear 8", "ReLU", "Linear 1"]],
            "task": {"name": "gan", "latent": 4}, "loss": {"name": "bce"},
            "data": {"name": "gaussians_ring", "samples": 80}},
    "language": {"network": ["Embedding 4", "GRU 8 returns=sequence", "Linear 97"],
                 "task": {"name": "language_model", "sample_length": 20},
                 "data": {"name": "python_source", "length": 16, "stride": 400}},
}  # fmt: skip


def request_everything(inspector: ExamplesInspector) -> None:
    """Requests every page with every attribution."""
    for page in inspector.get_pages():
        for attribution in ATTRIBUTIONS:
            text = {"numbers": "0.5, 1", "text": "ab"}.get(inspector.get_input_kind(), "")
            response = inspector.inspect(
                ExamplesRequest(
                    page, attribution=attribution, user_input=UserInput(text=text), count=3
                )
            )
            assert response.page == page
            assert response.note or response.example or response.generated or response.matrix.counts


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_task_is_answered_and_its_training_is_unchanged(name: str) -> None:
    uninspected, inspected = (
        load_session(KINDS[name]),
        load_session(KINDS[name]),
    )
    inspector, states = ExamplesInspector(inspected), []
    for session in (uninspected, inspected):
        torch.manual_seed(5)
        loop = train(session)
        for _ in loop:
            if session is inspected and session.step in (1, 3):
                random_state = torch.get_rng_state()
                modes = [module.training for module in session.network.modules()]
                grads = [None if p.grad is None else p.grad.clone() for p in session.parameters]
                request_everything(inspector)
                assert torch.equal(random_state, torch.get_rng_state())
                assert modes == [module.training for module in session.network.modules()]
                assert find_differences(grads, [p.grad for p in session.parameters]) == []
                assert not any(m._forward_hooks for m in session.network.modules())
            if session.step >= 4:
                break
        loop.close()
        states.append({**session.network.state_dict(), "random_state": torch.get_rng_state()})

    assert find_differences(states[0], states[1]) == []


def test_saliency_is_autograd_s_gradient_of_the_loss(glyphs: Session) -> None:
    part = glyphs.dataset.validation
    raw, target = part.inputs[:1], part.targets[:1]
    inputs = prepare_inputs(glyphs, raw).detach().requires_grad_()
    glyphs.network.eval()
    F.cross_entropy(glyphs.network(inputs), target).backward()
    glyphs.network.train()
    assert inputs.grad is not None
    glyphs.network.zero_grad()

    gradient = compute_input_gradient(glyphs, prepare_inputs(glyphs, raw), target)
    assert gradient is not None and torch.allclose(gradient, inputs.grad, atol=1e-6)
    example = (
        ExamplesInspector(glyphs)
        .inspect(ExamplesRequest("user_input", user_input=UserInput(pixels=bytes(784))))
        .example
    )
    assert example is not None
    assert example.heat_shape == [28, 28] and "dL/dx" in example.heat_caption


def test_grad_cam_follows_its_definition(glyphs: Session) -> None:
    inputs = prepare_inputs(glyphs, glyphs.dataset.validation.inputs[:1])
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
    expected = torch.zeros(14, 14)
    for channel in range(4):
        expected += slopes[0, channel].mean() * maps[0, channel].detach()
    expected = expected.clamp(min=0)
    large = F.interpolate(expected[None, None], (28, 28), mode="bilinear", align_corners=False)

    attribution = compute_gradcam(glyphs, inputs, glyphs.dataset.classes)
    assert attribution.heat is not None and torch.allclose(attribution.heat, large[0, 0], atol=1e-5)
    assert attribution.caption.endswith(f"supports {glyphs.dataset.classes[number]}")


def test_occlusion_is_the_drop_of_the_target_s_probability_under_each_patch(
    glyphs: Session,
) -> None:
    part = glyphs.dataset.validation
    inputs, target = prepare_inputs(glyphs, part.inputs[:1]), part.targets[:1]
    heat = not_none(compute_occlusion(glyphs, inputs, target, glyphs.dataset.classes).heat)
    side = heat.shape[0]

    before = glyphs.predict(part.inputs[:1]).softmax(1)[0, target]
    after = glyphs.task.predict(mask_patches(inputs, side)).softmax(1)[:, target[0]]
    assert torch.allclose(heat.flatten(), before - after, atol=1e-6)
    differ = (mask_patches(inputs, side) != inputs).flatten(2).sum(2)
    assert 0 < int(differ.max()) <= 25


def test_counts_and_order_are_those_of_the_whole_split(glyphs: Session) -> None:
    part = glyphs.dataset.validation
    survey = LossSurvey(glyphs, part, 4)
    while survey.evaluated < survey.total:
        survey.evaluate_more(0.0)
    output = glyphs.predict(part.inputs)
    losses = F.cross_entropy(output, part.targets, reduction="none")

    assert torch.allclose(survey.loss, losses, atol=1e-5)
    assert survey.sort_by_loss([], is_reversed=False)[0] == losses.argmax()
    assert survey.sort_by_loss([], is_reversed=True)[0] == losses.argmin()
    counts = survey.count_confusions(10)
    for target, prediction in zip(part.targets.tolist(), output.argmax(1).tolist(), strict=True):
        counts[target][prediction] -= 1
    assert not any(map(any, counts))


def test_a_cell_s_examples_have_its_target_and_prediction(glyphs: Session) -> None:
    inspector = ExamplesInspector(glyphs)
    unfiltered = inspector.inspect(ExamplesRequest("examples", count=48))
    worst = unfiltered.rows[0]
    response = inspector.inspect(
        ExamplesRequest("examples", cell=[worst.target, worst.predicted], count=48)
    )

    assert {(row.target, row.predicted) for row in response.rows} == {
        (worst.target, worst.predicted)
    }
    assert response.matches == response.matrix.counts[worst.target][worst.predicted]
    assert response.example is not None and response.example.number == worst.number
    assert [row.loss for row in response.rows] == sorted(
        (r.loss for r in response.rows), reverse=True
    )


def test_the_survey_is_kept_until_a_weight_changes(glyphs: Session) -> None:
    inspector = ExamplesInspector(glyphs)
    before = inspector.inspect(ExamplesRequest())
    survey = inspector._survey
    inspector.inspect(ExamplesRequest(cell=[0, 1]))
    assert inspector._survey is survey
    with torch.no_grad():
        glyphs.parameters[-1][3] += 50
        inspector.inspect(ExamplesRequest("user_input", user_input=UserInput(pixels=bytes(784))))
        after = inspector.inspect(ExamplesRequest())
        glyphs.parameters[-1][3] -= 50

    assert after.step == before.step and inspector._survey is not survey
    assert sum(row[3] for row in after.matrix.counts) == after.evaluated


def test_a_quantized_heat_map_keeps_sign_and_size() -> None:
    session = make_session("Linear 3")
    response = ExamplesInspector(session).inspect(ExamplesRequest("examples"))
    example = response.example
    assert example is not None
    target = torch.tensor([int(example.targets[0])])
    inputs = session.dataset.validation.inputs[example.number][None]
    gradient = compute_input_gradient(session, inputs, target)
    assert gradient is not None
    values = [dequantize(byte) * example.heat_max_abs for byte in example.heat]
    assert values == pytest.approx(gradient[0].tolist(), abs=example.heat_max_abs / 100)


def test_an_empty_drawing_has_a_note_and_a_prediction(glyphs: Session) -> None:
    response = ExamplesInspector(glyphs).inspect(
        ExamplesRequest("user_input", user_input=UserInput(pixels=bytes(784)))
    )
    assert "Nothing is drawn" in response.note
    assert response.example is not None and sum(response.example.probabilities) == pytest.approx(
        1, abs=1e-4
    )

    wrong = ExamplesInspector(glyphs).inspect(
        ExamplesRequest("user_input", user_input=UserInput(pixels=b"123"))
    )
    assert "28 by 28" in wrong.note and wrong.example is None


def test_unknown_characters_are_listed_with_their_substitute() -> None:
    session = load_session(KINDS["language"])
    prepared = prepare_user_input(session, UserInput(text="aΩb"))
    assert "'Ω'" in prepared.note and "' ' is used instead" in prepared.note
    assert prepared.inputs.shape == (1, 3)
    long = prepare_user_input(session, UserInput(text="x" * 40))
    assert long.inputs.shape == (1, 16) and "last 16" in long.note


def test_points_are_in_units_of_the_plane_and_invalid_text_is_refused() -> None:
    session = load_session(KINDS["points"])
    prepared = prepare_user_input(session, UserInput(text="0.5, -1"))
    assert session.dataset.inputs_at is not None
    assert torch.equal(prepared.inputs, session.dataset.inputs_at(torch.tensor([[0.5, -1.0]])))
    assert "outside" in prepare_user_input(session, UserInput(text="500, 1")).note
    for text in ("", "1", "1, 2, 3", "1, x", "nan, 1", "1e99, 1"):
        response = ExamplesInspector(session).inspect(
            ExamplesRequest("user_input", user_input=UserInput(text=text))
        )
        assert response.note and response.example is None


def test_an_image_file_is_cropped_and_resized_and_invalid_files_are_refused(tmp_path: Path) -> None:
    image = Image.new("RGB", (60, 40), "black")
    image.paste((255, 255, 255), (30, 0, 60, 40))
    image.save(tmp_path / "half.png")
    pixels, note = read_image(str(tmp_path / "half.png"), 1, 8, 8)
    assert pixels.shape == (1, 8, 8) and pixels[0, 4, 0] < 40 and pixels[0, 4, 7] > 215
    assert "60x40" in note and "8x8" in note
    assert read_image(str(tmp_path / "half.png"), 3, 8, 8)[0].shape == (3, 8, 8)

    (tmp_path / "text.png").write_text("not an image at all")
    whole = (tmp_path / "half.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for name, words in (
        ("text.png", "not an image"), ("cut.png", "damaged"), ("none.png", "no such file"),
        (".", "not a file"), ("nul\0byte", "no such file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            read_image(str(tmp_path / name), 1, 8, 8)


def test_an_image_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "large.png")
    monkeypatch.setattr("tuilab.engine.inspect.examples.user_input.MAX_PIXELS", 1000)
    with pytest.raises(InputError, match="64 by 64 pixels are too many"):
        read_image(str(tmp_path / "large.png"), 1, 8, 8)
    monkeypatch.setattr("tuilab.engine.inspect.examples.user_input.MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="too many for an image"):
        read_image(str(tmp_path / "large.png"), 1, 8, 8)


def test_the_latent_grid_varies_the_first_two_codes_only() -> None:
    codes = torch.tensor([[0.0, 10.0, 7.0], [2.0, 14.0, 7.0]])
    grid, columns, _ = build_latent_grid(codes)

    assert grid.shape == (49, 3) and columns == 7
    assert grid[0].tolist() == pytest.approx([-1.0, 16.0, 7.0])
    assert grid[6].tolist() == pytest.approx([3.0, 16.0, 7.0])
    assert grid[24].tolist() == pytest.approx([1.0, 12.0, 7.0])
