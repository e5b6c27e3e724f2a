"""Published image data sets: where their files are, here and on the network.

Mirrors are those of torchvision; sizes and checksums of the compressed files are the publishers',
as torchvision and TensorFlow Datasets list them.
"""

from tuilab.core.catalogue.data.images import CIFAR10, KMNIST, MNIST, FashionMNIST, PublishedImages
from tuilab.engine.data.cifar import read_cifar10
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.download import PublishedFiles, RemoteFile
from tuilab.engine.data.idx_files import read_idx
from tuilab.engine.data.sources import RawDataset, source

NAMES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
"""The file names of MNIST and of the data sets in its format."""


def _files(sizes: tuple[int, ...], checksums: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(*each) for each in zip(NAMES, sizes, checksums, strict=True))


MNIST_FILES = PublishedFiles(
    "MNIST",
    "MNIST/raw",
    _files(
        (9_912_422, 28_881, 1_648_877, 4_542),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
"""LeCun, Cortes, Burges 1998; CC BY-SA 3.0."""


FASHION_MNIST_FILES = PublishedFiles(
    "Fashion-MNIST",
    "FashionMNIST/raw",
    _files(
        (26_421_880, 29_515, 4_422_102, 5_148),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)
"""Xiao, Rasul, Vollgraf 2017; MIT license."""


KMNIST_FILES = PublishedFiles(
    "KMNIST",
    "KMNIST/raw",
    _files(
        (18_165_135, 29_497, 3_041_136, 5_120),
        (
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
)
"""Clanuwat et al. 2018, Center for Open Data in the Humanities; CC BY-SA 4.0."""


IDX_FILES = {MNIST: MNIST_FILES, FashionMNIST: FASHION_MNIST_FILES, KMNIST: KMNIST_FILES}


@source(*IDX_FILES)
def idx_images(data: PublishedImages, seed: int, report: ProgressCallback) -> RawDataset:
    """Reads MNIST or a data set in its format, after downloading it if needed."""
    return read_idx(data, IDX_FILES[type(data)], report)


CIFAR10_FILES = PublishedFiles(
    "CIFAR-10",
    "cifar-10-batches-bin",
    (
        RemoteFile(
            "cifar-10-binary.tar.gz", 170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            is_compressed=False,
        ),
    ),
    ("https://www.cs.toronto.edu/~kriz/",),
)  # fmt: skip
"""Krizhevsky 2009; the binary version, which contains nothing but bytes."""


@source(CIFAR10)
def cifar10(data: CIFAR10, seed: int, report: ProgressCallback) -> RawDataset:
    """Reads CIFAR-10, after downloading it if needed."""
    return read_cifar10(data, CIFAR10_FILES, report)
