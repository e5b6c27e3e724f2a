"""Downloads from a server on this machine: whole and verified, or nothing and a clear message."""

import errno
import gzip
import hashlib
import os
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pooch
import pytest

from tuilab.core.catalogue.data_sets import FashionMNIST
from tuilab.core.errors import InputError
from tuilab.engine.data.download import Remote, download
from tuilab.engine.data.images import idx
from tuilab.engine.data.registry import Collection


def packed(content):
    return gzip.compress(content, mtime=0)


def pictures(count):
    return struct.pack(">IIII", 0x803, count, 28, 28) + os.urandom(count * 784)


def labels(count):
    return struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count))


CONTENT = {
    "train-images-idx3-ubyte": pictures(400),
    "train-labels-idx1-ubyte": labels(400),
    "t10k-images-idx3-ubyte": pictures(30),
    "t10k-labels-idx1-ubyte": labels(30),
}
PACKED = {f"{name}.gz": packed(content) for name, content in CONTENT.items()}
FILES = tuple(
    Remote(name, len(PACKED[f"{name}.gz"]), hashlib.sha256(PACKED[f"{name}.gz"]).hexdigest())
    for name in CONTENT
)
IMAGES = FILES[0]
QUICK = (2.0, 0.3)


class Mirror(BaseHTTPRequestHandler):
    """Serves the files whole, or fails in the way that the first part of the path names."""

    def do_GET(self):
        manner, name = self.path.strip("/").split("/")
        content = PACKED[name]
        if manner == "missing":
            self.send_error(404)
            return
        if manner == "wrong":
            content = content[:-8] + b"\0" * 8
        if manner == "endless":
            content = content * 20
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

    def log_message(self, *args):
        """Keep the test's output clean."""


@pytest.fixture
def server():
    mirror = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    mirror.released = threading.Event()
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{mirror.server_port}/"
    mirror.released.set()
    mirror.shutdown()
    thread.join()
    mirror.server_close()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def report(heard):
    return lambda *news: heard.append(news)


def left(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_arrives_decompressed_with_its_progress(server, tmp_path, heard, report):
    download([IMAGES], [f"{server}good/"], tmp_path / "new" / "folder", report)

    assert left(tmp_path) == [IMAGES.name]
    assert (tmp_path / "new" / "folder" / IMAGES.name).read_bytes() == CONTENT[IMAGES.name]
    fractions = [fraction for _, fraction in heard]
    assert {what for what, _ in heard} == {"Downloading train-images (314 kB)"}
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert len(fractions) >= 5


def test_a_large_file_is_announced_in_megabytes(server, tmp_path, heard, report):
    large = Remote(IMAGES.name, 26_421_880, IMAGES.sha256)

    download([large], [f"{server}good/"], tmp_path, report)

    assert heard[0] == ("Downloading train-images (26 MB)", 0.0)


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        ("wrong", "it sent another file: the checksum differs"),
        ("endless", "it sent another file: the checksum differs"),
        ("missing", "404"),
        ("cut", "the connection broke off"),
        ("silent", "it sent nothing for 0.3 seconds"),
        ("stall", "it sent nothing for 0.3 seconds"),
    ],
)
def test_a_failed_download_says_what_was_tried_and_leaves_nothing(
    server, tmp_path, report, manner, says
):
    with pytest.raises(InputError) as caught:
        download([IMAGES], [f"{server}{manner}/"], tmp_path, report, QUICK)

    assert f"{server}{manner}/{IMAGES.name}.gz ({says}" in caught.value.problem
    assert "Set data.root to a folder that has the files" in caught.value.problem
    assert "offline preset glyphs" in caught.value.problem
    assert left(tmp_path) == []


def test_a_server_that_is_not_there_is_said_to_be_out_of_reach(tmp_path, report):
    with pytest.raises(InputError, match=r"127.0.0.1:1/train-images.* .it cannot be reached"):
        download([IMAGES], ["http://127.0.0.1:1/"], tmp_path, report, QUICK)
    assert left(tmp_path) == []


@pytest.mark.parametrize("manner", ["wrong", "missing", "cut", "silent", "stall"])
def test_the_next_mirror_is_tried(server, tmp_path, report, manner):
    download([IMAGES], [f"{server}{manner}/", f"{server}good/"], tmp_path, report, QUICK)

    assert (tmp_path / IMAGES.name).read_bytes() == CONTENT[IMAGES.name]
    assert left(tmp_path) == [IMAGES.name]


def test_a_cancelled_download_leaves_nothing(server, tmp_path):
    def cancel(what, fraction):
        if fraction and fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download([IMAGES], [f"{server}good/"], tmp_path, cancel)
    assert left(tmp_path) == []


def test_a_full_disk_is_named_and_leaves_nothing(server, tmp_path, report, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    with pytest.raises(InputError, match="the disk is full; make room, or set") as caught:
        download([IMAGES], [f"{server}good/"], tmp_path, report)
    assert caught.value.where == (str(tmp_path),)
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path, report):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(InputError, match="no file can be written here: Not a directory"):
        download([IMAGES], [f"{server}good/"], tmp_path / "file" / "raw", report)


def test_the_rest_of_a_killed_download_goes_and_that_of_a_living_one_stays(
    server, tmp_path, report
):
    killed, living = tmp_path / "train-images.x1.part", tmp_path / "train-images.x2.part"
    killed.write_bytes(b"half")
    living.write_bytes(b"half")
    long_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(killed, (long_ago, long_ago))

    download([IMAGES], [f"{server}good/"], tmp_path, report)

    assert left(tmp_path) == [IMAGES.name, living.name]


def collection(*mirrors):
    return Collection("Fashion-MNIST", "FashionMNIST/raw", FILES, mirrors)


def test_what_is_missing_under_a_root_is_downloaded_into_it_and_said(
    server, tmp_path, heard, report
):
    source = idx(FashionMNIST(root=str(tmp_path)), 0, report, collection(f"{server}good/"))

    assert len(source.training) == 400 and len(source.test) == 30
    assert heard[0] == (f"{tmp_path} has no Fashion-MNIST yet: downloading it there", None)
    assert heard[-1] == ("Reading Fashion-MNIST", 1.0)
    assert left(tmp_path) == sorted(CONTENT)


def test_without_a_root_the_set_is_downloaded_once_into_the_cache(
    server, tmp_path, monkeypatch, heard, report
):
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path))
    idx(FashionMNIST(), 0, report, collection(f"{server}good/"))
    heard.clear()

    idx(FashionMNIST(), 0, report, collection("http://127.0.0.1:1/"))

    assert left(tmp_path / "cache" / "FashionMNIST" / "raw") == sorted(CONTENT)
    assert [what for what, _ in heard] == ["Reading Fashion-MNIST"] * 2


def test_only_files_that_are_missing_are_downloaded(server, tmp_path, heard, report):
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for name in list(CONTENT)[:3]:
        (folder / name).write_bytes(CONTENT[name])

    idx(FashionMNIST(root=str(tmp_path)), 0, report, collection(f"{server}good/"))

    downloads = {what for what, _ in heard if what.startswith("Downloading")}
    assert downloads == {"Downloading t10k-labels (0 kB)"}


def test_files_that_arrived_stay_for_the_next_try(server, tmp_path, report):
    broken = Remote(FILES[1].name, FILES[1].size, "0" * 64)

    with pytest.raises(InputError):
        download([IMAGES, broken], [f"{server}good/"], tmp_path, report)

    assert left(tmp_path) == [IMAGES.name]
