"""An experiment for data alone: `tuilab houses.csv`."""

from pathlib import Path

import pytest
from PIL import Image

from tuilab.cli.overrides import load_experiment
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import name_of
from tuilab.core.experiment.from_file import is_data
from tuilab.core.experiment.validation import find_errors

HOUSES = "size,rooms,city,price,kind\n" + "".join(
    f"{50 + n},{1 + n % 5},{'Oslo' if n % 3 else 'Bergen'},{1000.5 + 37 * n},{'abc'[n % 3]}\n"
    for n in range(60)
)


@pytest.mark.parametrize(
    ("sets", "task", "loss", "outputs"),
    [
        ([], "classification", "cross_entropy", 3),
        (["data.target=price"], "regression", "mse", 1),
        (["data.target=city", "loss.name=bce"], "classification", "bce", 1),
    ],
)
@pytest.mark.parametrize("name", ["houses.csv", "HOUSES.CSV", "houses"])
def test_a_table_becomes_an_experiment(
    tmp_path: Path, name: str, sets: list[str], task: str, loss: str, outputs: int
) -> None:
    (tmp_path / name).write_text(HOUSES)

    experiment = load_experiment(str(tmp_path / name), sets)

    assert (name_of(experiment.task), name_of(experiment.loss)) == (task, loss)
    assert experiment.plan.output == (outputs,)
    assert experiment.network[-1] == "Linear auto"


@pytest.mark.parametrize(
    ("key", "value"),
    [("split", "grouped"), ("split", "ordered"), ("split", "auto"), ("batch_size", 5)],
)
def test_what_the_user_sets_is_kept(tmp_path: Path, key: str, value: object) -> None:
    (tmp_path / "houses.csv").write_text(HOUSES)
    sets = [f"data.{key}={value}", "data.split_by=city"]

    experiment = load_experiment(str(tmp_path / "houses.csv"), sets)

    assert getattr(experiment.data, key) == value


def test_a_table_without_a_target_says_how_to_choose_one(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("a,note\n" + "".join(f"{n % 7},remark {n}\n" for n in range(2000)))

    with pytest.raises(InputError, match=f"tuilab train {path} --set data.target=NAME"):
        load_experiment(str(path))


def test_an_error_in_what_the_user_sets_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text(HOUSES)

    with pytest.raises(InputError, match=r'nearest to "citi" is "city"$'):
        load_experiment(str(tmp_path / "houses.csv"), ["data.split=grouped", "data.split_by=citi"])


def test_a_folder_of_images_becomes_an_experiment(tmp_path: Path) -> None:
    for name in ("cat", "dog", "owl"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / name / "1.png")

    experiment = toml_file.read(toml_file.find(str(tmp_path)))

    assert find_errors(experiment) == []
    assert experiment.plan.output == (3,)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.toml", "x,y\n1,2\n", False),
        ("a.csv", "seed = 3\n", True),
        ("a.txt", "x;y\n1;2\n3;4\n", True),
        ("a.txt", "Once upon a time, there was\na text.\n", True),
        ("a.conf", "seed = 3\n", False),
        ("a.conf", "network = [\n", False),
        ("a.dat", "x,y\n1,2\n3,4\n", True),
    ],
)
def test_data_is_recognized(tmp_path: Path, name: str, content: str, expected: bool) -> None:
    (tmp_path / name).write_text(content)

    assert is_data(tmp_path / name) is expected


def test_a_prose_text_becomes_a_language_model(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("Once upon a time, there was a text.\nIt was, all in all, short.\n" * 40)

    experiment = toml_file.read(path)

    assert name_of(experiment.task) == "language_model"
    assert find_errors(experiment) == []
