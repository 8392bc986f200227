"""Networks by name: found, checked, loaded; and a verdict on all of torchvision's."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import importlib.util
import math
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from camkit import zoo
from camkit.heads import NoCamError, convert
from camkit.zoo import WeightsError

tv = pytest.importorskip("torchvision.models")

SMALL = "squeezenet1_1"
PUBLISHED = "squeezenet1_1-b8a52dc0.pth"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return torch hub's folder of checkpoints, moved to an empty place."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@functools.cache
def small_state(name: str = SMALL, classes: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = zoo._build(name, classes)
    return {key: value.clone() for key, value in model.state_dict().items()}


def hash_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


# ---------------------------------------------------------------- names


def test_unknown_names() -> None:
    for name in ("resnet19", "ResNet19"):
        with pytest.raises(ValueError, match=f"no network '{name}'; near ones: .*'resnet18'"):
            zoo.load(name)
        with pytest.raises(ValueError, match=f"no network '{name}'; near ones: .*'resnet18'"):
            zoo.download(name)
    with pytest.raises(ValueError, match=r"no network 'qqqqqqqq'\.$"):
        zoo.load("qqqqqqqq")
    with pytest.raises(TypeError, match='name must be text such as "resnet18", not int'):
        zoo.load(18)  # type: ignore[arg-type]


def test_shipped_networks_explain() -> None:
    """Whatever is shipped loads, has a card that fits, and explains a picture."""
    for name in zoo.shipped():
        net = zoo.load(name)
        told = zoo.card(name)
        assert net.names == told["classes"]
        assert not net.training
        picture = np.zeros((40, 60, 3), np.uint8)
        if net.pool == "flatten":
            with pytest.raises(NoCamError, match="flattens"):
                net.explain(picture)
        else:
            assert torch.isfinite(net.explain(picture, classes="all").maps).all()
        assert not any(module.training for module in net.modules())
        with pytest.raises(ValueError, match="comes with camkit and its own weights"):
            zoo.load(name, weights="other.pth")


def test_a_shipped_file_that_changed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "mine.safetensors")
    (tmp_path / "mine.json").write_text('{"sha256": "0", "classes": ["a"]}')
    monkeypatch.setattr(zoo, "SHIPPED", tmp_path)
    assert zoo.shipped() == ["mine"]
    with pytest.raises(WeightsError, match="is not the file its card describes"):
        zoo.load("mine")
    with pytest.raises(ValueError, match=r"no shipped network 'other', only \['mine'\]"):
        zoo.card("other")


# ---------------------------------------------------------------- torch hub's cache


def test_missing_weights_say_how_to_get_them(hub: Path) -> None:
    with pytest.raises(WeightsError, match=r"`camkit fetch resnet18` \(45 MB\), or give weights="):
        zoo.load("resnet18")
    assert list(hub.iterdir()) == []  # nothing was fetched unasked


def test_a_file_under_a_published_name_must_have_its_hash(hub: Path) -> None:
    torch.save(small_state(), hub / PUBLISHED)
    with pytest.raises(
        WeightsError, match=r"\(SHA-256 starts with [0-9a-f]{8}, not b8a52dc0\): del"
    ):
        zoo.load(SMALL)
    with pytest.raises(WeightsError, match="delete it and fetch it again"):
        zoo.fetch(SMALL)


def test_a_file_with_its_hash_is_loaded(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(small_state(classes=1000), hub / "draft.pth")
    file = hub / f"small-{hash_of(hub / 'draft.pth')[:8]}.pth"
    (hub / "draft.pth").rename(file)
    monkeypatch.setattr(zoo, "_cached", lambda recipe: file)
    net = zoo.load(SMALL)
    assert net.names[281] == "tabby"
    assert net.size == (224, 224)
    assert (net.mean, net.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert not any(module.training for module in net.modules())
    assert zoo.fetch(SMALL) == file  # here already: nothing is asked, nothing is fetched


def test_available_lists_what_can_be_loaded(hub: Path) -> None:
    """A VGG or a ViT in the cache has weights, but no map: `load` would refuse it."""
    shipped = [found.name for found in zoo.available()]
    assert shipped == zoo.shipped()
    for name in (SMALL, "vgg16", "vit_b_16", "mobilenet_v3_small", "resnet18", "regnet_y_400mf"):
        (hub / zoo.download(name).file.name).touch()
    found = zoo.available()[len(shipped) :]
    assert [(one.name, one.kind, one.classes) for one in found] == [
        ("regnet_y_400mf", "torchvision", 1000),
        ("resnet18", "torchvision", 1000),
        (SMALL, "torchvision", 1000),
    ]
    assert found[2].file == hub / PUBLISHED


def test_setup_reports(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zoo.setup()
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"camkit \S+ · Python \S+ · torch \S+", told[0])
    assert re.fullmatch(r"device: .+ · threads: \d+", told[1])
    assert told[3] == "pretrained networks found: none (none is needed)"
    (hub / PUBLISHED).touch()
    zoo.setup()
    assert capsys.readouterr().out.endswith(f"pretrained networks found: {SMALL}\n")


# ---------------------------------------------------------------- weights=FILE


def test_files_of_every_form(tmp_path: Path) -> None:
    state = small_state()
    expected = None
    prefixed = {f"module.{key}": value for key, value in state.items()}
    for name, content in {
        "bare.pth": state,
        "nested.pth": {"epoch": 3, "state_dict": state},
        "reference.pth": {"model": state, "epoch": 3},
        "parallel.pt": {"state_dict": prefixed},
        "plain.safetensors": state,
        "parallel.safetensors": prefixed,
    }.items():
        file = tmp_path / name
        if file.suffix == ".safetensors":
            save_file(content, file)  # type: ignore[arg-type]
        else:
            torch.save(content, file)
        net = zoo.load(SMALL, weights=file)
        scores = net.explain(np.full((30, 40, 3), 90, np.uint8)).scores
        expected = scores if expected is None else expected
        assert torch.equal(scores, expected), name
        assert net.names == ["class 0", "class 1", "class 2"]


def test_the_order_of_tensors_in_a_file_does_not_matter(tmp_path: Path) -> None:
    """A safetensors file is sorted: the last matrix in it is not the last layer of a ResNet."""
    torch.manual_seed(0)
    state = tv.resnet18(num_classes=7).state_dict()
    save_file(state, tmp_path / "a.safetensors")
    assert next(reversed(zoo.read_weights(tmp_path / "a.safetensors"))).startswith("layer4")
    net = zoo.load("resnet18", weights=tmp_path / "a.safetensors", names=list("abcdefg"))
    assert net.weights.shape == (7, 512)
    assert torch.equal(net.weights, state["fc.weight"])


def test_every_family_is_loaded_from_a_sorted_file(tmp_path: Path) -> None:
    """RegNet too, whose layers cannot be listed without drawing its weights, and MNASNet, which
    asks for a version that only torch's own files tell."""
    for name in EXACT.keys() - {"googlenet", "inception_v3", "squeezenet1_0", "swin_v2_t"}:
        state = zoo._build(name, 3).state_dict()
        save_file(state, tmp_path / "a.safetensors")
        net = zoo.load(name, weights=tmp_path / "a.safetensors")
        assert len(net.names) == 3, name
        assert any(torch.equal(net.head.weight, value) for value in state.values()), name


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_version_in_a_file_is_kept(tmp_path: Path, wrapped: bool) -> None:
    """MNASNet of version 1 had another stem: 32 units, where 0.5 of them are built today."""
    model = zoo._build("mnasnet0_5", 3)
    assert model.layers[0].out_channels == 16
    state = model.state_dict()
    state._metadata[""]["version"] = 1  # type: ignore[attr-defined]
    reborn = zoo._build("mnasnet0_5", 3)
    with (
        pytest.warns(UserWarning, match="A new version of MNASNet"),
        contextlib.suppress(RuntimeError),
    ):
        reborn.load_state_dict(state)  # builds the old stem before it finds the wrong shapes
    assert reborn.layers[0].out_channels == 32
    old = (nn.DataParallel(reborn) if wrapped else reborn).state_dict()
    old._metadata["module" if wrapped else ""]["version"] = 1  # type: ignore[attr-defined]
    torch.save(old, tmp_path / "old.pth")
    with pytest.warns(UserWarning, match="A new version of MNASNet"):
        net = zoo.load("mnasnet0_5", weights=tmp_path / "old.pth")
    assert torch.equal(net.head.weight, reborn.classifier[1].weight)


def test_densenets_published_with_old_names(tmp_path: Path) -> None:
    """Their files say "denselayer1.norm.1.weight" where the module is called "norm1"."""
    state = tv.DenseNet(num_classes=3, block_config=(1, 1, 1, 1)).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", k): v for k, v in state.items()}
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "old.pth")
    assert zoo.read_weights(tmp_path / "old.pth").keys() == state.keys()


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_read_and_left_out(tmp_path: Path, name: str) -> None:
    state = zoo._build(name, 4, aux_logits=True).state_dict()
    assert any("aux" in key.lower() for key in state)
    torch.save(state, tmp_path / "a.pth")
    net = zoo.load(name, weights=tmp_path / "a.pth")
    assert len(net.names) == 4
    assert net.size == ((224, 224) if name == "googlenet" else (299, 299))


def test_class_names_from_a_file_and_another_size(tmp_path: Path) -> None:
    torch.save(small_state(), tmp_path / "a.pth")
    (tmp_path / "names.txt").write_text("cat\n dog \n\ncow\n", encoding="utf-8")
    net = zoo.load(SMALL, weights=tmp_path / "a.pth", names=tmp_path / "names.txt", size=96)
    assert net.names == ["cat", "dog", "cow"]
    assert net.explain(np.zeros((9, 9, 3), np.uint8)).maps.shape == (1, 3, 5, 5)
    with pytest.raises(ValueError, match="names has 1 entries, but the head has 3 classes"):
        zoo.load(SMALL, weights=tmp_path / "a.pth", names=["cat"])


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_code_in_a_file_does_not_run(tmp_path: Path, form: str) -> None:
    trace, file = tmp_path / "it-ran", tmp_path / "a.pth"
    content = {"state_dict": small_state(), "more": Evil(trace)}
    if form == "torch":
        torch.save(content, file)
    else:
        file.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match=r"a\.pth is refused: .*might run code when opened"):
        zoo.load(SMALL, weights=file)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Evil(trace)))  # it would have
    assert trace.exists()


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    torch.save(small_state(), tmp_path / "whole.pth")
    save_file(small_state(), tmp_path / "whole.safetensors")
    for ending in ("pth", "safetensors"):
        whole = (tmp_path / f"whole.{ending}").read_bytes()
        (tmp_path / f"half.{ending}").write_bytes(whole[: len(whole) // 2])
        (tmp_path / f"empty.{ending}").touch()
        (tmp_path / f"text.{ending}").write_text("not weights at all, though the name says so")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({}, tmp_path / "nothing.pth")
    torch.save({"epoch": 3}, tmp_path / "numbers.pth")
    files = sorted(tmp_path.iterdir())
    for file in files:
        if file.name.startswith("whole"):
            continue
        with pytest.raises(WeightsError) as caught:
            zoo.load(SMALL, weights=file)
        assert str(caught.value).startswith(str(file))
        assert re.search(r"is damaged|is refused|holds no state dict", str(caught.value))
    for missing in (tmp_path / "missing.pth", tmp_path):
        with pytest.raises(WeightsError, match=r"There is no weights file .*; check the name"):
            zoo.load(SMALL, weights=missing)


def test_weights_of_another_network(tmp_path: Path) -> None:
    torch.save(small_state(), tmp_path / "a.pth")
    with pytest.raises(
        WeightsError, match=r"does not fit 'resnet18': it holds no 'fc.weight', the l"
    ):
        zoo.load("resnet18", weights=tmp_path / "a.pth")
    with pytest.raises(
        WeightsError, match=r"fit 'squeezenet1_0': Missing key.* and more\."
    ) as caught:
        zoo.load("squeezenet1_0", weights=tmp_path / "a.pth")
    assert "\n" not in str(caught.value)
    other = {**small_state(), "features.0.weight": torch.zeros(2, 3, 3, 3)}
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="does not fit 'squeezenet1_1': size mismatch for feat"):
        zoo.load(SMALL, weights=tmp_path / "other.pth")
    short = dict(list(small_state().items())[2:])
    torch.save(short, tmp_path / "short.pth")
    with pytest.raises(WeightsError, match="does not fit 'squeezenet1_1': Missing key"):
        zoo.load(SMALL, weights=tmp_path / "short.pth")


def test_a_network_without_a_map_is_refused_with_its_weights(tmp_path: Path) -> None:
    torch.save(zoo._build("mobilenet_v3_small", 3).state_dict(), tmp_path / "a.pth")
    with pytest.raises(NoCamError, match=r"stand Linear, Hardswish, Dropout, Linear.*replace_head"):
        zoo.load("mobilenet_v3_small", weights=tmp_path / "a.pth")


# ---------------------------------------------------------------- fetch


class Server(http.server.ThreadingHTTPServer):
    """Serves one content, or only its first half, on loopback."""

    content = b""
    cut = False
    asked = 0


@pytest.fixture
def server(hub: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one: Any = self.server
            one.asked += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(one.content)))
            self.end_headers()
            self.wfile.write(one.content[: len(one.content) // 2] if one.cut else one.content)

        def log_message(self, *told: object) -> None:
            pass

    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with Server(("127.0.0.1", 0), Handler) as one:
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        content = hub.parent / "content.pth"
        torch.save(small_state(), content)
        one.content = content.read_bytes()
        url = f"http://127.0.0.1:{one.server_port}/small-{hash_of(content)[:8]}.pth"
        wanted = zoo.Download(SMALL, url, 3.0, hub / url.rsplit("/", 1)[1], "")
        monkeypatch.setattr(zoo, "download", lambda name: wanted)
        yield one
        one.shutdown()
        thread.join()


def test_a_download_is_described_not_made(hub: Path) -> None:
    wanted = zoo.download("shufflenet_v2_x0_5")
    assert wanted.url.endswith("shufflenetv2_x0.5-f707e7126e.pth")
    assert wanted.file == hub / "shufflenetv2_x0.5-f707e7126e.pth"
    assert wanted.megabytes == 5.3
    assert wanted.checked.startswith("first 10 digits of its SHA-256")
    assert list(hub.iterdir()) == []


def test_nothing_is_fetched_without_a_yes(server: Server, hub: Path) -> None:
    for answer in (False, "yes", 1, None):
        with pytest.raises(ValueError, match=r"a download of 3 MB from http://.*: say yes=True"):
            zoo.fetch(SMALL, yes=answer)  # type: ignore[arg-type]
    assert server.asked == 0
    assert list(hub.iterdir()) == []


def test_a_fetched_file_is_whole_and_checked(server: Server, hub: Path) -> None:
    file = zoo.fetch(SMALL, yes=True)
    assert file.parent == hub
    assert file.read_bytes() == server.content
    assert zoo.fetch(SMALL) == file  # the second time it is there
    assert server.asked == 1
    assert len(zoo.load(SMALL, weights=file).names) == 3


def test_another_file_than_promised_is_not_kept(server: Server, hub: Path) -> None:
    server.content = server.content[:-1] + b"!"
    with pytest.raises(WeightsError, match=r"could not be fetched from http.*invalid hash value"):
        zoo.fetch(SMALL, yes=True)
    assert list(hub.iterdir()) == []


def test_half_a_download_is_not_kept(server: Server, hub: Path) -> None:
    server.cut = True
    with pytest.raises(WeightsError, match="could not be fetched from http"):
        zoo.fetch(SMALL, yes=True)
    assert list(hub.iterdir()) == []


def test_an_interrupted_download_is_not_kept(
    server: Server, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle: some of it is on the disk by then."""

    class Interrupted:
        def update(self, data: bytes) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch.hub.hashlib, "sha256", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        zoo.fetch(SMALL, yes=True)
    assert server.asked == 1
    assert list(hub.iterdir()) == []


def test_no_server(server: Server, hub: Path) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match=r"could not be fetched .*refused"):
        zoo.fetch(SMALL, yes=True)
    assert list(hub.iterdir()) == []


def test_without_torchvision() -> None:
    """Importing needs none; asking for one of its networks says what to do."""
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import camkit\n"
        "from camkit import zoo\n"
        "print([n.kind for n in zoo.available()].count('torchvision'))\n"
        "net = camkit.CamModel(zoo.nn.Conv2d(3, 4, 3), zoo.nn.Linear(4, 2), size=8)\n"
        "print(camkit.convert(net) is net)\n"
        "try:\n    camkit.load('resnet18')\n"
        "except ValueError as error:\n    print(error)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert told[:2] == ["0", "True"]
    assert "torchvision cannot be imported" in told[2]
    assert "`camkit doctor` says what to do" in told[2]


# ---------------------------------------------------------------- verdicts

OWN_STEP = "exact with its own last step"
# One small network of every family that has a map ...
EXACT = {
    "densenet121": "exact",
    "efficientnet_b0": "exact",
    "googlenet": "exact",
    "inception_v3": "exact",
    "mnasnet0_5": "exact",
    "mobilenet_v2": "exact",
    "regnet_y_400mf": "exact",
    "resnet18": "exact",
    "shufflenet_v2_x0_5": "exact",
    "squeezenet1_0": OWN_STEP,
    "squeezenet1_1": OWN_STEP,
    "swin_t": "exact",
    "swin_v2_t": "exact",
}
# ... and of every family that has none, with the reason.
REFUSED = {
    "alexnet": "between pooling and scores stand Linear, ReLU, Dropout, Linear, ReLU, Linear",
    "convnext_tiny": "its last norm comes after pooling and scales every picture differently",
    "maxvit_t": "between pooling and scores stand a norm and two linear layers",
    "mobilenet_v3_small": "between pooling and scores stand Linear, Hardswish, Dropout, Linear",
    "vgg11": "between pooling and scores stand Linear, ReLU, Dropout, Linear, ReLU, Dropout, Lin",
    "vit_b_32": "its scores are read from a class token, not from pooled places",
}
WAY_OUT = "Give it a pooled head and train that (camkit.heads.replace_head), or build "


def check_verdict(found: zoo.Verdict, verdict: str) -> None:
    assert found.verdict == verdict
    if verdict == "refused":
        assert WAY_OUT in found.reason
        assert math.isnan(found.error)
        return
    assert found.reason == ""
    assert found.error < 1e-5
    assert found.error_double < 1e-12
    # A comparison that cannot fail would prove nothing.
    assert found.wrong_features > 1e-2
    assert found.zero_bias > 1e-2


@pytest.mark.parametrize("name", EXACT)
def test_families_with_a_map(name: str) -> None:
    check_verdict(zoo.verdict(name), EXACT[name])


@pytest.mark.parametrize("name", REFUSED)
def test_families_without_a_map(name: str) -> None:
    found = zoo.verdict(name)
    check_verdict(found, "refused")
    assert f" has no exact map: {REFUSED[name]}" in found.reason
    assert "\n" not in found.reason
    with pytest.raises(NoCamError) as caught:
        convert(zoo._skeleton(name))
    assert str(caught.value) == found.reason


def expected_verdict(name: str) -> str:
    refused = name.startswith(("alexnet", "convnext", "maxvit", "mobilenet_v3", "vgg", "vit"))
    return "refused" if refused else OWN_STEP if name.startswith("squeezenet") else "exact"


def test_no_architecture_is_forgotten() -> None:
    """Every name of the registry belongs to a family above, so there is no fourth kind."""
    families = {re.match("[a-z]+(_v[0-9])?", name)[0] for name in (*EXACT, *REFUSED)}  # type: ignore[index]
    families |= {"resnext", "wide_resnet", "efficientnet_v2"}  # classes of ResNet, EfficientNet
    for name in zoo._registry():
        assert any(name.startswith(family) for family in families), name


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo._registry())
def test_the_whole_registry(name: str) -> None:
    check_verdict(zoo.verdict(name), expected_verdict(name))


def test_a_verdict_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = zoo.untrained("mnasnet0_5", seed=1)
    assert torch.equal(torch.rand(1), expected)
    again = zoo.untrained("mnasnet0_5", seed=1)
    other = zoo.untrained("mnasnet0_5", seed=2)
    same = [torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_untrained_networks_can_fail() -> None:
    """The bias is as large as the scores, in networks with scores of a thousand too."""
    for name in ("efficientnet_b0", "squeezenet1_1"):
        model = zoo.untrained(name)
        last = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))][-1]
        with torch.no_grad():
            scores = model(torch.randn(2, 3, 224, 224))
        assert last.bias is not None
        assert 0.1 < last.bias.std() / (scores - last.bias).std() < 10


def test_verdicts_of_a_choice() -> None:
    found = zoo.verdicts(["mnasnet0_5", "mobilenet_v3_small"])
    assert [(one.name, one.verdict) for one in found] == [
        ("mnasnet0_5", "exact"),
        ("mobilenet_v3_small", "refused"),
    ]


# ---------------------------------------------------------------- the page of verdicts

DOCS = Path(__file__).resolve().parent.parent / "docs"


def maker() -> Any:
    spec = importlib.util.spec_from_file_location("page_maker", DOCS / "make_architectures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_written_from_verdicts() -> None:
    refusal = "VGG has no exact map: it is tall. "
    found = [
        zoo.Verdict("one", "exact", "", 1e-7, 1e-15, 0.5, 0.25),
        zoo.Verdict("two", "refused", refusal + maker().WAY_OUT),
        zoo.Verdict("three", "refused", refusal.replace("VGG", "AlexNet") + maker().WAY_OUT),
    ]
    lines = maker().page(found).splitlines()
    assert "| one | exact | 1.0e-07 | 1.0e-15 | 0.50 | 0.25 |" in lines
    assert lines[-1] == "| two, three | It is tall. |"
    assert "3 networks: 1 exact and 2 refused." in lines


def test_the_page_names_every_architecture_with_its_verdict() -> None:
    text = (DOCS / "architectures.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    measured = {row[0]: row[1:] for row in rows if len(row) == 6 and row[0] != "network"}
    refused = {name for row in rows if len(row) == 2 for name in row[0].split(", ")} - {"networks"}
    for name in zoo._registry():
        expected = expected_verdict(name)
        if expected == "refused":
            assert name in refused
            continue
        verdict, single, double, features, bias = measured[name]
        check_verdict(
            zoo.Verdict(
                name, verdict, "", float(single), float(double), float(features), float(bias)
            ),
            expected,
        )
