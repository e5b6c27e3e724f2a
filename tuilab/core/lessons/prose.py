"""The prose of a lesson: Markdown in steps, with links that name terms, act, and place things.

`## Heading` begins a step. `[perceptron](term:)` is a term of the glossary. Links whose address
begins with one of `ACTS` do something in the lab. A line that is only a link to a goal, a
prediction, a question or an exercise is the place where that stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tuilab.core.errors import InputError

ACTIVITY_KINDS = ("goal", "prediction", "question", "exercise")
"""Links that stand on a line of their own and place an activity there."""

LINK_ACTIONS = ("set", "pane", "view", "do", "open", "lesson")
"""What a link can do: set knobs, open a pane, view, preset or lesson, or run an action."""

SCHEMES = ("term", *ACTIVITY_KINDS, *LINK_ACTIONS)

SAFE = ":;=.,/[]_-%"
"""Characters of an address that are not quoted."""

_LINK = re.compile(rf"\]\(((?:{'|'.join(SCHEMES)}):[^()\n]*(?:\n[^()\n]*)?)\)")


@dataclass(frozen=True, slots=True)
class Span:
    """Some words in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    scheme: str = ""
    "The kind of link, for a link."
    target: str = ""


Kind = Literal["text", "item", "code", "aside", "heading", "activity"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, an item of a list, lines of code, an aside, or the place of an activity."""

    kind: Kind
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The words without their styles."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a lesson."""

    title: str
    blocks: tuple[Block, ...]

    def links(self, *schemes: str) -> Iterator[Span]:
        """Yields the links of these kinds, in order."""
        for block in self.blocks:
            yield from (span for span in block.spans if span.scheme and span.scheme in schemes)


def parse_pages(text: str) -> tuple[Page, ...]:
    """Reads a lesson's Markdown.

    Raises:
        InputError: it has no steps, or a link of an unknown kind.
    """
    tokens = MarkdownIt("commonmark").parse(_LINK.sub(_quote_address, text))
    steps: list[tuple[str, list[Block]]] = []
    enclosing: list[str] = []
    for token in tokens:
        if token.nesting == 1:
            enclosing.append(token.tag)
        elif token.nesting == -1:
            enclosing.pop()
        elif token.type == "inline" and enclosing[-1] == "h2":
            steps.append((token.content, []))
        elif token.type in ("inline", "fence", "code_block") and enclosing[-1:] != ["h1"]:
            if not steps:
                problem = 'prose comes before the first step; begin it with "## "'
                raise InputError(problem, _locate(token))
            steps[-1][1].append(_parse_block(token, enclosing))
    if not steps:
        raise InputError('there is no step; each begins with a heading, "## "')
    return tuple(Page(title, tuple(blocks)) for title, blocks in steps)


def _quote_address(link: re.Match[str]) -> str:
    """Returns a link as Markdown accepts it: without spaces in its address."""
    return f"]({quote(link[1], safe=SAFE)})"


def _locate(token: Token) -> str:
    return f"line {(token.map or [0])[0] + 1}"


def _parse_block(token: Token, enclosing: list[str]) -> Block:
    if token.type != "inline":
        return Block("code", (Span(token.content.rstrip("\n"), code=True),))
    spans = tuple(_parse_spans(token))
    if len(spans) == 1 and spans[0].scheme in ACTIVITY_KINDS:
        return Block("activity", spans)
    if "blockquote" in enclosing:
        return Block("aside", spans)
    kind: Kind = "item" if "li" in enclosing else "heading" if enclosing[-1] == "h3" else "text"
    return Block(kind, spans)


def _parse_spans(token: Token) -> Iterator[Span]:
    bold = italic = False
    scheme = target = ""
    for child in token.children or ():
        match child.type:
            case "strong_open" | "strong_close":
                bold = child.type == "strong_open"
            case "em_open" | "em_close":
                italic = child.type == "em_open"
            case "link_open":
                scheme, target = _parse_address(str(child.attrs.get("href", "")), token)
            case "link_close":
                scheme = target = ""
            case "softbreak" | "hardbreak":
                yield Span(" ", bold, italic)
            case "code_inline":
                yield Span(child.content, bold, italic, True, scheme, target)
            case "text" if child.content:
                term = _normalize(child.content) if scheme == "term" else ""
                yield Span(child.content, bold, italic, False, scheme, target or term)


def _parse_address(href: str, token: Token) -> tuple[str, str]:
    scheme, separator, target = " ".join(unquote(href).split()).partition(":")
    if not separator or scheme not in SCHEMES:
        schemes = ", ".join(f"{name}:" for name in SCHEMES)
        problem = f'a link begins with one of {schemes}; this one is "{unquote(href)}"'
        raise InputError(problem, _locate(token))
    return scheme, target


def _normalize(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip()).lower()
