"""How fast the picture world draws: `python benchmarks/world.py`.

Rates depend on the machine, so the time of a fixed loop is printed beside them; on a quiet core it
is about 0.2 s. What is timed is checked: the pictures of the fast path are those of the slow one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from camkit import world


def timed(call: Callable[[], object]) -> float:
    """Seconds that `call` takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def loop() -> None:
    total = 0
    for i in range(3_000_000):
        total += i * i


def main() -> None:
    """Print the rates."""
    print(f"a fixed loop, for comparison: {timed(loop):.2f} s")
    ds = world.Objects(split="val", length=600)
    for i in range(20):
        ds[i]
    n = 200
    alone = n / timed(lambda: [ds[i] for i in range(100, 100 + n)])
    print(f"one by one, one process, 128 px: {alone:.0f} pictures/s (aim 200)")
    alone = 50 / timed(lambda: [ds.scene(i).draw(256) for i in range(300, 350)])
    print(f"one by one, one process, 256 px: {alone:.0f} pictures/s")
    images, _ = ds.arrays(progress=False)
    for workers in (1, 2):
        seconds = timed(lambda w=workers: ds.arrays(workers=w, progress=False))  # type: ignore[misc]
        print(f"bulk, {workers} worker(s), start included: {600 / seconds:.0f} pictures/s")
    np.testing.assert_array_equal(images[37], ds[37].image)

    scene = ds.scene(3)
    kind = world.CLASSES[scene.label]
    scene.draw()
    changes: dict[str, Callable[[int], world.Scene]] = {
        "without": lambda i: scene.without(kind),
        "moved": lambda i: scene.moved(kind, 0.004 * i),
        "recoloured": lambda i: scene.recoloured(kind, i),
        "enlarged": lambda i: scene.enlarged(kind, 1.0 + 0.01 * i),
        "on another background": lambda i: scene.on(world.BACKGROUNDS[i % 6], seed=i),
    }
    for name, change in changes.items():
        ms = timed(lambda c=change: [c(i).draw() for i in range(1, 21)]) / 20 * 1e3  # type: ignore[misc]
        print(f"redrawn {name}: {ms:.1f} ms (aim 10)")


if __name__ == "__main__":
    main()
