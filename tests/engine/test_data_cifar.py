"""CIFAR-10: every layout of the files, compared with torchvision, and files that are refused."""

import codecs
import hashlib
import io
import os
import pickle
import random
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from tests.support.datasets import CPU, ignore_progress, joined_remarks
from tuilab.core.catalogue.data.images import CIFAR10
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.engine.data.cifar import BATCHES, read_cifar10
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.download import PublishedFiles, RemoteFile
from tuilab.engine.data.load import load
from tuilab.engine.data.published_images import CIFAR10_FILES
from tuilab.engine.data.sources import RawDataset

COUNT = 12
rng = random.Random(0)
PIXELS = [rng.randbytes(COUNT * 3072) for _ in BATCHES]
LABELS = [[(index + number) % 10 for index in range(COUNT)] for number in range(len(BATCHES))]


def records(number: int) -> bytes:
    rows = (PIXELS[number][at : at + 3072] for at in range(0, COUNT * 3072, 3072))
    return b"".join(bytes([label]) + row for label, row in zip(LABELS[number], rows, strict=True))


def batch(number: int) -> dict[bytes, Any]:
    pixels = numpy.frombuffer(PIXELS[number], dtype=numpy.uint8).reshape(COUNT, 3072)
    return {b"batch_label": b"some", b"labels": LABELS[number], b"data": pixels, b"filenames": []}


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate(BATCHES):
        (folder / f"{name}.bin").write_bytes(records(number))
    return tmp_path


def pickle_as_python_2(number: int) -> bytes:
    """Returns a batch as in the real files: strings are bytes, which Python 3 does not write."""
    raw = PIXELS[number]
    labels = b"".join(b"K" + bytes([label]) for label in LABELS[number])
    return (
        b"\x80\x02}q\x01(U\x06labels](" + labels + b"e"
        b"U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01K\x0cM\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff"
        b"\xffJ\xff\xff\xff\xffK\x00tb\x89T" + len(raw).to_bytes(4, "little") + raw + b"tbu."
    )


@pytest.fixture
def pickled(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for number, name in enumerate(BATCHES):
        (folder / name).write_bytes(pickle_as_python_2(number))
    return tmp_path


def archive(
    root: Path,
    names: Sequence[str] = tuple(f"{batch}.bin" for batch in BATCHES),
    prefix: str = "cifar-10-batches-bin/",
) -> Path:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for number, name in enumerate(names):
            member = tarfile.TarInfo(prefix + name)
            member.size = len(records(number % len(BATCHES)))
            tar.addfile(member, io.BytesIO(records(number % len(BATCHES))))
    path = root / "cifar-10-binary.tar.gz"
    path.write_bytes(content.getvalue())
    return path


def read(root: Path) -> RawDataset:
    return read_cifar10(CIFAR10(root=str(root)), CIFAR10_FILES, ignore_progress)


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def is_complete(source: RawDataset) -> bool:
    """Returns whether pixels and labels are those that were written."""
    train = torch.frombuffer(bytearray(b"".join(PIXELS[:5])), dtype=torch.uint8)
    test = torch.frombuffer(bytearray(PIXELS[5]), dtype=torch.uint8)
    return (
        torch.equal(source.training.inputs, train.view(-1, 3, 32, 32))
        and torch.equal(source.test.inputs, test.view(-1, 3, 32, 32))
        and source.training.targets.tolist() == [label for part in LABELS[:5] for label in part]
        and source.test.targets.tolist() == LABELS[5]
    )


def test_the_binary_version_reads_as_it_was_written(binary: Path) -> None:
    assert is_complete(read(binary))
    assert is_complete(read(binary / "cifar-10-batches-bin"))


def test_the_pickled_version_reads_as_it_was_written(pickled: Path) -> None:
    assert is_complete(read(pickled))
    assert is_complete(read(pickled / "cifar-10-batches-py"))


def test_the_pickled_version_reads_as_torchvision_reads_it(
    pickled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(datasets.CIFAR10, "_load_meta", lambda self: None)

    source = read(pickled)

    for train, part in ((True, source.training), (False, source.test)):
        theirs = datasets.CIFAR10(pickled, train=train)
        assert torch.equal(part.inputs.permute(0, 2, 3, 1), torch.from_numpy(theirs.data))
        assert part.targets.tolist() == theirs.targets


def test_a_pickle_of_python_3_reads_the_same(pickled: Path) -> None:
    for number, name in enumerate(BATCHES):
        path = pickled / "cifar-10-batches-py" / name
        path.write_bytes(pickle.dumps(batch(number), protocol=2))

    assert is_complete(read(pickled))


class _Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("echo harm > harm",)


@pytest.mark.parametrize("harm", [_Harm(), codecs.open, numpy.zeros, getattr])
def test_nothing_that_a_pickle_names_is_executed(
    pickled: Path, harm: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pickled)
    path = pickled / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(pickle.dumps({**batch(1), b"more": harm}, protocol=2))

    with pytest.raises(InputError, match="which is not allowed") as caught:
        read(pickled)
    assert caught.value.where == (str(path),)
    assert not (pickled / "harm").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02.",
        b"no pickle at all",
        pickle.dumps({b"labels": [1]}),
        pickle.dumps({**batch(0), b"labels": [1]}, protocol=2),
        pickle.dumps({**batch(0), b"data": numpy.zeros((COUNT, 3072))}, protocol=2),
        pickle.dumps({**batch(0), b"data": numpy.zeros((COUNT, 3072), numpy.uint8, order="F")}, 2),
        pickle.dumps(batch(0), protocol=2)[:-500],
        pickle.dumps({**batch(0), b"data": batch(0)[b"data"].tolist()}, protocol=2),
    ],
)
def test_a_damaged_pickle_is_named(pickled: Path, content: bytes) -> None:
    path = pickled / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"not a batch of CIFAR-10 .*; delete the folder"):
        read(pickled)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has 0 bytes, not a multiple of 3,073"),
        (records(0)[:-1], "it has 36,875 bytes, not a multiple of 3,073"),
        (b"\x0a" + records(0)[1:], "label 10 of example 0 is not from 0 to 9"),
    ],
)
def test_a_damaged_binary_file_is_named(binary: Path, content: bytes, message: str) -> None:
    path = binary / "cifar-10-batches-bin" / "data_batch_3.bin"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message) as caught:
        read(binary)
    assert caught.value.where == (str(path),)


def test_an_existing_archive_is_unpacked_and_kept(tmp_path: Path) -> None:
    path = archive(tmp_path)

    assert is_complete(read(tmp_path))
    assert path.exists()


def test_only_the_files_of_the_data_set_are_unpacked(tmp_path: Path) -> None:
    names = [f"{name}.bin" for name in BATCHES]
    inner = tmp_path / "in"
    inner.mkdir()
    archive(inner, (*names, "evil.sh", "../../out.bin", "data_batch_6.bin"), prefix="../../")

    assert is_complete(read(inner))
    assert file_names(inner / "cifar-10-batches-bin") == sorted(names)
    assert file_names(tmp_path) == sorted((*names, "cifar-10-binary.tar.gz"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_link_in_an_archive_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name in BATCHES:
            member = tarfile.TarInfo(f"{name}.bin")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content.getvalue())

    with pytest.raises(InputError, match=r"it has no data_batch_1\.bin; delete it"):
        read(tmp_path)
    assert file_names(tmp_path) == ["cifar-10-binary.tar.gz"]


@pytest.mark.parametrize("damage", [lambda b: b[:-3000], lambda b: b"<html>", lambda b: b[:10]])
def test_a_truncated_archive_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = archive(tmp_path)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(InputError, match="it cannot be unpacked") as caught:
        read(tmp_path)
    assert caught.value.where == (str(path),)


def test_the_error_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    unreachable = PublishedFiles(
        CIFAR10_FILES.title, CIFAR10_FILES.folder, CIFAR10_FILES.files, ("http://127.0.0.1:1/",)
    )

    with pytest.raises(InputError, match=r"it cannot be reached.*Set data.root to a folder"):
        read_cifar10(CIFAR10(root=str(tmp_path)), unreachable, ignore_progress)
    assert file_names(tmp_path) == []


def test_a_downloaded_archive_is_unpacked_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = archive(tmp_path).read_bytes()
    (tmp_path / "cifar-10-binary.tar.gz").unlink()
    remote = RemoteFile("cifar-10-binary.tar.gz", len(content), hashlib.sha256(content).hexdigest(),
                    is_compressed=False)  # fmt: skip
    published_files = PublishedFiles(
        "CIFAR-10", "cifar-10-batches-bin", (remote,), ("http://nowhere/",)
    )

    def write_archive(
        files: Sequence[RemoteFile], mirrors: Sequence[str], folder: Path, report: ProgressCallback
    ) -> None:
        (folder / files[0].name).write_bytes(content)

    monkeypatch.setattr("tuilab.engine.data.cifar.download", write_archive)
    source = read_cifar10(CIFAR10(root=str(tmp_path)), published_files, ignore_progress)

    assert is_complete(source)
    assert file_names(tmp_path) == sorted(f"{name}.bin" for name in BATCHES)


def test_the_set_loads_as_color_images_with_a_report(binary: Path) -> None:
    data = CIFAR10(root=str(binary), validation=0.2)

    dataset = load(Experiment(data=data), CPU, ignore_progress)

    assert dataset.train.inputs.shape == (48, 3, 32, 32)
    assert dataset.prepare(dataset.train.inputs).mean().abs() < 1e-4
    assert dataset.classes[9] == "truck"
    assert joined_remarks(dataset).startswith("10 classes, from ")
