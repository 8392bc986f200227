"""Features that were learned on objects, on photographs of scenes, actions and birds.

The whole sets are in `camkit/numbers/photographs.json` (`python -m camkit.tables transfer`, shown
by Table 5); here a part of each is measured again.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from camkit import transfer
from camkit.datasets import FolderSet, ImageFolder
from camkit.heads import CamModel, convert
from camkit.tables import photographs, transferred
from camkit.tables.counted import interval


@pytest.fixture(scope="module")
def squeezenet(realdata: Path) -> CamModel:
    return photographs.network(realdata, "squeezenet1_1")


@pytest.mark.parametrize(
    ("folder", "each"), [("scene15", 8), ("sun8", 12), ("har15-actions", 8)], ids=lambda v: str(v)
)
def test_objects_carry_over_to_scenes_and_actions(
    realdata: Path, squeezenet: CamModel, folder: str, each: int
) -> None:
    """SqueezeNet on so many pictures of each class and part, beside raw pixels and chance."""
    rounds = list(transferred.halves(realdata / folder, each))
    rows = list(transferred.compared({"squeezenet1_1": squeezenet}, rounds, progress=False))
    found = {row["feature"]: row for row in rows}
    learned = sum(len(learn) for learn, _ in rounds)
    print(f"\n{folder}: {len(rounds[0][0].classes)} classes, {learned} pictures to learn from")
    for name, row in found.items():
        ends = "{:.0f}-{:.0f} %".format(*interval(row["right"], row["n"])) if "n" in row else ""
        print(f"  {name:30} {100 * row['accuracy']:5.1f} %  {ends}")
    ours = found["squeezenet1_1, pooled"]
    pixels = max((found[name] for name in transferred.PIXELS.values()), key=lambda r: r["right"])
    assert interval(ours["right"], ours["n"])[0] > interval(pixels["right"], pixels["n"])[1]
    assert ours["accuracy"] > 3 * found["chance"]["accuracy"]


def test_one_row_of_the_shipped_numbers_counted_again(realdata: Path, squeezenet: CamModel) -> None:
    """All 450 photographs of fifteen scenes; another processor may turn an answer or two."""
    rounds = list(transferred.halves(realdata / "scene15"))
    assert [(len(learn), len(test)) for learn, test in rounds] == [(300, 150)]
    row = next(transferred.compared({"squeezenet1_1": squeezenet}, rounds, progress=False))
    shipped = next(s for s in transferred.sets()["Photographs of 15 scenes"] if "squeeze" in s.name)
    assert (row["n"], shipped.count) == (150, 150)
    assert shipped.right is not None
    assert abs(row["right"] - shipped.right) <= 3


def test_the_map_of_an_svm_adds_up_on_a_photograph(realdata: Path, squeezenet: CamModel) -> None:
    """SqueezeNet has a ReLU behind its maps; an SVM on its features has none, and adds up."""
    data = FolderSet(realdata / "sun8").subset(range(0, 320, 16))
    x = transfer.pooled_features(squeezenet, data, progress=False)
    svm = transfer.fit_svm(x, data.labels, data.classes, costs=[0.01])
    net = svm.on(squeezenet)
    result = net.explain(data[0].image, classes="all")
    mean = result.maps.mean(dim=(2, 3)) + net.bias
    wanted = torch.from_numpy(svm.decisions(x[:1]))
    assert (mean - wanted).abs().max() < 1e-4 * wanted.abs().max()


# ---------------------------------------------------------------- birds

SPECIES = 965


def test_the_birds_network_names_the_birds_of_cub(realdata: Path) -> None:
    """Three photographs of each class whose name is on the network's list, top-1 of 965."""
    tv = pytest.importorskip("torchvision.models")
    model = tv.mobilenet_v2(num_classes=SPECIES)
    file = realdata / "weights" / "mobilenet_v2_inat_bird.pth"
    model.load_state_dict(torch.load(file, weights_only=True))
    net = convert(model.eval(), size=225)
    lines = (realdata / "weights" / "inat_bird_labels.txt").read_text("utf-8").splitlines()
    listed = {_plain(line): i for i, line in enumerate(lines)}
    right, rivals = [], []
    for folder in ("images", "original-size-2010"):
        data = ImageFolder(realdata / "cub-subset" / folder)
        place = {c: _found(name, listed) for c, name in enumerate(data.classes)}
        rows = [
            i
            for c, target in place.items()
            if target is not None
            for i in np.flatnonzero(data.labels == c)[:3]
        ]
        x = transfer.pooled_features(net, data.subset(rows), batch=8, progress=False)
        with torch.no_grad():
            scores = (torch.from_numpy(x) @ net.weights.T + net.bias).numpy()
        wanted = np.array([place[c] for c in data.labels[rows]])
        right += (scores.argmax(axis=1) == wanted).tolist()
        # The control: the same answers held against the next species in turn.
        rivals += (scores.argmax(axis=1) == np.roll(wanted, 3)).tolist()
    low, high = interval(sum(right), len(right))
    print(f"\nbirds: {100 * np.mean(right):.1f} % of {len(right)}, 95 % {low:.0f}-{high:.0f} %")
    assert len(right) >= 30
    assert np.mean(right) > 0.7
    assert np.mean(rivals) < 0.1


def _plain(line: str) -> str:
    """The common name of a line such as "Haliaeetus leucocephalus (Bald Eagle)", letters only."""
    told = re.search(r"\(([^)]+)\)", line)
    return re.sub(r"'s\b|[^a-z]", "", (told[1] if told else line).lower())


def _found(folder: str, listed: dict[str, int]) -> int | None:
    """The output of a class folder such as "004.Groove_billed_Ani"; None where it has none."""
    return listed.get(re.sub(r"[^a-z]", "", folder.lower()))
