"""The optimizers that can be built here: without those of a library that is not installed."""

from importlib.util import find_spec

from tuilab.core.catalogue.optimizers import OPTIMIZERS, ScheduleFreeAdamW

IS_SCHEDULEFREE_INSTALLED = find_spec("schedulefree") is not None

INSTALLED_OPTIMIZERS = tuple(
    kind for kind in OPTIMIZERS if IS_SCHEDULEFREE_INSTALLED or kind is not ScheduleFreeAdamW
)
