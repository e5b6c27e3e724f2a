"""Pretrained networks against torchvision's own; their weights come from a local server."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import torch
from torchvision import models as torchvision

from tuilab.core import paths
from tuilab.core.catalogue.layers.torchvision_models import BACKBONES
from tuilab.core.errors import InputError
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import plan
from tuilab.engine.model import build_network
from tuilab.engine.model.layers import torchvision_models

SMALL = "squeezenet1_1"
Publish = Callable[[str], str]
"""Publishes the weights on the local server with an outcome, and returns their URL."""

LINE = f"Backbone {SMALL} weights=default"


def check_backbone(name: str) -> None:
    known = BACKBONES[name]
    side = known.max_size or max(known.min_size, 32)
    network = build_network.build((f"Backbone {name}",), (3, side, side))
    network.eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, side, side)).shape == (1, known.features)
    assert sum(p.numel() for p in network.parameters()) == known.parameters
    min_size = torchvision.get_model_weights(name).DEFAULT.meta["min_size"]
    assert min_size == (known.min_size, known.min_size)


def test_a_small_network_has_the_sizes_of_the_catalogue() -> None:
    check_backbone(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_each_network_has_the_sizes_of_the_catalogue(name: str) -> None:
    check_backbone(name)


def test_features_are_torchvisions_own_before_the_head() -> None:
    torch.manual_seed(0)
    ours = build_network.build(("Backbone mobilenet_v3_small",), (3, 32, 32)).eval()
    torch.manual_seed(0)
    theirs = torchvision.mobilenet_v3_small(weights=None).eval()
    x = torch.rand(2, 3, 32, 32)

    with torch.no_grad():
        features = ours(x)
        expected = theirs.avgpool(theirs.features(x)).flatten(1)

    torch.testing.assert_close(features, expected)


def test_a_gray_image_is_repeated_in_three_channels() -> None:
    network = build_network.build((f"Backbone {SMALL}",), (1, 20, 20)).eval()
    gray = torch.rand(2, 1, 20, 20)

    with torch.no_grad():
        torch.testing.assert_close(network(gray), network(gray.repeat(1, 3, 1, 1)))


def test_the_smallest_image_is_accepted_and_a_smaller_one_refused() -> None:
    min_size = BACKBONES[SMALL].min_size
    network = build_network.build((f"Backbone {SMALL}",), (3, min_size, min_size))

    assert network(torch.rand(2, 3, min_size, min_size)).isfinite().all()
    with pytest.raises(InputError, match=f"at least {min_size}×{min_size}, but got 16×16"):
        parse(f"Backbone {SMALL}").output_shape((3, 16, 16))


# --- weights ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights of a whole network, as in a file on the server of torchvision."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(torchvision.get_model(SMALL, weights=None).state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def server(content: bytes) -> Iterator[str]:
    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "missing" in self.path:
                self.send_error(404)
                return
            body = content if "good" in self.path else content[:-4] + b"\0" * 4
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Prints nothing."""

    mirror = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{mirror.server_port}"
    mirror.shutdown()
    thread.join()
    mirror.server_close()


@pytest.fixture
def publish(server: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Makes torchvision name the local server as the source of its weights."""

    def publish(outcome: str) -> str:
        digest = hashlib.sha256(content).hexdigest()[:8]
        url = f"{server}/{outcome}/{SMALL}-{digest}.pth"
        weights = SimpleNamespace(url=url, meta={"_file_size": len(content) / 2**20})
        monkeypatch.setattr(
            torchvision, "get_model_weights", lambda name: SimpleNamespace(DEFAULT=weights)
        )
        return url

    return publish


def test_pretrained_weights_are_downloaded_once_with_progress_and_used(publish: Publish) -> None:
    publish("good")
    reports: list[tuple[str, float | None]] = []
    torchvision_models.download_weights(
        plan((LINE,), (3, 32, 32)), lambda *report: reports.append(report)
    )
    publish("missing")

    network = build_network.build((LINE,), (3, 32, 32))

    assert reports[0] == (reports[-1][0], 0.0) and reports[-1][1] == 1.0
    assert reports[0][0].startswith(f"Downloading {SMALL}")
    torch.manual_seed(1)
    theirs = torchvision.get_model(SMALL, weights=None).state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(value, theirs[name.removeprefix("0.inside.")]), name


def test_a_network_without_backbones_downloads_nothing(publish: Publish) -> None:
    publish("missing")

    torchvision_models.download_weights(
        plan(("Flatten", "Linear 3"), (3, 32, 32)), lambda *report: pytest.fail()
    )
    torchvision_models.download_weights(
        plan((f"Backbone {SMALL}",), (3, 32, 32)), lambda *report: pytest.fail()
    )


@pytest.mark.parametrize(
    ("outcome", "message"), [("missing", "404"), ("wrong", "checksum differs")]
)
def test_the_error_about_missing_weights_says_what_was_tried_and_what_to_do(
    publish: Publish, outcome: str, message: str
) -> None:
    url = publish(outcome)

    with pytest.raises(InputError) as caught:
        build_network.build((LINE,), (3, 32, 32))

    path = paths.cache_dir() / "torchvision" / url.rpartition("/")[2]
    assert f"{url} (" in caught.value.problem and message in caught.value.problem
    assert (
        f"Put the file at {path}, or start from random weights with weights=none"
        in caught.value.problem
    )
    assert not path.exists()


@pytest.mark.parametrize("file_content", [b"", b"no weights", None])
def test_a_file_with_other_weights_is_named(publish: Publish, file_content: bytes | None) -> None:
    path = paths.cache_dir() / "torchvision" / publish("missing").rpartition("/")[2]
    path.parent.mkdir(parents=True)
    if file_content is None:
        torch.save({"something": torch.zeros(2)}, path)
    else:
        path.write_bytes(file_content)

    with pytest.raises(InputError, match=f"these are not the weights of {SMALL}") as caught:
        build_network.build((LINE,), (3, 32, 32))

    assert caught.value.where == (str(path),)


def test_every_network_has_a_head_to_remove() -> None:
    assert set(torchvision_models.HEADS) == set(BACKBONES)
    assert all(weights.url.rpartition("-")[2].removesuffix(".pth").isalnum() for weights in (
        torchvision.get_model_weights(name).DEFAULT for name in BACKBONES
    ))  # fmt: skip


def test_pretrained_modules_are_found_so_that_they_are_not_initialized(publish: Publish) -> None:
    publish("good")
    network = build_network.build((LINE, "Linear 3"), (3, 32, 32))

    pretrained = torchvision_models.pretrained_modules(network)

    assert set(network[0].modules()) == pretrained
    assert network[1] not in pretrained
    assert not torchvision_models.pretrained_modules(
        build_network.build((f"Backbone {SMALL}",), (3, 32, 32))
    )
