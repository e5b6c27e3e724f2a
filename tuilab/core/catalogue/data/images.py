"""Data sets of pictures: drawn here, or photographed."""

import string
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.data.data_set import (
    BatchSize,
    Imbalance,
    LabelNoise,
    Numbers,
    Task,
    TestShift,
    Validation,
)
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.files import image_folders
from tuilab.core.network.layer import Shape


class Images(Numbers, frozen=True, kw_only=True):
    """Pictures in classes."""

    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0
    test_shift: TestShift = 0.0

    picture: ClassVar[str] = "images"

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("classification", "autoencoder", "gan")

    @property
    def shape(self) -> Shape:
        return (1, 28, 28)


class Glyphs(Images, frozen=True, kw_only=True, tag="glyphs"):
    """28×28 digits and letters drawn on this machine, shifted, turned and noisy.

    Use: pictures to begin with that need no network; as easy or as hard as the knobs say.
    """

    alphabet: Annotated[
        Literal["digits", "letters", "both"], knob("Which characters are drawn, each a class")
    ] = "digits"
    samples: Annotated[int, knob("Pictures to draw", ge=1, le=1_000_000, log=True)] = 4000
    noise: Annotated[float, knob("Grey noise on every pixel", ge=0, le=1)] = 0.1
    shift: Annotated[int, knob("Farthest shift in each direction", ge=0, le=8, unit="pixels")] = 3
    rotation: Annotated[float, knob("Farthest turn either way", ge=0, le=180, unit="degrees")] = (
        12.0
    )

    @property
    def classes(self) -> tuple[str, ...]:
        digits, letters = string.digits, string.ascii_uppercase
        return tuple(
            {"digits": digits, "letters": letters, "both": digits + letters}[self.alphabet]
        )


class Folder(Images, frozen=True, kw_only=True, tag="folder"):
    """Pictures of yours: a folder with a folder for each class in it.

    Use: your own photographs or drawings; from some dozens a class on it is worth it. Folders
      train, validation and test, with the classes in each, are kept apart as they are.
    """

    path: Annotated[str, knob("The folder that holds one folder for each class")] = ""
    size: Annotated[
        int,
        knob(
            "Width and height to which every picture is brought; what is too long is cut off",
            ge=4, le=512, unit="pixels", log=True,
        ),
    ] = 32  # fmt: skip
    color: Annotated[bool, knob("Red, green and blue; else one grey value")] = True
    test: Annotated[
        float,
        knob(
            "Part of the pictures kept for the last measurement, where there is no folder test",
            ge=0, le=0.9,
        ),
    ] = 0.15  # fmt: skip

    is_collected: ClassVar[bool] = True

    @property
    def shape(self) -> Shape:
        image_folders.look(self.path)  # a folder that is not there is told here
        return (3 if self.color else 1, self.size, self.size)

    @property
    def classes(self) -> tuple[str, ...]:
        try:
            return image_folders.look(self.path).classes
        except InputError:  # what `shape` says is shown
            return ()

    @property
    def state(self) -> object:
        return image_folders.state(self.path)

    @property
    def title(self) -> str:
        return Path(self.path).name or "Pictures"


class Published(Images, frozen=True, kw_only=True):
    """Pictures that somebody published, in files that are downloaded once."""

    root: Annotated[
        str,
        knob(
            "Folder that has its files, laid out as torchvision does; empty: the user's cache, "
            "downloaded when needed"
        ),
    ] = ""
    batch_size: BatchSize = 128
    validation: Validation = 0.1

    is_collected: ClassVar[bool] = True


class MNIST(Published, frozen=True, kw_only=True, tag="mnist"):
    """70,000 handwritten digits of 28×28 grey pixels (LeCun, Cortes, Burges 1998).

    Use: the set that everything was tried on first. Nearly anything gets 97 %, so it shows
      that a network works, not that it is good.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(string.digits)

    @property
    def title(self) -> str:
        return "MNIST"


class FashionMNIST(Published, frozen=True, kw_only=True, tag="fashion_mnist"):
    """70,000 pictures of clothes in ten classes (Xiao, Rasul, Vollgraf 2017).

    Use: the first real pictures: small enough for a laptop, hard enough to show differences.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        return (
            "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        )  # fmt: skip

    @property
    def title(self) -> str:
        return "Fashion-MNIST"


class KMNIST(Published, frozen=True, kw_only=True, tag="kmnist"):
    """70,000 Japanese characters in cursive, from old books (Clanuwat and others 2018).

    Use: as easy to handle as MNIST and clearly harder: one class has shapes that look nothing
      alike.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        return ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

    @property
    def title(self) -> str:
        return "KMNIST"


class CIFAR10(Published, frozen=True, kw_only=True, tag="cifar10"):
    """60,000 photographs of 32×32 pixels in colour, ten classes (Krizhevsky 2009).

    Use: where convolution, augmentation and depth begin to pay: a plain network stays near
      55 %, a small convolutional one passes 75 %.
    """

    @property
    def shape(self) -> Shape:
        return (3, 32, 32)

    @property
    def classes(self) -> tuple[str, ...]:
        return (
            "airplane", "automobile", "bird", "cat", "deer",
            "dog", "frog", "horse", "ship", "truck",
        )  # fmt: skip

    @property
    def title(self) -> str:
        return "CIFAR-10"
