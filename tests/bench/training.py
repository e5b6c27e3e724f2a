"""Training speed: against a plain loop over a DataLoader, Lightning, and the barest loop."""

import importlib.util
import logging
import time
import warnings
from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.bench.measure import Row, at_least, interleaved, ratio, summarize
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.session import Session
from tuilab.engine.train import train

BATCH = 128
EXAMPLES = 128 * 100
EPOCHS = 8
REPEATS = 9


def data() -> tuple[Tensor, Tensor]:
    """Returns as many numbers as 12,800 images of 28×28, and classes."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(EXAMPLES, 784, generator=generator)
    return inputs, inputs[:, :10].argmax(1)


def plain_network() -> nn.Sequential:
    """Builds a 784-128-10 MLP."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def tuilab(epochs: int = EPOCHS) -> float:
    """Returns the steps per second of the lab's loop, with probes and reports."""
    inputs, targets = data()
    experiment = experiment_from_dict(
        {
            "network": ["Linear 128", "ReLU", "Linear 10"],
            "data": {
                "name": "blobs", "centers": 10, "features": ["x1"] * 784, "batch_size": BATCH,
            },
            "training": {"epochs": epochs},
        }
    )  # fmt: skip
    empty = Examples(inputs[:0], targets[:0])
    dataset = Dataset(Examples(inputs, targets), empty, empty, tuple("abcdefghij"))
    session = Session("bench", experiment, dataset, torch.device("cpu"))
    start = time.perf_counter()
    for _ in train(session):
        pass
    return session.step / (time.perf_counter() - start)


def loop(
    network: nn.Module, batches: "Iterable[tuple[Tensor, Tensor]]", fused: bool | None
) -> float:
    """Returns the steps per second of the usual PyTorch loop."""
    optimizer = torch.optim.AdamW(network.parameters(), fused=fused)
    steps, start = 0, time.perf_counter()
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(inputs), targets)
        loss.backward()
        optimizer.step()
        steps += 1
    return steps / (time.perf_counter() - start)


def plain_pytorch(epochs: int = EPOCHS) -> float:
    """Measures a loop over `DataLoader(TensorDataset)`, as in PyTorch's tutorials."""
    loader = DataLoader(TensorDataset(*data()), batch_size=BATCH, shuffle=True)
    return loop(plain_network(), (batch for _ in range(epochs) for batch in loader), fused=None)


def bare(epochs: int = EPOCHS) -> float:
    """Measures a bare loop over resident tensors."""
    inputs, targets = data()

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(epochs):
            order = torch.randperm(EXAMPLES)
            for start in range(0, EXAMPLES, BATCH):
                index = order[start : start + BATCH]
                yield inputs[index], targets[index]

    return loop(plain_network(), batches(), fused=True)


def lightning_trainer(epochs: int = EPOCHS) -> float:
    """Measures Lightning's Trainer with all options switched off."""
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = plain_network()

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            return F.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters())

    loader = DataLoader(TensorDataset(*data()), batch_size=BATCH, shuffle=True)
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    module = Module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        trainer.fit(module, loader)
    return float(trainer.global_step) / (time.perf_counter() - start)


def rows() -> Iterator[Row]:
    """Yields the rows on training speed."""
    has_lightning = importlib.util.find_spec("lightning") is not None
    loops = [tuilab, plain_pytorch, bare, *([lightning_trainer] if has_lightning else [])]
    for run_loop in loops:
        run_loop(1)
    ours, plain, barest, *rest = interleaved(REPEATS, *loops)
    yield at_least(
        "training: tuilab / plain PyTorch loop over a DataLoader", ratio(ours, plain), 1.5,
        f"{summarize(ours)} / {summarize(plain)} steps/s", "×",
    )  # fmt: skip
    yield at_least(
        "training: tuilab / bare loop over resident tensors", ratio(ours, barest), 0.95,
        f"{summarize(ours)} / {summarize(barest)} steps/s", "×",
    )  # fmt: skip
    what = "training: tuilab / Lightning's Trainer"
    if rest:
        detail = f"{summarize(ours)} / {summarize(rest[0])} steps/s"
        yield at_least(what, ratio(ours, rest[0]), 2.3, detail, "×")
        limit = "training: bare loop over resident tensors / Lightning's Trainer: upper limit"
        yield Row(limit, ratio(barest, rest[0]), "", None, unit="×")
    else:
        yield Row(what, float("nan"), "≥ 2.3×", None, "not installed: uv sync --group bench")
