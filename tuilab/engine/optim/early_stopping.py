"""Early stopping: ends a run whose validation loss no longer improves."""

from typing import Any

from torch import Tensor, nn

from tuilab.core.catalogue.regularization import Regularization
from tuilab.engine.optim.weight_average import WeightAverage


class EarlyStopping:
    """Watches the validation loss and keeps the weights of its best epoch.

    Args:
        average: the average of the weights, which is evaluated where there is one.
    """

    def __init__(self, network: nn.Module, average: WeightAverage) -> None:
        self.network, self.average = network, average
        self.best = float("inf")
        self.best_epoch = 0
        self.patience_start = 0
        "The epoch from which patience is counted."
        self._weights: dict[str, Tensor] = {}
        self._average: dict[str, Any] = {}

    def update(self, loss: float, epoch: int, config: Regularization) -> bool:
        """Records the validation loss of an epoch; returns whether the run should end."""
        if not config.patience:
            return False
        if loss < self.best - config.min_delta:
            self.best, self.best_epoch, self.patience_start = loss, epoch, epoch
            self._weights = {
                name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()
            }
            self._average = self.average.copy()
            return False
        return epoch - self.patience_start >= config.patience

    def extend(self, epoch: int, config: Regularization) -> None:
        """Counts patience from this epoch, if the run would end at once."""
        if epoch - self.patience_start >= config.patience:
            self.patience_start = epoch

    def restore(self) -> bool:
        """Restores the weights of the best epoch; returns whether there were any."""
        if self._weights:
            self.network.load_state_dict(self._weights)
            self.average.load_state_dict(self._average)
        return bool(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Returns the state that a checkpoint stores."""
        return {
            "best": self.best, "best_epoch": self.best_epoch, "since": self.patience_start,
            "weights": self._weights, "average": self._average,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state of a checkpoint."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.patience_start = state["since"]
        self._weights, self._average = dict(state["weights"]), dict(state["average"])
