"""Early stopping: when a run has seen its best epoch."""

from typing import Any

from torch import Tensor, nn

from tuilab.core.catalogue.regularization import Regularization
from tuilab.engine.optim.weight_average import Average


class Stopping:
    """Watches the validation loss and remembers the weights of its best epoch.

    Args:
        average: the mean of the weights, which is what is measured where there is one.
    """

    def __init__(self, network: nn.Module, average: Average) -> None:
        self.network, self.average = network, average
        self.best = float("inf")
        self.best_epoch = 0
        self.since = 0
        "The epoch from which patience is counted."
        self._weights: dict[str, Tensor] = {}
        self._average: dict[str, Any] = {}

    def see(self, loss: float, epoch: int, knobs: Regularization) -> bool:
        """Whether the run is to end after this epoch."""
        if not knobs.patience:
            return False
        if loss < self.best - knobs.min_delta:
            self.best, self.best_epoch, self.since = loss, epoch, epoch
            self._weights = {
                name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()
            }
            self._average = self.average.copy()
            return False
        return epoch - self.since >= knobs.patience

    def go_on(self, epoch: int, knobs: Regularization) -> None:
        """Count from here on where the run would end at once: it was asked to go on."""
        if epoch - self.since >= knobs.patience:
            self.since = epoch

    def restore(self) -> bool:
        """Go back to the weights of the best epoch, if there is one."""
        if self._weights:
            self.network.load_state_dict(self._weights)
            self.average.load_state_dict(self._average)
        return bool(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "best": self.best, "best_epoch": self.best_epoch, "since": self.since,
            "weights": self._weights, "average": self._average,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.since = state["since"]
        self._weights, self._average = dict(state["weights"]), dict(state["average"])
