"""The numbers on covered, turned and enlarged pictures: read, sane, and a part of them remade."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from camkit import zoo
from camkit.images import read
from camkit.tables import covering, photographs


def test_the_numbers_belong_to_the_shipped_network() -> None:
    told = json.loads(covering.FILE.read_text(encoding="utf-8"))
    assert told["networks"]["objects"] == zoo.card("objects")["sha256"]
    assert covering.FILE.stat().st_size < 4000


def test_covering_the_hottest_place_costs_more_answers_than_any_other_place() -> None:
    for name, one in covering.coverings().items():
        kept = one.kept
        assert kept["worst"] <= kept["hottest"] < kept["any"] < kept["coldest"], name
        assert one.turned["mirrored"] > max(one.turned["on its side"], one.turned["upside down"])
        assert one.enlarged["answers"][1] < one.enlarged["answers"][0]
        assert one.enlarged["boxes_20"][1] < one.enlarged["boxes_20"][0]


def test_the_photographs_are_those_that_others_measured() -> None:
    """A trial with 246 photographs of the same set, independent of this package: hottest 54, any
    76, coldest 96 %; boxes from .68 to .58, answers from .75 to .51; three points or so of error.
    """
    one = covering.coverings()["photographs"]
    for key, share in (("hottest", 0.54), ("any", 0.76), ("coldest", 0.96)):
        assert one.kept[key] == pytest.approx(share, abs=0.06)
    assert one.enlarged["answers"] == pytest.approx([0.75, 0.51], abs=0.06)
    assert one.enlarged["boxes_20"] == pytest.approx([0.68, 0.58], abs=0.08)


def test_a_part_of_the_drawings_is_remade() -> None:
    """Six pictures of 200: their rows are what `make` took the means of."""
    net, seen = zoo.load("objects"), covering.drawings(6)
    rows = [covering.covered(net, one) for one in seen]
    told = covering.measured(net, seen, progress=False)
    assert told["pictures"] == 6
    assert told["kept"]["any"] == pytest.approx(np.mean([row["any"] for row in rows]), abs=1e-4)
    assert told["rank_heat"] == pytest.approx(np.median([r["rank_heat"] for r in rows]), abs=1e-3)
    whole = covering.coverings()["drawings"]
    assert abs(told["kept"]["any"] - whole.kept["any"]) < 0.1
    assert told["enlarged"]["answers"][0] == 1.0
    assert told["enlarged"]["boxes_20"][0] > told["enlarged"]["boxes_20"][1]


def test_a_part_of_the_photographs_is_remade(realdata: Path) -> None:
    rows = photographs.photographs(realdata)[::2][:3]
    net = photographs.network(realdata, covering.PHOTOGRAPHS)
    found = [covering.covered(net, (read(r.file), r.label, r.boxes)) for r in rows]
    assert all(0 <= row["any"] <= 1 and -1 <= row["rank_heat"] <= 1 for row in found)
    assert covering.coverings()["photographs"].pictures == 128
    own = covering.enlarged(
        net, [(read(r.file), r.label, r.boxes) for r in rows], net.size, progress=False
    )
    with_own_code = net.explain([r.file for r in rows], 1).scores.argmax(dim=1).tolist()
    right = np.mean([a == r.label for a, r in zip(with_own_code, rows, strict=True)])
    assert own["answers"] == pytest.approx(right, abs=1e-3)
