"""The keys of the view of examples, and on which pages each has an effect."""

from textual.binding import BindingType

from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, Page
from tuilab.ui.views.view_keys import hidden_key, view_key

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
    view_key("w", "next_attribution", "Why", "attribution",
             "Gradient saliency, occlusion, or Grad-CAM of a convnet"),
    view_key("o", "reverse", "Order", "order", "The highest loss first, or the lowest"),
    view_key("v", "next_split", "Split", "split", "Validation, test or training examples"),
    view_key("i", "open_input", "Own input", "user_input",
             "Draw an image or type an input of your own"),
    view_key("O", "open_file", "Open image", "file", "Show the network an image file of yours"),
    view_key("minus", "change_temperature(-1)", "Colder", "colder",
             "Lower the temperature of generated text"),
    view_key("plus,equals_sign", "change_temperature(1)", "Hotter", "hotter",
             "Raise the temperature of generated text", key_display="+"),
    hidden_key("up", "move(-1, 0)", "select up", "examples_up", "Go up"),
    hidden_key("left", "move(0, -1)", "select left", "examples_left", "Go left"),
    hidden_key("right", "move(0, 1)", "select right", "examples_right", "Go right"),
]  # fmt: skip


def is_available(
    action: str, page: Page, response: ExamplesResponse | None, *, is_drawing: bool
) -> bool:
    """Returns whether an action has an effect now."""
    pages = response.pages if response is not None else []
    input_kind = response.input_kind if response is not None else ""
    example = response.example if response is not None else None
    attributions = example.attributions if example is not None else []
    is_text = response is not None and response.task == "language_model"
    has_examples = page in ("matrix", "examples")
    return {
        "pen": is_drawing,
        "clear": is_drawing or (page == "user_input" and input_kind == "picture"),
        "move": is_drawing or has_examples,
        "open": not is_drawing and page in ("matrix", "user_input"),
        "back": is_drawing or (bool(pages) and page != pages[0]),
        "next_page": not is_drawing and len(pages) > 1,
        "next_attribution": page in ("examples", "user_input") and len(attributions) > 1,
        "reverse": has_examples,
        "next_split": has_examples,
        "open_input": bool(input_kind) and page != "user_input",
        "open_file": input_kind == "picture",
        "change_temperature": page == "generated" and is_text,
    }.get(action, True)
