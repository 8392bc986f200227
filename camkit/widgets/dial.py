"""Explorer of lesson 11: *the bias dial*, a map beside what moves the score in truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from camkit import trust, world, zoo
from camkit.heads import CamModel
from camkit.plot import INK, QUIET
from camkit.train import inputs_of
from camkit.widgets.canvas import HEAD, LINE, WIDTH, Photo, Sheet, fixed, percent, shortened
from camkit.widgets.explorer import Choice, Control, Explorer, Frame, Tick
from camkit.world import Scene

SIDE = 216
"""Side of the picture, in points."""
DRAWN = 2 * SIDE
"""Pixels at which a scene is drawn; the network sees it at its own size."""
ANSWERS, GAUGES = 246, 480
"""Where the panels of the answers and of the gauges begin."""
SHOWN = 3
"""Answers in the list."""
NETWORKS = (("never", "objects"), ("9 of 10", "biased-90"), ("always", "biased-100"))
"""How often a class was shown at home while the network learned, and the network's name."""
ACTORS = (("dog", 3), ("boat", 7), ("mug", 1))
"""The class and the seed of each scene; it stands at home."""
HEAT, CAUSE = "#b8860b", "#1f5f99"

Floats = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Dial:
    """Which network, which scene, in which place (0: at home), and whether the object is there."""

    network: int = 0
    scene: int = 0
    place: int = 0
    object: bool = True

    def __post_init__(self) -> None:
        for name in ("network", "scene", "place"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
        if not isinstance(self.object, (bool, np.bool_)):
            raise TypeError(f"object must be True or False, not {type(self.object).__name__}.")


class _Stage:
    """One scene in every place, with and without its object, as all networks see it."""

    def __init__(self, scene: Scene, nets: Sequence[CamModel]) -> None:
        self.label, self.kind = scene.label, world.CLASSES[scene.label]
        home = scene.background.kind
        self.places = (home, *(b for b in world.BACKGROUNDS if b != home))
        there = [scene if b == home else scene.on(b) for b in self.places]
        self.scenes = [*there, *(one.without(self.kind) for one in there)]  # 2 P of them
        self.photos: dict[int, Photo] = {}
        drawn = [one.draw(nets[0].size[0]) for one in self.scenes]
        self.mask = drawn[0].visible[scene.kinds.index(self.kind)]  # the same in every place
        images = np.stack([one.image for one in drawn])
        self.maps: list[npt.NDArray[np.float32]] = []  # a network each: (2 P, h, w)
        self.scores: list[torch.Tensor] = []  # (2 P, C)
        for net in nets:
            with torch.no_grad():
                features = net.features(inputs_of(net, images))
                self.maps.append(net.maps(features, self.label)[:, 0].cpu().numpy())
                self.scores.append(net.scores(features).cpu())
        label = self.label
        self.evidence = [trust.evidence(s, label).double().numpy() for s in self.scores]
        self.log_odds = [trust.evidence(s, label, "log-odds") for s in self.scores]
        masks = self.mask[None]
        self.heat = [[float(trust.heat_share(m, masks)[0]) for m in maps] for maps in self.maps]

    def index(self, state: Dial) -> int:
        """Which of the drawings a state shows."""
        return state.place + (0 if state.object else len(self.places))

    def photo(self, i: int) -> Photo:
        """The drawing at the panel's size, made when it is first shown."""
        if i not in self.photos:
            self.photos[i] = Photo(self.scenes[i].draw(DRAWN).image, SIDE)
        return self.photos[i]

    def effects(self, network: int, state: Dial) -> tuple[float, float]:
        """The fall of the evidence without the object, and in the mean of all other places."""
        told, count = self.evidence[network], len(self.places)
        block = told[:count] if state.object else told[count:]
        others = np.delete(block, state.place)
        return (
            float(told[state.place] - told[count + state.place]),
            float(block[state.place] - others.mean()),
        )


class DialView:
    """The frames of `bias_dial`."""

    def __init__(self, nets: Sequence[CamModel], scenes: Sequence[Scene]) -> None:
        self.nets = list(nets)
        self.stages = [_Stage(scene, self.nets) for scene in scenes]
        self.hottest = [
            max(max(float(stage.maps[n].max()) for stage in self.stages), 1e-6)
            for n in range(len(self.nets))
        ]
        ends = [
            abs(v)
            for stage in self.stages
            for n in range(len(self.nets))
            for place in range(len(stage.places))
            for there in (True, False)
            for v in stage.effects(n, Dial(n, 0, place, there))
        ]
        self.most = float(np.ceil(max(ends)))

    def render(self, state: Dial) -> Frame:
        """Draw the picture under its heat, the answers, and the gauges of heat and of causes."""
        for name, count in (
            ("network", len(self.nets)),
            ("scene", len(self.stages)),
            ("place", len(world.BACKGROUNDS)),
        ):
            if not 0 <= getattr(state, name) < count:
                raise ValueError(f"{name} must be from 0 to {count - 1}.")
        stage = self.stages[state.scene]
        i = stage.index(state)
        sheet = Sheet(HEAD + SIDE + 28)
        sheet.words(0, 16, f"map of {stage.kind}", bold=True)
        photo = stage.photo(i)
        sheet.paste(0, HEAD, photo.heat(stage.maps[state.network][i], self.hottest[state.network]))
        sheet.words(
            0, HEAD + SIDE + 17, "one scale for all pictures of a network", size=11, ink=QUIET
        )
        self._answers(sheet, state, stage)
        self._gauges(sheet, state, stage)
        return Frame(sheet.jpeg(), self._text(state, stage))

    # --- the panels -----------------------------------------------------------------------------

    def _answers(self, sheet: Sheet, state: Dial, stage: _Stage) -> None:
        shares = stage.scores[state.network][stage.index(state)].softmax(dim=0)
        best = [int(c) for c in shares.argsort(descending=True)[:SHOWN]]
        best = best if stage.label in best else [*best[:-1], stage.label]
        sheet.words(ANSWERS, 16, "what it answers", bold=True)
        wide = GAUGES - ANSWERS - 40
        for k, c in enumerate(best):
            y, mine = HEAD + 20 + 56 * k, c == stage.label
            name = f"{self.nets[state.network].names[c]}{'' if not mine else ' (asked for)'}"
            sheet.words(ANSWERS, y, shortened(name, 150, 13), size=13, bold=mine)
            sheet.words(
                ANSWERS + wide, y, percent(float(shares[c])), size=13, bold=mine, anchor="rs"
            )
            sheet.bar(ANSWERS, y + 8, wide, 12, LINE)
            sheet.bar(ANSWERS, y + 8, max(1.0, wide * float(shares[c])), 12, INK if mine else QUIET)
        log_odds = stage.log_odds[state.network][stage.index(state)]
        told = f"log-odds of {stage.kind}: {fixed(float(log_odds), 1)}"
        sheet.words(ANSWERS, HEAD + SIDE - 6, told, size=13)

    def _gauges(self, sheet: Sheet, state: Dial, stage: _Stage) -> None:
        wide = WIDTH - GAUGES
        heat = stage.heat[state.network][stage.index(state)]
        where = "stands" if state.object else "stood"
        sheet.words(GAUGES, 16, f"heat where the {stage.kind} {where}", bold=True)
        others = [stage.heat[n][stage.index(state)] for n in range(len(self.nets))]
        self._bar(sheet, HEAD + 8, 0.0, heat, 0.0, 1.0, HEAT, others)
        sheet.words(GAUGES, HEAD + 50, percent(heat), size=13, bold=True)
        sheet.words(GAUGES + wide, HEAD + 50, "of 100 %", size=11, ink=QUIET, anchor="rs")
        top = HEAD + 92
        sheet.words(GAUGES, top, "what moves the score in truth", bold=True)
        effects = stage.effects(state.network, state)
        every = [stage.effects(n, state) for n in range(len(self.nets))]
        names = (f"the {stage.kind}", "the background")
        for k, (name, value) in enumerate(zip(names, effects, strict=True)):
            y = top + 24 + 56 * k
            sheet.words(GAUGES, y, name, size=13)
            sheet.words(GAUGES + wide, y, fixed(value, 1), size=13, bold=True, anchor="rs")
            ticks = [one[k] for one in every]
            self._bar(sheet, y + 8, 0.0, value, -self.most / 3, self.most, CAUSE, ticks)
        sheet.words(GAUGES, HEAD + SIDE + 17, "ticks: all three networks", size=11, ink=QUIET)

    def _bar(
        self,
        sheet: Sheet,
        y: float,
        zero: float,
        value: float,
        low: float,
        high: float,
        ink: str,
        ticks: Sequence[float],
    ) -> None:
        """A bar from zero to a value on a line from ``low`` to ``high``, and ticks below it."""

        def at(v: float) -> float:
            return GAUGES + (WIDTH - GAUGES) * (min(max(v, low), high) - low) / (high - low)

        sheet.bar(GAUGES, y, WIDTH - GAUGES, 14, LINE)
        left, right = sorted((at(zero), at(value)))
        sheet.bar(left, y, max(1.0, right - left), 14, ink)
        sheet.line([(at(zero), y - 3), (at(zero), y + 17)], INK, 3)
        for tick in ticks:
            sheet.line([(at(tick), y + 17), (at(tick), y + 22)], QUIET, 4)

    # --- the read-out ---------------------------------------------------------------------------

    def _text(self, state: Dial, stage: _Stage) -> str:
        i, net = stage.index(state), self.nets[state.network]
        scores = stage.scores[state.network][i]
        shares = scores.softmax(dim=0)
        first = int(shares.argmax())
        right = "right" if first == stage.label else "wrong"
        thing, place = effects = stage.effects(state.network, state)
        causes = (f"the {stage.kind}", "the background")
        there = f"the {stage.kind} in it" if state.object else f"no {stage.kind} in it"
        answer = f"{net.names[first]}, {percent(float(shares[first]), 1)}"
        return "\n".join(
            (
                f"The picture\t{_at(stage.places[state.place], state.place == 0)}, {there}",
                f"The network answers\t{answer}" + (f": {right}" if state.object else ""),
                f"Heat where the {stage.kind} {'stands' if state.object else 'stood'}"
                f"\t{percent(stage.heat[state.network][i])}",
                f"Without the {stage.kind} the centred score falls by\t{fixed(thing, 2)}",
                f"In other places it falls by, on average\t{fixed(place, 2)}",
                f"The stronger cause\t{causes[int(np.argmax(effects))]}",
            )
        )


def _at(place: str, home: bool) -> str:
    return f"{place}{', its home' if home else ''}"


def bias_dial(
    nets: Sequence[CamModel] | None = None, scenes: Sequence[Scene] | None = None
) -> Explorer[Dial]:
    """Tie a class to its background, and watch answer, map and true cause; lesson 11.

    Everything is drawn and measured when the explorer is made; a moved control only looks it up.

    Args:
        nets: three networks, which saw a class at home never more often than elsewhere, nine times
            of ten, and always; those that come with camkit by default.
        scenes: scenes with one object at home; a dog, a boat and a mug by default.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        ValueError: there are not three networks, or no scene.

    Example:
        >>> explorer = bias_dial(scenes=[world.scene_of("dog", "meadow", seed=3)])
        >>> explorer.frame(network=2, place=1).text.split("\\n")[-1].split("\\t")[0]
        'The stronger cause'
    """
    nets = [zoo.load(name) for _, name in NETWORKS] if nets is None else list(nets)
    if scenes is None:
        scenes = [world.scene_of(kind, world.HOMES[kind], seed=seed) for kind, seed in ACTORS]
    if len(nets) != len(NETWORKS) or not scenes:
        raise ValueError(
            f"bias_dial needs {len(NETWORKS)} networks and at least one scene, got {len(nets)} and "
            f"{len(scenes)}."
        )
    view = DialView(nets, scenes)
    # Scene by scene the home is another place, so the slider counts places and home comes first.
    count = len(world.BACKGROUNDS)
    places = (("home", 0), *((f"elsewhere {k}", k) for k in range(1, count)))
    tied = tuple((name, n) for n, (name, _) in enumerate(NETWORKS))
    controls: list[Control] = [
        Choice("network", "tied to home", "How often its class stood at home in training.", tied),
        Choice("place", "place", "What lies behind the things.", places),
        Choice(
            "scene",
            "scene",
            "Which picture.",
            tuple((stage.kind, k) for k, stage in enumerate(view.stages)),
        ),
        Tick("object", "the object is there", "Draw the picture with or without its object."),
    ]
    alt = (
        "Left: a picture under the heat of one class. Middle: the network's three best answers. "
        "Right: a gauge of the heat on the object, and two of what truly moves the score, the "
        "object and the background, with ticks for all three networks."
    )
    return Explorer("bias-dial", Dial(), controls, view.render, alt)
