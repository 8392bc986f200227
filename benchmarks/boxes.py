"""How fast is the sweep over all thresholds? Side by side with the loops it replaces.

Run it as ``python benchmarks/boxes.py [maps]``. Every result is compared before it is timed, OpenCV
and PyTorch have one thread, and the ratios named in the last column must hold or the run fails.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from camkit import convert
from camkit.boxes import (
    boxes_at_every_level,
    boxes_at_thresholds,
    components_at_thresholds,
    threshold_grid,
    wsol_map,
)

Array = npt.NDArray[np.float64]
EIGHT = np.ones((3, 3), bool)
GRID = threshold_grid(1000)


def contour_loop(cells: Array, levels: Array) -> Array:
    """Threshold, find contours, take the one of the largest area: once for every level."""
    boxes = np.empty((len(levels), 4))
    for i, level in enumerate(levels):
        mask = (cells > level).view(np.uint8)
        outlines = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
        x, y, w, h = cv2.boundingRect(max(outlines, key=cv2.contourArea))
        boxes[i] = x, y, x + w, y + h
    return boxes


def component_loop(cells: Array, levels: Array) -> Array:
    """Threshold and let OpenCV label and measure the regions: once for every level."""
    boxes = np.empty((len(levels), 4))
    for i, level in enumerate(levels):
        mask = (cells > level).view(np.uint8)
        facts = cv2.connectedComponentsWithStats(mask, connectivity=8)[2]
        x, y, w, h = facts[1 + facts[1:, cv2.CC_STAT_AREA].argmax(), :4]
        boxes[i] = x, y, x + w, y + h
    return boxes


def label_loop(cells: Array, levels: Array) -> Array:
    """Threshold and let SciPy label the regions: once for every level."""
    boxes = np.empty((len(levels), 4))
    for i, level in enumerate(levels):
        regions = ndimage.label(cells > level, structure=EIGHT)[0]
        largest = 1 + np.bincount(regions.ravel())[1:].argmax()
        rows, columns = ndimage.find_objects(regions)[largest - 1]
        boxes[i] = columns.start, rows.start, columns.stop, rows.stop
    return boxes


def wsol_loop(scores: Array, grid: Array, cached: bool) -> list[list[list[int]]]:
    """Work as the benchmark of Choe et al. does: all contours, the one of largest area first."""
    grey = (scores * 255).astype(np.uint8)
    height, width = scores.shape
    seen: dict[int, list[list[int]]] = {}
    found = []
    for threshold in grid:
        level = int(threshold * np.max(grey))
        if not cached or level not in seen:
            mask = cv2.threshold(grey, level, 255, cv2.THRESH_BINARY)[1]
            outlines = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
            best = max(outlines, key=cv2.contourArea, default=None)
            boxes = []
            for outline in [best, *outlines] if best is not None else []:
                x, y, w, h = cv2.boundingRect(outline)
                boxes.append([x, y, min(x + w, width - 1), min(y + h, height - 1)])
            seen[level] = boxes or [[0, 0, 0, 0]] * 2
        found.append(seen[level])
    return found


def medians(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Time the calls in turn, so that a busy moment meets them all; milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: float(np.median(values)) for name, values in times.items()}


class Report:
    """Prints lines of a table and remembers which ratios did not hold."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def line(self, name: str, ms: float, ours: float, least: float = 0) -> None:
        """Print a loop's time and how many times ours it is."""
        ratio = ms / ours
        wanted = f"at least {least:g}" if least else ""
        print(f"  {name:44s}{ms:10.2f} ms{ratio:9.1f} x  {wanted}")
        if ratio < least:
            self.missed.append(f"{name}: {ratio:.1f}, at least {least:g} wanted")


def grid_of_thresholds(report: Report, maps: list[Array]) -> None:
    """Compare and time the box of the largest region at 1,000 thresholds."""
    agreed = []
    for cells in maps:
        levels = GRID * cells.max()
        ours = boxes_at_thresholds(cells, GRID)
        np.testing.assert_array_equal(ours, label_loop(cells, levels))
        # Of equally large regions OpenCV's labels do not always put the first first.
        agreed.append((ours == component_loop(cells, levels)).all(axis=1).mean())
        agreed.append((ours == contour_loop(cells, levels)).all(axis=1).mean())
    print(f"\nLargest region at {len(GRID)} thresholds, one map 14 x 14 enlarged to 224 x 224")
    print(f"  same boxes: SciPy labels 100 %, OpenCV components {np.mean(agreed[::2]):.2%},")
    print(f"  OpenCV contours {np.mean(agreed[1::2]):.2%} (they compare areas, not sizes)")
    cells = maps[0]
    levels = GRID * cells.max()
    found = medians(
        {
            "ours": lambda: boxes_at_thresholds(cells, GRID),
            "contours": lambda: contour_loop(cells, levels),
            "components": lambda: component_loop(cells, levels),
            "labels": lambda: label_loop(cells, levels),
        },
        7,
    )
    ours = found["ours"]
    report.line("one sweep", ours, ours)
    report.line("OpenCV contours, a loop", found["contours"], ours, 15)
    report.line("OpenCV components, a loop", found["components"], ours)
    report.line("SciPy labels, a loop", found["labels"], ours, 60)


def every_level(report: Report, cells: Array) -> None:
    """Compare and time the box of the largest region at every distinct value of a map."""
    levels, boxes = boxes_at_every_level(cells)
    some = np.linspace(0, len(levels) - 1, 400).astype(int)
    np.testing.assert_array_equal(boxes[some], label_loop(cells, levels[some]))
    grey = np.floor(np.clip(cells / cells.max(), 0, 1) * 255)
    eight_bits = np.arange(255.0)
    found = medians({"ours": lambda: boxes_at_every_level(cells)}, 15)
    found |= medians({"contours": lambda: contour_loop(cells, levels)}, 1)
    found |= medians({"eight": lambda: contour_loop(grey, eight_bits)}, 7)
    print(f"\nLargest region at every level of the same map: {len(levels)} levels")
    report.line("one sweep", found["ours"], found["ours"])
    report.line("OpenCV contours at every level, a loop", found["contours"], found["ours"], 5)
    report.line("OpenCV contours at 255 levels of 8 bits only", found["eight"], found["ours"])


def wsol(report: Report, maps: list[Array]) -> None:
    """Compare and time the convention of Choe et al.: 1,000 thresholds, 8-bit maps."""
    for scores in maps:
        loop = wsol_loop(scores, GRID, cached=True)
        single = boxes_at_thresholds(scores, GRID, convention="wsol")
        assert single.tolist() == [row[0] for row in loop]
        rows, boxes = components_at_thresholds(scores, GRID, convention="wsol")
        ends = np.searchsorted(rows, np.arange(1, len(GRID)))
        for row, ours in zip(loop, np.split(boxes, ends), strict=True):
            assert sorted(ours.tolist()) == sorted(row[1:])
    scores = maps[0]
    found = medians(
        {
            "single": lambda: boxes_at_thresholds(scores, GRID, convention="wsol"),
            "multi": lambda: components_at_thresholds(scores, GRID, convention="wsol"),
            "loop": lambda: wsol_loop(scores, GRID, cached=False),
            "cached": lambda: wsol_loop(scores, GRID, cached=True),
        },
        7,
    )
    print(f"\nThe convention of Choe et al. at {len(GRID)} thresholds; all boxes are the same")
    for name, ours in (
        ("largest outline", found["single"]),
        ("all outlines, holes too", found["multi"]),
    ):
        report.line(f"{name}: sweep", ours, ours)
        report.line(f"{name}: their loop", found["loop"], ours)
        report.line(f"{name}: their loop, cached by level", found["cached"], ours)


def a_picture(name: str, most: float) -> str | None:
    """Time scores, maps and five boxes of one picture beside the bare forward pass."""
    import torchvision

    torch.manual_seed(0)
    network = getattr(torchvision.models, name)().eval()
    model = convert(network)
    picture = torch.randn(1, 3, 224, 224)

    def bare() -> torch.Tensor:
        with torch.no_grad():
            return network(picture)

    def five_boxes() -> tuple[torch.Tensor, npt.NDArray[np.float64]]:
        result = model.explain(picture, top=5)
        return result.scores, result.boxes()

    scores, boxes = five_boxes()
    assert torch.allclose(scores, bare(), rtol=1e-4, atol=1e-4)
    assert boxes.shape == (1, 5, 4)
    found = medians({"bare": bare, "ours": five_boxes}, 25)
    ratio = found["ours"] / found["bare"]
    print(
        f"  {name:20s}{found['bare']:9.2f} ms{found['ours']:9.2f} ms{ratio:9.3f} x  at most {most}"
    )
    return None if ratio <= most else f"{name}: {ratio:.3f}, at most {most} wanted"


def main() -> int:
    """Run all of it; return 1 where a ratio did not hold."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    draw = np.random.default_rng(0)
    small = [draw.normal(size=(14, 14)) for _ in range(count)]
    large = [np.asarray(cv2.resize(one, (224, 224)), np.float64) for one in small]
    print(f"{platform.processor() or platform.machine()}, OpenCV {cv2.__version__}, {count} maps")
    report = Report()
    grid_of_thresholds(report, large)
    every_level(report, large[0])
    wsol(report, [wsol_map(one) for one in small])
    print("\nScores, maps and five boxes of a picture beside the bare forward pass, one thread")
    report.missed += [
        said for said in (a_picture("resnet18", 1.10), a_picture("mobilenet_v2", 1.20)) if said
    ]
    for said in report.missed:
        print(f"DOES NOT HOLD: {said}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
