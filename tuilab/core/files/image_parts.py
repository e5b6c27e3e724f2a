"""The words by which a folder, or a cell of a table, says which part of the data an image is in."""

import re
import unicodedata

PARTS = {
    "train": ("train", "training", "trainings", "trn", "entrainement", "entrenamiento"),
    "validation": (
        "val",
        "valid",
        "validation",
        "validate",
        "dev",
        "devel",
        "eval",
        "evaluation",
        "validierung",
        "validierungs",
        "validacion",
    ),
    "test": ("test", "testing", "tst", "prueba"),
}
"""Words by which the folder of one part of the data is recognized, in lower case."""

PART_FILLERS = (
    "daten", "bilder", "datos", "imagenes", "donnees", "dati",
    "set", "sets", "data", "dataset", "datasets", "image", "images", "img", "imgs", "picture",
    "pictures", "photo", "photos", "pic", "pics", "split", "folder", "sample", "samples", "part",
)  # fmt: skip
"""Words that may follow in the name of such a folder: training_set, test-images."""


def find_part(name: str) -> str:
    """Returns the part that the name of a folder stands for: `train`, `validation`, `test` or "".

    >>> [find_part(name) for name in ("training_set", "Test-Images", "valSet", "seg_dev", "tests")]
    ['train', 'test', 'validation', 'validation', '']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word for word in re.split(r"[^a-z0-9]+", _strip_accents(spaced).lower()) if word]
    fillers = rf"(?:{'|'.join(PART_FILLERS)}|\d+)*"
    for part, spellings in PARTS.items():
        pattern = rf"(?:{'|'.join(spellings)}){fillers}"
        for start in range(len(words)):
            is_alone = not start or re.fullmatch(fillers, "".join(words[:start])) or start == 1
            if is_alone and re.fullmatch(pattern, "".join(words[start:])):
                return part
    return ""


def _strip_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
