"""A session beside that of the run, of another experiment."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.load import load
from tuilab.engine.device.devices import device_for
from tuilab.engine.model.layers.torchvision_models import download_weights
from tuilab.engine.session import Session


@contextmanager
def separate_session(experiment: Experiment, report: ProgressCallback) -> Iterator[Session]:
    """Yields a session at its first step; torch's random numbers and threads are put back."""
    device, threads = device_for(experiment.training), torch.get_num_threads()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            dataset = load(experiment, device, report)
            download_weights(experiment.plan, report)
            yield Session("search", experiment, dataset, device)
    finally:
        torch.set_num_threads(threads)  # a session chooses how many it takes
