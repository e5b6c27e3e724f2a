"""Folders of images: classes, splits, one size for all, and images that cannot be read."""

import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.support.datasets import CPU, ignore_progress, join_splits, joined_remarks
from tuilab.core.catalogue.data.images import ImageFolder
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.engine.data import image_folders
from tuilab.engine.data.dataset import Dataset, ProgressCallback
from tuilab.engine.data.load import load

Color = str | tuple[int, int, int]


def save_image(path: Path, color: Color, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), color).save(path, **options)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of twelve red and eight blue images, each of another shade."""
    for number in range(12):
        save_image(tmp_path / "pets" / "red" / f"{number:02}.png", (255, number, 0))
    for number in range(8):
        save_image(tmp_path / "pets" / "blue" / f"{number:02}.png", (0, number, 255))
    return tmp_path / "pets"


def load_folder(root: Path, report: ProgressCallback = ignore_progress, **fields: Any) -> Dataset:
    return load(Experiment(data=ImageFolder(path=str(root), **fields)), CPU, report)


def read_first(root: Path, size: int) -> Tensor:
    """Returns the first image of the first class."""
    data = ImageFolder(path=str(root), test=0, size=size)
    source = image_folders.image_folder(data, 0, ignore_progress)
    return source.training.inputs[0]


def test_each_folder_is_a_class(root: Path) -> None:
    data = ImageFolder(path=str(root), size=8)

    dataset = load_folder(root, size=8, validation=0.25, test=0.2)

    inputs, targets = join_splits(dataset)
    assert data.classes == dataset.classes == ("blue", "red")
    assert data.shape == (3, 8, 8) and inputs.shape == (20, 3, 8, 8)
    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [12, 4, 4]
    assert torch.equal((inputs[:, 0, 0, 0] == 255).long(), targets)
    assert len(set(inputs[:, 1, 0, 0][targets == 1].tolist())) == 12
    assert data.title == "pets"


def test_gray_images_have_one_channel(root: Path) -> None:
    dataset = load_folder(root, size=8, color=False)

    gray = 0.299 * 255
    inputs, targets = join_splits(dataset)
    assert inputs.shape[1:] == (1, 8, 8)
    assert inputs[targets == 1].float().mean() == pytest.approx(gray, abs=5)


def test_splits_in_separate_folders_are_kept(tmp_path: Path) -> None:
    for part, count in (("Train", 6), ("val", 3), ("test", 4)):
        for number in range(count):
            for name in ("a", "b"):
                save_image(tmp_path / part / name / f"{number}.png", (count, number, ord(name)))

    dataset = load_folder(tmp_path, validation=0.5, test=0.5)

    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [12, 6, 8]
    assert set(dataset.validation.inputs[:, 0, 0, 0].tolist()) == {3}
    assert dataset.classes == ("a", "b")


def test_without_a_validation_folder_some_training_images_are_held_out(tmp_path: Path) -> None:
    for part in ("training", "testing"):
        for number in range(10):
            save_image(tmp_path / part / "ab"[number % 2] / f"{number}.png", (number, 0, 0))

    dataset = load_folder(tmp_path, validation=0.2)

    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [8, 2, 10]
    assert "8 of 10 test examples are also in the training set" in joined_remarks(dataset)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "plane"):
        save_image(tmp_path / name / "1.png", "red")

    assert ImageFolder(path=str(tmp_path)).classes == ("plane", "train")


def test_hidden_and_other_files_are_ignored_and_subfolders_are_read(
    root: Path,
) -> None:
    (root / ".cache").mkdir()
    (root / "__MACOSX").mkdir()
    (root / "red" / "notes.txt").write_text("mine")
    (root / "red" / "._00.png").write_bytes(b"no image")
    save_image(root / "red" / "more" / "12.JPG", (255, 99, 0), quality=95)

    dataset = load_folder(root)

    assert dataset.classes == ("blue", "red")
    assert len(join_splits(dataset)[0]) == 21
    assert "left out" not in joined_remarks(dataset)


@pytest.mark.parametrize(("width", "height"), [(60, 20), (20, 60), (20, 20), (7, 5)])
def test_the_middle_of_an_image_is_kept(tmp_path: Path, width: int, height: int) -> None:
    middle, border = (0, 255, 0), (255, 0, 0)
    image = Image.new("RGB", (width, height), border)
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    image.paste(middle, (left, top, left + side, top + side))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "1.png")

    pixels = read_first(tmp_path, size=10)

    assert pixels[:, 5, 5].tolist() == list(middle)
    assert (pixels[1] > 200).float().mean() > 0.75


def test_an_image_of_the_requested_size_stays_unchanged(tmp_path: Path) -> None:
    pixels = numpy.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=numpy.uint8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "1.png")

    assert torch.equal(read_first(tmp_path, size=16), torch.from_numpy(pixels).permute(2, 0, 1))


def test_a_larger_image_becomes_the_mean_of_its_pixels(tmp_path: Path) -> None:
    pixels = numpy.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=numpy.uint8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "1.png")

    middle = torch.from_numpy(pixels[:, 16:80]).permute(2, 0, 1).float()
    means = torch.nn.functional.interpolate(
        middle[None], size=(8, 8), mode="bilinear", antialias=True, align_corners=False
    )[0]
    inside = (read_first(tmp_path, size=8).float() - means)[
        :, :, 1:-1
    ]  # Pillow looks beyond the crop at the edge
    assert inside.abs().max() <= 1


def _make_unusual_image(mode: str) -> Image.Image:
    """Returns an image in a mode that a plain conversion to RGB would get wrong."""
    half = numpy.full((8, 8), 32768, dtype=numpy.uint16)
    clear = numpy.zeros((8, 8, 4), dtype=numpy.uint8)
    images = {
        "16 bits": Image.fromarray(half),
        "transparent": Image.fromarray(clear),
        "palette": Image.new("RGB", (8, 8), (10, 200, 30)).convert("P"),
        "one bit": Image.new("1", (8, 8), 1),
        "CMYK": Image.new("CMYK", (8, 8), (0, 0, 0, 0)),
    }
    return images[mode]


@pytest.mark.parametrize(
    ("mode", "expected", "suffix"),
    [
        ("16 bits", [128, 128, 128], ".png"),
        ("transparent", [255, 255, 255], ".png"),
        ("palette", [10, 200, 30], ".gif"),
        ("one bit", [255, 255, 255], ".png"),
        ("CMYK", [255, 255, 255], ".tif"),
    ],
)
def test_unusual_image_modes_look_as_they_should(
    tmp_path: Path, mode: str, expected: list[int], suffix: str
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        _make_unusual_image(mode).save(tmp_path / name / f"1{suffix}")

    pixels = read_first(tmp_path, size=4)

    assert (pixels[:, 2, 2].int() - torch.tensor(expected)).abs().max() <= 8


def test_a_photograph_is_rotated_by_its_exif_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90° clockwise
    image = Image.new("RGB", (40, 40), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 20, 40))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "1.jpg", exif=exif, quality=95)

    pixels = read_first(tmp_path, size=8)

    assert pixels[:, 1, 4].float().mean() > 200 and pixels[:, 6, 4].float().mean() < 50


def _make_huge_png() -> bytes:
    """Returns a PNG of some bytes whose header declares 400 million pixels."""
    content = io.BytesIO()
    Image.new("1", (8, 8)).save(content, "PNG")
    raw = bytearray(content.getvalue())
    raw[16:24] = (20_000).to_bytes(4, "big") * 2
    raw[29:33] = zlib.crc32(bytes(raw[12:29])).to_bytes(4, "big")
    return bytes(raw)


def test_images_that_cannot_be_read_are_left_out_counted_and_named(root: Path) -> None:
    whole = (root / "red" / "00.png").read_bytes()
    (root / "red" / "x1.png").write_bytes(whole[:50])
    (root / "red" / "x2.jpg").write_text("no image")
    (root / "red" / "x3.png").write_bytes(b"")
    (root / "red" / "x4.png").write_bytes(_make_huge_png())

    dataset = load_folder(root)

    assert len(join_splits(dataset)[0]) == 20
    assert joined_remarks(dataset).startswith(
        "4 of 24 images left out: red/x1.png is damaged (image file is truncated"
    )
    assert "red/x2.jpg is not an image that can be read" in joined_remarks(dataset)
    assert "; and 1 more. Classes in the training set: blue" in joined_remarks(dataset)


def test_an_image_that_declares_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(_make_huge_png())

    assert image_folders._read_image(path, 8, True) in (
        "is not an image that can be read",
        "has 400 million pixels",
    )


def test_a_file_is_read_as_an_image_of_a_known_kind_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(evil) run\n")

    assert image_folders._read_image(path, 8, True) == "is not an image that can be read"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "there is no such file or folder"),
        (lambda root: root.write_text("a file"), "it is a file; name its folder"),
        (lambda root: root.mkdir(), "it has no folders in it; each class needs a folder"),
        (
            lambda root: (root / "one").mkdir(parents=True),
            "it has only one folder, one; at least two",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "pets")

    with pytest.raises(InputError, match=message) as caught:
        load_folder(tmp_path / "pets")
    assert caught.value.where == (str(tmp_path / "pets"),)
    data = ImageFolder(path=str(tmp_path / "pets"))
    assert data.classes == () and find_errors(Experiment(data=data))[0].startswith("data: ")


def test_a_class_without_images_and_one_only_in_the_test_split_are_named(root: Path) -> None:
    (root / "green").mkdir()
    (root / "red" / "bad.png").write_text("of another class")
    with pytest.raises(InputError, match=r"green: it contains no image that can be read; if it is"):
        load_folder(root)
    (root / "green" / "1.png").write_text("no image")
    with pytest.raises(InputError, match=r"can be read \(green/1.png is not an image"):
        load_folder(root)

    for part, names in (("train", "ab"), ("test", "abc")):
        for name in names:
            save_image(root.parent / "parts" / part / name / "1.png", "red")
    with pytest.raises(InputError, match='"c" is not among the training classes'):
        load_folder(root.parent / "parts")


def test_images_that_exceed_the_memory_are_refused_before_they_are_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_folders, "MAX_TOTAL_SIZE", 10_000)

    with pytest.raises(InputError, match=r"20 images need .* make data\.size smaller"):
        load_folder(root)


def test_loading_reports_progress_and_can_be_canceled(root: Path) -> None:
    reports: list[tuple[str, float | None]] = []

    load_folder(root, lambda *report: reports.append(report))

    assert reports == [("Reading the images of pets", 1.0)]

    def cancel(activity: str, fraction: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_folder(root, cancel)


def test_a_new_class_is_found(root: Path) -> None:
    assert ImageFolder(path=str(root)).classes == ("blue", "red")

    save_image(root / "green" / "1.png", "green")
    os.utime(root, ns=(1, 1))

    assert ImageFolder(path=str(root)).classes == ("blue", "green", "red")


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("training_set", "dev_set", "test_set"), ("Train", "Valid", "TEST"),
        ("trainset", "valset", "testset"), ("train-images", "val-images", "test-images"),
        ("train2017", "val2017", "test2017"), ("seg_train", "seg_dev", "seg_test"),
        ("TrainingData", "ValidationData", "TestingData"), ("train data", "eval", "tst"),
        ("Trainingsdaten", "Validierungsdaten", "Testdaten"), ("entraînement", "val", "test_img"),
    ],
)  # fmt: skip
def test_parts_are_recognized_in_any_common_spelling(
    tmp_path: Path, train: str, validation: str, test: str
) -> None:
    for part, count in ((train, 4), (validation, 2), (test, 3)):
        for number in range(count):
            for name in ("class10", "class2"):
                color = (count, number, len(name))
                save_image(tmp_path / "archive" / part / name / f"{number}.png", color)

    dataset = load_folder(tmp_path)

    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [8, 4, 6]
    assert dataset.classes == ("class2", "class10")


def test_every_file_that_is_not_used_is_counted_by_reason(root: Path) -> None:
    save_image(root / "red" / "90.jfif", "red", format="JPEG")
    save_image(root / "red" / "91.jpe", "red", format="JPEG")
    save_image(root / "_other" / "1.png", "red")
    save_image(root / "red" / "_other" / "2.png", "red")
    save_image(root / "loose.png", "red")
    for name in ("red/1.heic", "red/notes.txt", "blue/a.txt", "blue/b.csv", "red/.DS_Store"):
        (root / name).write_bytes(b"x")
    (root / "red" / "broken.png").write_bytes(b"x")

    dataset = load_folder(root)

    assert len(join_splits(dataset)[0]) == 22
    remarks = joined_remarks(dataset)
    for sentence in (
        "3 files not used, as they are not images (.txt 2, .csv 1).",
        "2 images in _other not used: its name begins with _.",
        "1 image beside the folders of the classes not used.",
        "1 hidden file not used.",
        "red/broken.png is not an image that can be read",
        "1 .heic image left out: this format cannot be read; convert to JPEG or PNG",
    ):
        assert sentence in remarks


def test_parts_without_folders_of_classes_are_no_classes(tmp_path: Path) -> None:
    for number in range(24):
        save_image(
            tmp_path / ("train" if number < 20 else "test") / f"{number}.png", (number, 0, 0)
        )
    with pytest.raises(InputError, match="test and train hold no folders of classes; a table can"):
        load_folder(tmp_path)
    rows = "".join(f"{number}\t{number % 2}\n" for number in range(20))
    (tmp_path / "train_labels.csv").write_text(f"id\tlevel\n{rows}")

    dataset = load_folder(tmp_path)

    assert dataset.classes == ("0", "1")
    assert 'The classes are the column "level" of train_labels.csv' in joined_remarks(dataset)


def test_what_is_beside_the_classes_says_why_it_is_not_used(root: Path) -> None:
    for name in ("red", "blue"):
        save_image(root.parent / "sets" / "train" / name / "1.png", name)
        save_image(root.parent / "sets" / "train" / name / "2.png", name)
    save_image(root.parent / "sets" / "Test" / "1.png", "red")
    (root.parent / "sets" / "labels.csv").write_text("file,label\n1.png,a\n")

    remarks = joined_remarks(load_folder(root.parent / "sets"))

    assert "1 image in Test not used: it has no folders of classes." in remarks
    assert "labels.csv not used (data.labels can name a table)" in remarks


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("labels.csv", "filename,label\n{n}.png,{c}"),
        ("train.csv", "id,breed\n{n},{c}"),
        ("labels.csv", "who;class;image\nx;{c};images/{n}.png"),
        ("labels.tsv", "{c}\timages/{n}.png"),
        ("../pets.csv", "image,label\n/data/pets/{n}.png,{c}"),
    ],
)
def test_a_table_says_the_class_of_each_image(tmp_path: Path, table: str, rows: str) -> None:
    head, _, row = rows.rpartition("\n")
    colors = {"dog": (250, 0, 0), "cat10": (0, 250, 0), "cat2": (0, 0, 250)}
    lines = [head] if head else []
    for number in range(31):
        name = list(colors)[number % 3]
        lines.append(row.format(n=number, c=name))
        if number:
            save_image(tmp_path / "pets" / "images" / f"{number}.png", colors[name])
    save_image(tmp_path / "pets" / "images" / "unknown.png", "white")
    (tmp_path / "pets" / table).write_text("\n".join(lines) + "\n")

    dataset = load_folder(tmp_path / "pets", size=8)

    assert dataset.classes == ("cat2", "cat10", "dog")
    inputs, targets = join_splits(dataset)
    assert inputs[:, :, 0, 0].argmax(dim=1).tolist() == (2 - targets).tolist()
    assert "1 row without an image, 1 image without a row" in joined_remarks(dataset)


def test_a_table_with_several_columns_asks_for_one(tmp_path: Path) -> None:
    for number in range(4):
        save_image(tmp_path / f"{number}.png", "red")
    (tmp_path / "t.csv").write_text(
        "file,a,b\n" + "".join(f"{n}.png,{n % 2},9\n" for n in range(4))
    )

    errors = find_errors(Experiment(data=ImageFolder(path=str(tmp_path))))
    assert "set data.label_column to the one with the classes" in errors[0]
    assert ImageFolder(path=str(tmp_path), label_column="a").classes == ("0", "1")


def write_photos(folder: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        save_image(folder / name, (250, number, 0) if number % 2 else (0, number, 250))


@pytest.mark.parametrize("words", [("train", "val", "test"), ("Training", "dev set", "TEST")])
def test_a_column_of_the_table_says_the_parts(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_photos(tmp_path / "pets", [f"{n}.png" for n in range(20)])
    parts = [words[0]] * 12 + [words[1]] * 5 + [words[2]] * 3
    rows = "".join(f"{n}.png;{'ab'[n % 2]};{part}\n" for n, part in enumerate(parts))
    (tmp_path / "pets" / "t.csv").write_text(f"file;größe;split\n{rows}", encoding="cp1252")

    dataset = load_folder(tmp_path / "pets", size=8)

    sizes = (len(dataset.train), len(dataset.validation), len(dataset.test))
    assert (dataset.classes, sizes) == (("a", "b"), (12, 5, 3))
    assert 'the column "größe" of t.csv, the parts the column "split"' in joined_remarks(dataset)


@pytest.mark.parametrize("split", ["grouped", "ordered"])
def test_images_are_split_by_a_column_of_the_table(tmp_path: Path, split: Any) -> None:
    names = [f"{who}{n}.png" for n in range(6) for who in "abcdef"]
    write_photos(tmp_path / "pets", names)
    (tmp_path / "pets" / "a0.png").write_bytes(b"broken")
    rows = "".join(
        f"{name},{n % 2},{name[0]},2024-0{'abcdef'.index(name[0]) + 1}-01\n"
        for n, name in enumerate(names)
    )
    (tmp_path / "pets" / "t.csv").write_text(f"file,label,who,day\n{rows}")
    by = {"grouped": "who", "ordered": "day"}[split]

    dataset = load_folder(tmp_path / "pets", size=8, split=split, split_by=by, test=0.2)

    keys = [examples.split_keys for examples in dataset.splits.values()]
    groups = [set() if key is None else set(key.tolist()) for key in keys]
    assert all(groups) and not (groups[0] & groups[2]) and not (groups[0] & groups[1])
    if split == "ordered":
        assert max(groups[0]) < min(groups[1]) and max(groups[1]) < min(groups[2])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"split": "grouped"}, "data.split_by: name the column whose groups stay together"),
        ({"split": "ordered"}, 'data.split: "ordered" needs a table'),
        ({"split": "grouped", "split_by": "who"}, 'data.split: "grouped" needs a table'),
    ],
)
def test_a_split_by_a_column_needs_a_table(
    root: Path, fields: dict[str, Any], problem: str
) -> None:
    (error,) = find_errors(Experiment(data=ImageFolder(path=str(root), **fields)))

    assert problem in error


@pytest.mark.parametrize(
    ("names", "row", "is_used"),
    [
        (["{n}.png"], "{n},{c}", True),  # all numbers, and all images
        (["{n}.png", "more{n}.png"], "{n},{c}", False),  # numbers, but half of the images
        (["{n}.png", "more{n}.png"], "{n}.png,{c}", True),
        (["{n}.png"], "test/{n}.png,{c}", False),  # images of another folder
        (["{n}.png"], "pets/{n}.png,{c}", True),
        (["{n}.png", "more{n}.png", "most{n}.png"], "{n}.png,{c}", False),
    ],
)
def test_a_table_beside_the_folder_must_name_its_images(
    tmp_path: Path, names: list[str], row: str, is_used: bool
) -> None:
    write_photos(tmp_path / "pets", [name.format(n=n) for n in range(12) for name in names])
    lines = [row.format(n=n, c="ab"[n % 2]) for n in range(12)]
    (tmp_path / "scores.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    data = ImageFolder(path=str(tmp_path / "pets"))

    if is_used:
        assert "of scores.csv beside the folder" in joined_remarks(load_folder(tmp_path / "pets"))
    else:
        with pytest.raises(InputError, match="it has no folders in it"):
            data.info  # noqa: B018
    explicit = ImageFolder(path=data.path, labels=str(tmp_path / "scores.csv"))
    assert explicit.classes == ("a", "b")
