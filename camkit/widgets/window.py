"""Explorer of lesson 09: *crop window*, where to look, how wide, and at which pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from camkit import boxes, transfer, world, zoo
from camkit.heads import CamModel
from camkit.images import Array
from camkit.plot import INK, QUIET
from camkit.tables import closer as measured
from camkit.tables.closer import MARGINS, PIXELS, SHOWN, SOURCES, USUAL, Closer, Window
from camkit.widgets.canvas import HEAD, LINE, SCALE, WIDTH, Sheet, percent
from camkit.widgets.explorer import Choice, Control, Explorer, Frame
from camkit.widgets.sizes import interval

GAP = 12
SIDE = (WIDTH - (len(SHOWN) - 1) * GAP) // len(SHOWN)
"""Side of a picture and of what is seen through its window, in points."""
BAR, END, STEP, THICK = 150, 640, 25, 13
"""Where the bars begin, where 100 % lies; from bar to bar; and how thick they are."""
NAMES = {
    "whole": "whole picture",
    "cam": "map of “bird”",
    "true": "true box",
    "centred": "in the middle",
    "random": "random place",
}
WINDOW, STRONG, PALE = "#1f5f99", "#1f5f99", "#b9bdc4"


@dataclass(frozen=True)
class Looked:
    """Where the window lies, its margin, and the side of the picture that is cut."""

    source: str = "whole"
    margin: float = 0.1
    pixels: int = PIXELS[0]

    def __post_init__(self) -> None:
        for name, value, known in (
            ("source", self.source, SOURCES),
            ("margin", self.margin, MARGINS),
            ("pixels", self.pixels, PIXELS),
        ):
            if value not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(str, known))}, got {value!r}."
                )


class WindowView:
    """The frames of `crop_window`."""

    def __init__(self, net: CamModel, told: Closer) -> None:
        self.told, size = told, PIXELS[0]
        pictures = world.Birds(split="test", size=size)
        scenes = [pictures.scene(i) for i in SHOWN]
        samples = [scene.sample(size) for scene in scenes]
        self.labels = [sample.label for sample in samples]
        self.masks = [np.asarray(sample.mask) for sample in samples]
        self.images: dict[int, list[Array]] = {
            size: [sample.image for sample in samples],
            PIXELS[1]: [scene.draw(PIXELS[1]).image for scene in scenes],
        }
        lot = measured.random_boxes("test", max(SHOWN) + 1, size)
        self.boxes = {
            "whole": np.full((len(SHOWN), 4), np.nan),
            "cam": measured.bird_boxes(net, np.stack(self.images[size])),
            "true": np.stack([sample.boxes[0] for sample in samples]),
            "centred": np.tile(boxes.centred_box(size, size, USUAL), (len(SHOWN), 1)),
            "random": lot[list(SHOWN)],
        }
        side = (SIDE * SCALE, SIDE * SCALE)
        large = [Image.fromarray(image) for image in self.images[PIXELS[1]]]
        self.small = [image.resize(side, Image.Resampling.BICUBIC) for image in large]

    def render(self, state: Looked) -> Frame:
        """Draw six birds, what is seen of them, and a bar for each place of the window."""
        window = self.told.window(state.source, state.margin, state.pixels)
        sheet = Sheet(2 * (HEAD + SIDE) + 46 + STEP * len(SOURCES) + 52)
        sheet.words(0, 16, "Six test pictures, and the window", bold=True)
        below = HEAD + SIDE + HEAD + 4
        sheet.words(0, below - 10, "What the network is shown, and what the SVM says", bold=True)
        held = [self._one(sheet, k, state, window.shown[k], below) for k in range(len(self.labels))]
        self._bars(sheet, state, below + SIDE + 46)
        return Frame(sheet.jpeg(), self._text(state, window, held))

    def _one(self, sheet: Sheet, k: int, state: Looked, answer: int, below: int) -> float:
        """One bird: the whole picture above, the crop below; the share of the bird inside."""
        x, size = k * (SIDE + GAP), PIXELS[0]
        box = self.boxes[state.source][k]
        placed = measured.window_of(box, 0.0 if state.source == "whole" else state.margin, size)
        sheet.paste(x, HEAD, self.small[k])
        zoom = SIDE / size
        x0, y0, x1, y1 = (float(np.clip(v * zoom, 1.0, SIDE - 1.0)) for v in placed)
        corners = [(x + a, HEAD + b) for a, b in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))]
        sheet.line(corners, "white", 7)
        sheet.line(corners, WINDOW, 4)
        cut = transfer.square_crop(
            self.images[state.pixels][k], box * state.pixels / size, state.margin, size
        )
        seen = Image.fromarray(cut).resize((SIDE * SCALE,) * 2, Image.Resampling.BICUBIC)
        sheet.paste(x, below, seen)
        right = answer == self.labels[k]
        said = world.SPECIES[answer].removesuffix(" finch")
        sheet.words(x, below + SIDE + 15, f"{'✓' if right else '✗'} {said}", size=12, bold=right)
        if not right:
            true = world.SPECIES[self.labels[k]].removesuffix(" finch")
            sheet.words(x, below + SIDE + 29, f"true: {true}", size=11, ink=QUIET)
        return measured.bird_inside(self.masks[k], placed)[0]

    def _bars(self, sheet: Sheet, state: Looked, top: int) -> None:
        count = self.told.window("whole").count
        sheet.words(0, top + 10, f"Species named right, {count:,} test pictures", bold=True)
        top += 20
        foot = top + STEP * len(SOURCES)
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = BAR + share * (END - BAR)
            sheet.line([(x, top), (x, foot)], LINE, 2)
            sheet.words(x, foot + 14, f"{share:.0%}", size=11, ink=QUIET, anchor="ms")
        for i, source in enumerate(SOURCES):
            one = self.told.window(source, state.margin, state.pixels)
            middle, mine = top + STEP * (i + 0.5), source == state.source
            sheet.words(0, middle, NAMES[source], size=13, bold=mine, anchor="lm")
            if mine:
                sheet.triangle(BAR - 12, middle, 9)
            wide = one.accuracy * (END - BAR)
            sheet.bar(BAR, middle - THICK / 2, wide, THICK, STRONG if mine else PALE)
            ends = [BAR + v * (END - BAR) for v in interval(one.accuracy, one.count)]
            sheet.line([(ends[0], middle), (ends[1], middle)], INK, 3)
            for end in ends:
                sheet.line([(end, middle - 4), (end, middle + 4)], INK, 3)
            sheet.words(WIDTH, middle, percent(one.accuracy, 1), size=13, bold=mine, anchor="rm")

    def _text(self, state: Looked, window: Window, held: list[float]) -> str:
        low, high = interval(window.accuracy, window.count)
        right = sum(a == b for a, b in zip(window.shown, self.labels, strict=True))
        usual = state.source in ("centred", "random")
        lines = [
            f"Species named right\t{percent(window.accuracy, 1)} of {window.count:,} test "
            f"pictures (95 %: {percent(low, 1)} to {percent(high, 1)})",
            f"Share of the bird inside the window\t{percent(window.inside)} on average; in these "
            f"six {', '.join(percent(v) for v in held)}",
            f"Share of the window that is bird\t{percent(window.fills)} on average",
            f"Of these six\t{right} right",
        ]
        if state.source == "whole":
            lines.append("The whole picture has no margin\t")
        if usual:
            lines.append(f"Box before the margin\t{percent(USUAL)} of each side, a usual bird's")
        return "\n".join(line.rstrip("\t") for line in lines)


def crop_window(net: CamModel | None = None, told: Closer | None = None) -> Explorer[Looked]:
    """Move the window through which a network looks at drawn birds; lesson 09.

    The accuracies and answers are numbers measured on pictures that were all cut by the same rule,
    the SVM trained anew for each; the windows and crops are made here.

    Args:
        net: the network whose map of "bird" places a window; "objects" by default.
        told: the numbers; those that come with camkit by default.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Example:
        >>> explorer = crop_window()
        >>> explorer.frame(source="true").text.split("\\t")[0]
        'Species named right'
    """
    view = WindowView(net or zoo.load(measured.NETWORK), told or measured.closer())
    controls: list[Control] = [
        Choice(
            "source",
            "window",
            "Where the window comes from.",
            tuple((NAMES[source], source) for source in SOURCES),
        ),
        Choice(
            "margin",
            "margin",
            "How much of the box's longer side is added on each side.",
            tuple((f"{100 * m:.0f} %", m) for m in MARGINS),
        ),
        Choice(
            "pixels",
            "pixels",
            "Whether the crop is cut from the small picture, or from one drawn twice as large.",
            (("of the small picture", PIXELS[0]), ("of the large picture", PIXELS[1])),
        ),
    ]
    alt = (
        "Above: six pictures with a bird each and the window on them. Middle: what is seen through "
        "the window, and the species the SVM names, with a tick where it is right. Below: a bar "
        "with its interval for each place of the window."
    )
    return Explorer("crop-window", Looked(), controls, view.render, alt)
