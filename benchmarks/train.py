"""What does training cost beside the network itself? `train` against a bare loop over the network.

Run it as ``python benchmarks/train.py [rounds]``. Both sides take the same network, the same uint8
pictures in the same batches, and one thread. The bare loop turns a batch into floats and runs
forward and backward, no more; `train` also shuffles, moves, flips, colours and hides, steps AdamW
and keeps the best weights. Rounds alternate; the ratio is of medians of processor time, which
other programs on the machine disturb less than the clock. It must be at most 1.15.
"""

from __future__ import annotations

import copy
import platform
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from camkit import relatives, world
from camkit.heads import CamModel
from camkit.train import Images, Labels, Recipe, train

RECIPE = Recipe(epochs=1)
STEPS, MOST = 6, 1.15


def bare(net: CamModel, images: Images, labels: Labels) -> float:
    """Forward and backward over every batch; the mean loss."""
    net.train()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    losses = []
    for i in range(0, len(images), RECIPE.batch):
        rows = slice(i, i + RECIPE.batch)
        inputs = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float()
        net.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(inputs), torch.from_numpy(labels[rows]))
        loss.backward()
        losses.append(loss.item())
    return float(np.mean(losses))


def ours(net: CamModel, images: Images, labels: Labels) -> float:
    """The same pictures through `train`; the mean loss."""
    history = train(net, images, labels, recipe=RECIPE, threads=1, progress=False)
    if len(history.losses) != STEPS or history.ended != "finished":
        raise SystemExit(f"training took {len(history.losses)} steps and {history.ended}")
    return float(np.mean(history.losses))


def seconds(call: Callable[[], float]) -> tuple[float, float]:
    """Processor time and clock time of a call, whose loss must be a number."""
    clock, processor = time.perf_counter(), time.process_time()
    loss = call()
    taken = time.process_time() - processor, time.perf_counter() - clock
    if not np.isfinite(loss):
        raise SystemExit(f"the loss is {loss}")
    return taken


def main() -> int:
    """Time both loops; return 1 where the ratio does not hold."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)
    torch.manual_seed(0)
    first = relatives.build(RECIPE.arch, world.CLASSES, size=RECIPE.size)
    count = STEPS * RECIPE.batch
    pictures = np.random.default_rng(0).integers(0, 256, (count, RECIPE.size, RECIPE.size, 3))
    images, labels = pictures.astype(np.uint8), np.arange(count) % len(world.CLASSES)
    sides = {"bare": bare, "train": ours}
    for side in sides.values():  # once, to warm up
        side(copy.deepcopy(first), images, labels)
    times = np.empty((rounds, 2, 2))
    for i in range(rounds):
        for j, side in enumerate(sides.values()):
            net = copy.deepcopy(first)
            times[i, j] = seconds(lambda side=side, net=net: side(net, images, labels))  # type: ignore[misc]
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread")
    print(f"{RECIPE.arch}, {count} pictures of {RECIPE.size} pixels in batches of {RECIPE.batch}")
    print("                 processor time (quartiles)        pictures a second by the clock")
    for j, name in enumerate(sides):
        low, median, high = np.percentile(times[:, j, 0], [25, 50, 75])
        rate = count / np.median(times[:, j, 1])
        print(f"  {name:8s}{median:12.3f} s ({low:.3f} to {high:.3f}){rate:25.0f}")
    ratio = float(np.divide(*np.median(times[:, ::-1, 0], axis=0)))
    print(f"  ratio {ratio:.3f}, at most {MOST} wanted")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
