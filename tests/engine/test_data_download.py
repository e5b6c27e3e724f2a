"""Downloads from a local server: complete and verified, or no file and a clear message."""

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

import pooch
import pytest

from tests.support.not_none import not_none
from tuilab.core.catalogue.data.images import FashionMNIST
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.download import PublishedFiles, RemoteFile, download
from tuilab.engine.data.idx_files import read_idx


def compress(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def images(count: int) -> bytes:
    return struct.pack(">IIII", 0x803, count, 28, 28) + os.urandom(count * 784)


def labels(count: int) -> bytes:
    return struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count))


CONTENT = {
    "train-images-idx3-ubyte": images(400),
    "train-labels-idx1-ubyte": labels(400),
    "t10k-images-idx3-ubyte": images(30),
    "t10k-labels-idx1-ubyte": labels(30),
}
COMPRESSED = {f"{name}.gz": compress(content) for name, content in CONTENT.items()}
FILES = tuple(
    RemoteFile(
        name, len(COMPRESSED[f"{name}.gz"]), hashlib.sha256(COMPRESSED[f"{name}.gz"]).hexdigest()
    )
    for name in CONTENT
)
IMAGES = FILES[0]

Reports = list[tuple[str, float | None]]
SHORT_TIMEOUT = (2.0, 0.3)


class Mirror(BaseHTTPRequestHandler):
    """Serves complete files, or fails in the way that the first part of the path names."""

    def do_GET(self) -> None:
        failure, name = self.path.strip("/").split("/")
        content = COMPRESSED[name]
        if failure == "missing":
            self.send_error(404)
            return
        if failure == "wrong":
            content = content[:-8] + b"\0" * 8
        if failure == "endless":
            content = content * 20
        assert isinstance(self.server, MirrorServer)
        if failure == "silent":
            self.server.released.wait(30)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if failure in ("cut", "stall"):
            content = content[: len(content) // 2]
        try:
            self.wfile.write(content)
        except OSError:
            return  # the client left, as it should from an endless file
        if failure == "stall":
            self.wfile.flush()
            self.server.released.wait(30)

    def log_message(self, *arguments: object) -> None:
        """Prints nothing."""


class MirrorServer(ThreadingHTTPServer):
    """A mirror whose silent responses wait until it is released."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Mirror)
        self.released = threading.Event()


@pytest.fixture
def server() -> Iterator[str]:
    mirror = MirrorServer()
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{mirror.server_port}/"
    mirror.released.set()
    mirror.shutdown()
    thread.join()
    mirror.server_close()


@pytest.fixture
def reports() -> Reports:
    return []


@pytest.fixture
def report(reports: Reports) -> ProgressCallback:
    return lambda activity, fraction: reports.append((activity, fraction))


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_decompressed_and_its_progress_reported(
    server: str, tmp_path: Path, reports: Reports, report: ProgressCallback
) -> None:
    download([IMAGES], [f"{server}good/"], tmp_path / "new" / "folder", report)

    assert file_names(tmp_path) == [IMAGES.name]
    assert (tmp_path / "new" / "folder" / IMAGES.name).read_bytes() == CONTENT[IMAGES.name]
    fractions = [not_none(fraction) for _, fraction in reports]
    assert {activity for activity, _ in reports} == {"Downloading train-images (306 KiB)"}
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert len(fractions) >= 5


def test_a_large_file_is_announced_with_its_size(
    server: str, tmp_path: Path, reports: Reports, report: ProgressCallback
) -> None:
    large = RemoteFile(IMAGES.name, 26_421_880, IMAGES.sha256)

    download([large], [f"{server}good/"], tmp_path, report)

    assert reports[0] == ("Downloading train-images (25 MiB)", 0.0)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("wrong", "it sent another file: the checksum differs"),
        ("endless", "it sent another file: the checksum differs"),
        ("missing", "404"),
        ("cut", "the connection was lost"),
        ("silent", "it sent nothing for 0.3 s"),
        ("stall", "it sent nothing for 0.3 s"),
    ],
)
def test_a_failed_download_says_what_was_tried_and_leaves_nothing(
    server: str, tmp_path: Path, report: ProgressCallback, failure: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        download([IMAGES], [f"{server}{failure}/"], tmp_path, report, SHORT_TIMEOUT)

    assert f"{server}{failure}/{IMAGES.name}.gz ({message}" in caught.value.problem
    assert "Set data.root to a folder with the files" in caught.value.problem
    assert "offline preset glyphs" in caught.value.problem
    assert file_names(tmp_path) == []


def test_a_missing_server_is_reported_as_unreachable(
    tmp_path: Path, report: ProgressCallback
) -> None:
    with pytest.raises(InputError, match=r"127.0.0.1:1/train-images.* .it cannot be reached"):
        download([IMAGES], ["http://127.0.0.1:1/"], tmp_path, report, SHORT_TIMEOUT)
    assert file_names(tmp_path) == []


@pytest.mark.parametrize("failure", ["wrong", "missing", "cut", "silent", "stall"])
def test_the_next_mirror_is_tried(
    server: str, tmp_path: Path, report: ProgressCallback, failure: str
) -> None:
    download([IMAGES], [f"{server}{failure}/", f"{server}good/"], tmp_path, report, SHORT_TIMEOUT)

    assert (tmp_path / IMAGES.name).read_bytes() == CONTENT[IMAGES.name]
    assert file_names(tmp_path) == [IMAGES.name]


def test_a_canceled_download_leaves_nothing(server: str, tmp_path: Path) -> None:
    def cancel(activity: str, fraction: float | None) -> None:
        if fraction and fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download([IMAGES], [f"{server}good/"], tmp_path, cancel)
    assert file_names(tmp_path) == []


def test_a_full_disk_is_named_and_leaves_nothing(
    server: str, tmp_path: Path, report: ProgressCallback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", fail)
    with pytest.raises(InputError, match="the disk is full; free some space, or set") as caught:
        download([IMAGES], [f"{server}good/"], tmp_path, report)
    assert caught.value.where == (str(tmp_path),)
    assert file_names(tmp_path) == []


def test_a_folder_that_cannot_be_created_is_named(
    server: str, tmp_path: Path, report: ProgressCallback
) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(InputError, match="no file can be written here: Not a directory"):
        download([IMAGES], [f"{server}good/"], tmp_path / "file" / "raw", report)


def test_the_part_file_of_a_killed_download_is_removed_and_that_of_a_running_one_kept(
    server: str, tmp_path: Path, report: ProgressCallback
) -> None:
    killed, running = tmp_path / "train-images.x1.part", tmp_path / "train-images.x2.part"
    killed.write_bytes(b"half")
    running.write_bytes(b"half")
    long_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(killed, (long_ago, long_ago))

    download([IMAGES], [f"{server}good/"], tmp_path, report)

    assert file_names(tmp_path) == [IMAGES.name, running.name]


def published_files(*mirrors: str) -> PublishedFiles:
    return PublishedFiles("Fashion-MNIST", "FashionMNIST/raw", FILES, mirrors)


def test_missing_files_are_downloaded_into_the_root_and_reported(
    server: str, tmp_path: Path, reports: Reports, report: ProgressCallback
) -> None:
    source = read_idx(FashionMNIST(root=str(tmp_path)), published_files(f"{server}good/"), report)

    assert len(source.training) == 400 and len(source.test) == 30
    assert reports[0] == (f"{tmp_path} has no Fashion-MNIST yet: downloading it there", None)
    assert reports[-1] == ("Reading Fashion-MNIST", 1.0)
    assert file_names(tmp_path) == sorted(CONTENT)


def test_without_a_root_the_data_is_downloaded_once_into_the_cache(
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reports: Reports,
    report: ProgressCallback,
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path))
    read_idx(FashionMNIST(), published_files(f"{server}good/"), report)
    reports.clear()

    read_idx(FashionMNIST(), published_files("http://127.0.0.1:1/"), report)

    assert file_names(tmp_path / "cache" / "FashionMNIST" / "raw") == sorted(CONTENT)
    assert [activity for activity, _ in reports] == ["Reading Fashion-MNIST"] * 2


def test_only_files_that_are_missing_are_downloaded(
    server: str, tmp_path: Path, reports: Reports, report: ProgressCallback
) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for name in list(CONTENT)[:3]:
        (folder / name).write_bytes(CONTENT[name])

    read_idx(FashionMNIST(root=str(tmp_path)), published_files(f"{server}good/"), report)

    downloads = {text for text, _ in reports if text.startswith("Downloading")}
    assert downloads == {"Downloading t10k-labels (40 B)"}


def test_complete_files_stay_for_the_next_try(
    server: str, tmp_path: Path, report: ProgressCallback
) -> None:
    invalid = RemoteFile(FILES[1].name, FILES[1].size, "0" * 64)

    with pytest.raises(InputError):
        download([IMAGES, invalid], [f"{server}good/"], tmp_path, report)

    assert file_names(tmp_path) == [IMAGES.name]
