"""Where the weights begin."""

from collections.abc import Callable

from torch import Tensor, nn

from tuilab.lab.experiment import Initialization

WEIGHTS: dict[str, Callable[[Tensor, Initialization], object]] = {
    "kaiming_normal": lambda w, _: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "kaiming_uniform": lambda w, _: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
    "xavier_normal": lambda w, _: nn.init.xavier_normal_(w),
    "xavier_uniform": lambda w, _: nn.init.xavier_uniform_(w),
    "normal": lambda w, knobs: nn.init.normal_(w, std=knobs.std),
    "zeros": lambda w, _: nn.init.zeros_(w),
}


def initialize(network: nn.Module, knobs: Initialization) -> None:
    """Set the matrices and kernels of a new network; norms keep PyTorch's own start."""
    for module in network.modules():
        if not isinstance(module, (nn.Linear, nn.Conv2d)):
            continue
        if knobs.weights != "default":
            WEIGHTS[knobs.weights](module.weight, knobs)
        if knobs.bias == "zeros" and module.bias is not None:
            nn.init.zeros_(module.bias)
