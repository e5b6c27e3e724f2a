"""Pictures in files: real ones, damaged ones, and what torchvision makes of them."""

import gzip
import shutil
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sets import told
from tuilab.core.catalogue.data_sets import CIFAR10, KMNIST, MNIST, FashionMNIST
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.images import _idx
from tuilab.engine.data.load import load
from tuilab.engine.data.registry import COLLECTIONS, FASHION_MNIST

CPU = torch.device("cpu")
PICTURES, LABELS, TEST_PICTURES, TEST_LABELS = (file.name for file in FASHION_MNIST.files)


def pictures(count, side=28, magic=0x803):
    return struct.pack(">IIII", magic, count, side, side) + bytes(
        (7 * i + i // 784) % 256 for i in range(count * side * side)
    )


def labels(count, magic=0x801):
    return struct.pack(">II", magic, count) + bytes(i % 10 for i in range(count))


@pytest.fixture
def root(tmp_path):
    """A tiny set in torchvision's layout: 40 training and 20 test pictures."""
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / PICTURES).write_bytes(pictures(40))
    (folder / LABELS).write_bytes(labels(40))
    (folder / TEST_PICTURES).write_bytes(pictures(20))
    (folder / TEST_LABELS).write_bytes(labels(20))
    return tmp_path


def raw(root):
    return root / "FashionMNIST" / "raw"


def loaded(root, **knobs):
    experiment = Experiment(data=FashionMNIST(root=str(root), **knobs))
    return load(experiment, CPU, lambda what, fraction: None)


def test_the_real_pictures_load_as_bytes_with_the_spread_of_fashion_mnist(fashion):
    dataset = loaded(fashion)

    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (2700, 300, 615)
    assert dataset.train.inputs.shape == (2700, 1, 28, 28)
    assert dataset.train.inputs.dtype == torch.uint8
    assert dataset.classes[9] == "Ankle boot"
    assert dataset.test.targets.unique().tolist() == list(range(10))
    assert float(dataset.shift) == pytest.approx(0.286 * 255, rel=0.02)
    assert 1 / float(dataset.scale) == pytest.approx(0.353 * 255, rel=0.02)


@pytest.mark.parametrize("name", [PICTURES, LABELS, TEST_PICTURES, TEST_LABELS])
def test_every_file_reads_as_torchvision_reads_it(name, fashion):
    mnist = pytest.importorskip("torchvision.datasets.mnist")
    path = raw(fashion) / name
    read = mnist.read_image_file if "images" in name else mnist.read_label_file

    ours = _idx(path, 3 if "images" in name else 1)

    assert torch.equal(ours.long(), read(str(path)).long())


def test_compressed_files_read_like_plain_ones(root):
    plain = loaded(root)
    for path in list(raw(root).iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()

    assert torch.equal(loaded(root).train.inputs, plain.train.inputs)


def test_the_folder_of_the_files_itself_will_do_as_root(root):
    assert len(loaded(raw(root)).test) == 20
    assert len(loaded(root / "FashionMNIST").test) == 20


def test_the_same_seed_reads_the_same_split(root):
    first, second = loaded(root, validation=0.25), loaded(root, validation=0.25)

    assert len(first.validation) == 10
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert torch.equal(first.validation.targets, second.validation.targets)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (PICTURES, b"", "it ends after 0 bytes, inside its header"),
        (PICTURES, pictures(40)[:11], "it ends after 11 bytes, inside its header"),
        (
            PICTURES,
            labels(40),
            "not an IDX file of pictures: it begins with 0x00000801, not 0x00000803",
        ),
        (PICTURES, b"<!DOCTYPE html><html></html>", "it begins with 0x3c21444f"),
        (PICTURES, pictures(40)[:-1], "it has 31,375 bytes, but its header announces 31,376"),
        (PICTURES, pictures(40) + b"!", "it has 31,377 bytes, but its header announces 31,376"),
        (PICTURES, pictures(0), "it holds no pictures"),
        (LABELS, labels(0), "it holds no labels"),
        (LABELS, labels(39), "it holds 39 labels for 40 pictures"),
        (LABELS, labels(40)[:-1] + b"\x0a", "label 10 of example 39 is not from 0 to 9"),
        (TEST_PICTURES, pictures(20, side=32), "its pictures are 32×32, not 28×28"),
        (TEST_LABELS, pictures(20), "not an IDX file of labels"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong_and_what_to_do(root, name, content, says):
    (raw(root) / name).write_bytes(content)

    with pytest.raises(InputError) as caught:
        loaded(root)

    assert caught.value.where == (str(raw(root) / name),)
    assert says in caught.value.problem


def test_a_damaged_file_can_be_downloaded_again_or_avoided(root):
    (raw(root) / LABELS).write_bytes(b"")

    with pytest.raises(InputError, match=r"delete it and its partner .* or set data.root"):
        loaded(root)


@pytest.mark.parametrize("content", [b"not gzip at all", gzip.compress(pictures(40))[:-200]])
def test_a_damaged_compressed_file_is_named(root, content):
    (raw(root) / PICTURES).unlink()
    compressed = raw(root) / f"{PICTURES}.gz"
    compressed.write_bytes(content)

    with pytest.raises(InputError, match="it cannot be decompressed") as caught:
        loaded(root)
    assert caught.value.where == (str(compressed),)


def test_a_folder_in_the_place_of_a_file_is_named(root):
    (raw(root) / PICTURES).unlink()
    (raw(root) / PICTURES).mkdir()

    with pytest.raises(InputError, match="it cannot be read: Is a directory"):
        loaded(root)


@given(st.binary(max_size=64))
def test_no_bytes_at_all_get_past_the_reader_as_anything_but_an_input_error(content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: content)
        try:
            tensor = _idx(Path("random"), 1)
        except InputError:
            return
    assert content[:4] == b"\0\0\x08\1" and len(tensor) == len(content) - 8


def test_nothing_is_written_beside_files_that_are_there(root):
    before = sorted(path.name for path in raw(root).iterdir())

    loaded(root)

    assert sorted(path.name for path in raw(root).iterdir()) == before


def test_a_copy_of_the_real_files_gives_the_same_set(tmp_path, fashion):
    shutil.copytree(fashion / "FashionMNIST", tmp_path / "FashionMNIST")

    assert torch.equal(loaded(tmp_path).train.inputs, loaded(fashion).train.inputs)


@pytest.mark.parametrize("kind", [MNIST, KMNIST, FashionMNIST])
def test_every_set_of_the_kind_reads_from_the_folders_of_torchvision(kind, tmp_path):
    collection = COLLECTIONS[kind]
    folder = tmp_path / collection.folder
    folder.mkdir(parents=True)
    for name, content in zip(
        (PICTURES, LABELS, TEST_PICTURES, TEST_LABELS),
        (pictures(40), labels(40), pictures(20), labels(20)),
        strict=True,
    ):
        (folder / name).write_bytes(content)

    data = kind(root=str(tmp_path), validation=0)
    dataset = load(Experiment(data=data), CPU, lambda what, fraction: None)

    assert dataset.train.inputs.shape == (40, 1, 28, 28)
    assert dataset.train.targets.bincount().tolist() == [4] * 10
    assert told(dataset).startswith("10 classes, all with 4 examples to train on. 20 of 20 test")


@pytest.mark.parametrize("kind", list(COLLECTIONS))
def test_files_folders_and_classes_are_those_of_torchvision(kind):
    """Its sets know the same folders, mirrors and names of classes, in the same order."""
    datasets = pytest.importorskip("torchvision.datasets")
    theirs, collection = getattr(datasets, kind.__name__), COLLECTIONS[kind]

    if kind is CIFAR10:
        assert theirs.url.removesuffix("cifar-10-python.tar.gz") == collection.mirrors[0]
        return
    names = [name.removesuffix(".gz") for name, _ in theirs.resources]
    assert collection.folder == f"{theirs.__name__}/raw"
    assert [file.name for file in collection.files] == names
    assert set(theirs.mirrors) & set(collection.mirrors)
    if kind is KMNIST:
        assert list(kind().classes) == theirs.classes
