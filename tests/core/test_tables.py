"""Tables: which columns there are, of what kind, and why a file cannot be used."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of, with_value
from tuilab.core.experiment.validation import find_errors
from tuilab.core.files import file_state
from tuilab.core.files.tables import delimited
from tuilab.core.files.tables.npz import find_arrays
from tuilab.core.files.tables.read_options import HeaderOption, ReadOptions
from tuilab.core.files.tables.table_layout import Layout
from tuilab.core.files.tables.text_source import find_encoding

Write = Callable[..., str]

FRUIT = """weight,color,fruit
120,red,apple
140,green,apple
,red,cherry
8,,cherry
9.5,dark,cherry
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, name: str = "fruit.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write_file


def detect(path: str, header: HeaderOption = "auto") -> Layout:
    source = find_encoding(file_state.stat_file(path, ""), "", "")
    return delimited.detect_layout(source, ReadOptions(header))


def kinds(data: Table) -> dict[str, str]:
    return {column.name: column.kind for column in data.info.inputs}


def test_numbers_categories_and_classes_are_recognized(write: Write) -> None:
    data = Table(path=write(FRUIT))

    weight, color = data.info.inputs
    assert (weight.kind, color.kind) == ("number", "category")
    assert color.values == ("dark", "green", "red", "(missing)")
    assert data.shape == (5,)
    assert data.classes == ("apple", "cherry")
    assert data.tasks == ("classification", "perceptron", "autoencoder")
    assert data.title == "fruit"


def test_any_column_can_be_the_target(write: Write) -> None:
    path = write(FRUIT)

    assert Table(path=path, target="color").classes == ("dark", "green", "red")
    assert Table(path=path, target="weight").tasks == ("regression", "autoencoder")
    assert Table(path=path, target="weight").classes == ()


@pytest.mark.parametrize(
    ("cells", "tasks", "classes"),
    [
        ("0 1 2 1 0", ("classification", "regression", "autoencoder"), ("0", "1", "2")),
        ("1.0 2.0 1 2 1", ("classification", "regression", "perceptron", "autoencoder"),
         ("1", "2")),
        ("1.5 2 3 4 5", ("regression", "autoencoder"), ()),
        ("10 9 8 -1 10", ("classification", "regression", "autoencoder"), ("-1", "8", "9", "10")),
        (" ".join(map(str, 5 * list(range(50)))), ("regression", "classification", "autoencoder"),
         tuple(map(str, range(50)))),
        (" ".join(map(str, range(50))), ("regression", "autoencoder"), ()),
        (" ".join(map(str, range(150))), ("regression", "autoencoder"), ()),
        ("True False True", ("classification", "perceptron", "autoencoder"), ("False", "True")),
    ],
)  # fmt: skip
def test_a_target_of_numbers_allows_the_tasks_that_fit_it(
    write: Write, cells: str, tasks: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    rows = [f"{number * number},{cell}" for number, cell in enumerate(cells.split())]

    data = Table(path=write("x,y\n" + "\n".join(rows)))

    assert (data.tasks, data.classes) == (tasks, classes)


def test_columns_without_information_are_left_out_with_a_reason(write: Write) -> None:
    head = "id,day,note,always,empty,x,year,y\n"
    rows = [
        f"{i},2024-01-{i % 28 + 1:02},remark {i},same,,{i * i},{1990 + i % 9},{i % 2}"
        for i in range(60)
    ]

    info = Table(path=write(head + "\n".join(rows))).info

    assert {column.name: column.reason for column in info.inputs if column.reason} == {
        "id": "it only numbers the rows",
        "note": "it has 60 distinct texts",
        "always": "it is always same",
        "empty": "it is empty",
    }
    assert info.shape == (3,)


def test_columns_can_be_left_out_by_hand(write: Write) -> None:
    path = write(FRUIT)

    assert kinds(Table(path=path, leave_out="color")) == {
        "weight": "number",
        "color": "left out",
    }
    with pytest.raises(InputError, match=r'leave_out.*there is no column "colr"; nearest'):
        Table(path=path, leave_out="colr").shape  # noqa: B018
    with pytest.raises(
        InputError, match=r'no column is left as an input .*"weight": it is in data.leave_out'
    ):
        Table(path=path, leave_out="weight, color").shape  # noqa: B018


@pytest.mark.parametrize(
    ("content", "names", "delimiter"),
    [
        ("a,b\n1,2\n3,4\n", ("a", "b"), ","),
        ("a;b\n1,5;2,5\n3,25;4\n", ("a", "b"), ";"),
        ("1,5;2,5;3\n2,5;3,5;4\n", ("column 1", "column 2", "column 3"), ";"),
        ("a\tb, c\n1\t2\n3\t4\n", ("a", "b, c"), "\t"),
        ('a,"b;c",d\n1,"x;y",2\n3,"z, w",4\n', ("a", "b;c", "d"), ","),
        ("\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n", ("a", "b"), ","),
        ("a, b\n1, 2\n3, 4", ("a", "b"), ","),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,virginica\n",
         ("column 1", "column 2", "column 3"), ","),
        ("color,size\nred,big\ngreen,small\n", ("color", "size"), ","),
        ("red,big\ngreen,small\nred,small\n", ("column 1", "column 2"), ","),
        ("a,a,,a\n1,2,3,4\n3,4,5,5\n", ("a", "a (2)", "unnamed 3", "a (3)"), ","),
        ("c,x\na,1\nc,2\n", ("c", "x"), ","),
        ("a,b\nb,a\na,b\n", ("column 1", "column 2"), ","),
        ("x,y,\n1,2,\n3,4,\n", ("x", "y", "unnamed 3"), ","),
    ],
)  # fmt: skip
def test_delimiter_and_header_are_detected(
    write: Write, content: str, names: tuple[str, ...], delimiter: str
) -> None:
    layout = detect(write(content))

    assert (layout.names, layout.delimiter) == (names, delimiter)


def test_the_header_can_be_set(write: Write) -> None:
    path = write("1,2\n3,4\n5,7\n")

    assert detect(path, "auto").names == ("column 1", "column 2")
    assert detect(path, "yes").names == ("1", "2")
    assert detect(path, "no").names == ("column 1", "column 2")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"\n\n\n", "all of its lines are empty"),
        (
            b"alone\n1\n2\n",
            "a table needs at least two columns, separated by comma, semicolon or tab",
        ),
        (b"a,b\n", "it has a header and no rows"),
        (b"a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 cells, but there are 2 columns"),
        (b'a,b\n"1\n1",2\n3\n', "line 4 has 1 cells, but there are 2 columns"),
        ("a,b\näöü,2\n".encode() + b"\xc4pfel,3\n", "line 3 is not UTF-8: byte 1 is 0xc4"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8", "it is damaged: not all of it is UTF-16"),
        (b"a,b\n1,x\n2,x\n", 'column "b": it is the target, but always x'),
        (b"a,b\n1,1\n2,1\n", 'column "b": it is the target, but always 1'),
        (b"a,b\n1,\n2,?\n", "it is the target, but all of its cells are missing"),
        (b"a,b\n1,2\n1,3\n", 'no column is left as an input .*"a": it is always 1'),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(
    write: Write, content: bytes, problem: str
) -> None:
    path = write(content)

    for _ in range(2):  # also when it is cached
        with pytest.raises(InputError, match=problem) as error:
            Table(path=path).shape  # noqa: B018
        assert path in error.value.where
    (message,) = find_errors(Experiment(data=Table(path=path)))
    assert message.startswith("data: ")
    assert Table(path=path).classes == ()


def test_a_missing_file_or_column_is_refused(tmp_path: Path, write: Write) -> None:
    path = write(FRUIT)

    for data, problem in (
        (Table(), r"data\.path: it is not set; set it to a table: CSV"),
        (Table(path=str(tmp_path / "no.csv")), "there is no such file"),
        (Table(path=str(tmp_path)), "it is a folder; name a file in it"),
        (Table(path="a\0b"), "no file can have this name"),
        (Table(path=path, target="friut"), r'target.*no column "friut"; nearest to "friut" is'),
    ):
        with pytest.raises(InputError, match=problem):
            data.shape  # noqa: B018


def test_a_changed_file_is_inspected_again(write: Write) -> None:
    path = write(FRUIT)
    assert Table(path=path).shape == (5,)

    write("a,b\n1,2\n2,3\n")
    os.utime(path, ns=(1, 1))

    assert Table(path=path).shape == (1,)


def test_a_large_file_is_sampled(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_FULL_SCAN_BYTES", 10_000)
    monkeypatch.setattr(delimited, "HEAD_BYTES", 2_000)
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 500)
    rows = [f"{i * 7 % 1000},{'abc'[i * 3 // 9000]},{['no', 'yes'][i % 2]}" for i in range(9000)]

    info = Table(path=write("x,late,y\n" + "\n".join(rows))).info

    assert not info.is_complete
    assert info.inputs[1].values == ("a", "b", "c", "(other)")
    assert info.classes == ("no", "yes")


def test_the_task_follows_the_file(write: Write) -> None:
    experiment = with_value(Experiment(), "data.name", "table")

    numbers = with_value(experiment, "data.path", write("x,y\n1,2.5\n2,3.5\n3,7\n", "y.csv"))
    classes = with_value(numbers, "data.path", write(FRUIT))

    assert (name_of(numbers.task), name_of(numbers.loss)) == ("regression", "mse")
    assert name_of(classes.task) == "classification"


@given(st.text(max_size=200))
def test_any_text_is_inspected_or_refused(content: str) -> None:
    path = Path(os.environ["TUILAB_HOME"]) / "any.csv"
    path.write_bytes(content.encode("utf-8", "replace"))

    try:
        info = Table(path=str(path)).info
    except InputError as error:
        assert error.where
        return
    assert info.shape[0] >= 1


@given(st.binary(max_size=200))
def test_any_bytes_in_an_archive_are_refused(content: bytes) -> None:
    path = Path(os.environ["TUILAB_HOME"]) / "any.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + content)
        archive.writestr("y.npy", content)

    with pytest.raises(InputError):
        find_arrays(file_state.stat_file(str(path), ""), "")
