"""The keys of the view of examples, and on which pages each has an effect."""

from textual.binding import Binding, BindingType

from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, Page
from tuilab.ui.views.view_keys import hidden_key, view_key

_ARROWS = (("up", -1, 0), ("left", 0, -1), ("right", 0, 1))

BINDINGS: list[BindingType] = [
    hidden_key("down", "move(1, 0)", "Select", "examples_down",
               "Move over the matrix, through the examples, or the pen", key_display="arrows"),
    view_key("enter", "open", "Open", "choose",
             "Open the examples of the cell; on your own input: draw or type"),
    view_key("escape", "back", "Back", "back", "End drawing, or go back to the first page"),
    view_key("space", "pen", "Pen", "pen", "Put the pen down or lift it; it draws where it moves"),
    view_key("c", "clear", "Clear", "clear", "Clear the drawing"),
    view_key("p", "next_page", "Page", "page",
             "Matrix, all examples, what the network generates, your own input"),
    view_key("w", "next_attribution", "Why", "why",
             "Gradient saliency, occlusion, or Grad-CAM of a convnet"),
    view_key("o", "reverse", "Order", "order", "The highest loss first, or the lowest"),
    view_key("v", "next_part", "Part", "part", "Validation, test or training examples"),
    view_key("i", "open_input", "Own input", "own", "Draw an image or type an input of your own"),
    view_key("O", "open_file", "Open image", "file", "Show the network an image file of yours"),
    view_key("minus", "change_temperature(-1)", "Colder", "colder",
             "Lower the temperature of generated text"),
    view_key("plus,equals_sign", "change_temperature(1)", "Hotter", "wilder",
             "Raise the temperature of generated text", key_display="+"),
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
