"""Ready-made networks against torchvision's own; their weights from a server on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torchvision import models as torchvision

from tuilab.core import paths
from tuilab.core.catalogue.layers.torchvision_models import BACKBONES
from tuilab.core.errors import InputError
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan
from tuilab.engine.model import build_network as networks
from tuilab.engine.model.layers import torchvision_models

SMALL = "squeezenet1_1"
LINE = f"Backbone {SMALL} weights=default"


def check_backbone(name: str) -> None:
    known = BACKBONES[name]
    side = known.max_size or max(known.min_size, 32)
    network = networks.build((f"Backbone {name}",), (3, side, side))
    network.eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, side, side)).shape == (1, known.features)
    assert sum(p.numel() for p in network.parameters()) == known.parameters
    least = torchvision.get_model_weights(name).DEFAULT.meta["min_size"]
    assert least == (known.min_size, known.min_size)


def test_a_small_one_has_the_sizes_of_the_catalogue() -> None:
    check_backbone(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_each_one_has_the_sizes_of_the_catalogue(name: str) -> None:
    check_backbone(name)


def test_its_features_are_torchvisions_own_before_the_head() -> None:
    torch.manual_seed(0)
    mine = networks.build(("Backbone mobilenet_v3_small",), (3, 32, 32)).eval()
    torch.manual_seed(0)
    theirs = torchvision.mobilenet_v3_small(weights=None).eval()
    x = torch.rand(2, 3, 32, 32)

    with torch.no_grad():
        features = mine(x)
        expected = theirs.avgpool(theirs.features(x)).flatten(1)

    torch.testing.assert_close(features, expected)


def test_a_gray_image_is_repeated_in_three_channels() -> None:
    network = networks.build((f"Backbone {SMALL}",), (1, 20, 20)).eval()
    gray = torch.rand(2, 1, 20, 20)

    with torch.no_grad():
        torch.testing.assert_close(network(gray), network(gray.repeat(1, 3, 1, 1)))


def test_the_smallest_image_is_taken_and_a_smaller_one_refused() -> None:
    least = BACKBONES[SMALL].min_size
    network = networks.build((f"Backbone {SMALL}",), (3, least, least))

    assert network(torch.rand(2, 3, least, least)).isfinite().all()
    with pytest.raises(InputError, match=f"at least {least}×{least}, but got 16×16"):
        parse(f"Backbone {SMALL}").output_shape((3, 16, 16))


# --- weights ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory: Any) -> bytes:
    """A file as torchvision has it on its server: the weights of the whole network."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(torchvision.get_model(SMALL, weights=None).state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def server(content: Any) -> Iterator[Any]:
    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "missing" in self.path:
                self.send_error(404)
                return
            sent = content if "good" in self.path else content[:-4] + b"\0" * 4
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: Any) -> None:
            """Keep the test's output clean."""

    mirror = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{mirror.server_port}"
    mirror.shutdown()
    thread.join()
    mirror.server_close()


@pytest.fixture
def offered(server: str, content: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let torchvision name this machine's server as the place of its weights."""

    def offer(manner: str) -> str:
        digest = hashlib.sha256(content).hexdigest()[:8]
        url = f"{server}/{manner}/{SMALL}-{digest}.pth"
        weights = SimpleNamespace(url=url, meta={"_file_size": len(content) / 2**20})
        monkeypatch.setattr(
            torchvision, "get_model_weights", lambda name: SimpleNamespace(DEFAULT=weights)
        )
        return url

    return offer


def test_pretrained_weights_are_downloaded_once_with_progress_and_used(
    offered: Any, content: Any
) -> None:
    offered("good")
    reports = []
    torchvision_models.download_weights(
        plan((LINE,), (3, 32, 32)), lambda *report: reports.append(report)
    )
    offered("missing")

    network = networks.build((LINE,), (3, 32, 32))

    assert reports[0] == (reports[-1][0], 0.0) and reports[-1][1] == 1.0
    assert reports[0][0].startswith(f"Downloading {SMALL}")
    torch.manual_seed(1)
    theirs = torchvision.get_model(SMALL, weights=None).state_dict()
    for name, value in network[0].inside.state_dict().items():
        assert torch.equal(value, theirs[name]), name


def test_a_network_without_backbones_downloads_nothing(offered: Any) -> None:
    offered("missing")

    torchvision_models.download_weights(
        plan(("Flatten", "Linear 3"), (3, 32, 32)), lambda *report: pytest.fail()
    )
    torchvision_models.download_weights(
        plan((f"Backbone {SMALL}",), (3, 32, 32)), lambda *report: pytest.fail()
    )


@pytest.mark.parametrize(("manner", "says"), [("missing", "404"), ("wrong", "checksum differs")])
def test_weights_that_cannot_be_had_say_what_was_tried_and_what_to_do(
    offered: Any, manner: Any, says: str
) -> None:
    url = offered(manner)

    with pytest.raises(InputError) as caught:
        networks.build((LINE,), (3, 32, 32))

    path = paths.cache_dir() / "torchvision" / url.rpartition("/")[2]
    assert f"{url} (" in caught.value.problem and says in caught.value.problem
    assert (
        f"Put the file at {path}, or start from random weights with weights=none"
        in caught.value.problem
    )
    assert not path.exists()


@pytest.mark.parametrize("content_there", [b"", b"no weights", None])
def test_a_file_with_other_weights_is_named(offered: Any, content_there: Any) -> None:
    path = paths.cache_dir() / "torchvision" / offered("missing").rpartition("/")[2]
    path.parent.mkdir(parents=True)
    if content_there is None:
        torch.save({"something": torch.zeros(2)}, path)
    else:
        path.write_bytes(content_there)

    with pytest.raises(InputError, match=f"these are not the weights of {SMALL}") as caught:
        networks.build((LINE,), (3, 32, 32))

    assert caught.value.where == (str(path),)


def test_every_name_has_a_head_to_take_off() -> None:
    assert set(torchvision_models.HEADS) == set(BACKBONES)
    assert all(weights.url.rpartition("-")[2].removesuffix(".pth").isalnum() for weights in (
        torchvision.get_model_weights(name).DEFAULT for name in BACKBONES
    ))  # fmt: skip


def test_pretrained_modules_are_known_so_that_no_initialization_touches_them(offered: Any) -> None:
    offered("good")
    network = networks.build((LINE, "Linear 3"), (3, 32, 32))

    given = torchvision_models.pretrained_modules(network)

    assert set(network[0].modules()) == given
    assert network[1] not in given
    assert not torchvision_models.pretrained_modules(
        networks.build((f"Backbone {SMALL}",), (3, 32, 32))
    )
