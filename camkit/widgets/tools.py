"""The explorer of lesson 08: any pose with any tool, and what the SVM decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.plot import INK, QUIET, diverging
from camkit.tables import actions
from camkit.train import inputs_of
from camkit.widgets.canvas import HEAD, Photo, Sheet, fixed, percent
from camkit.widgets.explorer import Choice, Explorer, Frame
from camkit.world import ACTIONS, POSES, posed

Floats = npt.NDArray[np.float32]

SIDE, DRAWN = 250, 256
PEOPLE = 6
"""People to choose from."""
GRID, CELL, ROW = 344, 33.5, 22.0
"""Where the cells of the grid begin, and how wide and high they are."""
TOP = HEAD + 34
SHORT = {"watering can": "can", "umbrella": "umbrella", "bicycle": "bicycle", None: "nothing"}


@dataclass(frozen=True)
class Swapped:
    """Which pose, which tool, whose decisions, and which person; places in the lists."""

    pose: int = 0
    tool: int = 0
    action: int = 0
    person: int = 0

    def __post_init__(self) -> None:
        ends = {"pose": len(POSES), "tool": len(actions.HELD), "action": len(ACTIONS),
                "person": PEOPLE}  # fmt: skip
        for name, end in ends.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
            if not 0 <= value < end:
                raise ValueError(f"{name} must be from 0 to {end - 1}; it is {value}.")


@dataclass(frozen=True)
class _Posed:
    """One drawn person: decisions ``(C,)``, maps ``(C, h, w)``, picture, and masks of two parts."""

    decisions: Floats
    maps: Floats
    photo: Photo
    masks: npt.NDArray[np.bool_]  # (2, H, W), person and tool


class SwapView:
    """The frames of `swap_the_tool`."""

    def __init__(self, net: CamModel, grid: Floats) -> None:
        self.net = net
        self.mean = grid.mean(axis=2)  # (P, T, C)
        answers = grid.argmax(axis=3)  # (P, T, N)
        counts = [(answers == c).sum(axis=2) for c in range(grid.shape[3])]
        self.named, self.people = np.stack(counts, axis=2), grid.shape[2]
        self.limit = max(float(np.abs(self.mean).max()), 1e-6)
        self.seen = lru_cache(maxsize=256)(self._look)
        self.decided = lru_cache(maxsize=len(ACTIONS))(self._decided)
        own = self.seen(POSES.index("fishing"), 0, 0)
        self.hottest = max(float(own.maps.max()), 1e-6)

    @torch.no_grad()
    def _look(self, pose: int, tool: int, person: int) -> _Posed:
        scene = posed(POSES[pose], actions.HELD[tool], seed=person)
        side = self.net.size[0]
        picture = scene.draw(side)
        features = self.net.features(inputs_of(self.net, picture.image[None]))
        masks = np.zeros((2, side, side), bool)
        for thing, seen in zip(scene.things, picture.visible, strict=True):
            if thing.role in ("person", "tool"):
                masks[int(thing.role == "tool")] |= seen
        masks[0] &= ~masks[1]
        photo = Photo(scene.draw(DRAWN).image, SIDE)
        return _Posed(
            self.net.scores(features)[0].numpy(), self.net.maps(features)[0].numpy(), photo, masks
        )

    def shares(self, state: Swapped) -> tuple[Floats, Floats]:
        """Shares of the positive heat, and of the area, on person, tool and place: (3,) each."""
        seen = self.seen(state.pose, state.tool, state.person)
        small = torch.from_numpy(seen.maps[state.action])[None, None]
        hot = upsample(small, self.net.size)[0, 0].clamp_min(0).numpy()
        on = [float(hot[m].sum()) / max(float(hot.sum()), 1e-9) for m in seen.masks]
        area = [float(m.mean()) for m in seen.masks]
        rows = [[*part, 1.0 - sum(part)] for part in (on, area)]
        return np.array(rows[0], np.float32), np.array(rows[1], np.float32)

    def render(self, state: Swapped) -> Frame:
        """Draw the person with the tool under the action's map, and the grid of all of them."""
        seen = self.seen(state.pose, state.tool, state.person)
        sheet = self.decided(state.action).copy()
        sheet.paste(0, HEAD, seen.photo.heat(seen.maps[state.action], self.hottest))
        sheet.frame(0, HEAD, seen.photo.wide, seen.photo.high)
        self._chosen(sheet, state)
        return Frame(sheet.jpeg(), self._text(state, seen))

    def _decided(self, action: int) -> Sheet:
        """What one action's pictures share: titles and cells. Words are slow to draw."""
        sheet = Sheet(round(TOP + ROW * len(POSES) + 48))
        sheet.words(0, 16, f"Map of {ACTIONS[action]}", bold=True)
        sheet.words(0, HEAD + SIDE + 17, "one scale for all poses and tools", size=11, ink=QUIET)
        sheet.words(GRID - 76, 16, f"Decision for {ACTIONS[action]}, the mean of "
                    f"{self.people} people", bold=True)  # fmt: skip
        for row in range(len(POSES)):
            for column in range(len(actions.HELD)):
                self._cell(sheet, action, row, column)
        foot = TOP + ROW * len(POSES)
        sheet.words(GRID - 76, foot + 18, "bold: the answer for most of them; rows are poses, "
                    "columns tools;", size=11, ink=QUIET)  # fmt: skip
        sheet.words(GRID - 76, foot + 33, "orange: above zero, purple: below; the frame is the "
                    "picture on the left", size=11, ink=QUIET)  # fmt: skip
        return sheet

    def _chosen(self, sheet: Sheet, state: Swapped) -> None:
        """The names of rows and columns, and the frame: bold where the picture stands."""
        for column, tool in enumerate(actions.HELD):
            x = GRID + CELL * (column + 0.5)
            there = column == state.tool
            sheet.words(x, TOP - 22 + 13 * (column % 2), SHORT.get(tool, tool or ""), size=11,
                        bold=there, ink=INK if there else QUIET, anchor="ms")  # fmt: skip
        for row, pose in enumerate(POSES):
            y, there = TOP + ROW * row, row == state.pose
            sheet.words(GRID - 8, y + 15, pose, size=11.5, bold=there, ink=INK if there else QUIET,
                        anchor="rs")  # fmt: skip
        x, y = GRID + CELL * state.tool, TOP + ROW * state.pose
        corners = [(x, y), (x + CELL, y), (x + CELL, y + ROW), (x, y + ROW), (x, y)]
        sheet.line(corners, INK, 5)

    def _cell(self, sheet: Sheet, action: int, row: int, column: int) -> None:
        value = float(self.mean[row, column, action])
        x, y = GRID + CELL * column, TOP + ROW * row
        r, g, b = diverging(np.array([[value]]), self.limit)[0, 0].tolist()
        sheet.bar(x + 0.5, y + 0.5, CELL - 1, ROW - 1, f"#{r:02x}{g:02x}{b:02x}")
        most = 2 * int(self.named[row, column, action]) > self.people
        dark = 0.299 * r + 0.587 * g + 0.114 * b < 120
        sheet.words(x + CELL / 2, y + 15, fixed(value, 1), size=11.5 if most else 10.5, bold=most,
                    ink="#ffffff" if dark else INK, anchor="ms")  # fmt: skip

    def _text(self, state: Swapped, seen: _Posed) -> str:
        order = seen.decisions.argsort()[::-1]
        first, second = (int(k) for k in order[:2])
        gap = float(seen.decisions[first] - seen.decisions[second])
        heat, area = self.shares(state)
        told = ", ".join(
            f"{name} {percent(float(h))} (of the area {percent(float(a))})"
            for name, h, a in zip(("person", "tool", "place"), heat, area, strict=True)
        )
        named = int(self.named[state.pose, state.tool, state.action])
        held = actions.HELD[state.tool] or "nothing"
        return (
            f"Shown\tpose of {POSES[state.pose]}, with it: {held}\n"
            f"The answer here\t{ACTIONS[first]}, by {gap:.2f} before {ACTIONS[second]}\n"
            f"Decision for {ACTIONS[state.action]}\t"
            f"{fixed(float(seen.decisions[state.action]), 2)}; of {self.people} people "
            f"{named} are named so\n"
            f"Heat of that map\t{told}"
        )


def swap_the_tool(net: CamModel, grid: Floats | None = None) -> Explorer[Swapped]:
    """Give any pose any tool, and read all decisions at a glance; the explorer of lesson 08.

    Args:
        net: a network of `world.ACTIONS` with average pooling, such as ``svm.on(net)``.
        grid: its decisions ``(poses, tools and nothing, people, actions)``; None: those measured
            for the network `objects`, which come with camkit.

    Returns:
        The explorer; as the last line of a cell it shows itself.

    Raises:
        ValueError: ``net`` has other classes, its maps do not add up to its scores, or ``grid`` has
            another shape.

    Example:
        >>> from torch import nn
        >>> net = CamModel(nn.Conv2d(3, 4, 8, 8), nn.Linear(4, 10), names=ACTIONS, size=(64, 64))
        >>> told = np.zeros((10, 11, 2, 10), np.float32)
        >>> told[..., 1] = 0.5
        >>> swap_the_tool(net, told).frame(tool=4).text.splitlines()[0].split("\\t")[1]
        'pose of fishing, with it: phone'
    """
    if net.verdict != "exact":
        raise ValueError(
            f'The maps of net are "{net.verdict}", so they do not add up to its scores: give a '
            "network with average pooling."
        )
    if tuple(net.names) != ACTIONS:
        raise ValueError(
            f"net must have the classes of world.ACTIONS, {', '.join(ACTIONS)}; it has "
            f"{', '.join(map(str, net.names[:4]))}..."
        )
    told = actions.swapped() if grid is None else grid
    wanted = (len(POSES), len(actions.HELD), len(ACTIONS))
    if told.ndim != 4 or (*told.shape[:2], told.shape[3]) != wanted:
        raise ValueError(
            f"grid must be ({wanted[0]}, {wanted[1]}, people, {wanted[2]}), got {told.shape}."
        )
    controls = [
        Choice("pose", "pose", "How the person stands.",
               tuple((name, k) for k, name in enumerate(POSES))),
        Choice("tool", "tool", "What the person is given.",
               tuple((name or "nothing", k) for k, name in enumerate(actions.HELD))),
        Choice("action", "asked for", "Whose map and decisions are shown.",
               tuple((name, k) for k, name in enumerate(ACTIONS))),
        Choice("person", "person", "Who it is, and where.",
               tuple((str(k + 1), k) for k in range(PEOPLE))),
    ]  # fmt: skip
    alt = (
        "Left: a person in a pose with a tool, under the map of the action asked for. Right: a "
        "grid with a row for every pose and a column for every tool; each cell holds the mean "
        "decision for that action."
    )
    return Explorer("swap-the-tool", Swapped(), controls, SwapView(net, told).render, alt)
