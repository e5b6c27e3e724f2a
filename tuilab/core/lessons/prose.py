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

PLACED = ("goal", "prediction", "question", "exercise")
"""What stands in a line of its own."""

ACTS = ("set", "pane", "view", "do", "open", "lesson")
"""What a link can do: set knobs, go to a pane or a view, press a key, open a preset or a lesson."""

SCHEMES = ("term", *PLACED, *ACTS)

SAFE = ":;=.,/[]_-%"
"""What stands in an address as it is."""

_LINK = re.compile(rf"\]\(((?:{'|'.join(SCHEMES)}):[^()\n]*(?:\n[^()\n]*)?)\)")


@dataclass(frozen=True, slots=True)
class Span:
    """Some words in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    scheme: str = ""
    "What kind of link it is, if it is one."
    target: str = ""


Kind = Literal["text", "item", "code", "aside", "heading", "thing"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, an item of a list, lines of code, an aside, or the place of a thing."""

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
        """The links of these kinds, in order."""
        for block in self.blocks:
            yield from (span for span in block.spans if span.scheme and span.scheme in schemes)


def pages(text: str) -> tuple[Page, ...]:
    """Read a lesson's Markdown; InputError where it has no steps or a link that is none of ours."""
    tokens = MarkdownIt("commonmark").parse(_LINK.sub(_whole, text))
    found: list[tuple[str, list[Block]]] = []
    around: list[str] = []
    for token in tokens:
        if token.nesting == 1:
            around.append(token.tag)
        elif token.nesting == -1:
            around.pop()
        elif token.type == "inline" and around[-1] == "h2":
            found.append((token.content, []))
        elif token.type in ("inline", "fence", "code_block") and around[-1:] != ["h1"]:
            if not found:
                line = (token.map or [0])[0] + 1
                raise InputError('prose stands before the first step; begin it with "## "',
                                 f"line {line}")  # fmt: skip
            found[-1][1].append(_block(token, around))
    if not found:
        raise InputError('there is no step; each begins with a heading, "## "')
    return tuple(Page(title, tuple(blocks)) for title, blocks in found)


def _whole(link: re.Match[str]) -> str:
    """A link as Markdown takes it: its address may have no spaces."""
    return f"]({quote(link[1], safe=SAFE)})"


def _block(token: Token, around: list[str]) -> Block:
    if token.type != "inline":
        return Block("code", (Span(token.content.rstrip("\n"), code=True),))
    spans = tuple(_spans(token))
    if len(spans) == 1 and spans[0].scheme in PLACED:
        return Block("thing", spans)
    if "blockquote" in around:
        return Block("aside", spans)
    kind: Kind = "item" if "li" in around else "heading" if around[-1] == "h3" else "text"
    return Block(kind, spans)


def _spans(token: Token) -> Iterator[Span]:
    bold = italic = False
    scheme = target = ""
    for child in token.children or ():
        match child.type:
            case "strong_open" | "strong_close":
                bold = child.type == "strong_open"
            case "em_open" | "em_close":
                italic = child.type == "em_open"
            case "link_open":
                scheme, target = _address(str(child.attrs.get("href", "")), token)
            case "link_close":
                scheme = target = ""
            case "softbreak" | "hardbreak":
                yield Span(" ", bold, italic)
            case "code_inline":
                yield Span(child.content, bold, italic, True, scheme, target)
            case "text" if child.content:
                meant = target or (_plain(child.content) if scheme == "term" else "")
                yield Span(child.content, bold, italic, False, scheme, meant)


def _address(href: str, token: Token) -> tuple[str, str]:
    scheme, colon, target = " ".join(unquote(href).split()).partition(":")
    if not colon or scheme not in SCHEMES:
        line = (token.map or [0])[0] + 1
        raise InputError(
            f'a link begins with one of {", ".join(f"{name}:" for name in SCHEMES)}; '
            f'this one is "{unquote(href)}"', f"line {line}",
        )  # fmt: skip
    return scheme, target


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip()).lower()
