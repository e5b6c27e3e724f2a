"""An experiment: everything that decides how a run goes, as one frozen value.

Whatever changes it (a form, a command line, a lesson) makes a new one by `with_value`.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from tuilab.core.catalogue.data_sets import AnyData, Spiral
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
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment.knobs import Knob, convert, fields, knob, knobs_of, summary
from tuilab.core.network import plan as networks
from tuilab.core.network.layer import Shape
from tuilab.core.network.plan import Line


class Experiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One experiment, as its file holds it."""

    format: Literal[1] = 1
    title: str = ""
    seed: Annotated[
        int, knob("Where all chance begins: the same seed, the same run", ge=0, le=2**31 - 1)
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
            msgspec.structs.force_setattr(self, "network", networks.frozen(self.network))

    @property
    def plan(self) -> networks.Plan:
        """The network line by line, with shapes, parameters and problems."""
        try:
            shape = self.input
        except InputError:  # a file of the user's is not there; `problems` says which
            shape = None
        return networks.plan(self.network, shape)

    @property
    def input(self) -> Shape:
        """The shape of one example as the network gets it; InputError where no data is there."""
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


def options(section: str) -> tuple[type[Struct], ...]:
    """The structs that a table may name: every optimizer, every data set, ..."""
    members: dict[str, Any] = {
        "task": AnyTask, "data": AnyData, "initialization": AnyInitialization,
        "loss": AnyLoss, "averaging": AnyAveraging, "optimizer": AnyOptimizer,
        "schedule": AnySchedule,
    }  # fmt: skip
    return tuple(members[section].__args__) if section in members else ()


def name_of(part: Struct | type[Struct]) -> str:
    """The name by which a file chooses this data set, loss, optimizer or schedule."""
    return str(part.__struct_config__.tag or "")


def choice_of(section: str) -> str:
    """The key by which a table chooses among its options: `name`, or `weights`."""
    kinds = options(section)
    return str(kinds[0].__struct_config__.tag_field) if kinds else ""


def knobs(experiment: Experiment) -> Iterator[Knob]:
    """Every hyperparameter of an experiment, section by section."""
    yield from (k for k in knobs_of(experiment, "") if k.key == "seed")
    for section in SECTIONS:
        part = getattr(experiment, section)
        if kinds := options(section):
            names = tuple(name_of(kind) for kind in kinds)
            choice = choice_of(section)
            label = section if choice == "name" else choice
            yield Knob(
                f"{section}.{choice}", label, summary(type(part)), "choice",
                name_of(part), None, names,
                live=section in ("loss", "averaging", "optimizer", "schedule"),
            )  # fmt: skip
        yield from knobs_of(part, section)


def from_plain(tables: dict[str, Any], place: str = "") -> Experiment:
    """Build an experiment from plain tables; an error names the place and the key."""
    if "network" in tables:
        try:
            tables = {**tables, "network": networks.frozen(tables["network"])}
        except InputError as error:
            raise (error.within(place) if place else error) from None
    if isinstance(tables.get("task"), str):  # the short form of a table with a name only
        tables = {**tables, "task": {"name": tables["task"]}}
    experiment: Experiment = convert(tables, Experiment, place)
    return experiment


def to_plain(experiment: Experiment) -> dict[str, Any]:
    """The plain tables of an experiment, every key written out."""
    plain: dict[str, Any] = msgspec.to_builtins(experiment)
    return plain


def value_at(experiment: Experiment, key: str) -> Any:
    """The value of one key, such as `optimizer.lr` or `network`."""
    section, _, field = key.partition(".")
    part = getattr(experiment, section)
    if field and field == choice_of(section):
        return name_of(part)
    return getattr(part, field) if field else part


def with_value(experiment: Experiment, key: str, value: Any) -> Experiment:
    """The same experiment with one key changed.

    Choosing another data set, loss, optimizer or schedule by `SECTION.name` keeps the knobs
    that both share and that were moved from their defaults. Task and loss follow a data set
    that they do not fit.
    """
    section, _, field = key.partition(".")
    tables = to_plain(experiment)
    if section not in tables or (field and section not in SECTIONS):
        raise InputError(_unknown(key), key)
    if not field:
        tables[section] = value
    elif field == choice_of(section):
        tables[section] = _renamed(getattr(experiment, section), section, value)
    else:
        tables[section][field] = value
    changed = from_plain(tables)
    is_other = changed.data != experiment.data
    if is_other and name_of(changed.task) not in changed.data.tasks:
        changed = msgspec.structs.replace(changed, task=named("task", changed.data.tasks[0]))
    is_other = is_other or type(changed.task) is not type(experiment.task)
    if is_other and name_of(changed.task) not in changed.loss.tasks:
        changed = msgspec.structs.replace(changed, loss=named("loss", changed.task.loss))
    return changed


def named(section: str, name: str) -> Any:
    """The task, loss, optimizer ... of this name, at its defaults."""
    return next(kind for kind in options(section) if name_of(kind) == name)()


def _unknown(key: str) -> str:
    every = {
        k.key
        for section in SECTIONS
        for kind in options(section)
        for k in knobs_of(kind(), section)
    }
    every |= {k.key for k in knobs(Experiment())} | {"network", "title"}
    same = [known for known in sorted(every) if known.rpartition(".")[2] == key.rpartition(".")[2]]
    if same:
        return f"there is no such key; there is {', '.join(same)}"
    return f"there is no such key; {nearest(key, sorted(every))}".rstrip("; ")


def _renamed(part: Struct, section: str, name: Any) -> dict[str, Any]:
    """The table of another kind, with what was set by hand and still means something."""
    declared = fields(type(part))
    moved = {
        field: value
        for field, value in msgspec.to_builtins(part).items()
        if field in declared and getattr(part, field) != declared[field].default
    }
    kind = next((kind for kind in options(section) if name_of(kind) == name), None)
    chosen = {choice_of(section): name}
    shared = {
        field: value
        for field, value in moved.items()
        if kind and field in kind.__struct_fields__ and _fits({**chosen, field: value}, kind)
    }
    return {**chosen, **shared}


def _fits(table: dict[str, Any], kind: type[Struct]) -> bool:
    """Whether a knob of the same name means the same there, and reaches as far."""
    try:
        msgspec.convert(table, kind)
    except msgspec.ValidationError:
        return False
    return True


def live_changes(before: Experiment, after: Experiment) -> dict[str, Any] | None:
    """What changed, if all of it may change while training goes on; else None."""
    live, restart = split_changes(before, after)
    return None if restart else live


def split_changes(before: Experiment, after: Experiment) -> tuple[dict[str, Any], list[str]]:
    """What may change while training goes on, with its new value, and the keys that may not."""
    live: dict[str, Any] = {}
    restart: list[str] = []
    for key in changed_keys(before, after):
        if key == "network":
            goes_live = networks.same_modules(before.network, after.network)
        else:
            goes_live = key == "title" or _is_live(key, after)
        if goes_live:
            live[key] = msgspec.to_builtins(value_at(after, key))
        else:
            restart.append(key)
    return live, restart


def changed_keys(before: Experiment, after: Experiment) -> Iterator[str]:
    """The keys that differ; `name` of a section comes before its other keys."""
    for key in ("title", "seed", "network"):
        if getattr(before, key) != getattr(after, key):
            yield key
    for section in SECTIONS:
        old, new = getattr(before, section), getattr(after, section)
        if type(old) is not type(new):
            yield f"{section}.{choice_of(section)}"
        for field in new.__struct_fields__:
            if getattr(old, field, None) != getattr(new, field):
                yield f"{section}.{field}"


def _is_live(key: str, experiment: Experiment) -> bool:
    return any(knob.key == key and knob.live for knob in knobs(experiment))
