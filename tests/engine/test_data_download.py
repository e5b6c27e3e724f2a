"""Downloads from a server on this machine: whole and verified, or nothing and a clear message."""

import errno
import gzip
import hashlib
import os
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pooch
import pytest

from tuilab.core.catalogue.data.images import FashionMNIST
from tuilab.core.errors import InputError
from tuilab.engine.data.download import PublishedFiles, RemoteFile, download
from tuilab.engine.data.idx_files import read_idx


def packed(content: Any) -> Any:
    return gzip.compress(content, mtime=0)


def images(count: int) -> Any:
    return struct.pack(">IIII", 0x803, count, 28, 28) + os.urandom(count * 784)


def labels(count: int) -> Any:
    return struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count))


CONTENT = {
    "train-images-idx3-ubyte": images(400),
    "train-labels-idx1-ubyte": labels(400),
    "t10k-images-idx3-ubyte": images(30),
    "t10k-labels-idx1-ubyte": labels(30),
}
PACKED = {f"{name}.gz": packed(content) for name, content in CONTENT.items()}
FILES = tuple(
    RemoteFile(name, len(PACKED[f"{name}.gz"]), hashlib.sha256(PACKED[f"{name}.gz"]).hexdigest())
    for name in CONTENT
)
IMAGES = FILES[0]
QUICK = (2.0, 0.3)


class Mirror(BaseHTTPRequestHandler):
    """Serves the files whole, or fails in the way that the first part of the path names."""

    def do_GET(self) -> None:
        manner, name = self.path.strip("/").split("/")
        content = PACKED[name]
        if manner == "missing":
            self.send_error(404)
            return
        if manner == "wrong":
            content = content[:-8] + b"\0" * 8
        if manner == "endless":
            content = content * 20
        assert isinstance(self.server, MirrorServer)
        if manner == "silent":
            self.server.released.wait(30)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if manner in ("cut", "stall"):
            content = content[: len(content) // 2]
        try:
            self.wfile.write(content)
        except OSError:
            return  # the client left, as it should from an endless file
        if manner == "stall":
            self.wfile.flush()
            self.server.released.wait(30)

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


class MirrorServer(ThreadingHTTPServer):
    """A mirror whose silent answers wait until it is released."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.released = threading.Event()


@pytest.fixture
def server() -> Iterator[str]:
    mirror = MirrorServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{mirror.server_port}/"
    mirror.released.set()
    mirror.shutdown()
    thread.join()
    mirror.server_close()


@pytest.fixture
def reports() -> Any:
    return []


@pytest.fixture
def report(reports: Any) -> Any:
    return lambda *report: reports.append(report)


def left(folder: Path) -> Any:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_arrives_decompressed_with_its_progress(
    server: str, tmp_path: Path, reports: Any, report: Any
) -> None:
    download([IMAGES], [f"{server}good/"], tmp_path / "new" / "folder", report)

    assert left(tmp_path) == [IMAGES.name]
    assert (tmp_path / "new" / "folder" / IMAGES.name).read_bytes() == CONTENT[IMAGES.name]
    fractions = [fraction for _, fraction in reports]
    assert {what for what, _ in reports} == {"Downloading train-images (314 kB)"}
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert len(fractions) >= 5


def test_a_large_file_is_announced_in_megabytes(
    server: str, tmp_path: Path, reports: Any, report: Any
) -> None:
    large = RemoteFile(IMAGES.name, 26_421_880, IMAGES.sha256)

    download([large], [f"{server}good/"], tmp_path, report)

    assert reports[0] == ("Downloading train-images (26 MB)", 0.0)


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        ("wrong", "it sent another file: the checksum differs"),
        ("endless", "it sent another file: the checksum differs"),
        ("missing", "404"),
        ("cut", "the connection was lost"),
        ("silent", "it sent nothing for 0.3 seconds"),
        ("stall", "it sent nothing for 0.3 seconds"),
    ],
)
def test_a_failed_download_says_what_was_tried_and_leaves_nothing(
    server: str, tmp_path: Path, report: Any, manner: Any, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        download([IMAGES], [f"{server}{manner}/"], tmp_path, report, QUICK)

    assert f"{server}{manner}/{IMAGES.name}.gz ({says}" in caught.value.problem
    assert "Set data.root to a folder with the files" in caught.value.problem
    assert "offline preset glyphs" in caught.value.problem
    assert left(tmp_path) == []


def test_a_missing_server_is_reported_as_unreachable(tmp_path: Path, report: Any) -> None:
    with pytest.raises(InputError, match=r"127.0.0.1:1/train-images.* .it cannot be reached"):
        download([IMAGES], ["http://127.0.0.1:1/"], tmp_path, report, QUICK)
    assert left(tmp_path) == []


@pytest.mark.parametrize("manner", ["wrong", "missing", "cut", "silent", "stall"])
def test_the_next_mirror_is_tried(server: str, tmp_path: Path, report: Any, manner: Any) -> None:
    download([IMAGES], [f"{server}{manner}/", f"{server}good/"], tmp_path, report, QUICK)

    assert (tmp_path / IMAGES.name).read_bytes() == CONTENT[IMAGES.name]
    assert left(tmp_path) == [IMAGES.name]


def test_a_canceled_download_leaves_nothing(server: str, tmp_path: Path) -> None:
    def cancel(what: Any, fraction: Any) -> None:
        if fraction and fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download([IMAGES], [f"{server}good/"], tmp_path, cancel)
    assert left(tmp_path) == []


def test_a_full_disk_is_named_and_leaves_nothing(
    server: str, tmp_path: Path, report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    with pytest.raises(InputError, match="the disk is full; free some space, or set") as caught:
        download([IMAGES], [f"{server}good/"], tmp_path, report)
    assert caught.value.where == (str(tmp_path),)
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(server: str, tmp_path: Path, report: Any) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(InputError, match="no file can be written here: Not a directory"):
        download([IMAGES], [f"{server}good/"], tmp_path / "file" / "raw", report)


def test_the_rest_of_a_killed_download_goes_and_that_of_a_living_one_stays(
    server: str, tmp_path: Path, report: Any
) -> None:
    killed, living = tmp_path / "train-images.x1.part", tmp_path / "train-images.x2.part"
    killed.write_bytes(b"half")
    living.write_bytes(b"half")
    long_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(killed, (long_ago, long_ago))

    download([IMAGES], [f"{server}good/"], tmp_path, report)

    assert left(tmp_path) == [IMAGES.name, living.name]


def published(*mirrors: Any) -> Any:
    return PublishedFiles("Fashion-MNIST", "FashionMNIST/raw", FILES, mirrors)


def test_what_is_missing_under_a_root_is_downloaded_into_it_and_reported(
    server: str, tmp_path: Path, reports: Any, report: Any
) -> None:
    source = read_idx(FashionMNIST(root=str(tmp_path)), published(f"{server}good/"), report)

    assert len(source.training) == 400 and len(source.test) == 30
    assert reports[0] == (f"{tmp_path} has no Fashion-MNIST yet: downloading it there", None)
    assert reports[-1] == ("Reading Fashion-MNIST", 1.0)
    assert left(tmp_path) == sorted(CONTENT)


def test_without_a_root_the_set_is_downloaded_once_into_the_cache(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: Any, report: Any
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path))
    read_idx(FashionMNIST(), published(f"{server}good/"), report)
    reports.clear()

    read_idx(FashionMNIST(), published("http://127.0.0.1:1/"), report)

    assert left(tmp_path / "cache" / "FashionMNIST" / "raw") == sorted(CONTENT)
    assert [what for what, _ in reports] == ["Reading Fashion-MNIST"] * 2


def test_only_files_that_are_missing_are_downloaded(
    server: str, tmp_path: Path, reports: Any, report: Any
) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for name in list(CONTENT)[:3]:
        (folder / name).write_bytes(CONTENT[name])

    read_idx(FashionMNIST(root=str(tmp_path)), published(f"{server}good/"), report)

    downloads = {what for what, _ in reports if what.startswith("Downloading")}
    assert downloads == {"Downloading t10k-labels (0 kB)"}


def test_files_that_arrived_stay_for_the_next_try(server: str, tmp_path: Path, report: Any) -> None:
    broken = RemoteFile(FILES[1].name, FILES[1].size, "0" * 64)

    with pytest.raises(InputError):
        download([IMAGES, broken], [f"{server}good/"], tmp_path, report)

    assert left(tmp_path) == [IMAGES.name]
