"""The docstrings of the catalogue, as the help shows them."""

import re
from dataclasses import dataclass, fields
from functools import cache

HEADINGS = ("Formula", "Use", "Pitfall", "Source")


@dataclass(frozen=True, slots=True)
class Docstring:
    """A summary, the formula, when to use it, its pitfall, and its source."""

    summary: str
    formula: str = ""
    use: str = ""
    pitfall: str = ""
    source: str = ""

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Heading and text of every part that is not empty, except the summary."""
        texts = [(field.name, getattr(self, field.name)) for field in fields(self)[1:]]
        return tuple((name.capitalize(), text) for name, text in texts if text)


def parse(docstring: str) -> Docstring:
    """Parses a docstring: a summary, then parts that begin with `Formula:`, `Use:`, ...

    A part continues on lines with a deeper indentation; ValueError names an unknown heading.
    """
    lines = docstring.strip().splitlines()
    summary, parts, current = (lines[0].strip() if lines else ""), {}, ""
    indent = min((_depth(line) for line in lines[1:] if line.strip()), default=0)
    for line in lines[1:]:
        heading = re.match(r"([A-Z][a-z]+): *(.*)", line.strip())
        if heading and _depth(line) == indent:
            current = heading[1]
            if current not in HEADINGS:
                raise ValueError(f"there is no part {current!r}; there are {', '.join(HEADINGS)}")
            parts[current] = [heading[2].strip()]
        elif current and line.strip() and _depth(line) > indent:
            parts[current].append(line.strip())
        else:
            current = ""
    separators = {"Formula": "\n"}
    return Docstring(
        summary,
        *(separators.get(name, " ").join(parts.get(name, ())).strip() for name in HEADINGS),
    )


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


@cache
def docstring_of(kind: type) -> Docstring:
    """Returns the parsed docstring of a class of the catalogue."""
    return parse(kind.__doc__ or "")
