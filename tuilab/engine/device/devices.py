"""Where training can happen on this machine, and why not where it cannot."""

import platform

import tuilab.engine.device.environment  # isort: skip  # noqa: F401  before PyTorch, which reads it
import torch

from tuilab.core.catalogue.training import Training
from tuilab.core.errors import InputError
from tuilab.core.protocol.records import Device
from tuilab.engine.device.threads import ALL


def devices() -> list[Device]:
    """Every place to train, the best first; unusable ones carry the reason."""
    return [
        *_cuda(),
        _mps(),
        Device(
            "cpu",
            f"{platform.processor() or platform.machine()}, {ALL} threads",
        ),
    ]


def versions() -> dict[str, str]:
    """What decides whether a run repeats bit by bit."""
    return {
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "cuda": torch.version.cuda or "",
        "threads": str(ALL),
    }


def choose(name: str) -> torch.device:
    """The torch device of a name; `auto` is the best usable one; InputError says why not."""
    found = devices()
    if name == "auto":
        return torch.device(next(device.name for device in found if not device.problem))
    wanted = "cuda:0" if name == "cuda" else name
    for device in found:
        if device.name == wanted:
            if device.problem:
                raise InputError(f"{name} cannot be used: {device.problem}", "training.device")
            return torch.device(device.name)
    usable = ", ".join(device.name for device in found if not device.problem)
    raise InputError(f"there is no {name} here; there is {usable}", "training.device")


def of(training: Training) -> torch.device:
    """The torch device to train on; plain Python runs on the CPU alone."""
    plain = training.device == "auto" and training.engine != "torch"
    return choose("cpu" if plain else training.device)


def _cuda() -> list[Device]:
    if not torch.cuda.is_available():
        built = "this PyTorch was built without CUDA" if torch.version.cuda is None else ""
        return [Device("cuda:0", "NVIDIA GPU", built or "no NVIDIA driver or no GPU was found")]
    return [_cuda_device(index) for index in range(torch.cuda.device_count())]


def _cuda_device(index: int) -> Device:
    name = f"cuda:{index}"
    try:
        properties = torch.cuda.get_device_properties(index)
        torch.zeros(1, device=name)
    except Exception as error:  # drivers fail in many ways; the reason is shown, not raised
        return Device(name, "NVIDIA GPU", str(error).splitlines()[0])
    return Device(name, f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB")


def _mps() -> Device:
    if not torch.backends.mps.is_built():
        return Device("mps", "Apple GPU", "this PyTorch was built without MPS")
    if not torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", "no Apple GPU that PyTorch can use was found")
    return Device("mps", "Apple GPU")
