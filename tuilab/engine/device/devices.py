"""The devices of this machine, and why some of them cannot be used."""

import platform

import tuilab.engine.device.environment  # isort: skip  # noqa: F401  before PyTorch, which reads it
import torch

from tuilab.core.catalogue.training import Training
from tuilab.core.errors import InputError
from tuilab.core.format import format_bytes
from tuilab.core.protocol.records import Device
from tuilab.engine.device.threads import ALL_THREADS


def list_devices() -> list[Device]:
    """Returns all devices, the fastest first; unusable ones with the reason."""
    return [
        *_cuda(),
        _mps(),
        Device(
            "cpu",
            f"{platform.processor() or platform.machine()}, {ALL_THREADS} threads",
        ),
    ]


def versions() -> dict[str, str]:
    """Returns the versions that determine whether a run is reproducible bit by bit."""
    return {
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "cuda": torch.version.cuda or "",
        "threads": str(ALL_THREADS),
    }


def choose_device(name: str) -> torch.device:
    """Returns the device of a name; `auto` is the fastest usable one.

    Raises:
        InputError: there is no such device, or it cannot be used.
    """
    candidates = list_devices()
    if name == "auto":
        return torch.device(next(device.name for device in candidates if not device.problem))
    full_name = "cuda:0" if name == "cuda" else name
    for device in candidates:
        if device.name == full_name:
            if device.problem:
                raise InputError(f"{name} cannot be used: {device.problem}", "training.device")
            return torch.device(device.name)
    usable = ", ".join(device.name for device in candidates if not device.problem)
    raise InputError(f"there is no {name} on this machine; there is {usable}", "training.device")


def device_for(training: Training) -> torch.device:
    """Returns the device to train on; plain Python runs on the CPU only."""
    is_plain_python = training.device == "auto" and training.engine != "torch"
    return choose_device("cpu" if is_plain_python else training.device)


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
    except Exception as error:  # drivers fail in many ways: the reason is shown, not raised
        return Device(name, "NVIDIA GPU", str(error).splitlines()[0])
    return Device(name, f"{properties.name}, {format_bytes(properties.total_memory)}")


def _mps() -> Device:
    if not torch.backends.mps.is_built():
        return Device("mps", "Apple GPU", "this PyTorch was built without MPS")
    if not torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", "no Apple GPU that PyTorch can use was found")
    return Device("mps", "Apple GPU")
