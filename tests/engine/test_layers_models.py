"""Ready-made networks against torchvision's own; their weights from a server on this machine."""

import hashlib
import threading
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
from tuilab.engine.model import build_network as networks
from tuilab.engine.model.layers import torchvision_models

SMALL = "squeezenet1_1"
LINE = f"Backbone {SMALL} weights=default"


def holds(name: str) -> None:
    known = BACKBONES[name]
    side = known.most or max(known.least, 32)
    network = networks.build((f"Backbone {name}",), (3, side, side))
    network.eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, side, side)).shape == (1, known.features)
    assert sum(p.numel() for p in network.parameters()) == known.parameters
    least = torchvision.get_model_weights(name).DEFAULT.meta["min_size"]
    assert least == (known.least, known.least)


def test_a_small_one_is_what_the_lab_says() -> None:
    holds(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_each_is_what_the_lab_says(name: str) -> None:
    holds(name)


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


def test_a_grey_picture_is_repeated_in_three_channels() -> None:
    network = networks.build((f"Backbone {SMALL}",), (1, 20, 20)).eval()
    grey = torch.rand(2, 1, 20, 20)

    with torch.no_grad():
        torch.testing.assert_close(network(grey), network(grey.repeat(1, 3, 1, 1)))


def test_the_smallest_picture_is_taken_and_a_smaller_one_refused() -> None:
    least = BACKBONES[SMALL].least
    network = networks.build((f"Backbone {SMALL}",), (3, least, least))

    assert network(torch.rand(2, 3, least, least)).isfinite().all()
    with pytest.raises(InputError, match=f"at least {least}×{least}, but 16×16 come in"):
        parse(f"Backbone {SMALL}").output((3, 16, 16))


# --- weights ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """A file as torchvision has it on its server: the weights of the whole network."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(torchvision.get_model(SMALL, weights=None).state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def server(content):
    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self):
            if "missing" in self.path:
                self.send_error(404)
                return
            sent = content if "good" in self.path else content[:-4] + b"\0" * 4
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args):
            """Keep the test's output clean."""

    mirror = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{mirror.server_port}"
    mirror.shutdown()
    thread.join()
    mirror.server_close()


@pytest.fixture
def offered(server, content, monkeypatch):
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


def test_trained_weights_are_fetched_once_with_progress_and_used(offered, content) -> None:
    offered("good")
    heard = []
    torchvision_models.fetch(plan((LINE,), (3, 32, 32)), lambda *news: heard.append(news))
    offered("missing")

    network = networks.build((LINE,), (3, 32, 32))

    assert heard[0] == (heard[-1][0], 0.0) and heard[-1][1] == 1.0
    assert heard[0][0].startswith(f"Downloading {SMALL}")
    torch.manual_seed(1)
    theirs = torchvision.get_model(SMALL, weights=None).state_dict()
    for name, value in network[0].inside.state_dict().items():
        assert torch.equal(value, theirs[name]), name


def test_a_network_without_ready_made_parts_fetches_nothing(offered) -> None:
    offered("missing")

    torchvision_models.fetch(
        plan(("Flatten", "Linear 3"), (3, 32, 32)), lambda *news: pytest.fail()
    )
    torchvision_models.fetch(plan((f"Backbone {SMALL}",), (3, 32, 32)), lambda *news: pytest.fail())


@pytest.mark.parametrize(("manner", "says"), [("missing", "404"), ("wrong", "checksum differs")])
def test_weights_that_cannot_be_had_say_what_was_tried_and_what_to_do(
    offered, manner, says
) -> None:
    url = offered(manner)

    with pytest.raises(InputError) as caught:
        networks.build((LINE,), (3, 32, 32))

    path = paths.cache() / "torchvision" / url.rpartition("/")[2]
    assert f"{url} (" in caught.value.problem and says in caught.value.problem
    assert f"Put the file at {path}, or begin by chance with weights=none" in caught.value.problem
    assert not path.exists()


@pytest.mark.parametrize("content_there", [b"", b"no weights", None])
def test_a_file_with_other_weights_is_named(offered, content_there) -> None:
    path = paths.cache() / "torchvision" / offered("missing").rpartition("/")[2]
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


def test_what_came_trained_is_known_so_that_no_initialisation_touches_it(offered) -> None:
    offered("good")
    network = networks.build((LINE, "Linear 3"), (3, 32, 32))

    given = torchvision_models.pretrained(network)

    assert set(network[0].modules()) == given
    assert network[1] not in given
    assert not torchvision_models.pretrained(networks.build((f"Backbone {SMALL}",), (3, 32, 32)))
