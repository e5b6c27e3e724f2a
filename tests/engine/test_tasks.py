"""The tasks: each step is that of its paper, and every metric that of its definition."""

from collections.abc import Callable
from copy import deepcopy
from math import exp
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.support.datasets import CPU
from tests.support.not_none import not_none
from tests.support.run_generator import run_generator
from tests.support.tiny_sessions import (
    flatten_parameters,
    make_dataset,
    make_experiment,
    train_steps,
)
from tuilab.core.catalogue.metrics import METRIC_HELP
from tuilab.core.files.corpus import ASCII_TOKENS, BYTE_TOKENS
from tuilab.core.protocol.events import EpochEnded, Progressed
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel
from tuilab.engine.train import train

SGD = {"name": "sgd", "lr": 0.1}


def progress_events(session: Session) -> list[Progressed | EpochEnded]:
    """Trains to the end; returns the events with metrics."""
    return [event for event in train(session) if isinstance(event, (Progressed, EpochEnded))]


def has_weights_of(session: Session, network: nn.Module) -> bool:
    """Returns whether a session has the weights of a network trained by hand."""
    by_hand = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    return torch.allclose(flatten_parameters(session), by_hand, atol=1e-6)


def evaluate(session: Session, examples: Examples) -> dict[str, float]:
    """Returns the metrics of an evaluation."""
    return run_generator(session.evaluate(examples))


# --- GAN ----------------------------------------------------------------------------------------


def make_gan(
    loss: str = "bce", optimizer: dict[str, Any] = SGD, epochs: int = 2, **task: Any
) -> Session:
    experiment = make_experiment(
        ["Generator", "Linear 8", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 8", "LeakyReLU 0.2", "Linear 1"],
        task={"name": "gan", "latent": 4, **task}, data={"name": "gaussians_ring"},
        loss={"name": loss}, optimizer=optimizer, epochs=epochs,
    )  # fmt: skip
    return Session("run", experiment, make_dataset(), CPU)


def discriminator_loss(loss: str, real: Tensor, fake: Tensor) -> Tensor:
    """Returns the loss of a discriminator, from the papers."""
    if loss == "bce":  # minus half of Goodfellow's value function
        return -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()) / 2
    if loss == "mse":
        return 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean()
    return ((1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()) / 2


def generator_loss(loss: str, fake: Tensor) -> Tensor:
    """Returns the loss of a generator."""
    if loss == "bce":
        return -fake.sigmoid().log().mean()
    return ((fake - 1) ** 2).mean() if loss == "mse" else -fake.mean()


@pytest.mark.parametrize("loss", ["bce", "mse", "hinge"])
@pytest.mark.parametrize(
    ("discriminator_steps", "generator_steps", "factor"), [(1, 1, 1.0), (3, 2, 0.5)]
)
def test_a_gan_takes_the_chosen_number_of_steps_on_each_network(
    loss: str, discriminator_steps: int, generator_steps: int, factor: float
) -> None:
    session = make_gan(
        loss,
        discriminator_steps=discriminator_steps,
        generator_steps=generator_steps,
        discriminator_lr=factor,
    )
    network = deepcopy(session.network)
    generator, discriminator = network.children()
    discriminator_optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.1 * factor)
    generator_optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)
    inputs, _ = not_none(session.next_batch())

    torch.manual_seed(5)
    for _ in range(discriminator_steps):
        samples = generator(torch.randn(10, 4)).detach()
        discriminator_optimizer.zero_grad()
        discriminator_loss(loss, discriminator(inputs), discriminator(samples)).backward()
        discriminator_optimizer.step()
    for _ in range(generator_steps):
        generator_optimizer.zero_grad()
        generator_loss(loss, discriminator(generator(torch.randn(10, 4)))).backward()
        generator_optimizer.step()
    torch.manual_seed(5)
    train_steps(session, 1)

    assert has_weights_of(session, network)


def test_each_network_of_a_gan_has_its_own_optimizer_state() -> None:
    session = make_gan(optimizer={"name": "adam", "lr": 1e-3}, discriminator_steps=3)
    train_steps(session, 4)
    assert isinstance(session.task, GAN)

    for network, count in ((session.task.discriminator, 12), (session.task.generator, 4)):
        for parameter in network.parameters():
            assert session.optimizer.state[parameter]["step"].item() == count


def test_the_learning_rate_of_the_discriminator_can_change_during_training() -> None:
    session = make_gan(epochs=9)
    train_steps(session, 2)
    session.set_knob("task.discriminator_lr", 0.25)
    session.set_knob("task.generator_steps", 2)
    train_steps(session, 1)

    assert sorted({group["lr"] for group in session.optimizer.param_groups}) == [0.025, 0.1]
    assert len(session.phases) == 3


def test_the_metrics_of_a_gan_follow_from_the_outputs_of_its_discriminator() -> None:
    session = make_gan()
    session.dataset.modes, session.dataset.mode_std = torch.tensor([[9.0, 9.0], [0.0, 0.0]]), 0.1
    list(train(session))
    assert isinstance(session.task, GAN)
    part, samples = session.dataset.test, session.task.generate(2000)
    session.network.eval()
    with torch.no_grad():
        real, fake = session.task.discriminator(part.inputs), session.task.discriminator(samples)

    metrics = evaluate(session, part)

    assert metrics["loss"] == pytest.approx(generator_loss("bce", fake).item(), rel=1e-4)
    assert metrics["discriminator_loss"] == pytest.approx(
        discriminator_loss("bce", real, fake).item(), rel=1e-4
    )
    accuracy = ((real > 0).float().mean() + (fake <= 0).float().mean()).item() / 2
    assert metrics["discriminator_accuracy"] == pytest.approx(accuracy)
    fraction = (samples.norm(dim=1) <= 0.3).float().mean().item()
    assert metrics["high_quality"] == pytest.approx(fraction)
    assert metrics["modes"] == (fraction >= 0.05)


def test_a_gan_generates_from_the_same_noise_each_time() -> None:
    session = make_gan()
    assert isinstance(session.task, GAN)
    rng_state = torch.get_rng_state()

    assert torch.equal(session.task.generate(7), session.task.generate(7))
    assert torch.equal(torch.get_rng_state(), rng_state)
    assert session.network.training


# --- autoencoders -------------------------------------------------------------------------------


def make_autoencoder(*middle: str, loss: str = "mse", **task: Any) -> Session:
    experiment = make_experiment(
        ["Encoder", "Linear 8", "Tanh", *middle], ["Decoder", "Linear 8", "Tanh", "Linear 3"],
        task={"name": "autoencoder", **task}, data={"name": "swiss_roll"},
        loss={"name": loss}, optimizer=SGD,
    )  # fmt: skip
    return Session("run", experiment, make_dataset(features=3), CPU)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_denoising_autoencoder_reconstructs_the_clean_input(noise: float) -> None:
    session = make_autoencoder("Linear 2", noise=noise)
    network = deepcopy(session.network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    clean, _ = not_none(session.next_batch())

    torch.manual_seed(5)
    noisy = clean + noise * torch.randn(10, 3) if noise else clean
    ((network(noisy) - clean) ** 2).mean().backward()
    optimizer.step()
    torch.manual_seed(5)
    train_steps(session, 1)

    assert has_weights_of(session, network)


def test_reconstructions_are_evaluated_on_clean_inputs() -> None:
    session = make_autoencoder("Linear 2", noise=2.0)
    inputs = session.dataset.test.inputs
    error = (session.predict(inputs) - inputs).square().mean().item()

    metrics = evaluate(session, session.dataset.test)

    assert metrics["loss"] == pytest.approx(error, rel=1e-5)
    assert metrics["reconstruction_error"] == pytest.approx(error, rel=1e-5)


def latent_distributions(network: nn.Module, inputs: Tensor) -> torch.distributions.Normal:
    """Returns the latent distribution of each input, for an encoder with four outputs."""
    encoder = next(network.children())
    *layers, _ = encoder.children()
    for layer in layers:
        inputs = layer(inputs)
    return torch.distributions.Normal(inputs[:, :2], (inputs[:, 2:] / 2).exp())


def test_the_loss_of_a_variational_autoencoder_is_the_evidence_lower_bound() -> None:
    session = make_autoencoder("Linear 4", "Reparameterization", beta=2.0)
    inputs, _ = not_none(session.next_batch())
    prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))

    latent = latent_distributions(session.network, inputs)
    kl = torch.distributions.kl_divergence(latent, prior).sum(1)
    torch.manual_seed(5)
    loss, output = session.task.compute_loss(inputs, inputs)

    pixels = torch.distributions.Normal(output, 1.0)
    bound = (pixels.log_prob(inputs).sum(1) - kl).mean()
    constant = -3 / 2 * torch.log(torch.tensor(2 * torch.pi))
    torch.testing.assert_close(loss, -(bound - constant) * 2 / 3)
    metrics = session.task.extra_metrics()
    assert metrics["kl"] == pytest.approx(kl.mean().item(), rel=1e-5)
    assert metrics["reconstruction"] == pytest.approx((output - inputs).square().mean().item())

    torch.manual_seed(5)
    sample = latent.loc + latent.scale * torch.randn(10, 2)
    _, decoder = session.network.children()
    torch.testing.assert_close(output, decoder(sample))


def test_a_variational_autoencoder_is_evaluated_at_the_latent_means_with_the_kl() -> None:
    session = make_autoencoder("Linear 4", "Reparameterization", beta=0.5)
    inputs = session.dataset.test.inputs
    latent = latent_distributions(session.network, inputs)
    _, decoder = session.network.children()
    prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    kl = torch.distributions.kl_divergence(latent, prior).sum(1).mean().item()
    error = (decoder(latent.loc) - inputs).square().mean().item()

    metrics = evaluate(session, session.dataset.test)

    assert metrics["reconstruction_error"] == pytest.approx(error, rel=1e-5)
    assert metrics["loss"] == pytest.approx(error + 0.5 * kl / 3, rel=1e-5)


# --- language models ----------------------------------------------------------------------------


def make_language_model(
    vocabulary: tuple[str, ...] = ASCII_TOKENS, epochs: int = 2, **task: Any
) -> Session:
    """Returns a session of a language model on random letters, seven at a time."""
    table = {"name": "python_source", "length": 7}
    if vocabulary == BYTE_TOKENS:
        table = {"name": "text", "path": __file__, "tokens": "bytes", "length": 7}
    experiment = make_experiment(
        "Embedding 8", "GRU 8 returns=sequence", f"Linear {len(vocabulary)}",
        task={"name": "language_model", **task}, data=table, epochs=epochs,
    )  # fmt: skip
    letters = torch.randint(65, 70, (40, 8), generator=torch.Generator().manual_seed(2))
    train_part, validation, test = (
        Examples(letters[a:b, :-1], letters[a:b, 1:]) for a, b in ((0, 24), (24, 32), (32, 40))
    )
    data = Dataset(train_part, validation, test, vocabulary=vocabulary)
    return Session("run", experiment, data, CPU)


def test_perplexity_is_the_exponential_of_the_loss() -> None:
    session = make_language_model()
    events = progress_events(session)

    metrics = evaluate(session, session.dataset.test)

    targets = session.dataset.test.targets
    nll = F.cross_entropy(session.predict(session.dataset.test.inputs).mT, targets).item()
    assert metrics["loss"] == pytest.approx(nll, rel=1e-5)
    assert metrics["perplexity"] == pytest.approx(exp(nll), rel=1e-5)
    last = events[-1]
    assert isinstance(last, EpochEnded) and "perplexity" in last.train


def generate_text(session: Session, count: int) -> tuple[str, str]:
    """Returns a prompt and `count` tokens after it."""
    assert isinstance(session.task, LanguageModel)
    prompt, text = "", ""
    while len(text) < count:
        prompt, text = session.task.sample(0)
    return prompt, text


def test_at_temperature_zero_the_most_likely_token_is_generated() -> None:
    for temperature in (1e-300, 1e-4):
        session = make_language_model(temperature=temperature, prompt="CDCDCDCDC", sample_length=12)
        _, text = generate_text(session, 12)

        row = [ASCII_TOKENS.index(sign) for sign in "CDCDCDC"]
        for sign in text:
            logits = session.predict(torch.tensor([row[-7:]]))[0, -1]
            assert ASCII_TOKENS[int(logits.argmax())] == sign
            row.append(ASCII_TOKENS.index(sign))


def test_tokens_are_drawn_from_the_distribution_at_the_temperature() -> None:
    session = make_language_model(temperature=0.5, prompt="CDCDCDC", sample_length=1)
    list(train(session))
    row = torch.tensor([[ASCII_TOKENS.index(sign) for sign in "CDCDCDC"]])
    probs = (session.predict(row)[0, -1] / 0.5).softmax(0)

    samples = [ASCII_TOKENS.index(generate_text(session, 1)[1]) for _ in range(1500)]

    frequencies = torch.bincount(torch.tensor(samples), minlength=len(ASCII_TOKENS)) / 1500
    assert (frequencies - probs).abs().max() < 0.05
    assert (frequencies - probs).abs().sum() < 0.35


def test_a_sample_grows_with_every_call_and_then_a_new_one_starts() -> None:
    session = make_language_model(prompt="CC", sample_length=5)
    assert isinstance(session.task, LanguageModel)

    lengths = [len(session.task.sample(0)[1]) for _ in range(7)]
    assert lengths == [1, 2, 3, 4, 5, 1, 2]
    assert session.task.sample(60)[0] == "CC" and len(session.task.sample(60)[1]) == 5

    session.set_knob("task.prompt", "DD€D")
    assert session.task.sample(0)[0] == "DDD"  # the vocabulary has no €


def test_sampling_does_not_change_training() -> None:
    session, other = make_language_model(epochs=3), make_language_model(epochs=3)
    for _ in train(session):
        assert isinstance(session.task, LanguageModel)
        session.task.sample(0)
    list(train(other))

    assert torch.equal(flatten_parameters(session), flatten_parameters(other))


def test_bytes_are_encoded_and_decoded_as_utf_8() -> None:
    session = make_language_model(BYTE_TOKENS, prompt="naïve ", sample_length=4)
    assert isinstance(session.task, LanguageModel)
    task = session.task

    assert task.sample(60)[0] == "naïve "
    assert task._encode("ï") == [0xC3, 0xAF]
    assert task._decode([0xC3, 0xAF, 0xE2, 0x82]) == "ï\N{REPLACEMENT CHARACTER}"


# --- the perceptron -----------------------------------------------------------------------------


def make_perceptron(batch_size: int = 1, epochs: int = 30, gap: float = 0.4) -> Session:
    """Returns a session on two classes that a line separates, with a gap around it."""
    experiment = make_experiment(
        "Linear 1", "Step", task="perceptron", loss={"name": "zero_one"}, optimizer=SGD,
        data={"name": "gauss"}, batch_size=batch_size, epochs=epochs,
    )  # fmt: skip
    data = make_dataset(classes=2)
    for part in (data.train, data.validation, data.test):
        side = 2 * (part.inputs.sum(1) > 0).float() - 1
        part.inputs += gap * side[:, None]
        part.targets = (side > 0).long()
    return Session("run", experiment, data, CPU)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_errors_change_the_weights_by_the_perceptron_rule(batch_size: int) -> None:
    session = make_perceptron(batch_size, epochs=1)
    linear = session.network[0]
    assert isinstance(linear, nn.Linear)
    weight, bias = linear.weight[0].detach().clone(), linear.bias[0].detach().clone()
    data, order = session.dataset.train, session.epoch_order()

    for index in order.split(batch_size):
        x, y = data.inputs[index], data.targets[index]
        error = y - (x @ weight + bias > 0).long()  # y − ŷ
        weight = weight + 0.1 * (error[:, None] * x).mean(0)
        bias = bias + 0.1 * error.float().mean()
    list(train(session))

    torch.testing.assert_close(linear.weight[0].detach(), weight)
    torch.testing.assert_close(linear.bias[0].detach(), bias)


def test_without_errors_the_weights_do_not_change() -> None:
    session = make_perceptron()
    events = progress_events(session)
    last = events[-1]
    assert isinstance(last, EpochEnded)
    assert last.train["loss"] == 0 and last.validation["accuracy"] >= 0.9

    before = flatten_parameters(session)
    session.set_knob("training.epochs", 31)
    list(train(session))
    assert torch.equal(flatten_parameters(session), before)


# --- all tasks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        make_gan, make_language_model, make_perceptron, lambda: make_autoencoder("Linear 2"),
        lambda: make_autoencoder("Linear 4", "Reparameterization"),
    ],
)  # fmt: skip
def test_every_reported_metric_has_a_line_of_help(make: Callable[[], Session]) -> None:
    session = make()
    for event in progress_events(session):
        if isinstance(event, Progressed):
            assert set(event.metrics) <= set(METRIC_HELP)
        else:
            assert set(event.train) | set(event.validation) <= set(METRIC_HELP)


def test_balanced_weights_reach_the_gradient() -> None:
    data = make_dataset()
    counts = torch.bincount(data.train.targets, minlength=3)
    experiment = make_experiment(loss={"name": "cross_entropy", "balanced": True}, optimizer=SGD,
                       batch_size=0, epochs=1)  # fmt: skip
    session = Session("run", experiment, data, CPU)
    network = deepcopy(session.network)

    weight = len(data.train) / (3 * counts)
    F.cross_entropy(network(data.train.inputs), data.train.targets, weight).backward()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    list(train(session))

    assert has_weights_of(session, network)
    assert len(set(counts.tolist())) > 1
