"""IDX files: real ones compared with torchvision, and damaged ones."""

import gzip
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.datasets import joined_remarks, load_dataset
from tests.support.not_none import not_none
from tuilab.core.catalogue.data.images import CIFAR10, KMNIST, MNIST, FashionMNIST, PublishedImages
from tuilab.core.errors import InputError
from tuilab.engine.data import published_images
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.data.idx_files import _read_tensor

PUBLISHED_FILES = {
    MNIST: published_images.MNIST_FILES,
    FashionMNIST: published_images.FASHION_MNIST_FILES,
    KMNIST: published_images.KMNIST_FILES,
    CIFAR10: published_images.CIFAR10_FILES,
}
IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = (file.name for file in PUBLISHED_FILES[MNIST].files)


def images(count: int, side: int = 28, magic: int = 0x803) -> bytes:
    return struct.pack(">IIII", magic, count, side, side) + bytes(
        (7 * i + i // 784) % 256 for i in range(count * side * side)
    )


def labels(count: int, magic: int = 0x801) -> bytes:
    return struct.pack(">II", magic, count) + bytes(i % 10 for i in range(count))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small set in torchvision's layout: 40 training and 20 test images."""
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / IMAGES).write_bytes(images(40))
    (folder / LABELS).write_bytes(labels(40))
    (folder / TEST_IMAGES).write_bytes(images(20))
    (folder / TEST_LABELS).write_bytes(labels(20))
    return tmp_path


def raw(root: Path) -> Path:
    return root / "FashionMNIST" / "raw"


def load_images(root: Path, validation: float = 0.1) -> Dataset:
    return load_dataset(FashionMNIST(root=str(root), validation=validation))


def test_the_real_images_load_as_bytes_with_the_std_of_fashion_mnist(fashion: Path) -> None:
    dataset = load_images(fashion)

    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (2700, 300, 615)
    assert dataset.train.inputs.shape == (2700, 1, 28, 28)
    assert dataset.train.inputs.dtype == torch.uint8
    assert dataset.classes[9] == "Ankle boot"
    assert set(dataset.test.targets.tolist()) == set(range(10))
    assert float(not_none(dataset.shift)) == pytest.approx(0.286 * 255, rel=0.02)
    assert 1 / float(not_none(dataset.scale)) == pytest.approx(0.353 * 255, rel=0.02)


@pytest.mark.parametrize("name", [IMAGES, LABELS, TEST_IMAGES, TEST_LABELS])
def test_every_file_reads_as_torchvision_reads_it(name: str, fashion: Path) -> None:
    mnist = pytest.importorskip("torchvision.datasets.mnist")
    path = raw(fashion) / name
    read = mnist.read_image_file if "images" in name else mnist.read_label_file

    ours = _read_tensor(path, 3 if "images" in name else 1)

    assert torch.equal(ours.long(), read(str(path)).long())


def test_compressed_files_read_like_plain_ones(root: Path) -> None:
    plain = load_images(root)
    for path in list(raw(root).iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()

    assert torch.equal(load_images(root).train.inputs, plain.train.inputs)


def test_the_folder_of_the_files_itself_can_be_the_root(root: Path) -> None:
    assert len(load_images(raw(root)).test) == 20
    assert len(load_images(root / "FashionMNIST").test) == 20


def test_the_same_seed_reads_the_same_split(root: Path) -> None:
    first, second = load_images(root, validation=0.25), load_images(root, validation=0.25)

    assert len(first.validation) == 10
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert torch.equal(first.validation.targets, second.validation.targets)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (IMAGES, b"", "it ends after 0 bytes, inside its header"),
        (IMAGES, images(40)[:11], "it ends after 11 bytes, inside its header"),
        (
            IMAGES,
            labels(40),
            "not an IDX file of images: it begins with 0x00000801, not 0x00000803",
        ),
        (IMAGES, b"<!DOCTYPE html><html></html>", "it begins with 0x3c21444f"),
        (IMAGES, images(40)[:-1], "it has 31,375 bytes, but its header announces 31,376"),
        (IMAGES, images(40) + b"!", "it has 31,377 bytes, but its header announces 31,376"),
        (IMAGES, images(0), "it contains no images"),
        (LABELS, labels(0), "it contains no labels"),
        (LABELS, labels(39), "it has 39 labels for 40 images"),
        (LABELS, labels(40)[:-1] + b"\x0a", "label 10 of example 39 is not from 0 to 9"),
        (TEST_IMAGES, images(20, side=32), "its images are 32×32, not 28×28"),
        (TEST_LABELS, images(20), "not an IDX file of labels"),
    ],
)
def test_a_damaged_file_is_named_with_its_error(
    root: Path, name: str, content: bytes, message: str
) -> None:
    (raw(root) / name).write_bytes(content)

    with pytest.raises(InputError) as caught:
        load_images(root)

    assert caught.value.where == (str(raw(root) / name),)
    assert message in caught.value.problem


def test_the_error_about_a_damaged_file_says_what_to_do(root: Path) -> None:
    (raw(root) / LABELS).write_bytes(b"")

    with pytest.raises(InputError, match=r"delete it and its partner .* or set data.root"):
        load_images(root)


@pytest.mark.parametrize("content", [b"not gzip at all", gzip.compress(images(40))[:-200]])
def test_a_damaged_compressed_file_is_named(root: Path, content: bytes) -> None:
    (raw(root) / IMAGES).unlink()
    compressed = raw(root) / f"{IMAGES}.gz"
    compressed.write_bytes(content)

    with pytest.raises(InputError, match="it cannot be decompressed") as caught:
        load_images(root)
    assert caught.value.where == (str(compressed),)


def test_a_folder_with_the_name_of_a_file_is_named(root: Path) -> None:
    (raw(root) / IMAGES).unlink()
    (raw(root) / IMAGES).mkdir()

    with pytest.raises(InputError, match="it cannot be read: Is a directory"):
        load_images(root)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_give_an_input_error(content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: content)
        try:
            tensor = _read_tensor(Path("random"), 1)
        except InputError:
            return
    assert content[:4] == b"\0\0\x08\1" and len(tensor) == len(content) - 8


def test_nothing_is_written_beside_existing_files(root: Path) -> None:
    before = sorted(path.name for path in raw(root).iterdir())

    load_images(root)

    assert sorted(path.name for path in raw(root).iterdir()) == before


def test_a_copy_of_the_real_files_gives_the_same_set(tmp_path: Path, fashion: Path) -> None:
    shutil.copytree(fashion / "FashionMNIST", tmp_path / "FashionMNIST")

    assert torch.equal(load_images(tmp_path).train.inputs, load_images(fashion).train.inputs)


@pytest.mark.parametrize("kind", [MNIST, KMNIST, FashionMNIST])
def test_every_idx_data_set_reads_from_the_folders_of_torchvision(
    kind: type[PublishedImages], tmp_path: Path
) -> None:
    published_files = PUBLISHED_FILES[kind]
    folder = tmp_path / published_files.folder
    folder.mkdir(parents=True)
    for name, content in zip(
        (IMAGES, LABELS, TEST_IMAGES, TEST_LABELS),
        (images(40), labels(40), images(20), labels(20)),
        strict=True,
    ):
        (folder / name).write_bytes(content)

    dataset = load_dataset(kind(root=str(tmp_path), validation=0))

    assert dataset.train.inputs.shape == (40, 1, 28, 28)
    assert dataset.train.targets.bincount().tolist() == [4] * 10
    assert joined_remarks(dataset).startswith(
        "10 classes, each with 4 training examples. 20 of 20 test"
    )


@pytest.mark.parametrize("kind", list(PUBLISHED_FILES))
def test_files_folders_and_classes_are_those_of_torchvision(kind: type[PublishedImages]) -> None:
    """They have the same folders, mirrors and names of classes, in the same order."""
    datasets = pytest.importorskip("torchvision.datasets")
    theirs, published_files = getattr(datasets, kind.__name__), PUBLISHED_FILES[kind]

    if kind is CIFAR10:
        assert theirs.url.removesuffix("cifar-10-python.tar.gz") == published_files.mirrors[0]
        return
    names = [name.removesuffix(".gz") for name, _ in theirs.resources]
    assert published_files.folder == f"{theirs.__name__}/raw"
    assert [file.name for file in published_files.files] == names
    assert set(theirs.mirrors) & set(published_files.mirrors)
    if kind is KMNIST:
        assert list(kind().classes) == theirs.classes
