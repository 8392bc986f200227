"""Explorer of lesson 06: *framing*, how the size of the objects turns the ranking over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from camkit import boxes, metrics, saliency, world, zoo
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.images import Array, Sample
from camkit.plot import INK, QUIET
from camkit.tables.counted import halves
from camkit.tables.framing import Framing, framings
from camkit.train import inputs_of
from camkit.widgets.canvas import HEAD, LINE, WIDTH, Photo, Sheet, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame
from camkit.widgets.film import dashed

SIDE = 216
"""Side of the picture, in points."""
DRAWN = 2 * SIDE
"""Pixels at which an example is drawn; the network sees it at its own size."""
NAMES, BAR, END = 244, 404, 664
"""Where the names of the bars begin, where the bars do, and where 100 % lies."""
STEP, THICK = 43, 20
EXAMPLES = ("cat", "teapot", "umbrella")
"""The classes of the examples: the first test picture of each."""
WAYS = (
    ("cam_20", "CAM, 20 %", "#7fa6cf"),
    ("cam", "CAM, best threshold", "#1f5f99"),
    ("class_blind", "class-blind map", "#8a8f98"),
    ("centred", "centred box", "#b9bdc4"),
    ("max", "maximum pooling", "#a8551a"),
)
"""Key of the numbers, name, and colour, in the order of the bars."""
MAPS = (("class map", "cam"), ("class-blind map", "class_blind"), ("maximum pooling", "max"))

Floats = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shown:
    """Which framing, which example, and whose map lies on it."""

    framing: int = 3
    picture: int = 0
    map: str = "cam"

    def __post_init__(self) -> None:
        for name in ("framing", "picture"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
        if self.map not in (known := [key for _, key in MAPS]):
            raise ValueError(f"map must be one of {', '.join(known)}, got {self.map!r}.")


class _Example:
    """One test picture with three maps of its class, and each map's box at its best threshold."""

    def __init__(
        self, index: int, sample: Sample, large: Array, row: Framing, maps: dict[str, Map]
    ) -> None:
        # A setting counts for the half that did not choose it.
        in_first = bool(halves(row.pictures)[index]) if index < row.pictures else False
        chosen = {way: pair[1 if in_first else 0] for way, pair in row.chosen.items()}
        self.label, self.truth = sample.label, np.asarray(sample.boxes, np.float64)
        self.photo, self.maps, self.thresholds = Photo(large, SIDE), maps, chosen
        self.zoom = self.photo.wide / sample.image.shape[1]
        height, width = sample.image.shape[:2]
        self.centred = np.array(boxes.centred_box(height, width, chosen["centred"]))
        self.boxes: dict[str, Floats | None] = {}
        self.ious: dict[str, float] = {}
        for way, one in maps.items():
            heat = upsample(torch.from_numpy(one)[None, None], (height, width))[0, 0].numpy()
            box = boxes.box_from_map(heat, chosen[way])
            self.boxes[way] = None if box is None else np.array(box)
            self.ious[way] = 0.0 if box is None else float(metrics.iou(box, self.truth).max())
        self.iou_centred = float(metrics.iou(self.centred, self.truth).max())


class FramingView:
    """The frames of `framing`."""

    def __init__(self, net: CamModel, twin: CamModel, rows: Sequence[Framing]) -> None:
        self.rows, self.names = list(rows), net.names
        wanted = [world.CLASSES.index(name) for name in EXAMPLES]
        self.examples = []
        for row in rows:
            length = max(len(world.CLASSES), row.pictures)
            pictures = world.Objects(split="test", framing=row.asked, length=length)
            scenes = [pictures.scene(i) for i in wanted]
            samples = [scene.sample(pictures.size) for scene in scenes]
            crisp = [scene.draw(DRAWN).image for scene in scenes]
            maps = _maps_of(net, twin, samples)
            rows_of = zip(wanted, samples, crisp, maps, strict=True)
            self.examples.append([_Example(i, s, d, row, m) for i, s, d, m in rows_of])

    def render(self, state: Shown) -> Frame:
        """Draw the example with its boxes, and a bar for each way to draw a box."""
        for name, value, count in (
            ("framing", state.framing, len(self.rows)),
            ("picture", state.picture, len(EXAMPLES)),
        ):
            if not 0 <= value < count:
                raise ValueError(f"{name} must be from 0 to {count - 1}, got {value}.")
        row, one = self.rows[state.framing], self.examples[state.framing][state.picture]
        sheet = Sheet(HEAD + SIDE + 46)
        self._picture(sheet, state, one)
        told = f"Right boxes in {row.pictures} pictures like this"
        sheet.words(NAMES, 16, told, bold=True)
        self._bars(sheet, row)
        return Frame(sheet.jpeg(), self._text(state, row, one))

    # --- the two panels -------------------------------------------------------------------------

    def _picture(self, sheet: Sheet, state: Shown, one: _Example) -> None:
        map = one.maps[state.map]
        label = next(label for label, key in MAPS if key == state.map)
        name = f"{self.names[one.label]}: {label}"
        sheet.words(0, 16, shortened(name, SIDE, 14), bold=True)
        sheet.paste(0, HEAD, one.photo.heat(map, max(float(map.max()), 1e-6)))
        _box(sheet, one, one.centred, 1.6)
        for truth in one.truth:
            _box(sheet, one, truth, 6.0)
        if (box := one.boxes[state.map]) is not None:
            _box(sheet, one, box, 0.0)
        below = HEAD + SIDE
        sheet.words(0, below + 17, "solid: the map's box; dashed: true;", size=11, ink=QUIET)
        sheet.words(0, below + 32, "dotted: the centred box", size=11, ink=QUIET)

    def _bars(self, sheet: Sheet, row: Framing) -> None:
        foot = HEAD + STEP * len(WAYS)
        for share in (0.0, 0.5, 1.0):
            x = _at(share)
            sheet.line([(x, HEAD), (x, foot)], LINE, 2)
            sheet.words(x, foot + 16, f"{share:.0%}", size=11, ink=QUIET, anchor="ms")
        best = max(row.right[key] for key, *_ in WAYS)
        for i, (key, name, ink) in enumerate(WAYS):
            share, middle = row.right[key], HEAD + STEP * i + STEP / 2
            leads = share == best
            sheet.words(NAMES, middle, name, size=13, bold=leads, anchor="lm")
            sheet.bar(BAR, middle - THICK / 2, max(1.0, _at(share) - BAR), THICK, ink)
            for other in self.rows:
                if other is not row:
                    x = _at(other.right[key])
                    sheet.line([(x, middle + 13), (x, middle + 18)], QUIET, 3)
            low, high = interval(share, row.pictures)
            sheet.line([(_at(low), middle), (_at(high), middle)], INK, 4)
            for end in (low, high):
                sheet.line([(_at(end), middle - 5), (_at(end), middle + 5)], INK, 4)
            sheet.words(WIDTH, middle, percent(share), size=13, bold=leads, anchor="rm")
        told = "black: 95 % interval; ticks below a bar: other framings"
        sheet.words(BAR, foot + 32, told, size=11, ink=QUIET)

    # --- the read-out ---------------------------------------------------------------------------

    def _text(self, state: Shown, row: Framing, one: _Example) -> str:
        label = next(label for label, key in MAPS if key == state.map)
        lines = [f"The object's box takes\t{percent(row.share)} of the picture (median)"]
        ranked = sorted(WAYS, key=lambda way: -row.right[way[0]])
        lines.append(
            "From best to worst\t"
            + "; ".join(f"{n}: {percent(row.right[k])}" for k, n, _ in ranked)
        )
        a, b = (percent(v) for v in row.chosen["cam"])
        lines.append(f"CAM's best threshold on one half and on the other\t{a} and {b}")
        a, b = (percent(v) for v in row.chosen["centred"])
        lines.append(f"The centred box's best side\t{a} and {b} of the picture's")
        iou = one.ious[state.map]
        box = "no box" if one.boxes[state.map] is None else f"IoU {iou:.2f}, {_said(iou)}"
        at, middle = percent(one.thresholds[state.map]), one.iou_centred
        lines.append(
            f"This {self.names[one.label]}, {label} at {at}\t{box}; "
            f"centred box {middle:.2f}, {_said(middle)}"
        )
        return "\n".join(lines)


def interval(share: float, count: int) -> tuple[float, float]:
    """Compute the 95 % interval of a share of so many pictures (Wilson's, which stays in 0..1).

    >>> [round(end, 3) for end in interval(0.5, 100)], interval(0.0, 10)[0]
    ([0.404, 0.596], 0.0)
    """
    z2 = 1.96**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(share * (1 - share) * z2 / count + z2**2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def _said(iou: float) -> str:
    return "right" if iou >= metrics.AGREES else "wrong"


def _at(share: float) -> float:
    """Where a share lies along the bars."""
    return BAR + share * (END - BAR)


def _box(sheet: Sheet, one: _Example, box: Floats, dash: float) -> None:
    """A white line with a dark rim, so that it is seen on anything."""
    x0, x1 = np.clip(one.zoom * box[[0, 2]], 1.5, one.photo.wide - 1.5).tolist()
    y0, y1 = (HEAD + np.clip(one.zoom * box[[1, 3]], 1.5, one.photo.high - 1.5)).tolist()
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    for ink, width in ((INK, 8), ("white", 4)):
        dashed(sheet, corners, ink, width, dash)


@torch.no_grad()
def _maps_of(net: CamModel, twin: CamModel, samples: Sequence[Sample]) -> list[dict[str, Map]]:
    """Three raw maps ``(h, w)`` of every sample's own class."""
    images = np.stack([sample.image for sample in samples])
    labels = np.array([[sample.label] for sample in samples])
    features = net.features(inputs_of(net, images))
    found = {
        "cam": net.maps(features, labels),
        "class_blind": saliency.class_blind(features),
        "max": twin.maps(twin.features(inputs_of(twin, images)), labels),
    }
    arrays = {key: maps[:, 0].float().cpu().numpy() for key, maps in found.items()}
    return [{key: maps[i] for key, maps in arrays.items()} for i in range(len(samples))]


def framing(
    net: CamModel | None = None,
    twin: CamModel | None = None,
    rows: Sequence[Framing] | None = None,
) -> Explorer[Shown]:
    """Let the objects fill more or less of the picture, and watch the ranking turn; lesson 06.

    The bars are numbers measured on hundreds of pictures of every framing; the examples are drawn
    and mapped here.

    Args:
        net: the network whose maps are shown; "objects" by default.
        twin: its twin that pools by the maximum; "objects-max" by default.
        rows: the numbers of the bars; those that come with camkit by default.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        ValueError: there are fewer than two framings.

    Example:
        >>> explorer = framing()
        >>> explorer.frame(framing=0).text.split("\\t")[0]
        "The object's box takes"
    """
    rows = framings() if rows is None else list(rows)
    if len(rows) < 2:
        raise ValueError(f"rows must hold at least two framings, got {len(rows)}.")
    view = FramingView(net or zoo.load("objects"), twin or zoo.load("objects-max"), rows)
    sizes = tuple((percent(row.share), i) for i, row in enumerate(rows))
    controls: list[Control] = [
        Choice("framing", "object fills", "Which share of the picture the object takes.", sizes),
        Choice("map", "map", "Whose map and box are shown on the example.", MAPS),
        Choice(
            "picture",
            "example",
            "Which picture is shown.",
            tuple((name, i) for i, name in enumerate(EXAMPLES)),
        ),
    ]
    alt = (
        "Left: one picture under heat with the map's box, solid, the true box, dashed, and the "
        "centred box, dotted. Right: a bar for each way to draw a box, the share of right boxes "
        "with its interval, and ticks for the other framings."
    )
    return Explorer("framing", Shown(framing=min(3, len(rows) - 1)), controls, view.render, alt)
