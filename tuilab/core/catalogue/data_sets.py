"""All data sets: the classes with a tag in the modules of `catalogue.data`, found by themselves."""

from typing import TYPE_CHECKING, Union

from tuilab.core.catalogue import data
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.tags import has_tag
from tuilab.core.discover import classes_in

ORDER = ("points", "images", "sequences", "texts", "graphs", "tables")
"""The modules in the order in which their data sets are offered; others follow."""

DATA_SETS: tuple[type[DataSet], ...] = tuple(filter(has_tag, classes_in(data, DataSet, ORDER)))

if TYPE_CHECKING:
    AnyData = DataSet
else:
    AnyData = Union[DATA_SETS]  # noqa: UP007 (msgspec reads the members at run time)
