"""Experiments as short strings: exact, short, checked, and harmless."""

import base64
import hashlib
import random
import re
import string
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.experiment_strategies import EXPERIMENTS
from tuilab.core import paths
from tuilab.core.catalogue.data.images import MNIST
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.catalogue.transfer import Transfer
from tuilab.core.errors import InputError
from tuilab.core.experiment import share_string, toml_file
from tuilab.core.experiment.experiment import Experiment, iter_knobs, with_value
from tuilab.core.experiment.file_paths import iter_path_keys

PRESETS = sorted((paths.presets_dir() / "experiments").glob("*.toml"))
SPIRAL = toml_file.read(paths.presets_dir() / "experiments" / "spiral.toml")
LINES = ("Linear 24", "GELU", "Dropout 0.2", "BatchNorm1d", "LayerNorm", "Linear 128 bias=false")
ALPHABET = string.ascii_letters + string.digits + "-_"


def without_paths(experiment: Experiment) -> Experiment:
    for section, name in iter_path_keys(experiment):
        part = replace(getattr(experiment, section), **{name: ""})
        experiment = replace(experiment, **{section: part})
    return experiment


def pack(content: bytes, version: int = 1) -> str:
    """A string with a right checksum around any text."""
    words = (paths.presets_dir() / "share" / f"words-{version}.txt").read_bytes()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, words)
    return sign(packer.compress(content) + packer.flush())


def sign(body: bytes) -> str:
    checksum = hashlib.blake2b(b"tl1." + body, digest_size=4).digest()
    return "tl1." + base64.urlsafe_b64encode(checksum + body).decode().rstrip("=")


@given(EXPERIMENTS.map(without_paths))
def test_an_experiment_is_the_same_after_a_string(experiment: Experiment) -> None:
    text = share_string.encode(experiment)

    assert share_string.decode(text) == experiment
    assert re.fullmatch(r"tl1\.[A-Za-z0-9_-]+", text)


def test_strings_of_earlier_versions_can_still_be_read() -> None:
    """Neither the words nor the format may change: people have such strings in their notes."""
    words = (paths.presets_dir() / "share" / "words-1.txt").read_bytes()
    changed = with_value(with_value(SPIRAL, "optimizer.lr", 0.05), "data.noise", 0.1)

    assert hashlib.sha256(words).hexdigest() == (
        "e7b27b24e88068fb4e408d5f9329f8bbbc00cd7e04536e713609413fb11ea7a2"
    )
    assert share_string.decode("tl1.jJeH7RsNG5xhAwA") == SPIRAL
    assert share_string.decode("tl1.nLz4LxvosEFryVE9nEypE04A") == changed


def change(experiment: Experiment, rng: random.Random) -> Experiment:
    """Changes one thing as a user does: a line of the network or a knob."""
    if rng.random() < 0.25:
        at = rng.randrange(len(experiment.network) + 1)
        lines = (*experiment.network[:at], rng.choice(LINES), *experiment.network[at:])
        return replace(experiment, network=lines)
    knob = rng.choice([k for k in iter_knobs(experiment) if not k.is_path])
    values = {
        "float": float(f"{10 ** rng.uniform(-4, 0.5):.3g}"),
        "int": rng.randint(1, 300),
        "bool": not knob.value,
        "choice": rng.choice(knob.choices or ("",)),
    }
    try:
        return with_value(experiment, knob.key, values.get(knob.kind, knob.value))
    except InputError:  # out of its range
        return experiment


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_with_six_changes_has_at_most_200_characters(path: Path) -> None:
    rng, preset = random.Random(path.stem), toml_file.read(path)
    for _ in range(20):
        experiment = preset
        for _ in range(6):
            before = experiment
            while experiment == before:
                experiment = change(before, rng)
        text = share_string.encode(experiment)
        assert len(text) <= 200, text
        assert share_string.decode(text) == experiment
    assert len(share_string.encode(preset)) <= 200


@pytest.mark.parametrize("around", ["  {}\n", "'{}'", "`{}`", "<{}>", '"{}",'])
def test_what_a_chat_program_adds_is_ignored(around: str) -> None:
    text = share_string.encode(SPIRAL)
    wrapped = f"{text[:9]}\r\n  {text[9:14]}\u200b{text[14:]}"

    assert share_string.decode(around.format(wrapped)) == SPIRAL


@given(st.data())
def test_every_damaged_string_is_refused_with_what_to_do(data: st.DataObject) -> None:
    text = share_string.encode(with_value(SPIRAL, "optimizer.lr", 0.03))
    at = data.draw(st.integers(4, len(text) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "swap"]))
    letter = data.draw(st.sampled_from(ALPHABET))
    damaged = {
        "flip": f"{text[:at]}{letter}{text[at + 1 :]}",
        "cut": text[:at],
        "insert": f"{text[:at]}{letter}{text[at:]}",
        "swap": f"{text[:at]}{text[at : at + 2][::-1]}{text[at + 2 :]}",
    }[kind]
    if damaged == text:
        return

    with pytest.raises(InputError, match=r"damaged or cut off.*copy it again, all of it, or ask"):
        share_string.decode(damaged)


REFUSED: list[tuple[str | Callable[[], str], str]] = [
    (
        "tl2.abcdefgh",
        "another version of tuilab: its format is 2, and this version reads up to 1; update",
    ),
    ("tl0.abcdefgh", "another version"),
    ("tl1.", "damaged or cut off"),
    ("tl1.Ünïcode", "damaged or cut off"),
    (lambda: "tl1." + "A" * 200_000, "too long"),
    (lambda: pack(b"[" * 60_000), "does not hold an experiment"),
    (lambda: pack(b" " * 70_000), "more than"),
    (lambda: sign(b"\xff\xff\xff"), "damaged"),
    (lambda: sign(zlib.compress(b"0" * 10**8, 9, -15)), "more than"),
    (lambda: pack(b"not JSON"), "does not hold an experiment"),
    (lambda: pack(b"\xff\xfe"), "does not hold an experiment"),
    (lambda: pack(b"[1,2]"), "does not hold an experiment"),
    (lambda: pack(b'{"optimizer":{"name":"sgdd"}}'), 'optimizer.*"sgdd".*nearest'),
    (lambda: pack(b'{"nonsense":1}'), "nonsense"),
    (lambda: pack(b'{"seed":-1}'), "seed.*≥ 0"),
    (lambda: pack(b'{"data":{"name":"table","path":"/etc/passwd"}}'), "data.path.*/etc/passwd"),
    (lambda: pack(b'{"data":{"name":"mnist","root":"/tmp/x"}}'), "folder of another machine"),
]


@pytest.mark.parametrize(("text", "problem"), REFUSED)
def test_a_string_that_is_not_an_experiment_is_refused(
    text: str | Callable[[], str], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        share_string.decode(text if isinstance(text, str) else text())


@pytest.mark.parametrize(
    ("experiment", "key"),
    [
        (Experiment(data=Table(path="/home/me/houses.csv")), "data.path"),
        (Experiment(data=Table(path="fruit.csv", test_path="more.csv")), "data.test_path"),
        (Experiment(transfer=Transfer(source="spiral-4e2b")), "transfer.source"),
        (Experiment(transfer=Transfer(source="fruit.csv/../../glossary.toml")), "transfer.source"),
    ],
)
def test_an_experiment_on_files_of_the_user_says_what_to_share_besides(
    experiment: Experiment, key: str
) -> None:
    with pytest.raises(InputError, match=f"{key}: it needs .*share its file together with"):
        share_string.encode(experiment)


def test_one_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="too much for a string; share its file"):
        share_string.encode(replace(SPIRAL, network=("Linear 2",) * 10_000))


def test_shipped_files_and_downloads_are_shared_without_their_folders() -> None:
    shipped = paths.presets_dir() / "data" / "fruit.csv"

    for path in ("fruit.csv", str(shipped)):
        string = share_string.encode(Experiment(data=Table(path=path)))
        assert share_string.decode(string).data == Table(path="fruit.csv")
    string = share_string.encode(Experiment(data=MNIST(root="/mnt/sets")))
    assert share_string.decode(string).data == MNIST()


# --- strings in the place of files --------------------------------------------------------------


def test_a_string_is_found_and_read_like_a_file() -> None:
    changed = with_value(SPIRAL, "optimizer.lr", 0.05)

    path = toml_file.find(share_string.encode(changed))

    assert toml_file.read(path) == changed
    assert path.parent == paths.data_dir() / "shared" and path.name.startswith("spiral-")
    assert toml_file.find(f"'{share_string.encode(changed)}'\n") == path


def test_a_file_may_be_called_like_a_string(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toml_file.write(Path("tl1.abcdefghijk"), SPIRAL)

    assert toml_file.find("tl1.abcdefghijk") == Path("tl1.abcdefghijk")
    for name in ("tl1.toml", "tl1.csv", "spiral.tl1.x", "tl.x", "a/tl1.abcdefghijkl"):
        with pytest.raises(InputError, match="no such file"):
            toml_file.find(name)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    folder = paths.data_dir() / "shared"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file in its place")

    with pytest.raises(InputError, match="cannot be kept"):
        toml_file.find(share_string.encode(SPIRAL))
