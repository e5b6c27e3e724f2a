"""Data sets of images: generated, published, or from a folder of the user."""

import string
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tuilab.core.catalogue.data.data_set import (
    BatchSize,
    Imbalance,
    LabelNoise,
    NumericDataSet,
    SplitName,
    TaskName,
    TestShift,
    Validation,
    ValidationShift,
)
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape

if TYPE_CHECKING:
    from tuilab.core.files.image_folders import ImageFolderInfo


class ImageDataSet(NumericDataSet, frozen=True, kw_only=True):
    """Images in classes."""

    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0
    test_shift: TestShift = 0.0
    validation_shift: ValidationShift = 0.0

    plot_kind: ClassVar[str] = "images"
    tasks: ClassVar[tuple[TaskName, ...]] = ("classification", "autoencoder", "gan")

    @property
    def shape(self) -> Shape:
        return (1, 28, 28)


class Glyphs(ImageDataSet, frozen=True, kw_only=True, tag="glyphs"):
    """28×28 digits and letters rendered on this machine, shifted, rotated and noisy.

    Use: a first image data set that needs no download; the knobs make it easier or harder.
    """

    alphabet: Annotated[
        Literal["digits", "letters", "both"], knob("Characters to render, each a class")
    ] = "digits"
    samples: Annotated[int, knob("Images to generate", ge=1, le=1_000_000, log=True)] = 4000
    noise: Annotated[float, knob("Noise on every pixel", ge=0, le=1)] = 0.1
    shift: Annotated[int, knob("Maximum shift in each direction", ge=0, le=8, unit="pixels")] = 3
    rotation: Annotated[
        float, knob("Maximum rotation in either direction", ge=0, le=180, unit="degrees")
    ] = 12.0

    @property
    def classes(self) -> tuple[str, ...]:
        digits, letters = string.digits, string.ascii_uppercase
        return tuple(
            {"digits": digits, "letters": letters, "both": digits + letters}[self.alphabet]
        )


class PublishedImages(ImageDataSet, frozen=True, kw_only=True):
    """A published image data set, whose files are downloaded once."""

    root: Annotated[
        str,
        knob(
            "Folder with its files in torchvision's layout; empty: the cache folder, downloaded "
            "when needed",
            path=True,
        ),
    ] = ""
    batch_size: BatchSize = 128
    validation: Validation = 0.1

    is_collected: ClassVar[bool] = True


class MNIST(PublishedImages, frozen=True, kw_only=True, tag="mnist"):
    """70,000 handwritten digits of 28×28 gray pixels (LeCun, Cortes, Burges 1998).

    Use: the data set that everything was first tried on. Nearly every model reaches 97%, so it
      shows that a network works, not that it is good.
    """

    classes: ClassVar[tuple[str, ...]] = tuple(string.digits)
    title: ClassVar[str] = "MNIST"


class FashionMNIST(PublishedImages, frozen=True, kw_only=True, tag="fashion_mnist"):
    """70,000 images of clothes in ten classes (Xiao, Rasul, Vollgraf 2017).

    Use: real images, small enough for a laptop and hard enough to show differences.
    """

    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    title: ClassVar[str] = "Fashion-MNIST"


class KMNIST(PublishedImages, frozen=True, kw_only=True, tag="kmnist"):
    """70,000 cursive Japanese characters from old books (Clanuwat et al. 2018).

    Use: as easy to handle as MNIST and clearly harder: one class contains very different shapes.
    """

    classes: ClassVar[tuple[str, ...]] = tuple(
        ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    )
    title: ClassVar[str] = "KMNIST"


class CIFAR10(PublishedImages, frozen=True, kw_only=True, tag="cifar10"):
    """60,000 color photographs of 32×32 pixels in ten classes (Krizhevsky 2009).

    Use: where convolution, augmentation and depth begin to pay off: a fully connected network
      stays near 55%, a small convolutional one passes 75%.
    """

    shape: ClassVar[Shape] = (3, 32, 32)
    classes: ClassVar[tuple[str, ...]] = (
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    title: ClassVar[str] = "CIFAR-10"


class ImageFolder(ImageDataSet, frozen=True, kw_only=True, tag="folder"):
    """Your own images: a folder with one subfolder per class.

    Use: your own photographs or drawings, some dozens per class or more. Subfolders train,
      validation and test (also training_set, Test-Images, dev ...), each with the classes inside,
      are used as the splits. Without folders of classes, a CSV in it or beside it says the class of
      each image, and its part if a column holds train, val and test. Every file that is not used is
      counted when a run begins.
    """

    path: Annotated[str, knob("The folder that contains one subfolder per class", path=True)] = ""
    size: Annotated[
        int,
        knob(
            "Width and height that every image is resized to; the longer side is cropped",
            ge=4, le=512, unit="pixels", log=True,
        ),
    ] = 32  # fmt: skip
    labels: Annotated[
        str,
        knob(
            "A table with the class of each image, instead of folders; empty: a CSV in or beside "
            "the folder, if it has no folders of classes",
            path=True,
        ),
    ] = ""
    label_column: Annotated[
        str, knob("The column of that table with the classes; empty: label, class or the only one")
    ] = ""
    color: Annotated[bool, knob("Three color channels; false: one gray channel")] = True
    test: Annotated[
        float,
        knob(
            "Fraction of the images in the test set, unless there is a subfolder test",
            ge=0, le=0.9,
        ),
    ] = 0.15  # fmt: skip

    split: Annotated[
        SplitName,
        knob("How images are held out; auto: stratified where chance would leave out a class"),
    ] = "auto"
    split_by: Annotated[
        str,
        knob(
            "The column of the table of labels whose groups stay together (grouped), or with the "
            "time (ordered); empty: the order of its rows"
        ),
    ] = ""

    is_collected: ClassVar[bool] = True

    @property
    def split_name(self) -> SplitName:
        return self.split

    @property
    def info(self) -> "ImageFolderInfo":
        """The parts and classes of the folder; raises InputError where it is unusable."""
        from tuilab.core.files import image_folders

        has_keys = self.split in ("grouped", "ordered")
        if self.split == "grouped" and not self.split_by:
            raise InputError("name the column whose groups stay together", "data.split_by")
        info = image_folders.inspect_folder(
            self.path, self.labels, self.label_column, self.split_by if has_keys else ""
        )
        if has_keys and info.labels is None:
            problem = f'"{self.split}" needs a table of the images; name it in data.labels'
            raise InputError(problem, "data.split")
        return info

    @property
    def shape(self) -> Shape:
        self.info  # noqa: B018  raises for a missing folder
        return (3 if self.color else 1, self.size, self.size)

    @property
    def classes(self) -> tuple[str, ...]:
        try:
            return self.info.classes
        except InputError:  # the same error is raised, and shown, by `shape`
            return ()

    @property
    def files(self) -> tuple[Path, ...]:
        table = () if self.info.labels is None else (self.info.labels.path,)
        return (self.info.root, *table)

    @property
    def file_state(self) -> object:
        from tuilab.core.files import image_folders

        return image_folders.folder_state(self.info)

    @property
    def title(self) -> str:
        return Path(self.path).name or "Images"
