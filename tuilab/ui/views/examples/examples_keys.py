"""The keys of the view of examples, and on which pages each has an effect."""

from textual.binding import Binding, BindingType

from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, Page

_ARROWS = (("up", -1, 0), ("left", 0, -1), ("right", 0, 1))

BINDINGS: list[BindingType] = [
    Binding("down", "move(1, 0)", "Select", show=False, key_display="arrows",
            id="inside.examples_down",
            tooltip="Move over the matrix, through the examples, or the pen"),
    Binding("enter", "open", "Open", id="inside.choose",
            tooltip="Open the examples of the cell; on your own input: draw or type"),
    Binding("escape", "back", "Back", id="inside.back",
            tooltip="End drawing, or go back to the first page"),
    Binding("space", "pen", "Pen", id="inside.pen",
            tooltip="Put the pen down or lift it; it draws where it moves"),
    Binding("c", "clear", "Clear", id="inside.clear", tooltip="Clear the drawing"),
    Binding("p", "next_page", "Page", id="inside.page",
            tooltip="Matrix, all examples, what the network generates, your own input"),
    Binding("w", "next_attribution", "Why", id="inside.why",
            tooltip="Gradient saliency, occlusion, or Grad-CAM of a convnet"),
    Binding("o", "reverse", "Order", id="inside.order",
            tooltip="The highest loss first, or the lowest"),
    Binding("v", "next_part", "Part", id="inside.part",
            tooltip="Validation, test or training examples"),
    Binding("i", "open_input", "Own input", id="inside.own",
            tooltip="Draw an image or type an input of your own"),
    Binding("O", "open_file", "Open image", id="inside.file",
            tooltip="Show the network an image file of yours"),
    Binding("minus", "change_temperature(-1)", "Colder", id="inside.colder",
            tooltip="Lower the temperature of generated text"),
    Binding("plus,equals_sign", "change_temperature(1)", "Hotter", id="inside.wilder",
            key_display="+", tooltip="Raise the temperature of generated text"),
    *(
        Binding(key, f"move({down}, {across})", f"select {key}", show=False,
                id=f"inside.examples_{key}", tooltip=f"Go {key}")
        for key, down, across in _ARROWS
    ),
]  # fmt: skip


def is_available(
    action: str, page: Page, response: ExamplesResponse | None, *, is_drawing: bool
) -> bool:
    """Returns whether an action has an effect now."""
    pages = response.pages if response is not None else []
    input_kind = response.input_kind if response is not None else ""
    example = response.example if response is not None else None
    match action:
        case "pen":
            return is_drawing
        case "clear":
            return is_drawing or (page == "user_input" and input_kind == "picture")
        case "move":
            return is_drawing or page in ("matrix", "examples")
        case "open":
            return not is_drawing and page in ("matrix", "user_input")
        case "back":
            return is_drawing or (bool(pages) and page != pages[0])
        case "next_page":
            return not is_drawing and len(pages) > 1
        case "next_attribution":
            has_several = example is not None and len(example.attributions) > 1
            return page in ("examples", "user_input") and has_several
        case "reverse" | "next_part":
            return page in ("matrix", "examples")
        case "open_input":
            return bool(input_kind) and page != "user_input"
        case "open_file":
            return input_kind == "picture"
        case "change_temperature":
            is_text = response is not None and response.task == "language_model"
            return page == "generated" and is_text
    return True
