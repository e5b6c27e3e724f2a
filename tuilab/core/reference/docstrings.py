"""What is said of an entry of the catalogue where it is chosen: read from its own docstring."""

import re
from dataclasses import dataclass, fields
from functools import cache

HEADINGS = ("Formula", "Use", "Pitfall", "Source")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One line, then what it computes, when to take it, what goes wrong, and where it is from."""

    summary: str
    formula: str = ""
    use: str = ""
    pitfall: str = ""
    source: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts that an entry ought to have and does not."""
        wanted = ("summary", "formula", "use", "pitfall")
        return tuple(name for name in wanted if not getattr(self, name))

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Heading and text of every part after the summary that is there."""
        texts = [(field.name, getattr(self, field.name)) for field in fields(self)[1:]]
        return tuple((name.capitalize(), text) for name, text in texts if text)


def parse(docstring: str) -> Explanation:
    """Read a docstring: a first line, then parts that begin with `Formula:`, `Use:` ...

    A part goes on over lines that are indented further; ValueError names an unknown heading.
    """
    lines = docstring.strip().splitlines()
    summary, parts, present = (lines[0].strip() if lines else ""), {}, ""
    indent = min((_depth(line) for line in lines[1:] if line.strip()), default=0)
    for line in lines[1:]:
        heading = re.match(r"([A-Z][a-z]+): *(.*)", line.strip())
        if heading and _depth(line) == indent:
            present = heading[1]
            if present not in HEADINGS:
                raise ValueError(f"there is no part {present!r}; there are {', '.join(HEADINGS)}")
            parts[present] = [heading[2].strip()]
        elif present and line.strip() and _depth(line) > indent:
            parts[present].append(line.strip())
        else:
            present = ""
    separators = {"Formula": "\n"}
    return Explanation(
        summary,
        *(separators.get(name, " ").join(parts.get(name, ())).strip() for name in HEADINGS),
    )


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


@cache
def of(kind: type) -> Explanation:
    """What is said of a class of the catalogue."""
    return parse(kind.__doc__ or "")
