"""An experiment: all settings of a run as one frozen value.

A form, a command line or a lesson changes it by `with_value`, which returns a new one.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from tuilab.core.catalogue.data.points import Spiral
from tuilab.core.catalogue.data_sets import AnyData
from tuilab.core.catalogue.initializations import AnyInitialization, Default
from tuilab.core.catalogue.losses import AnyLoss, CrossEntropy
from tuilab.core.catalogue.optimizers import AdamW, AnyOptimizer
from tuilab.core.catalogue.regularization import (
    AnyAveraging,
    Augmentation,
    NoAveraging,
    Regularization,
)
from tuilab.core.catalogue.schedules import AnySchedule, Constant
from tuilab.core.catalogue.tasks import GAN, AnyTask, Classification
from tuilab.core.catalogue.training import Training
from tuilab.core.catalogue.transfer import Transfer
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.knobs import (
    Knob,
    convert,
    default_knobs,
    iter_struct_knobs,
    knob,
    parse_mapping,
    summarize,
)
from tuilab.core.experiment.required_output import find_auto_sizes
from tuilab.core.network import plan as networks
from tuilab.core.network.auto_size import NO_SIZES, AutoSizes, fill_auto, has_auto
from tuilab.core.network.layer import Shape
from tuilab.core.network.line import Line


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One experiment, with the tables and keys of its file."""

    format: Literal[1] = 1
    title: str = ""
    seed: Annotated[
        int, knob("Random seed: the same seed reproduces the run", ge=0, le=2**31 - 1)
    ] = 0
    network: tuple[Line, ...] = ()
    task: AnyTask = msgspec.field(default_factory=Classification)
    data: AnyData = msgspec.field(default_factory=Spiral)
    initialization: AnyInitialization = msgspec.field(default_factory=Default)
    transfer: Transfer = msgspec.field(default_factory=Transfer)
    augmentation: Augmentation = msgspec.field(default_factory=Augmentation)
    loss: AnyLoss = msgspec.field(default_factory=CrossEntropy)
    regularization: Regularization = msgspec.field(default_factory=Regularization)
    averaging: AnyAveraging = msgspec.field(default_factory=NoAveraging)
    optimizer: AnyOptimizer = msgspec.field(default_factory=AdamW)
    schedule: AnySchedule = msgspec.field(default_factory=Constant)
    training: Training = msgspec.field(default_factory=Training)

    def __post_init__(self) -> None:
        if not _is_frozen(self.network):
            msgspec.structs.force_setattr(self, "network", networks.to_tuples(self.network))

    @property
    def plan(self) -> networks.Plan:
        """The network line by line, with shapes, parameter counts and problems."""
        try:
            shape = self.input_shape
        except InputError:  # a data file is missing; `find_errors` says which
            shape = None
        return networks.plan(self.network, shape, self.auto_sizes)

    @property
    def auto_sizes(self) -> AutoSizes:
        """What `auto` stands for in the network."""
        if not has_auto(self.network):
            return NO_SIZES
        return find_auto_sizes(self.task, self.data, self.loss)

    @property
    def sized_network(self) -> tuple[Line, ...]:
        """The network with a number in the place of each `auto`, as it is built."""
        return fill_auto(self.network, self.auto_sizes)

    @property
    def input_shape(self) -> Shape:
        """The shape of one input of the network; InputError if a data file is missing."""
        return (self.task.latent,) if isinstance(self.task, GAN) else self.data.shape


def _is_frozen(line: Line) -> bool:
    return isinstance(line, str) or (
        isinstance(line, tuple) and all(_is_frozen(inner) for inner in line)
    )


SECTIONS = (
    "task", "data", "augmentation", "initialization", "transfer", "loss", "regularization",
    "averaging", "optimizer", "schedule", "training",
)  # fmt: skip
"""The tables of an experiment file, in order."""

UNMEASURED = ("data.batch_size", "task.temperature")
"""Knobs of the data and the task that leave alone what a result is measured on."""


def option_types(section: str) -> tuple[type[Struct], ...]:
    """Returns the types that a table can choose from: all optimizers, all data sets, ..."""
    members: dict[str, Any] = {
        "task": AnyTask, "data": AnyData, "initialization": AnyInitialization,
        "loss": AnyLoss, "averaging": AnyAveraging, "optimizer": AnyOptimizer,
        "schedule": AnySchedule,
    }  # fmt: skip
    return tuple(members[section].__args__) if section in members else ()


def name_of(part: Struct | type[Struct]) -> str:
    """Returns the name of a data set, loss, optimizer, ... as a file writes it."""
    return str(part.__struct_config__.tag or "")


def choice_key(section: str) -> str:
    """Returns the key that chooses the type of a table: `name`, or `weights` of initialization."""
    kinds = option_types(section)
    return str(kinds[0].__struct_config__.tag_field) if kinds else ""


def iter_knobs(experiment: Experiment) -> Iterator[Knob]:
    """Yields every hyperparameter of an experiment, section by section."""
    yield from (k for k in iter_struct_knobs(experiment, "") if k.key == "seed")
    for section in SECTIONS:
        part = getattr(experiment, section)
        if kinds := option_types(section):
            names = tuple(name_of(kind) for kind in kinds)
            choice = choice_key(section)
            label = section if choice == "name" else choice
            yield Knob(
                f"{section}.{choice}", label, summarize(type(part)), "choice",
                name_of(part), None, names,
                is_live=section in ("loss", "averaging", "optimizer", "schedule"),
            )  # fmt: skip
        yield from iter_struct_knobs(part, section)


def experiment_from_dict(tables: dict[str, Any]) -> Experiment:
    """Builds an experiment from the tables of a file; an error names the key."""
    if "network" in tables:
        tables = {**tables, "network": networks.to_tuples(tables["network"])}
    if isinstance(tables.get("task"), str):  # short for a table that holds only a name
        tables = {**tables, "task": {"name": tables["task"]}}
    experiment: Experiment = convert(tables, Experiment, "")
    if "loss" in tables:
        return experiment
    return msgspec.structs.replace(experiment, loss=create_default("loss", experiment.task.loss))


def experiment_to_dict(experiment: Experiment) -> dict[str, Any]:
    """Returns the tables of an experiment with every key, defaults included."""
    tables: dict[str, Any] = msgspec.to_builtins(experiment)
    return tables


def value_at(experiment: Experiment, key: str) -> Any:
    """Returns the value of one key, such as `optimizer.lr` or `network`."""
    section, _, field = key.partition(".")
    part = getattr(experiment, section)
    if field and field == choice_key(section):
        return name_of(part)
    return getattr(part, field) if field else part


def find_value(experiment: Experiment, key: str) -> Any:
    """Returns the value of one key; None if the chosen options have no such key."""
    try:
        return value_at(experiment, key)
    except AttributeError:
        return None


def with_value(experiment: Experiment, key: str, value: Any) -> Experiment:
    """Returns the experiment with one key changed.

    A change of `SECTION.name` (data set, loss, optimizer, schedule, ...) keeps the knobs that both
    options have and that differ from their defaults. Task and loss change with the data set if
    they do not fit it.
    """
    section, _, field = key.partition(".")
    tables = experiment_to_dict(experiment)
    if section not in tables or (field and section not in SECTIONS):
        raise InputError(_describe_unknown_key(key), key)
    if not field:
        tables[section] = value
    elif field == choice_key(section):
        tables[section] = _switch_option(getattr(experiment, section), section, value)
    else:
        try:
            tables[section].update(_set_field(getattr(experiment, section), field, value))
        except InputError as error:
            raise InputError(error.problem, key) from None
    changed = experiment_from_dict(tables)
    has_new_data = changed.data != experiment.data
    if has_new_data and name_of(changed.task) not in changed.data.tasks:
        task = create_default("task", changed.data.tasks[0])
        changed = msgspec.structs.replace(changed, task=task)
    has_new_task = type(changed.task) is not type(experiment.task)
    if (has_new_data or has_new_task) and name_of(changed.task) not in changed.loss.tasks:
        changed = msgspec.structs.replace(changed, loss=create_default("loss", changed.task.loss))
    return changed


def _set_field(part: Struct, field: str, value: Any) -> dict[str, Any]:
    """Returns a changed field; a mapping can be a text, or have one of its names in the key."""
    outer, _, name = field.partition(".")
    knob = default_knobs(type(part)).get(outer)
    if knob is None or knob.kind != "mapping":
        return {field: value}
    if name:
        return {outer: {**getattr(part, outer), name: value}}
    return {outer: parse_mapping(value) if isinstance(value, str) else value}


def create_default(section: str, name: str) -> Any:
    """Creates the task, loss, optimizer, ... of this name with its default knobs."""
    return next(kind for kind in option_types(section) if name_of(kind) == name)()


def _describe_unknown_key(key: str) -> str:
    known_keys = {
        k.key
        for section in SECTIONS
        for kind in option_types(section)
        for k in iter_struct_knobs(kind(), section)
    }
    known_keys |= {k.key for k in iter_knobs(Experiment())} | {"network", "title"}
    field = key.rpartition(".")[2]
    matches = [known for known in sorted(known_keys) if known.rpartition(".")[2] == field]
    if matches:
        return f"there is no such key; there is {', '.join(matches)}"
    return with_suggestion("there is no such key", key, sorted(known_keys))


def _switch_option(part: Struct, section: str, name: Any) -> dict[str, Any]:
    """Returns the table of another option, with the changed knobs that it has as well."""
    declared = default_knobs(type(part))
    changed = {
        field: value
        for field, value in msgspec.to_builtins(part).items()
        if field in declared and getattr(part, field) != declared[field].default
    }
    kind = next((kind for kind in option_types(section) if name_of(kind) == name), None)
    base = {choice_key(section): name}
    shared = {
        field: value
        for field, value in changed.items()
        if kind and field in kind.__struct_fields__ and _is_valid({**base, field: value}, kind)
    }
    return {**base, **shared}


def _is_valid(table: dict[str, Any], kind: type[Struct]) -> bool:
    """Whether a knob of the same name has the same type there, and the value is in its range."""
    try:
        msgspec.convert(table, kind)
    except msgspec.ValidationError:
        return False
    return True


def get_live_changes(before: Experiment, after: Experiment) -> dict[str, Any] | None:
    """Returns the changed keys if all of them can change during training; else None."""
    live, restart = split_changes(before, after)
    return None if restart else live


def split_changes(before: Experiment, after: Experiment) -> tuple[dict[str, Any], list[str]]:
    """Returns the new values of keys that can change during training, and the other keys."""
    live: dict[str, Any] = {}
    restart: list[str] = []
    is_resized = has_auto(after.network) and before.auto_sizes != after.auto_sizes
    for key in iter_changed_keys(before, after):
        if key == "network":
            goes_live = networks.have_same_modules(before.sized_network, after.sized_network)
        elif is_resized and key.startswith("loss."):
            goes_live = False  # the last layer gets another number of outputs
        else:
            goes_live = key == "title" or _is_live(key, after)
        if goes_live:
            live[key] = msgspec.to_builtins(value_at(after, key))
        else:
            restart.append(key)
    return live, restart


def iter_changed_keys(before: Experiment, after: Experiment) -> Iterator[str]:
    """Yields the keys that differ; `name` of a section comes before its other keys."""
    for key in ("title", "seed", "network"):
        if getattr(before, key) != getattr(after, key):
            yield key
    for section in SECTIONS:
        old, new = getattr(before, section), getattr(after, section)
        if type(old) is not type(new):
            yield f"{section}.{choice_key(section)}"
        for field in new.__struct_fields__:
            if getattr(old, field, None) != getattr(new, field):
                yield f"{section}.{field}"


def is_of_data(key: str) -> bool:
    """Returns whether a knob says what a result is measured on: which examples, in which task."""
    return key.startswith(("data.", "task.")) and key not in UNMEASURED


def _is_live(key: str, experiment: Experiment) -> bool:
    return any(knob.key == key and knob.is_live for knob in iter_knobs(experiment))
