"""The explorer of lesson 07: take things out of a scene, and watch the decision and the map."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.plot import INK, QUIET
from camkit.train import inputs_of
from camkit.widgets.canvas import HEAD, LINE, WIDTH, Photo, Sheet, fixed, number, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Tick
from camkit.world import BACKGROUNDS, Scene

Floats = npt.NDArray[np.float32]

MOST = 8
"""Things that can be ticked."""
SIDE = 236
DRAWN = 256
BARS, BAR = 256, 348
"""Where the list of decisions and its bars begin."""
THINGS, THING = 494, 584
"""Where the list of things and its bars begin."""
ROW, STEP = 21, 28
HEAT, CHANGE = "#d1603d", "#1f5f99"
AS_DRAWN = "as drawn"


@dataclass(frozen=True)
class TakenOut:
    """Which things stand in the scene, what is behind them, and whose decision is asked for."""

    thing_1: bool = True
    thing_2: bool = True
    thing_3: bool = True
    thing_4: bool = True
    thing_5: bool = True
    thing_6: bool = True
    thing_7: bool = True
    thing_8: bool = True
    background: str = AS_DRAWN
    scene: int = 0

    def __post_init__(self) -> None:
        if self.background not in (AS_DRAWN, *BACKGROUNDS):
            raise ValueError(
                f"background must be {AS_DRAWN!r} or one of {', '.join(BACKGROUNDS)}; "
                f"it is {self.background!r}."
            )

    @property
    def kept(self) -> tuple[bool, ...]:
        """Whether each of the first `MOST` things is there."""
        return tuple(bool(getattr(self, f"thing_{k + 1}")) for k in range(MOST))


@dataclass(frozen=True)
class _Seen:
    """One drawn scene: its decisions ``(C,)``, its maps ``(C, h, w)`` and the picture."""

    decisions: Floats
    maps: Floats
    photo: Photo


class TakeOutView:
    """The frames of `take_it_out`."""

    def __init__(self, net: CamModel, scene: Scene) -> None:
        self.net, self.whole, self.names = net, scene, net.names
        count, seen = Counter(scene.kinds), Counter[str]()
        self.things: list[str] = []
        for kind in scene.kinds:
            seen[kind] += 1
            self.things.append(kind if count[kind] == 1 else f"{kind} {seen[kind]}")
        every = (True,) * len(self.things)
        self._seen = lru_cache(maxsize=512)(self._look)
        self._alone = lru_cache(maxsize=len(BACKGROUNDS) + 1)(self._changes)
        self.start = self._seen(every, AS_DRAWN)
        self.best = int(self.start.decisions.argmax())
        spread = np.abs(self.start.decisions).max()
        self.limit = float(max(1.0, 1.15 * spread))

    # --- what is computed -----------------------------------------------------------------------

    def _scene(self, kept: tuple[bool, ...], background: str) -> Scene:
        scene = self.whole
        for k in reversed(range(len(self.things))):
            if not kept[k]:
                scene = scene.without(k)
        return scene if background == AS_DRAWN else scene.on(background)

    @torch.no_grad()
    def _look(self, kept: tuple[bool, ...], background: str) -> _Seen:
        scene = self._scene(kept, background)
        features = self.net.features(inputs_of(self.net, scene.draw(self.net.size[0]).image[None]))
        decisions, maps = self.net.scores(features)[0], self.net.maps(features)[0]
        return _Seen(decisions.numpy(), maps.numpy(), Photo(scene.draw(DRAWN).image, SIDE))

    @torch.no_grad()
    def _changes(self, background: str) -> tuple[Floats, Floats]:
        """What lies on each thing, and what goes with it, for every scene: ``(n, C)`` twice.

        Both are parts of the decision: the sum of the map over what is seen of the thing, divided
        by the number of all places; and the decision with everything there, less the one without.
        """
        n, size = len(self.things), self.net.size[0]
        every = (True,) * n
        full = self._seen(every, background)
        masks = self._scene(every, background).draw(size).visible.astype(np.float32)
        large = upsample(torch.from_numpy(full.maps)[None], self.net.size)[0].numpy()
        lies = np.einsum("nij,cij->nc", masks, large) / (size * size)
        left = [self._scene(tuple(j != k for j in range(n)), background) for k in range(n)]
        images = np.stack([scene.draw(size).image for scene in left])
        without = self.net(inputs_of(self.net, images)).numpy()
        return lies, full.decisions - without

    # --- what is drawn --------------------------------------------------------------------------

    def render(self, state: TakenOut) -> Frame:
        """Draw the scene with its map, all decisions, and what each thing carries."""
        if not 0 <= state.scene < len(self.names):
            raise ValueError(f"scene must be from 0 to {len(self.names) - 1}, got {state.scene}.")
        kept = state.kept[: len(self.things)]
        seen = self._seen(kept, state.background)
        lies, gone = self._alone(state.background)
        sheet = Sheet(HEAD + max(SIDE + 34, STEP * len(self.things) + 42))
        sheet.words(0, 16, shortened(f"Map of {self.names[state.scene]}", SIDE, 14), bold=True)
        limit = max(float(self.start.maps[state.scene].max()), 1e-6)
        sheet.paste(0, HEAD, seen.photo.heat(seen.maps[state.scene], limit))
        sheet.frame(0, HEAD, seen.photo.wide, seen.photo.high)
        told = "brightest as in the whole scene"
        sheet.words(0, HEAD + SIDE + 17, told, size=11, ink=QUIET)
        self._decisions(sheet, seen, state.scene)
        self._carried(sheet, lies[:, state.scene], gone[:, state.scene], kept)
        return Frame(sheet.jpeg(), self._text(state, seen, lies, gone))

    def _decisions(self, sheet: Sheet, seen: _Seen, asked: int) -> None:
        sheet.words(BARS, 16, "Decisions", bold=True)
        end = THINGS - 20
        zero, unit = (BAR + end) / 2, (end - BAR) / 2 / self.limit
        foot = HEAD + ROW * len(self.names)
        sheet.line([(zero, HEAD), (zero, foot)], LINE, 2)
        first = int(seen.decisions.argmax())
        for row, name in enumerate(self.names):
            y, value = HEAD + ROW * row, float(seen.decisions[row])
            if row == asked:
                sheet.triangle(BARS - 11, y + ROW / 2, 8)
            sheet.words(BARS, y + 14, shortened(name, BAR - BARS - 6, 12), size=12,
                        bold=row == first, ink=INK if row == first else QUIET)  # fmt: skip
            wide = min(abs(value), self.limit) * unit
            left = zero if value > 0 else zero - wide
            sheet.bar(left, y + 5, max(wide, 0.5), ROW - 10, INK if row == first else "#b9bfc9")
            x = zero + float(np.clip(self.start.decisions[row], -self.limit, self.limit)) * unit
            sheet.line([(x, y + 2), (x, y + ROW - 2)], HEAT, 3)
        sheet.words(BARS, foot + 16, "tick: with everything there", size=11, ink=QUIET)

    def _carried(self, sheet: Sheet, lies: Floats, gone: Floats, kept: tuple[bool, ...]) -> None:
        sheet.words(THINGS, 16, "What each thing carries", bold=True)
        reach = float(max(np.abs(lies).max(), np.abs(gone).max(), 1e-6))
        zero = THING + 34.0
        unit = (WIDTH - 34 - zero) / reach
        foot = HEAD + STEP * len(self.things)
        sheet.line([(zero, HEAD), (zero, foot)], LINE, 2)
        for row, name in enumerate(self.things):
            y = HEAD + STEP * row
            ink = INK if kept[row] else QUIET
            told = name if kept[row] else f"({name})"
            sheet.words(THINGS, y + 18, shortened(told, THING - THINGS, 12), size=12, ink=ink)
            for value, high, colour in ((lies[row], 4, HEAT), (gone[row], 14, CHANGE)):
                wide = min(abs(float(value)) * unit, zero - THING if value < 0 else 1e9)
                left = zero if value > 0 else zero - wide
                sheet.bar(left, y + high, max(wide, 0.5), 9, colour)
            right = zero + max(float(gone[row]), 0.0) * unit + 4
            sheet.words(right, y + 22.5, fixed(float(gone[row]), 2), size=10.5, ink=QUIET)
        for y, colour, told in ((12, HEAT, "of the map lies on it"), (28, CHANGE, "goes with it")):
            sheet.bar(THINGS, foot + y - 6, 14, 8, colour)
            sheet.words(THINGS + 20, foot + y + 2, told, size=11, ink=QUIET)

    # --- the read-out ---------------------------------------------------------------------------

    def _text(self, state: TakenOut, seen: _Seen, lies: Floats, gone: Floats) -> str:
        c, name = state.scene, self.names[state.scene]
        order = seen.decisions.argsort()[::-1]
        first, second = (int(k) for k in order[:2])
        gap = float(seen.decisions[first] - seen.decisions[second])
        out = [t for t, there in zip(self.things, state.kept, strict=False) if not there]
        change = float(seen.decisions[c] - self.start.decisions[c])
        hot, most = int(lies[:, c].argmax()), int(gone[:, c].argmax())
        positive = np.maximum(seen.maps[c], 0)
        behind = state.background
        behind = self.whole.background.kind if behind == AS_DRAWN else behind
        share = float((positive > 0.2 * max(float(positive.max()), 1e-6)).mean())
        return (
            f"The answer\t{self.names[first]}, {number(gap, signed=False)} before "
            f"{self.names[second]}\n"
            f"Taken out\t{', '.join(out) or 'nothing'}; behind it: {behind}\n"
            f"Decision for {name}\t{fixed(float(seen.decisions[c]), 2)}, "
            f"changed by {fixed(change, 2)}\n"
            f"Most of the map lies on\t{self.things[hot]} ({fixed(float(lies[hot, c]), 2)}); "
            f"most goes with {self.things[most]} ({fixed(float(gone[most, c]), 2)})\n"
            f"Area above 20 % of the map's peak\t{percent(share)}"
        )


def take_it_out(net: CamModel, scene: Scene) -> Explorer[TakenOut]:
    """Take things out of a scene, hang another backdrop, and watch decisions and map; lesson 07.

    For every thing two numbers stand beside each other: how much of the decision lies on it in the
    map, and by how much the decision falls when the scene is drawn again without it.

    Args:
        net: a network of scenes with average pooling, such as ``svm.on(net)``.
        scene: from `camkit.world`, with one to eight things.

    Returns:
        The explorer; as the last line of a cell it shows itself. It opens with the whole scene and
        the network's answer.

    Raises:
        ValueError: the maps of ``net`` do not add up to its scores, or the scene is empty or holds
            more than eight things.

    Example:
        >>> from camkit import world
        >>> net = CamModel(torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Linear(4, 2), names=["a", "b"],
        ...                size=(64, 64))
        >>> explorer = take_it_out(net, world.scene_in("kitchen", seed=1))
        >>> explorer.frame(thing_1=False).text.splitlines()[1].split("\\t")[0]
        'Taken out'
    """
    if net.verdict != "exact":
        raise ValueError(
            f'The maps of net are "{net.verdict}", so they do not add up to its scores: give a '
            "network with average pooling."
        )
    if not 1 <= len(scene.things) <= MOST:
        raise ValueError(f"scene must hold 1 to {MOST} things, it holds {len(scene.things)}.")
    view = TakeOutView(net, scene)
    others = [b for b in BACKGROUNDS if b != scene.background.kind]
    controls: list[Control] = [
        Choice("scene", "scene", "Whose decision and map are shown.",
               tuple((name, k) for k, name in enumerate(net.names))),
        Choice("background", "behind it", "What is behind the things.",
               tuple((b, b) for b in (AS_DRAWN, *others))),
        *(Tick(f"thing_{k + 1}", name, f"Let the {name} stand in the scene.")
          for k, name in enumerate(view.things)),
    ]  # fmt: skip
    alt = (
        "Left: the scene under the map of the scene asked for. Middle: a bar for every decision, "
        "with a tick where it stood with everything there. Right: for each thing, how much of the "
        "map lies on it, and how much of the decision goes when it is taken out."
    )
    return Explorer("take-it-out", TakenOut(scene=view.best), controls, view.render, alt)
