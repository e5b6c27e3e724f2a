"""Early stopping: when a run has seen its best epoch."""

from typing import Any

from torch import Tensor, nn

from tuilab.lab.catalogue.regularization import Regularization


class Stopping:
    """Watches the validation loss and remembers the weights of its best epoch."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.best = float("inf")
        self.best_epoch = 0
        self._weights: dict[str, Tensor] = {}

    def see(self, loss: float, epoch: int, knobs: Regularization) -> bool:
        """Whether the run is to end after this epoch."""
        if not knobs.patience:
            return False
        if loss < self.best - knobs.min_delta:
            self.best, self.best_epoch = loss, epoch
            self._weights = {
                name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()
            }
            return False
        return epoch - self.best_epoch >= knobs.patience

    def restore(self) -> bool:
        """Go back to the weights of the best epoch, if there is one."""
        if self._weights:
            self.network.load_state_dict(self._weights)
        return bool(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"best": self.best, "best_epoch": self.best_epoch, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self._weights = dict(state["weights"])
