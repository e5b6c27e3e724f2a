"""Tasks at work: each step is what its paper says, and its numbers mean what they say."""

from copy import deepcopy
from math import exp
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.support.tiny import CPU, dataset, experiment, steps, weights
from tuilab.core.catalogue.metrics import HELP
from tuilab.core.files.corpus import BYTES, PLAIN
from tuilab.core.protocol.events import EpochEnded, Progressed
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.tasks.language_model import LanguageModel
from tuilab.engine.train import train

SGD = {"name": "sgd", "lr": 0.1}


def told(subject: Session) -> list[Progressed | EpochEnded]:
    """Train to the end; the events with numbers."""
    return [event for event in train(subject) if isinstance(event, (Progressed, EpochEnded))]


def close(subject: Session, network: nn.Module) -> bool:
    """Whether a session's weights are those of a network trained by hand."""
    theirs = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    return torch.allclose(weights(subject), theirs, atol=1e-6)


def measured(subject: Session, part: Part) -> dict[str, float]:
    """The numbers of an evaluation."""
    evaluation = subject.evaluate(part)
    while True:
        try:
            next(evaluation)
        except StopIteration as end:
            result: dict[str, float] = end.value
            return result


# --- GAN ----------------------------------------------------------------------------------------


def gan(
    loss: str = "bce", optimizer: dict[str, Any] = SGD, epochs: int = 2, **task: Any
) -> Session:
    knobs = experiment(
        ["Generator", "Linear 8", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 8", "LeakyReLU 0.2", "Linear 1"],
        task={"name": "gan", "latent": 4, **task}, data={"name": "gaussians_ring"},
        loss={"name": loss}, optimizer=optimizer, epochs=epochs,
    )  # fmt: skip
    return Session("run", knobs, dataset(), CPU)


def judged(loss: str, real: Tensor, fake: Tensor) -> Tensor:
    """What a discriminator follows down, from the papers."""
    if loss == "bce":  # minus Goodfellow's value function, each half counting half
        return -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean()) / 2
    if loss == "mse":
        return 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean()
    return ((1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()) / 2


def fooled(loss: str, fake: Tensor) -> Tensor:
    """What a generator follows down."""
    if loss == "bce":
        return -fake.sigmoid().log().mean()
    return ((fake - 1) ** 2).mean() if loss == "mse" else -fake.mean()


@pytest.mark.parametrize("loss", ["bce", "mse", "hinge"])
@pytest.mark.parametrize(("judges", "makers", "factor"), [(1, 1, 1.0), (3, 2, 0.5)])
def test_a_gan_takes_so_many_steps_a_side(loss: str, judges: int, makers: int, factor: float):
    subject = gan(loss, discriminator_steps=judges, generator_steps=makers, discriminator_lr=factor)
    network = deepcopy(subject.network)
    generator, discriminator = network.children()
    judge = torch.optim.SGD(discriminator.parameters(), lr=0.1 * factor)
    maker = torch.optim.SGD(generator.parameters(), lr=0.1)
    batch = subject.next_batch()
    assert batch is not None

    torch.manual_seed(5)
    for _ in range(judges):
        drawn = generator(torch.randn(10, 4)).detach()
        judge.zero_grad()
        judged(loss, discriminator(batch[0]), discriminator(drawn)).backward()
        judge.step()
    for _ in range(makers):
        maker.zero_grad()
        fooled(loss, discriminator(generator(torch.randn(10, 4)))).backward()
        maker.step()
    torch.manual_seed(5)
    steps(subject, 1)

    assert close(subject, network)


def test_each_side_of_a_gan_has_a_memory_of_its_own():
    subject = gan(optimizer={"name": "adam", "lr": 1e-3}, discriminator_steps=3)
    steps(subject, 4)
    assert isinstance(subject.task, GAN)

    for side, count in ((subject.task.discriminator, 12), (subject.task.generator, 4)):
        for parameter in side.parameters():
            assert subject.optimizer.state[parameter]["step"].item() == count


def test_the_share_of_the_learning_rate_can_be_moved_while_it_trains():
    subject = gan(epochs=9)
    steps(subject, 2)
    subject.set("task.discriminator_lr", 0.25)
    subject.set("task.generator_steps", 2)
    steps(subject, 1)

    assert sorted({group["lr"] for group in subject.optimizer.param_groups}) == [0.025, 0.1]
    assert len(subject.phases) == 3


def test_what_a_gan_tells_is_what_its_two_sides_say_of_each_other():
    subject = gan()
    subject.dataset.modes, subject.dataset.spread = torch.tensor([[9.0, 9.0], [0.0, 0.0]]), 0.1
    list(train(subject))
    assert isinstance(subject.task, GAN)
    part, drawn = subject.dataset.test, subject.task.draw(2000)
    subject.network.eval()
    with torch.no_grad():
        real, fake = subject.task.discriminator(part.inputs), subject.task.discriminator(drawn)

    found = measured(subject, part)

    assert found["loss"] == pytest.approx(fooled("bce", fake).item(), rel=1e-4)
    assert found["discriminator_loss"] == pytest.approx(judged("bce", real, fake).item(), rel=1e-4)
    apart = ((real > 0).float().mean() + (fake <= 0).float().mean()).item() / 2
    assert found["told_apart"] == pytest.approx(apart)
    near = (drawn.norm(dim=1) <= 0.3).float().mean().item()
    assert found["good"] == pytest.approx(near)
    assert found["modes"] == (near >= 0.05)


def test_a_gan_draws_from_the_same_noise_each_time():
    subject = gan()
    assert isinstance(subject.task, GAN)
    chance = torch.get_rng_state()

    assert torch.equal(subject.task.draw(7), subject.task.draw(7))
    assert torch.equal(torch.get_rng_state(), chance)
    assert subject.network.training


# --- autoencoders -------------------------------------------------------------------------------


def autoencoder(*middle: str, loss: str = "mse", **task: Any) -> Session:
    knobs = experiment(
        ["Encoder", "Linear 8", "Tanh", *middle], ["Decoder", "Linear 8", "Tanh", "Linear 3"],
        task={"name": "autoencoder", **task}, data={"name": "swiss_roll"},
        loss={"name": loss}, optimizer=SGD,
    )  # fmt: skip
    return Session("run", knobs, dataset(features=3), CPU)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_denoising_autoencoder_sees_noise_and_wants_none(noise: float):
    subject = autoencoder("Linear 2", noise=noise)
    network = deepcopy(subject.network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    batch = subject.next_batch()
    assert batch is not None
    clean = batch[0]

    torch.manual_seed(5)
    seen = clean + noise * torch.randn(10, 3) if noise else clean
    ((network(seen) - clean) ** 2).mean().backward()
    optimizer.step()
    torch.manual_seed(5)
    steps(subject, 1)

    assert close(subject, network)


def test_a_reconstruction_is_measured_on_clean_inputs():
    subject = autoencoder("Linear 2", noise=2.0)
    inputs = subject.dataset.test.inputs
    error = (subject.predict(inputs) - inputs).square().mean().item()

    found = measured(subject, subject.dataset.test)

    assert found["loss"] == pytest.approx(error, rel=1e-5)
    assert found["reconstruction_error"] == pytest.approx(error, rel=1e-5)


def clouds(network: nn.Module, inputs: Tensor) -> torch.distributions.Normal:
    """The latent distribution of each input in a network that ends its encoder in four numbers."""
    encoder = next(network.children())
    *layers, _ = encoder.children()
    for layer in layers:
        inputs = layer(inputs)
    return torch.distributions.Normal(inputs[:, :2], (inputs[:, 2:] / 2).exp())


def test_the_loss_of_a_variational_one_is_the_evidence_lower_bound():
    subject = autoencoder("Linear 4", "Reparameterization", beta=2.0)
    batch = subject.next_batch()
    assert batch is not None
    inputs = batch[0]
    prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))

    cloud = clouds(subject.network, inputs)
    kl = torch.distributions.kl_divergence(cloud, prior).sum(1)
    torch.manual_seed(5)
    loss, output = subject.task.forward(inputs, inputs)

    pixels = torch.distributions.Normal(output, 1.0)
    bound = (pixels.log_prob(inputs).sum(1) - kl).mean()
    constant = -3 / 2 * torch.log(torch.tensor(2 * torch.pi))
    torch.testing.assert_close(loss, -(bound - constant) * 2 / 3)
    found = subject.task.extras()
    assert found["kl"] == pytest.approx(kl.mean().item(), rel=1e-5)
    assert found["reconstruction"] == pytest.approx((output - inputs).square().mean().item())

    torch.manual_seed(5)
    draw = cloud.loc + cloud.scale * torch.randn(10, 2)
    _, decoder = subject.network.children()
    torch.testing.assert_close(output, decoder(draw))


def test_a_variational_one_is_evaluated_at_the_middle_of_its_clouds_with_the_kl():
    subject = autoencoder("Linear 4", "Reparameterization", beta=0.5)
    inputs = subject.dataset.test.inputs
    cloud = clouds(subject.network, inputs)
    _, decoder = subject.network.children()
    prior = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    kl = torch.distributions.kl_divergence(cloud, prior).sum(1).mean().item()
    error = (decoder(cloud.loc) - inputs).square().mean().item()

    found = measured(subject, subject.dataset.test)

    assert found["reconstruction_error"] == pytest.approx(error, rel=1e-5)
    assert found["loss"] == pytest.approx(error + 0.5 * kl / 3, rel=1e-5)


# --- language models ----------------------------------------------------------------------------


def language(vocabulary: tuple[str, ...] = PLAIN, epochs: int = 2, **task: Any) -> Session:
    """A model of random rows of letters, seven at a time."""
    data = {"name": "python_source", "length": 7}
    if vocabulary == BYTES:
        data = {"name": "text", "path": __file__, "tokens": "bytes", "length": 7}
    knobs = experiment(
        "Embedding 8", "GRU 8 returns=sequence", f"Linear {len(vocabulary)}",
        task={"name": "language_model", **task}, data=data, epochs=epochs,
    )  # fmt: skip
    letters = torch.randint(65, 70, (40, 8), generator=torch.Generator().manual_seed(2))
    parts = [Part(letters[a:b, :-1], letters[a:b, 1:]) for a, b in ((0, 24), (24, 32), (32, 40))]
    return Session("run", knobs, Dataset(*parts, vocabulary=vocabulary), CPU)


def test_perplexity_is_the_exponential_of_the_loss():
    subject = language()
    events = told(subject)

    found = measured(subject, subject.dataset.test)

    targets = subject.dataset.test.targets
    surprise = F.cross_entropy(subject.predict(subject.dataset.test.inputs).mT, targets).item()
    assert found["loss"] == pytest.approx(surprise, rel=1e-5)
    assert found["perplexity"] == pytest.approx(exp(surprise), rel=1e-5)
    last = events[-1]
    assert isinstance(last, EpochEnded) and "perplexity" in last.train


def written(subject: Session, count: int) -> tuple[str, str]:
    """A prompt and so many tokens after it."""
    assert isinstance(subject.task, LanguageModel)
    prompt, text = "", ""
    while len(text) < count:
        prompt, text = subject.task.sample(0)
    return prompt, text


def test_without_warmth_the_likeliest_token_is_written():
    for cold in (1e-300, 1e-4):
        subject = language(temperature=cold, prompt="CDCDCDCDC", sample_length=12)
        _, text = written(subject, 12)

        row = [PLAIN.index(sign) for sign in "CDCDCDC"]
        for sign in text:
            logits = subject.predict(torch.tensor([row[-7:]]))[0, -1]
            assert PLAIN[int(logits.argmax())] == sign
            row.append(PLAIN.index(sign))


def test_tokens_are_drawn_as_often_as_the_temperature_has_it():
    subject = language(temperature=0.5, prompt="CDCDCDC", sample_length=1)
    list(train(subject))
    row = torch.tensor([[PLAIN.index(sign) for sign in "CDCDCDC"]])
    chances = (subject.predict(row)[0, -1] / 0.5).softmax(0)

    drawn = [PLAIN.index(written(subject, 1)[1]) for _ in range(1500)]

    shares = torch.bincount(torch.tensor(drawn), minlength=len(PLAIN)) / 1500
    assert (shares - chances).abs().max() < 0.05
    assert (shares - chances).abs().sum() < 0.35


def test_a_sample_goes_on_and_a_whole_one_is_followed_by_another():
    subject = language(prompt="CC", sample_length=5)
    assert isinstance(subject.task, LanguageModel)

    lengths = [len(subject.task.sample(0)[1]) for _ in range(7)]
    assert lengths == [1, 2, 3, 4, 5, 1, 2]
    assert subject.task.sample(60)[0] == "CC" and len(subject.task.sample(60)[1]) == 5

    subject.set("task.prompt", "DD€D")
    assert subject.task.sample(0)[0] == "DDD"  # the vocabulary has no €


def test_writing_leaves_training_as_it_was():
    subject, quiet = language(epochs=3), language(epochs=3)
    for _ in train(subject):
        assert isinstance(subject.task, LanguageModel)
        subject.task.sample(0)
    list(train(quiet))

    assert torch.equal(weights(subject), weights(quiet))


def test_bytes_are_read_and_written_as_the_letters_they_make_together():
    subject = language(BYTES, prompt="naïve ", sample_length=4)
    assert isinstance(subject.task, LanguageModel)
    task = subject.task

    assert task.sample(60)[0] == "naïve "
    assert task._tokens("ï") == [0xC3, 0xAF]
    assert task._text([0xC3, 0xAF, 0xE2, 0x82]) == "ï\N{REPLACEMENT CHARACTER}"


# --- the perceptron -----------------------------------------------------------------------------


def perceptron(batch_size: int = 1, epochs: int = 30, gap: float = 0.4) -> Session:
    """Two classes that a line parts, with a gap around it."""
    knobs = experiment(
        "Linear 1", "Step", task="perceptron", loss={"name": "zero_one"}, optimizer=SGD,
        data={"name": "gauss"}, batch_size=batch_size, epochs=epochs,
    )  # fmt: skip
    data = dataset(classes=2)
    for part in (data.train, data.validation, data.test):
        side = 2 * (part.inputs.sum(1) > 0).float() - 1
        part.inputs += gap * side[:, None]
        part.targets = (side > 0).long()
    return Session("run", knobs, data, CPU)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_after_a_mistake_the_line_moves_towards_the_right_answer(batch_size: int):
    subject = perceptron(batch_size, epochs=1)
    linear = subject.network[0]
    assert isinstance(linear, nn.Linear)
    weight, bias = linear.weight[0].detach().clone(), linear.bias[0].detach().clone()
    data, order = subject.dataset.train, subject.order()

    for index in order.split(batch_size):
        x, y = data.inputs[index], data.targets[index]
        mistake = y - (x @ weight + bias > 0).long()  # y − ŷ
        weight = weight + 0.1 * (mistake[:, None] * x).mean(0)
        bias = bias + 0.1 * mistake.float().mean()
    list(train(subject))

    torch.testing.assert_close(linear.weight[0].detach(), weight)
    torch.testing.assert_close(linear.bias[0].detach(), bias)


def test_once_there_are_no_mistakes_it_stays_for_ever():
    subject = perceptron()
    events = told(subject)
    last = events[-1]
    assert isinstance(last, EpochEnded)
    assert last.train["loss"] == 0 and last.validation["accuracy"] >= 0.9

    before = weights(subject)
    subject.set("training.epochs", 31)
    list(train(subject))
    assert torch.equal(weights(subject), before)


# --- all of them --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        gan, language, perceptron, lambda: autoencoder("Linear 2"),
        lambda: autoencoder("Linear 4", "Reparameterization"),
    ],
)  # fmt: skip
def test_every_number_that_is_told_has_a_line_of_help(make: Any):
    subject = make()
    for event in told(subject):
        if isinstance(event, Progressed):
            assert set(event.metrics) <= set(HELP)
        else:
            assert set(event.train) | set(event.validation) <= set(HELP)


def test_balanced_weights_reach_the_gradient():
    data = dataset()
    counts = torch.bincount(data.train.targets, minlength=3)
    knobs = experiment(loss={"name": "cross_entropy", "balanced": True}, optimizer=SGD,
                       batch_size=0, epochs=1)  # fmt: skip
    subject = Session("run", knobs, data, CPU)
    network = deepcopy(subject.network)

    weight = len(data.train) / (3 * counts)
    F.cross_entropy(network(data.train.inputs), data.train.targets, weight).backward()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    list(train(subject))

    assert close(subject, network)
    assert counts.unique().numel() > 1
