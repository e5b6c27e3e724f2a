"""Experiment files: found, read with good errors, written safely."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given

from tests.support.experiment_strategies import EXPERIMENTS
from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict, with_value
from tuilab.core.experiment.file_paths import resolve_paths
from tuilab.core.experiment.toml_lines import find_line


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def read_error(path: Path, text: str) -> str:
    """Returns the error of reading this text, without the folder."""
    path.write_text(text)
    with pytest.raises(InputError) as error:
        toml_file.read(path)
    return str(error.value).removeprefix(f"{path.parent}/")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('format = 1\ntitle = "x\n', "mine.toml:2: this is not TOML: Illegal character"),
        ("seed = 1\nseed = 2\n", "mine.toml:2: this is not TOML: Cannot overwrite a value"),
        ("seed = \n", "mine.toml:1: this is not TOML: Invalid value"),
        ("\noptimizr = 3\n", 'mine.toml:2: there is no key "optimizr" here; nearest to'),
        (
            '[optimizer]\nname = "sgd"\nlrr = 1\n',
            'mine.toml:3: optimizer: there is no key "lrr" here; nearest to "lrr" is "lr"',
        ),
        (
            '[optimizer]\nname = "sdg"\n',
            'mine.toml:2: optimizer.name: there is no "sdg"; nearest to "sdg" is "sgd"',
        ),
        (
            '# x\n\n[optimizer]\nname = "sgd"\nlr = -1\n',
            "mine.toml:5: optimizer.lr: expected a number ≥ 0",
        ),
        (
            '[optimizer]\nname = "sgd"\nlr = "fast"\n',
            "mine.toml:3: optimizer.lr: expected a number, got text",
        ),
        ('[optimizer]\nname = "sgd"\nlr = nan\n', "mine.toml:3: optimizer.lr: expected a number"),
        ("[training]\nepochs = 0\n", "mine.toml:2: training.epochs: expected a whole number ≥ 1"),
        ("[training]\nlr = 1\n", 'mine.toml:2: training: there is no key "lr" here'),
        ("[optimizer]\nlr = 1\n", "mine.toml:1: optimizer: it needs a name, one of sgd"),
        ("optimizer.name = 'sgd'\noptimizer.lr = -1", "mine.toml:2: optimizer.lr: expected"),
        ('optimizer = {name = "sgd", lr = -1}', "mine.toml:1: optimizer.lr: expected"),
        ('network = [\n  "ReLU",\n  3,\n]', "mine.toml:3: network[1]: expected a line such as"),
        ("format = 2", 'mine.toml:1: format: there is no "2"; known: 1'),
        ("seed = 99999999999999999999", "mine.toml:1: seed: expected a whole number ≤ 2147483647"),
        (f"seed = {'9' * 5000}", "mine.toml: this cannot be read: a number in it is too long"),
        (f"network = {'[' * 5000}", "mine.toml: this cannot be read: a number in it is too long"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_a_fix(
    path: Path, text: str, sentence: str
) -> None:
    assert read_error(path, text).startswith(sentence)


def test_a_file_that_is_missing_or_not_text_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        toml_file.read(path)
    with pytest.raises(InputError, match="it has no folders in it"):
        toml_file.read(path.parent)

    path.write_bytes(b"title = '\xff\xfe'")
    with pytest.raises(InputError, match="it is not UTF-8 text"):
        toml_file.read(path)


def test_an_empty_file_is_the_default_experiment(path: Path) -> None:
    path.write_text("")

    assert toml_file.read(path) == Experiment()


def test_problems_of_a_network_point_to_their_lines(path: Path) -> None:
    path.write_text(
        'network = [\n  "Linear 8",  # [wide]\n  ["Residual",\n   "Linear 4"],\n  "Lnear 2",\n]\n'
    )

    residual, unknown = toml_file.find_errors(path)

    assert residual.startswith(f"{path}:3: network[1]: Residual adds its input, [8], to its")
    assert (
        unknown == f'{path}:5: network[2]: there is no layer Lnear; nearest to "Lnear" is "Linear"'
    )


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("seed", 2),
        ("network", 3),
        ("network[0]", 4),
        ("network[1]", 5),
        ("network[1][0]", 5),
        ("network[1][1]", 6),
        ("network[2]", 8),
        ("optimizer", 11),
        ("optimizer.lr", 13),
        ("optimizer.betas", 14),
        ("optimizer.betas[1]", 16),
        ("optimizer.momentum", 11),
        ("training.epochs", 0),
        ("nothing", 0),
    ],
)
def test_the_line_of_a_key(key: str, line: int) -> None:
    text = """# seed = 0
seed = 1
network = [
  "Linear 4, # not a comment",
  ["Repeat 2",  # ] not an end
    'ReLU',
  ],
  "Linear 2",
]

[optimizer] # how
name = "adam"
"lr" = 0.1
betas = [
  0.9,
  0.99,
]
"""

    assert find_line(text, key) == line


def test_a_preset_is_found_by_name_and_a_file_by_path(path: Path) -> None:
    path.write_text("")

    assert toml_file.find("spiral") == paths.presets_dir() / "experiments" / "spiral.toml"
    assert toml_file.find(str(path)) == path


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("spirol", 'nearest to "spirol" is "spiral"'),
        ("spiral.toml", "there is no such file; the preset is called spiral"),
        ("nowhere/mine.toml", "nowhere/mine.toml: there is no such file"),
        ("/", "this is a folder; an experiment is a .toml file"),
        ("~no-such-user/x.toml", "there is no such file"),
        ("", "there is no preset or file of this name"),
        ("a\0b", "there is no preset or file of this name"),
    ],
)
def test_an_unknown_name_is_refused_with_a_suggestion(name: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        toml_file.find(name)

    assert sentence in str(error.value)


def test_a_users_own_experiment_shadows_a_preset() -> None:
    paths.experiments_dir().mkdir(parents=True)
    own = paths.experiments_dir() / "spiral.toml"
    own.write_text('# Mine.\n# Still mine.\n#\n# Not about it.\ntitle = "My spiral"\n')

    preset = toml_file.find_presets()["spiral"]

    assert (preset.path, preset.title) == (own, "My spiral")
    assert preset.description == "Mine. Still mine."
    assert toml_file.find("spiral") == own


@given(EXPERIMENTS)
def test_what_is_written_is_read_again(experiment: Experiment) -> None:
    path = paths.experiments_dir() / "any.toml"
    path.unlink(missing_ok=True)

    toml_file.write(path, experiment)

    assert toml_file.read(path) == resolve_paths(experiment, path.parent)


@given(EXPERIMENTS, EXPERIMENTS)
def test_what_is_written_over_another_is_read_again(old: Experiment, new: Experiment) -> None:
    path = paths.experiments_dir() / "any.toml"
    path.unlink(missing_ok=True)

    toml_file.write(path, old)
    toml_file.write(path, new)

    assert toml_file.read(path) == resolve_paths(new, path.parent)


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_comments_and_order_of_a_file_are_kept(path: Path, name: str) -> None:
    before = toml_file.find_presets()[name].path.read_text()
    path.write_text(before)

    toml_file.write(path, with_value(toml_file.read(path), "training.accumulation", 7))

    assert toml_file.read(path).training.accumulation == 7
    new = [line for line in path.read_text().splitlines() if line not in before.splitlines()]
    assert new == ["accumulation = 7"]
    old = [line for line in path.read_text().splitlines() if line != "accumulation = 7"]
    assert [line for line in old if line] == [line for line in before.splitlines() if line]


def test_a_new_key_stays_in_its_section_above_the_comment_of_the_next(path: Path) -> None:
    path.write_text(
        '# Mine.\nnetwork = ["Linear 2"]\n\n# The data:\n[data]\nname = "moons"\n\n'
        '# How it learns.\n# Slowly.\n[optimizer]\nname = "sgd"  # plain\n# The end.\n'
    )
    experiment = toml_file.read(path)
    for key, value in (("seed", 5), ("data.noise", 0.3), ("optimizer.lr", 0.5)):
        experiment = with_value(experiment, key, value)

    toml_file.write(path, experiment)

    assert path.read_text() == (
        '# Mine.\nnetwork = ["Linear 2"]\nseed = 5\n\n# The data:\n[data]\nname = "moons"\n'
        'noise = 0.3\n\n# How it learns.\n# Slowly.\n[optimizer]\nname = "sgd"  # plain\n'
        "lr = 0.5\n# The end.\n"
    )


def test_only_what_differs_from_the_defaults_is_written(path: Path) -> None:
    experiment = with_value(Experiment(network=("Linear 2",)), "training.epochs", 3)

    toml_file.write(path, experiment)

    assert tomllib.loads(path.read_text()) == {
        "format": 1, "network": ["Linear 2"], "data": {"name": "spiral"},
        "optimizer": {"name": "adamw"}, "training": {"epochs": 3},
    }  # fmt: skip
    toml_file.write(path, experiment, is_complete=True)
    assert tomllib.loads(path.read_text())["training"]["accumulation"] == 1
    toml_file.write(path, with_value(experiment, "training.epochs", 10))
    assert tomllib.loads(path.read_text())["training"]["epochs"] == 10  # it was written before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read(path: Path, encoding: str) -> None:
    path.write_bytes('title = "Größe"\n'.encode(encoding))

    assert toml_file.read(path).title == "Größe"
    assert len(toml_file.find_errors(path)) == 1  # of an empty network


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("data/mine.csv", "{folder}/data/mine.csv"),
        ("./data/../data/mine.csv", "{folder}/data/mine.csv"),
        ("{folder}/data/mine.csv", "{folder}/data/mine.csv"),
        ("'{folder}/data/mine.csv'", "{folder}/data/mine.csv"),
        ("file://{folder}/data/mine.csv", "{folder}/data/mine.csv"),
        ("shell.csv", "{shell}/shell.csv"),
        ("fruit.csv", "fruit.csv"),
        ("nowhere.csv", "{folder}/nowhere.csv"),
        ("~/nowhere.csv", "~/nowhere.csv"),
    ],
)
def test_a_path_is_relative_to_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, resolved: str
) -> None:
    folder, shell = tmp_path / "experiments", tmp_path / "shell"
    for file in (folder / "data" / "mine.csv", shell / "shell.csv", shell / "data" / "mine.csv"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a,b\n1,2\n")
    monkeypatch.chdir(shell)
    folders = {"folder": folder, "shell": shell}
    value = text.format(**folders)
    (folder / "mine.toml").write_text(f'[data]\nname = "table"\npath = "{value}"\n')

    experiment = toml_file.read(folder / "mine.toml")

    assert getattr(experiment.data, "path", "") == resolved.format(**folders)
    toml_file.write(folder / "mine.toml", with_value(experiment, "seed", 5))
    assert f'path = "{value}"' in (folder / "mine.toml").read_text()  # as it was


def test_a_path_into_the_folder_of_a_new_file_is_written_relative_to_it(path: Path) -> None:
    data = path.parent / "data" / "mine.csv"
    data.parent.mkdir()
    data.write_text("a,b\n1,2\n")
    outside = Path(__file__)
    experiment = with_value(Experiment(), "data.name", "table")

    toml_file.write(path, with_value(experiment, "data.path", str(data)))
    assert 'path = "data/mine.csv"' in path.read_text()
    toml_file.write(path, with_value(experiment, "data.path", str(outside)))
    assert f'path = "{outside}"' in path.read_text()


def test_editing_one_layer_keeps_the_comments_of_the_others(path: Path) -> None:
    path.write_text(
        'network = [\n    "Linear 4",  # wide\n    "Tanh",\n    "Linear 2",  # the end\n]\n'
    )

    toml_file.write(
        path, with_value(toml_file.read(path), "network", ["Linear 4", "ReLU", "ELU", "Linear 2"])
    )

    text = path.read_text()
    assert toml_file.read(path).network == ("Linear 4", "ReLU", "ELU", "Linear 2")
    assert '"Linear 4",  # wide\n' in text
    assert '"Linear 2",  # the end\n' in text


def test_saving_unchanged_changes_no_value(path: Path) -> None:
    path.write_text(
        "[optimizer]  # mine\nname = 'sgd'\nlr = 1e-1  # high\n\n[training]\nepochs = 3\n"
    )

    toml_file.write(path, toml_file.read(path))

    assert "lr = 1e-1  # high" in path.read_text()
    assert "[optimizer]  # mine" in path.read_text()


def test_a_file_that_is_not_toml_is_not_overwritten(path: Path) -> None:
    path.write_text("my notes: do not lose\n")

    with pytest.raises(InputError, match="choose another name"):
        toml_file.write(path, Experiment())

    assert path.read_text() == "my notes: do not lose\n"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml_file.write(path, experiment_from_dict({"title": "old"}))

    def raise_disk_full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", raise_disk_full)
    with pytest.raises(OSError, match="No space left"):
        toml_file.write(path, experiment_from_dict({"title": "new"}))

    assert toml_file.read(path).title == "old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.02", 0.02),
        ("3", 3),
        ("true", True),
        ("adamw", "adamw"),
        ('"adamw"', "adamw"),
        ('["x1", "x2"]', ["x1", "x2"]),
        ("../shared/data", "../shared/data"),
        ("Dropout 0.2", "Dropout 0.2"),
        ("3\nseed = 4", "3\nseed = 4"),
        ("", ""),
    ],
)
def test_a_value_is_written_as_in_toml_and_quotes_may_be_left_out(text: str, value: object) -> None:
    assert toml_file.parse_value(text) == value
