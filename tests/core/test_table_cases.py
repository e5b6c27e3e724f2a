"""Tables as people have them: what each kind of file is read as."""

import gzip
import lzma
import math
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzz_data_files import fuzz_data_files, make_workbook
from tests.support.table_files import columns_of, kinds_of, rows_of, sample, values_of
from tuilab.cli.overrides import apply_overrides
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.form import format_knob, iter_form_knobs, parse_input
from tuilab.core.files.tables.columns import split_names
from tuilab.core.files.tables.date_format import choose_date_format, parse_date
from tuilab.core.files.tables.missing_words import is_missing
from tuilab.core.files.tables.number_format import NumberFormat, parse_number

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, name: str = "some.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "delimiter", "numbers"),
    [
        ("2,398|443|1,060", ",", (2398, 443, 1060)),
        ("1,234,567|999", ";", (1234567, 999)),
        ("12,34,567|9,999|500", ";", (1234567, 9999, 500)),
        ("1,234.5|2.25", ",", (1234.5, 2.25)),
        ("1.234,5|2,25", ";", (1234.5, 2.25)),
        ("1.234.567|12.500", ";", (1234567, 12500)),
        ("1.234|12.500|443|7", ";", (1234, 12500, 443, 7)),
        ("1.234|12.500", ",", (1.234, 12.5)),
        ("0,125|1,500", ";", (0.125, 1.5)),
        ("1 234,50|12,5", ";", (1234.5, 12.5)),
        ("1\u202f234,50|1\u00a0000,5", ";", (1234.5, 1000.5)),
        ("1'234.50|12’345.00", ",", (1234.5, 12345)),
        ("1e5|2.5E-3", ",", (1e5, 2.5e-3)),
        ("1,5E+03|2,5", ";", (1500, 2.5)),
        ("$11.43|$1,200.00|-$3", ",", (11.43, 1200, -3)),
        ("12,50 €|1.000,00 €", ";", (12.5, 1000)),
        ("CHF 12.50|CHF 1'000.00", ",", (12.5, 1000)),
        ("US$ 5|US$ 7.5", ",", (5, 7.5)),
        ("$123,456|$654,321", ",", (123456, 654321)),
        ("60%|12.5 %", ",", (60, 12.5)),
        ("6.6 kg|12 KG", ",", (6.6, 12)),
        ("1 year|5 years", ",", (1, 5)),
        ("20°C|-3°C", ",", (20, -3)),
        ("(1,234.50)|5.00", ",", (-1234.5, 5)),
        ("1,234.00-|5.00", ",", (-1234, 5)),
        ("(3.5%)|4.2%", ",", (-3.5, 4.2)),
        ("($3.50)|$4", ",", (-3.5, 4)),
        ("−5|7", ",", (-5, 7)),
        ("+5|7", ",", (5, 7)),
        ("<0.1|0.5|>100", ",", (0.1, 0.5, 100)),
        ("10+|5", ",", (10, 5)),
        ("1.2k|3M|500", ",", (1200, 3e6, 500)),
        ("£1.2m|£500k", ",", (1.2e6, 5e5)),
        ("5 m|7 m", ",", (5, 7)),
        ('="12"|="7"', ",", (12, 7)),
        (".5|5.", ",", (0.5, 5)),
        ("4/10|9.5/10", ",", (4, 9.5)),
        ("1-star|5-star", ",", (1, 5)),
        ("from €40|from €1,100", ",", (40, 1100)),
        ("€40/night|€1,100/night", ",", (40, 1100)),
        ("Rs. 1,23,456/-|Rs. 999/-", ",", (123456, 999)),
        ("1.5×10^3|2×10^-1", ",", (1500, 0.2)),
        ("1.5*|2.5**|3 †|4", ",", (1.5, 2.5, 3, 4)),
        ("120[1]|1,300[2]|90[a]", ",", (120, 1300, 90)),
        ("1.5GB|200MB|12 KB", ",", (1.5e9, 2e8, 12e3)),
        ("3 MB|4 MB", ",", (3, 4)),
        ("2.5 Lakh|1.2 Cr", ",", (2.5e5, 1.2e7)),
        ("1.5万|3億", ",", (15000, 3e8)),
        ("5'11\"|6'1\"|5'", ",", (71, 73, 60)),
        ("5 ft 11 in|6ft 1.5in|6 feet", ",", (71, 73.5, 72)),
        ("5′11″|6′1″", ",", (71, 73)),
        ("1/2|3/4", ",", (0.5, 0.75)),
        ("3 1/2|2|-1 1/16|0.5", ",", (3.5, 2, -1.0625, 0.5)),
        ("½|1¼|2 ¾|3-1/8", ",", (0.5, 1.25, 2.75, 3.125)),
    ],
)
def test_numbers_are_read_as_they_are_meant(
    write: Write, cells: str, delimiter: str, numbers: tuple[float, ...]
) -> None:
    path = write(columns_of(cells.split("|"), delimiter))

    column = Table(path=path).info.inputs[0]

    assert column.kind == "number"
    assert [parse_number(cell, column.number_format) for cell in cells.split("|")] == list(numbers)


@pytest.mark.parametrize(
    ("option", "number"),
    [
        ({"decimal": ","}, 1.234),
        ({"decimal": "."}, 1234.0),
        ({"thousands": ","}, 1234.0),
        ({"thousands": "."}, 1.234),
    ],
)
def test_a_user_can_say_what_separators_mean(
    write: Write, option: dict[str, Any], number: float
) -> None:
    path = write(columns_of(["1,234", "5,678"], ";"))

    column = Table(path=path, **option).info.inputs[0]

    assert parse_number("1,234", column.number_format) == number


def test_where_the_evidence_does_not_decide_it_is_said_how_to_decide(write: Write) -> None:
    info = Table(path=write(columns_of(["1,234", "5,678"], ","))).info

    (remark,) = [text for text in info.remarks if "if it is" in text]
    assert remark == (
        '"x": the comma is taken to separate thousands; if it is a decimal mark, '
        'set data.decimal to ",".'
    )


@pytest.mark.parametrize(
    "cells",
    [
        "S14|S05|S25",
        "1/2|7/9",
        "5/2|3/4",
        "12'15\"|13'20\"",
        "5-Jan|7-Jan",
        "$5|€6|£7",
        "10-20|20-30",
        "5 kg|7 lb|3 st|1 g",
        "1.2.3|1.2.4",
    ],
)
def test_codes_and_ranges_are_no_numbers(write: Write, cells: str) -> None:
    assert kinds_of(write(columns_of(cells.split("|"), ",")))["x"] in ("category", "left out")


def test_two_numbers_in_a_cell_are_no_categories_in_silence(write: Write) -> None:
    pressures = [f"{100 + i % 45}/{60 + i % 31}" for i in range(600)]
    many = write(rows_of([(i / 7, cell, "ab"[i % 2]) for i, cell in enumerate(pressures)], "x,p,y"))
    few = write(rows_of([(i / 7, ["16/9", "4/3", "16x10"][i % 3], "ab"[i % 2])
                         for i in range(60)], "x,p,y"), "few.csv")  # fmt: skip

    _, pressure = Table(path=many).info.inputs

    assert (pressure.kind, pressure.reason) == (
        "left out", 'its cells hold two numbers, such as "100/60"; split it into two columns'
    )  # fmt: skip
    assert Table(path=few).info.inputs[1].kind == "category"
    assert 'taken for a category: "p" (16/9); split' in " ".join(Table(path=few).info.remarks)
    assert Table(path=many, kinds={"p": "category"}).info.inputs[1].width > 40


NUMBERS = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: round(value, 3))


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.booleans(), st.booleans())
def test_numbers_written_in_either_convention_are_read_back(
    numbers: list[float], is_european: bool, is_grouped: bool
) -> None:
    texts = [f"{value:,.3f}" if is_grouped else f"{value:.3f}" for value in numbers]
    if is_european:
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    texts = [f"{text[:-4]}{text[-4]}25{text[-3:]}" for text in texts]  # six decimals: no groups
    expected = [float(f"{value:.3f}"[:-3] + "25" + f"{value:.3f}"[-3:]) for value in numbers]

    style = infer_format(texts, ";" if is_european else ",")

    assert [parse_number(text, style) for text in texts] == pytest.approx(expected, rel=1e-12)


def infer_format(texts: list[str], delimiter: str) -> NumberFormat:
    from tuilab.core.files.tables.column_profile import Cells, FileContext, Profile
    from tuilab.core.files.tables.read_options import DEFAULT_OPTIONS

    context = FileContext(DEFAULT_OPTIONS, delimiter)
    return Profile(Cells.count("x", 0, texts), ()).choose_number_format(context)


@given(st.text(max_size=30))
def test_any_cell_is_a_number_or_not(cell: str) -> None:
    for style in (NumberFormat(), NumberFormat(",", ". '"), NumberFormat(is_scaled=True)):
        try:
            value = parse_number(cell, style)
        except (ValueError, OverflowError):
            continue
        assert isinstance(value, float)


# --- missing values and bad cells --------------------------------------------------------------


def test_words_for_missing_values_are_missing() -> None:
    words = ". - -- ? NA n/a N/A #N/A #DIV/0! #REF! #NAME? #VALUE! #NUM! #BEZUG! #NV ##### nan NULL"
    assert all(map(is_missing, [*words.split(), "", "  ", "<NA>", "NaT", r"\N", "not available"]))
    assert not any(map(is_missing, ["0", "no", "#1", "#abc", "A", "-1", "x", "#ff0000"]))
    assert is_missing("-999", ("-999",))


def test_a_bad_cell_of_numbers_is_missing_up_to_a_share(write: Write) -> None:
    few = write(rows_of([("oops" if i == 40 else i / 7, "ab"[i % 2]) for i in range(100)]))
    assert kinds_of(few) == {"x": "number"}
    many = write(rows_of([("oops" if i % 10 == 3 else i / 7, "ab"[i % 2]) for i in range(100)]))

    with pytest.raises(InputError, match='"oops" is not a number; 10 of its 100') as caught:
        Table(path=many).info  # noqa: B018

    assert caught.value.where == (many, 'line 5, column "x"')
    assert Table(path=many, kinds={"x": "number"}).info.shape == (1,)
    assert Table(path=many, missing="Oops").info.shape == (1,)


def test_words_are_classes_in_a_target_of_texts_unless_numbers_use_them(write: Write) -> None:
    words = ["none", "NA", "-", "+", "?"]
    classes = write(rows_of([(i / 7, words[i % 5]) for i in range(50)]))
    missing = write(rows_of([("NA" if i % 7 == 0 else i / 7, ["yes", "no", "NA"][i % 3])
                             for i in range(50)]), "other.csv")  # fmt: skip

    assert set(Table(path=classes).classes) == set(words)
    assert Table(path=missing).classes == ("no", "yes")
    assert "Taken for classes, not missing" in " ".join(Table(path=classes).info.remarks)


# --- header and lines --------------------------------------------------------------------------

DATA = "".join(f"{i / 7:.2f},{i * i},{'ab'[i % 2]}\n" for i in range(12))


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (f",0,1\n{DATA}", ("unnamed 1", "0", "1")),
        (f"x,1,y\n{DATA}", ("x", "1", "y")),
        (f"Na,Mg,Type\n{DATA}", ("Na", "Mg", "Type")),
        (f"1st,2nd,3rd\n{DATA}", ("1st", "2nd", "3rd")),
        (f"# a note\n# unit: C\nx,z,y\n{DATA}", ("x", "z", "y")),
        (f"# x,z,y\n{DATA}", ("x", "z", "y")),
        (f"#,z,y\n{DATA}", ("#", "z", "y")),
        (f"Report of May\nby hand\n\nx,z,y\n{DATA}", ("x", "z", "y")),
        (f"Report of May,,\nx,z,y\n{DATA}", ("x", "z", "y")),
        (f"x,z,y\n°C,km,\n{DATA}", ("x", "z", "y")),
        (f"x,z,y\nHow tall are you in meters?,How old are you?,Which?\n{DATA}", ("x", "z", "y")),
        (f'x,z,y\nHow tall?,Age,Which?\n"{{a: 1}}","{{a: 2}}","{{a: 3}}"\n{DATA}', ("x", "z", "y")),
        (f"TOA5,7\nx,z,y\nTS,RN,\n,Avg,Tot\n{DATA}", ("x", "z", "y")),
        (f"m,m,h\nmean,std,\ngroup,,\n{DATA}", ("m", "m (2)", "h")),
        (f"sep=,\nx,z,y\n{DATA}", ("x", "z", "y")),
        (f"\ufeffsep=;\r\nx;z;y\r\n{DATA}".replace(",", ";"), ("x", "z", "y")),
        (f"x,z,y\n{DATA}\nSource: my own\n", ("x", "z", "y")),
        (f"x,z,y\n{DATA}\nSource: World Bank, 2023\nChanged: today\n", ("x", "z", "y")),
        (f"x,z,y\n---+---+---\n{DATA}(12 rows)\n".replace(",", "|"), ("x", "z", "y")),
        (
            f"| x | z | y\n|---|--:|:--\n| {DATA[:-1]}\n".replace("\n0", "\n| 0")
            .replace("\n1", "\n| 1")
            .replace(",", " | "),
            ("unnamed 1", "x", "z", "y"),
        ),
        (f"A list\n\n-----\nx|z|y\n-----\n{DATA}-----\n".replace(",", "|"), ("x", "z", "y")),
        (f"x,z,y\n{DATA}".replace("\n", "\r"), ("x", "z", "y")),
        (f"x,z,y\n{DATA}".replace(",", "  "), ("x", "z", "y")),
        (f"x,z,y\n{DATA}".replace(",", " | "), ("x", "z", "y")),
        (f"x,z,y\n{DATA}x,z,y\n".replace("\n1", "\nx,z,y\n1", 1), ("x", "z", "y")),
        (f"Name,1/22/20,1/23/20\n{DATA}".replace("a\n", "5.5\n"), ("Name", "1/22/20", "1/23/20")),
        (f"2000-01-31,2000-02-29,y\n{DATA}", ("2000-01-31", "2000-02-29", "y")),
        (f"Name,1960,2022\n{DATA}".replace("a\n", "5.5\n"), ("Name", "1960", "2022")),
        (
            "".join(f'{i / 7:.2f}  {i * i}  5.  7.5\t"car {"ab"[i % 2]}"\n' for i in range(12)),
            tuple(f"column {i}" for i in (1, 2, 3, 4, 5)),
        ),
        (f"x,z\n{DATA}", ("row names", "x", "z")),
        ("x,z,y\n" + DATA.replace("\n", ",\n"), ("x", "z", "y")),
        (f'"x\n(m)",z,y\n{DATA}', ("x (m)", "z", "y")),
        (DATA, ("column 1", "column 2", "column 3")),
    ],
)
def test_the_header_is_found(write: Write, content: str, names: tuple[str, ...]) -> None:
    info = Table(path=write(content)).info
    assert info.layout is not None

    assert info.layout.names == names
    assert len(sample(info)) == 12


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1", "utf-16-le"])
def test_any_usual_encoding_is_read(write: Write, encoding: str) -> None:
    rows = [(i / 7, ["grün", "weiß"][i % 2]) for i in range(20)]

    data = Table(path=write(rows_of(rows, head="größe,farbe").encode(encoding)))

    assert data.classes == ("grün", "weiß")
    assert data.info.inputs[0].name == "größe"
    assert ("Windows-1252" in " ".join(data.info.remarks)) == (encoding == "latin-1")


@pytest.mark.parametrize(
    ("encoding", "name", "words"),
    [
        ("cp1251", "ИМЯ", "КАЗАНЬ МОСКВА САНКТ-ПЕТЕРБУРГ ЕКАТЕРИНБУРГ НОВОСИБИРСК"),
        ("koi8_r", "ИМЯ", "КАЗАНЬ МОСКВА САНКТ-ПЕТЕРБУРГ ЕКАТЕРИНБУРГ НОВОСИБИРСК"),
        ("cp1253", "ΠΟΛΗ", "ΑΘΗΝΑ ΠΑΤΡΑ ΘΕΣΣΑΛΟΝΙΚΗ ΗΡΑΚΛΕΙΟ"),
        ("cp1251", "город", "Казань Москва"), ("koi8_r", "город", "Казань Москва"),
        ("cp1253", "πόλη", "Αθήνα Πάτρα"), ("cp1254", "şehir", "Muğla İstanbul"),
        ("cp1255", "עיר", "חיפה ירושלים"), ("cp1256", "مدينة", "القاهرة دمشق"),
        ("shift_jis", "都市", "大阪 東京"), ("cp932", "商品", "コーヒー ラーメン"),
        ("euc_jp", "都市", "大阪市 東京都 名古屋 さっぽろ"), ("gb18030", "城市", "上海 北京"),
        ("big5", "城市", "臺北 高雄"), ("cp949", "도시", "부산 서울"),
        ("cp1252", "wörter", "naïve öäü"), ("cp1252", "été", "être œuvre"),
        ("cp1252", "año", "José Núñez María Peña Córdoba León Málaga Muñoz"),
        ("cp1250", "město", "Plzeň Ústí Česká Třebová"),
        ("cp1250", "imię", "Łukasz Wiśniewski Małgorzata Dąbrowska"),
        ("iso8859_2", "imię", "Łukasz Wiśniewski Małgorzata Dąbrowska"),
        ("cp1250", "név", "Győző Szűcs Székesfehérvár"),
        ("mac_roman", "prénom", "François Lefèvre Hélène Bénard"),
        ("mac_roman", "Größe", "Jürgen Müller Käthe Groß"),
        ("cp852", "jméno", "Jiří Dvořák Šťastný Zdeněk Říha"),
    ],
)  # fmt: skip
def test_older_encodings_are_recognized_by_their_letters(
    write: Write, encoding: str, name: str, words: str
) -> None:
    classes = words.split()
    text = rows_of([(i / 7, classes[i % len(classes)]) for i in range(20)], head=f"{name},y")

    data = Table(path=write(text.encode(encoding)))

    assert (data.info.inputs[0].name, data.classes) == (name, tuple(sorted(classes)))
    assert "The file is not UTF-8; it is read as" in data.info.remarks[0]


@pytest.mark.parametrize("encoding", ["KOI8-R", "cp1251", "Shift_JIS", "utf-16-be", "cp500"])
def test_a_user_can_say_the_encoding(write: Write, encoding: str) -> None:
    text = "Ж" if encoding not in ("cp500",) else "ö"
    path = write(rows_of([(i / 7, f"{text}{i % 2}") for i in range(20)]).encode(encoding))

    info = Table(path=path, encoding=encoding).info

    assert info.classes == (f"{text}0", f"{text}1")
    assert not any("UTF-8" in remark for remark in info.remarks)


@pytest.mark.parametrize(
    ("encoding", "problem"),
    [
        ("cp1215", 'no encoding "cp1215" of texts; nearest .*cp1125'),
        ("rot13", 'no encoding "rot13" of texts'),
        ("", 'no encoding "" of texts'),
        ("shift_jis", "line 3 is not SHIFT_JIS: byte 1 is 0xf6; save it as UTF-8"),
        ("utf-8", "line 3 is not UTF-8: byte 1 is 0xf6; save it as UTF-8"),
    ],
)
def test_an_encoding_that_does_not_fit_is_an_error(
    write: Write, encoding: str, problem: str
) -> None:
    path = write("x,y\n1,ab\nö,c\n".encode("latin-1"))

    with pytest.raises(InputError, match=problem):
        Table(path=path, encoding=encoding).info  # noqa: B018


def test_one_letter_outside_ascii_is_read_as_windows_1252(write: Write) -> None:
    path = write(rows_of([(f"{i} °C", "ab"[i % 2]) for i in range(2, 20)]).encode("cp1252"))

    info = Table(path=path).info

    assert info.inputs[0].number_format.unit == "°C"
    assert (
        "Windows-1252 (Western Europe), a guess; if texts look wrong, set data.encoding."
        in (info.remarks[0])
    )


@pytest.mark.parametrize(
    ("delimiter", "option"),
    [("^", "^"), (":", "colon"), ("\x01", "\x01"), ("\t", "\\t"), ("~", " ~ "), ("/", "/")],
)
def test_a_user_can_say_the_delimiter(write: Write, delimiter: str, option: str) -> None:
    rows = [(i / 7, "ab"[i % 2]) for i in range(20)]
    path = write(rows_of(rows).replace(",", delimiter))

    assert Table(path=path, delimiter=option).classes == ("a", "b")
    with pytest.raises(InputError, match=r'data\.delimiter: "::" cannot separate cells'):
        Table(path=path, delimiter="::").info  # noqa: B018


def test_a_quote_that_is_never_closed_is_named_where_it_opens(write: Write) -> None:
    rows = [f"a{i},{i / 7},b\n" for i in range(30)]
    rows[10] = '"a10,1.5,b\n'

    with pytest.raises(InputError, match="a quote that opens in line 12 is never closed") as caught:
        Table(path=write("t,x,y\n" + "".join(rows))).info  # noqa: B018

    assert caught.value.where[-1] == 'line 12, column "t"'


def test_a_backslash_before_a_quote_is_part_of_the_text(write: Write) -> None:
    rows = "".join(f'"say \\"{"ab"[i % 2]}, c\\" now",{i / 7:.2f},y{i % 3}\n' for i in range(20))

    info = Table(path=write(f"t,x,y\n{rows}")).info

    assert info.inputs[0].values == ('say "a, c" now', 'say "b, c" now')


TOTALS = "".join(f"shop {i};{i / 4:.2f};{1000 * i}\n" for i in range(1, 10)).replace(".", ",")


@pytest.mark.parametrize(
    ("last", "functions"),
    [
        ("Total;11,25;45000", {11: "sum"}),
        ("Summe:;11,25;45.000", {11: "sum"}),
        ("Grand total;;45 000", {11: "sum"}),
        ("Average;1,25;", {11: "mean"}),
        ("Total;11,25;45000\nDurchschnitt;1,3;5000\nMax;2,25;9000", {11: "sum", 12: "mean",
                                                                      13: "maximum"}),
        (";Total;45000", {11: "sum"}),
        ("Total;3,25;4000", {}),  # a brand of fuel
        ("Total;;", {}),
        ("shop 10;11,25;45000", {}),
    ],
)  # fmt: skip
def test_a_row_that_sums_up_the_others_is_left_out(
    write: Write, last: str, functions: dict[int, str]
) -> None:
    info = Table(path=write(f"shop;size;sales\n{TOTALS}{last}\n")).info

    rows = len(f"{TOTALS}{last}".splitlines()) - len(functions)
    assert len(sample(info)) == rows
    assert [text for text in info.remarks if "rows above" in text] == [
        f"Line {line} is left out: it is the {name} of the rows above."
        for line, name in functions.items()
    ]


@pytest.mark.parametrize(
    ("row", "where"),
    [("1,2,3,4", 'line 3, column "4"'), ("1,2", 'line 3, column "y"')],
)
def test_a_row_of_another_length_is_named(write: Write, row: str, where: str) -> None:
    with pytest.raises(InputError, match="line 3 has") as caught:
        Table(path=write(f"x,z,y\n1,2,a\n{row}\n{DATA}")).info  # noqa: B018

    assert caught.value.where[-1] == where


# --- kinds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make", "kind"),
    [
        ("anything", lambda i: i, "left out"),
        ("anything", lambda i: i + 1, "left out"),
        ("anything", lambda i: i + 5, "number"),
        ("anything", lambda i: i * i % 89, "number"),
        ("acct", lambda i: 100000000000000000 + i * 7919 % 1000, "left out"),
        ("anything", lambda i: 9007199254740993 + i * 7919, "left out"),
        ("customer_id", lambda i: i * 7919 % 100_003, "left out"),
        ("tweet_id", lambda i: 1_600_000_000_000_000_000 + i * 7_919_000, "left out"),
        ("store_id", lambda i: i % 7 + 1, "category"),
        ("zip", lambda i: f"{i % 6:05}", "category"),
        ("zip", lambda i: 10000 + i * 7919 % 89_000, "left out"),
        ("ts", lambda i: 1_700_000_000_000 + i * 977, "number"),
        ("day", lambda i: f"2024-01-{i % 28 + 1:02}", "date"),
        ("day", lambda i: f"{i % 28 + 1}-Jan-2024", "date"),
        ("day", lambda i: 20240101 + i % 28, "date"),
        ("at", lambda i: f"{i % 24}:{i % 60:02}", "date"),
        ("at", lambda i: f"1/{i % 28 + 1}/2024 {i % 12 + 1}:05 PM", "date"),
        ("sex", lambda i: ["male", "Male", "MALE ", "female"][i % 4], "category"),
        ("note", lambda i: f"remark {i}", "left out"),
        ("state", lambda i: f"S{i % 60:02}", "category"),
    ],
)
def test_the_cells_decide_the_kind_of_a_column(
    write: Write, name: str, make: Callable[[int], object], kind: str
) -> None:
    rng = random.Random(1)
    rows = [(rng.random(), make(i), "ab"[i % 2]) for i in range(600)]

    assert kinds_of(write(rows_of(rows, head=f"x,{name},y")))[name] == kind


@pytest.mark.parametrize("classes", [("<=50K", ">50K"), ("<30", ">30"), ("≤5", ">5")])
def test_limits_alone_are_classes(write: Write, classes: tuple[str, str]) -> None:
    rows = [(classes[i % 5 % 2], i / 7, classes[i % 2]) for i in range(40)]

    data = Table(path=write(rows_of(rows, head="x,z,y")))

    assert data.info.inputs[0].kind == "category" and set(data.classes) == set(classes)


def test_times_can_be_predicted_and_days_cannot(write: Write) -> None:
    times = [(i, "ab"[i % 2], f"{2 + i % 3}:{i % 60:02}:30") for i in range(40)]
    days = [(i, f"2024-01-{i % 28 + 1:02}") for i in range(40)]

    data = Table(path=write(rows_of(times, head="age,city,finish")))

    assert data.tasks[0] == "regression" and data.info.is_numeric
    with pytest.raises(InputError, match="it is the target, but holds dates"):
        Table(path=write(rows_of(days), "days.csv")).info  # noqa: B018


def test_spellings_are_combined_and_letters_that_differ_by_case_are_not(write: Write) -> None:
    sexes = write(rows_of([(["male", "Male", "male", "FEMALE ", "female", "female"][i % 6], i % 2)
                           for i in range(60)]))  # fmt: skip
    letters = write(rows_of([(i / 7, "abcdABCD"[i % 8]) for i in range(80)]), "letters.csv")

    info = Table(path=sexes).info

    assert info.inputs[0].values == ("female", "male")
    assert 'Spellings combined: "x" (Male/male, FEMALE/female).' in info.remarks
    assert Table(path=sexes, kinds={"x": "exact"}).info.inputs[0].width == 4
    assert len(Table(path=letters).classes) == 8


def test_a_user_can_say_what_columns_are(write: Write) -> None:
    rng = random.Random(1)
    rows = [(rng.randint(10000, 99999), f"{rng.randint(1, 12)}/{rng.randint(1, 12)}/2024", i / 7,
             i % 4) for i in range(80)]  # fmt: skip
    path = write(rows_of(rows, head='zip,day,"Sales, net",y'))
    data = Table(path=path, kinds={"zip": "category", "day": "dmy", "Sales, net": "left out"})

    zips, day, sales = data.info.inputs

    assert (zips.kind, len(zips.values)) == ("category", len({row[0] for row in rows}))
    assert day.date_format is not None and day.date_format.order == "dmy"
    assert sales.reason == "data.kinds leaves it out"
    assert Table(path=path, kinds={"y": "number"}).tasks == ("regression", "autoencoder")
    assert Table(path=path, kinds={"y": "category"}).tasks[0] == "classification"
    with pytest.raises(InputError, match=r'data\.kinds.*no column "zipp"; nearest .* "zip"'):
        Table(path=path, kinds={"zipp": "category"}).info  # noqa: B018


def test_names_with_commas_are_found_in_a_list() -> None:
    names = ("Sales, net", "zip", "a", "b")

    assert split_names('zip, "Sales, net"', names) == ["zip", "Sales, net"]
    assert split_names("Sales, net, zip", names) == ["Sales, net", "zip"]
    assert split_names("a,b , c", names) == ["a", "b", "c"]
    assert split_names("", names) == []


def test_the_target_is_the_column_that_is_called_so_or_the_last(write: Write) -> None:
    rows = [(i % 3, i / 7, i * i / 3) for i in range(60)]

    assert not_named(write(rows_of(rows, head="a,b,c"))) == "c"
    assert not_named(write(rows_of(rows, head="label,b,c"))) == "label"
    assert not_named(write(rows_of(rows, head="Class,b,y"))) == "y"
    empty = [(*row, "", "") for row in rows]
    assert not_named(write(rows_of(empty, head="a,b,c,,"))) == "c"


def not_named(path: str) -> str:
    target = Table(path=path).info.target
    assert target is not None
    return target.name


@pytest.mark.parametrize(
    ("cells", "day"),
    [
        (["2024-03-05", "2024-03-06T12:00:00Z"], 19787),
        (["2024/3/5 0:00", "2024/3/6 18:30:15"], 19787),
        (["05.03.2024", "06.03.2024"], 19787),
        (["5-Mar-2024", "6-Mar-2024"], 19787),
        (["5 March 2024", "6 mars 2024"], 19787),
        (["March 5, 2024", "Mar 6, 2024"], 19787),
        (["Tue, 5 Mar 2024 00:00:00 GMT", "Wed, 6 Mar 2024 00:00:00 GMT"], 19787),
        (["3/5/2024", "3/26/2024"], 19787),
        (["5/3/2024", "26/3/2024"], 19787),
        (["3/5/24 12:00 AM", "3/26/24 1:00 PM"], 19787),
        (["20240305", "20240306"], 19787),
        (["2024-03", "2024-04"], 19783),
        (["Mar-24", "Apr-24"], 19783),
        (["2024-Q1", "2024-Q2"], 19723),
        (["2024-03-05 02:00+02:00", "2024-03-06"], 19787),
        (["5. maj 2024", "6. marts 2024"], 19848),
        (["5 marca 2024", "6 paź 2024"], 19787),
        (["2024年3月5日", "2024年3月6日"], 19787),
        (["2024-W10", "2024-W11-2"], 19786),
        (["1 days 06:00:00", "0 days 01:30:00.5"], 1.25),
        (["45:30", "7:15"], 1.8958333),
        (["-1 days 12:00:00", "26:30:00"], -1.5),
        (["2024/03/05 6:00:00 PM GMT+2"], 19787.66666667),
        (["06.30.00", "18.00.00"], 0.2708333),
        (["1h 30m", "2h 5m"], 0.0625),
        (["PT1H30M", "PT45M"], 0.0625),
        (["1 hour 30 minutes", "2 hours"], 0.0625),
        (["-1d 12h", "3d 5h 10s"], -1.5),
        (["6:00", "18:30"], 0.25),
        (["06:00:00 PM", "1:00 AM"], 0.75),
    ],
)
def test_dates_are_days(cells: list[str], day: float) -> None:
    style = choose_date_format(dict.fromkeys(cells, 1), 1.0, prefers_day=False)

    assert style is not None and not style.is_ambiguous
    assert parse_date(cells[0], style) == pytest.approx(day)


@pytest.mark.parametrize("cells", [["2024-02-30"], ["25:61"], ["1.2.3"], ["abc"], ["13/13/2024"]])
def test_what_is_no_date_is_none(cells: list[str]) -> None:
    assert choose_date_format(dict.fromkeys(cells, 1), 1.0, prefers_day=False) is None


@given(st.text(max_size=20))
def test_any_cell_is_a_date_or_not(cell: str) -> None:
    style = choose_date_format({cell: 1}, 1.0, prefers_day=True)
    if style is not None:
        assert math.isfinite(parse_date(cell, style))


@pytest.mark.parametrize(
    "text",
    [
        '{zip="category", "a, b" = "date"}',
        'zip = category, "a, b"=date',
        "'a, b'=date,zip=category",
    ],
)
def test_declared_kinds_can_be_typed_set_and_saved(tmp_path: Path, text: str) -> None:
    kinds = {"zip": "category", "a, b": "date"}
    experiment = with_value(Experiment(data=Table()), "data.kinds", text)
    assert isinstance(experiment.data, Table) and experiment.data.kinds == kinds

    knob = next(knob for knob in iter_form_knobs(experiment) if knob.key == "data.kinds")
    assert parse_input(knob, format_knob(knob)) == kinds
    assert apply_overrides(Experiment(data=Table()), [f"data.kinds={text}"]) == experiment
    one = apply_overrides(experiment, ["data.kinds.zip=number"]).data
    assert isinstance(one, Table) and one.kinds == {**kinds, "zip": "number"}
    path = tmp_path / "e.toml"
    toml_file.write(path, Experiment(data=Table()))
    toml_file.write(path, experiment)
    assert toml_file.read(path) == experiment
    with pytest.raises(InputError, match="kinds"):
        with_value(experiment, "data.kinds", "zip = colour")  # codespell:ignore


# --- formats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t", "t.xlsx", "t.parquet", "t.csv.gz"])
def test_the_first_bytes_decide_and_not_the_name(write: Write, name: str) -> None:
    content = rows_of([(i / 7, "ab"[i % 2]) for i in range(20)])

    assert Table(path=write(content, name)).classes == ("a", "b")


def test_packed_tables_are_read(write: Write, tmp_path: Path) -> None:
    content = rows_of([(i / 7, "ab"[i % 2]) for i in range(20)]).encode()
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("inner/t.csv", content)
        archive.writestr("__MACOSX/._t.csv", b"\0")
    paths = [write(gzip.compress(content), "a"), write(lzma.compress(content), "b"),
             str(tmp_path / "t.zip")]  # fmt: skip

    assert [Table(path=path).classes for path in paths] == 3 * [("a", "b")]
    with pytest.raises(InputError, match="it cannot be unpacked"):
        Table(path=write(gzip.compress(content)[:-12], "cut.gz")).info  # noqa: B018


@pytest.mark.parametrize(
    ("content", "step"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5 file; read it in Python and save it with"),
        (b"SQLite format 3\0" + bytes(20), "sqlite3 -header -csv"),
        (b"\x80\x04\x95" + bytes(20), "a pickle, which may run code"),
        (b"<!DOCTYPE html><html></html>", "a web page, not a table"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"RDX3\nX\n" + bytes(20), "write.csv"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "zstd -d"),
        (b"1 3:0.5 7:1\n-1 2:1 9:0.1\n", "LIBSVM"),
        (bytes(range(256)) * 4, "it is not text"),
    ],
)
def test_other_files_are_named_with_the_next_step(write: Write, content: bytes, step: str) -> None:
    path = write(content, "t.csv")

    with pytest.raises(InputError, match=step) as caught:
        Table(path=path).info  # noqa: B018
    assert path in caught.value.where


@pytest.mark.parametrize(
    "content",
    [
        '{"x": 1.5, "y": "a"}\n{"x": null, "y": "b"}\n{"y": "b", "x": 2}\n',
        '[{"x": 1.5, "y": "a"}, {"x": null, "y": "b"}, {"x": 2, "y": "b"}]',
        '[["x", "y"], [1.5, "a"], [null, "b"], [2, "b"]]',
        '{"x": {"0": 1.5, "1": null, "2": 2}, "y": {"0": "a", "1": "b", "2": "b"}}',
        '{"columns": ["x", "y"], "data": [[1.5, "a"], [null, "b"], [2, "b"]]}',
        "@relation r\n@attribute x numeric\n@attribute y {a, b}\n@data\n1.5,a\n?,b\n2,'b'\n",
        "% c\n@RELATION r\n@ATTRIBUTE 'x' REAL\n@ATTRIBUTE y {a,b}\n@DATA\n{0 1.5,1 a}\n?,b\n"
        "{0 2,1 b}",
    ],
)
def test_records_and_declared_columns_are_read(write: Write, content: str) -> None:
    info = Table(path=write(content, "t.json")).info

    assert info.classes == ("a", "b")
    assert [values_of(row) for row in sample(info)] == [("1.5", "a"), ("", "b"), ("2", "b")]


def test_an_error_in_json_names_line_and_column(write: Write) -> None:
    with pytest.raises(InputError, match="this is not JSON") as caught:
        Table(path=write('{"x": 1, "y": 2}\n{"x": 1, "y" 2}\n', "t.jsonl")).info  # noqa: B018
    assert caught.value.where[-1] == "line 2, column 14"


def test_a_spreadsheet_is_read_with_its_library(write: Write) -> None:
    pytest.importorskip("python_calamine")
    path = write(make_workbook(random.Random(1)), "book.csv")

    info = Table(path=path).info

    assert info.classes == ("a", "b")
    assert len(sample(info)) == 9


@pytest.mark.parametrize(("sheet", "is_read"), [("", "2023"), ("2024", "2024"), ("3", "notes")])
def test_a_user_can_say_the_sheet(write: Write, sheet: str, is_read: str) -> None:
    pytest.importorskip("python_calamine")
    names = ["2023", "2024", "notes"]
    path = write(make_workbook(random.Random(1), names), "book.xlsx")

    others = ", ".join(name for name in names if name != is_read)
    assert Table(path=path, sheet=sheet).info.remarks[0] == (
        f"The sheet {is_read} is read, not {others} (data.sheet)."
    )
    with pytest.raises(InputError, match='no sheet "note"; there is 2023, 2024, notes; nearest'):
        Table(path=path, sheet="note").info  # noqa: B018


def test_a_spreadsheet_with_a_password_says_so(write: Write) -> None:
    pytest.importorskip("python_calamine")
    directory = "EncryptionInfo EncryptedPackage".encode("utf-16-le")
    path = write(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + directory, "secret.xlsx")

    with pytest.raises(InputError, match="a password protects it; save it without one"):
        Table(path=path).info  # noqa: B018


def test_without_its_library_a_spreadsheet_names_what_to_install(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)

    with pytest.raises(InputError, match=r"uv pip install 'tuilab\[spreadsheet\]'"):
        Table(path=write(make_workbook(random.Random(2)), "book.xlsx")).info  # noqa: B018


def test_a_table_may_be_copied_over_by_another_kind(write: Write, tmp_path: Path) -> None:
    path = write(rows_of([(i / 7, "ab"[i % 2]) for i in range(20)]))
    assert Table(path=path).classes == ("a", "b")
    other = write('[{"x": 1.5, "y": "c"}, {"x": 2, "y": "d"}, {"x": 3, "y": "c"}]', "o.json")

    shutil.copyfile(other, path)

    assert Table(path=path).classes == ("c", "d")


def test_damaged_files_give_a_table_or_an_error_for_the_user(tmp_path: Path) -> None:
    """`python -m tests.support.fuzz_data_files 10000` is the long form."""
    outcomes, failures = fuzz_data_files(150, 0, tmp_path)

    assert failures == []
    assert outcomes["data set"] > 10 and outcomes["InputError"] > 50
