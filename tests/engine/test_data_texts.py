"""Texts: windows shifted by one, disjoint splits, and files that cannot be read."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.support.datasets import CPU, load_dataset, splits
from tuilab.core.catalogue.data.texts import PythonSource, TextFile
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.files import corpus
from tuilab.core.network.layer import Tokens
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.load import load
from tuilab.engine.data.texts import cut_windows


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text("".join(chr(97 + index * index % 26) for index in range(1000)))
    return path


def decode(dataset: Dataset, row: Tensor) -> str:
    return "".join(dataset.vocabulary[token] for token in row.tolist())


def test_every_target_is_the_next_token(book: Path) -> None:
    dataset = load_dataset(TextFile(path=str(book), length=7, stride=3))
    text = book.read_text()

    for index in range(len(dataset.train)):
        start = 3 * index
        assert decode(dataset, dataset.train.inputs[index]) == text[start : start + 7]
        assert decode(dataset, dataset.train.targets[index]) == text[start + 1 : start + 8]


def test_the_end_of_the_text_is_held_out_in_one_piece(book: Path) -> None:
    dataset = load_dataset(TextFile(path=str(book), length=10, stride=1, test=0.1, validation=0.2))
    text = book.read_text()

    assert len(dataset.train) == 720 - 10
    assert decode(dataset, dataset.train.targets[-1]) == text[710:720]
    assert [decode(dataset, row) for row in dataset.validation.inputs] == [
        text[start : start + 10] for start in range(720, 890, 10)
    ]
    assert decode(dataset, dataset.test.inputs[0]) == text[900:910]
    assert decode(dataset, dataset.test.targets[-1]) == text[981:991]


def test_windows_share_one_row_of_memory(book: Path) -> None:
    dataset = load_dataset(TextFile(path=str(book), length=80, stride=1))

    for part in splits(dataset)[:2]:
        assert part.inputs.untyped_storage().nbytes() <= 8 * 1000
        assert part.inputs.data_ptr() + 8 == part.targets.data_ptr()


def test_windows_stay_one_row_when_they_move() -> None:
    part = cut_windows(torch.arange(50), 20, 1)

    on_device = part.to(torch.device("meta"))
    on_cpu = part.to(CPU)

    assert on_device.inputs.shape == (30, 20) and on_device.inputs.stride() == (1, 1)
    assert on_device.inputs.untyped_storage().nbytes() == 8 * 50
    assert torch.equal(on_cpu.targets, part.targets)
    assert torch.equal(on_cpu.targets, torch.arange(20) + 1 + torch.arange(30)[:, None])


def test_a_row_as_short_as_a_window_gives_no_example() -> None:
    assert len(cut_windows(torch.arange(20), 20, 1)) == 0
    assert len(cut_windows(torch.arange(21), 20, 1)) == 1


def test_the_vocabulary_is_the_characters_of_the_text_in_order(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("über äpfel 🍏 und\n" * 20, encoding="utf-8")

    data = TextFile(path=str(path), length=8)

    assert data.vocabulary == tuple("\n bdeflnpruäü🍏")
    assert data.shape == (8,) and isinstance(data.shape, Tokens)
    assert data.shape.vocabulary == len(data.vocabulary)
    assert decode(load_dataset(data), load_dataset(data).train.inputs[0]) == "über äpf"


def test_a_text_of_bytes_has_256_tokens_whatever_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    content = bytes(range(256)) * 3
    path.write_bytes(content)

    dataset = load_dataset(TextFile(path=str(path), tokens="bytes", length=5))

    assert len(dataset.vocabulary) == 256
    assert bytes(dataset.train.inputs[0].tolist()) == content[:5]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("abab" * 100)
    first = TextFile(path=str(path)).vocabulary
    path.write_text("abcabc" * 100)
    os.utime(path, ns=(1, 1))

    assert (first, TextFile(path=str(path)).vocabulary) == (("a", "b"), ("a", "b", "c"))


def test_an_error_about_an_unreadable_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "latin.txt").write_bytes("Äpfel".encode("latin-1") * 100)
    (tmp_path / "short.txt").write_text("too short")
    messages = {
        "": "data.path: no file is chosen yet; set it to a text file",
        str(tmp_path / "none.txt"): f"{tmp_path}/none.txt: there is no such file",
        str(tmp_path): "it is a folder; name a file in it",
        str(tmp_path / "empty.txt"): "it is empty",
        str(tmp_path / "latin.txt"): "byte 0 is not UTF-8; .* set data.tokens to bytes",
        "~no_such_user/x": "no file can have this name",
        "a\0b": "no file can have this name",
    }
    for path, message in messages.items():
        with pytest.raises(InputError, match=message):
            load_dataset(TextFile(path=path))
        assert find_errors(Experiment(data=TextFile(path=path)))[0].startswith("data: ")
    with pytest.raises(InputError, match="8 tokens are left to train on, too few for one window"):
        load_dataset(TextFile(path=str(tmp_path / "short.txt"), length=20))


def test_latin_text_can_be_learned_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Äpfel".encode("latin-1") * 100)

    dataset = load_dataset(TextFile(path=str(tmp_path / "latin.txt"), tokens="bytes"))

    assert decode(dataset, dataset.train.inputs[0][:5]) == "Äpfel"


def test_a_network_can_be_edited_while_the_file_is_missing() -> None:
    plan = Experiment(data=TextFile(), network=("Embedding 8", "Linear 2")).plan

    assert plan.input is None and plan.output is None


def test_the_library_is_a_text_of_the_requested_size() -> None:
    small, large = PythonSource(size=20), PythonSource(size=200)

    texts = [corpus.read_text(data.source) for data in (small, large)]

    assert [len(text) for text in texts] == [20_000, 200_000]
    assert texts[1].startswith(texts[0])
    assert len(small.vocabulary) == len(large.vocabulary) == 97
    assert set(texts[1]) <= set(small.vocabulary)
    assert "def " in texts[0]


def test_the_library_can_be_trained_on() -> None:
    dataset = load_dataset(PythonSource(size=20, length=32, stride=32))

    assert len(dataset.train) == (round(19_000 * 0.9) - 1 - 32) // 32 + 1
    assert decode(dataset, dataset.train.inputs[0]) == corpus.read_text(PythonSource().source)[:32]


def test_the_same_seed_or_another_one_gives_the_same_text(book: Path) -> None:
    first, second = (load_dataset(TextFile(path=str(book)), seed) for seed in (0, 1))

    assert torch.equal(first.train.inputs, second.train.inputs)


def test_loading_reports_the_file_being_read(book: Path) -> None:
    reports = []

    load(
        Experiment(data=TextFile(path=str(book))),
        CPU,
        lambda activity, fraction: reports.append(activity),
    )

    assert reports == ["Reading Text"]


def test_selected_windows_are_examples_too(book: Path) -> None:
    part = load_dataset(TextFile(path=str(book), length=10, stride=1)).train.select(
        torch.tensor([3, 1])
    )

    assert isinstance(part, Examples) and part.inputs.shape == (2, 10)
