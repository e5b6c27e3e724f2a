"""A session beside that of the run, of another experiment."""

from collections.abc import Iterator
from contextlib import contextmanager

from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.load import load
from tuilab.engine.device.devices import device_for
from tuilab.engine.model.layers.torchvision_models import download_weights
from tuilab.engine.preserve import preserving_random_state
from tuilab.engine.session import Session


@contextmanager
def separate_session(experiment: Experiment, report: ProgressCallback) -> Iterator[Session]:
    """Yields a session at its first step; torch's random numbers and threads are put back."""
    device = device_for(experiment.training)
    with preserving_random_state(device):
        dataset = load(experiment, device, report)
        download_weights(experiment.plan, report)
        yield Session("search", experiment, dataset, device)
