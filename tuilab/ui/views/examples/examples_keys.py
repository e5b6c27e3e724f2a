"""The keys of the view of examples, and on which page each does something."""

from textual.binding import Binding, BindingType

from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, Page

_ARROWS = (("up", -1, 0), ("left", 0, -1), ("right", 0, 1))

BINDINGS: list[BindingType] = [
    Binding("down", "move(1, 0)", "Select", show=False, key_display="arrows",
            id="inside.examples_down",
            tooltip="Move over the matrix, through the examples, or the pen"),
    Binding("enter", "choose", "Open", id="inside.choose",
            tooltip="Open the examples of the cell; on your own input: draw or type"),
    Binding("escape", "back", "Back", id="inside.back",
            tooltip="End drawing, or go back to the first page"),
    Binding("space", "pen", "Pen", id="inside.pen",
            tooltip="Put the pen down or lift it; it draws where it moves"),
    Binding("c", "clear", "Clear", id="inside.clear", tooltip="Begin the drawing again"),
    Binding("p", "page", "Page", id="inside.page",
            tooltip="Matrix, all examples, what the network makes, your own input"),
    Binding("w", "why", "Why", id="inside.why",
            tooltip="Gradient saliency, occlusion, or Grad-CAM of a convnet"),
    Binding("o", "order", "Order", id="inside.order",
            tooltip="The highest loss first, or the lowest"),
    Binding("v", "part", "Part", id="inside.part",
            tooltip="Validation, test or training examples"),
    Binding("i", "own", "Own input", id="inside.own",
            tooltip="Draw a picture or type an input of your own"),
    Binding("O", "file", "Open picture", id="inside.file",
            tooltip="Show the network a picture file of yours"),
    Binding("minus", "warm(-1)", "Colder", id="inside.colder",
            tooltip="Lower the temperature of written text"),
    Binding("plus,equals_sign", "warm(1)", "Wilder", id="inside.wilder", key_display="+",
            tooltip="Raise the temperature of written text"),
    *(
        Binding(key, f"move({down}, {across})", f"select {key}", show=False,
                id=f"inside.examples_{key}", tooltip=f"Go {key}")
        for key, down, across in _ARROWS
    ),
]  # fmt: skip


def allowed(action: str, page: Page, seen: ExamplesResponse | None, *, is_drawing: bool) -> bool:
    """Whether an action means something now."""
    pages = seen.pages if seen is not None else []
    accepts = seen.accepts if seen is not None else ""
    has_ways = seen is not None and seen.example is not None and len(seen.example.ways) > 1
    match action:
        case "pen" | "clear":
            return is_drawing or (action == "clear" and page == "own" and accepts == "picture")
        case "move":
            return is_drawing or page in ("matrix", "examples")
        case "choose":
            return not is_drawing and page in ("matrix", "own")
        case "back":
            return is_drawing or (bool(pages) and page != pages[0])
        case "page":
            return not is_drawing and len(pages) > 1
        case "why":
            return page in ("examples", "own") and has_ways
        case "order":
            return page in ("matrix", "examples")
        case "part":
            return page in ("matrix", "examples")
        case "own":
            return bool(accepts) and page != "own"
        case "file":
            return accepts == "picture"
        case "warm":
            return page == "made" and seen is not None and seen.task == "language_model"
    return True
