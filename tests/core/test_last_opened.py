"""What was open last is remembered, and what cannot be read is a new start."""

from pathlib import Path

import pytest

from tuilab.core import last_opened, paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import with_value
from tuilab.core.last_opened import LastOpened, load_last_opened, name_file, save_last_opened

XOR = toml_file.read(toml_file.find("xor"))


def test_a_new_user_has_nothing() -> None:
    assert load_last_opened() is None


@pytest.mark.parametrize(
    "last",
    [LastOpened(lesson="perceptron", run="a-1"), LastOpened(name="xor"),
     LastOpened(experiment=with_value(XOR, "optimizer.lr", 0.125))],
)  # fmt: skip
def test_what_is_saved_is_loaded(last: LastOpened) -> None:
    save_last_opened(last)
    assert load_last_opened() == last
    assert last_opened._file().is_relative_to(paths.data_dir())


@pytest.mark.parametrize("text", [b"", b"{", b'{"name": 3}', b'{"experiment": {"seed": "x"}}'])
def test_a_damaged_file_is_a_new_start(text: bytes) -> None:
    save_last_opened(LastOpened())
    last_opened._file().write_bytes(text)
    assert load_last_opened() is None


def test_a_file_is_named_only_for_what_is_in_it(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    toml_file.write(own, XOR)
    assert name_file(own, XOR) == str(own.resolve())
    assert name_file(toml_file.find("xor"), XOR) == "xor"
    assert name_file(own, with_value(XOR, "seed", 9)) == ""
    assert name_file(tmp_path / "gone.toml", XOR) == ""
