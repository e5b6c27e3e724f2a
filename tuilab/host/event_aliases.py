"""Reads events from logs of older versions, whose events and fields had other names.

A field that is renamed in an event whose tag stays keeps its old name in the file through
`msgspec.field(name=...)`; all other renames belong here.
"""

import re
from typing import Any

import msgspec

from tuilab.core.catalogue import metrics
from tuilab.core.protocol.events import AnyEvent

OLD_EVENTS: dict[str, tuple[str, dict[str, str]]] = {
    "probed": ("layer_stats_reported", {
        "gradient": "gradient_norm", "update": "update_ratio", "weight": "weight_norm",
        "activities": "activations", "size": "rms", "growth": "rms_growth",
        "mean": "max_abs_mean", "most": "max_std", "least": "min_std",
    }),
    "changed": ("knob_changed", {}),
    "assigned": ("weight_set", {"name": "parameter", "before": "previous"}),
    "found": ("finder_reported", {}),
    "validated": ("cross_validated", {"of": "total", "spread": "std"}),
    "diagnosed": ("diagnosis_changed", {"found": "diagnoses", "come": "new", "gone": "resolved"}),
}  # fmt: skip
"""Old tags with the new tag and the new names of the event's fields, at any depth."""


_OLD_METRIC = re.compile(rb'"(%b)(?=":|/)' % "|".join(metrics.OLD_NAMES).encode())


def rename_metrics(line: bytes) -> bytes:
    """Returns the line of a log with today's names of metrics."""
    return _OLD_METRIC.sub(lambda match: b'"' + metrics.OLD_NAMES[match[1].decode()].encode(), line)


def decode_old_event(line: bytes) -> AnyEvent:
    """Decodes an event of an older version; raises msgspec.DecodeError for anything else."""
    event = msgspec.json.decode(line, type=dict[str, Any])
    tag = event.get("event")
    if tag not in OLD_EVENTS:
        raise msgspec.ValidationError(f"unknown event {tag}")
    new_tag, names = OLD_EVENTS[tag]
    renamed = _rename_fields(event, names) | {"event": new_tag}
    decoded: AnyEvent = msgspec.convert(renamed, AnyEvent, strict=False)
    return decoded


def _rename_fields(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _rename_fields(item, names) for key, item in value.items()}
    return [_rename_fields(item, names) for item in value] if isinstance(value, list) else value
