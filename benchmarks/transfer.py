"""What do pooled features cost beside the network itself, and an SVM as pictures are added?

Run it as ``python benchmarks/transfer.py [rounds]``. Both sides of the first comparison run one
network over the same 512 pictures in batches of 64, on one thread: the bare side gets ready tensors
and keeps nothing but the network's output; `pooled_features` starts from bytes and pools. Rounds
alternate; the ratio is of medians. It must be at least .9 of the bare rate. Then the time of
`fit_svm`, cross-validation of six costs included, for 100 to 3,200 pictures of 64 and 512 units.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

import camkit
from camkit import transfer
from camkit.train import inputs_of

PICTURES, BATCH, LEAST = 512, 64, 0.9


def seconds(call: Callable[[], object]) -> float:
    """Clock time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def features_against_forward(rounds: int) -> float:
    """The rate of `pooled_features` as a share of the bare forward rate."""
    net = camkit.load("objects")
    images = np.random.default_rng(0).integers(0, 256, (PICTURES, 128, 128, 3), np.uint8)
    ready = [inputs_of(net, images[i : i + BATCH]) for i in range(0, PICTURES, BATCH)]
    wanted = torch.cat([net.backbone(x).mean(dim=(2, 3)) for x in ready]).detach().numpy()
    found = transfer.pooled_features(net, images, progress=False)
    if np.abs(found - wanted).max() > 1e-4 * np.abs(wanted).max():
        raise SystemExit("the features are not those of the bare network")

    @torch.no_grad()
    def bare() -> None:
        for x in ready:
            net(x)

    times = [
        (seconds(bare), seconds(lambda: transfer.pooled_features(net, images, progress=False)))
        for _ in range(rounds)
    ]
    forward, ours = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"bare forward      {PICTURES / forward:7.0f} pictures/s")
    print(f"pooled features   {PICTURES / ours:7.0f} pictures/s")
    return forward / ours


def svm_times() -> None:
    """How long an SVM takes, by pictures and units."""
    rng = np.random.default_rng(0)
    print("fit_svm, 8 classes, 6 costs x 5 folds (seconds)")
    print("pictures " + "".join(f"{units:>8} units" for units in (64, 512)))
    for count in (100, 400, 1600, 3200):
        told = f"{count:8d} "
        for units in (64, 512):
            labels = np.arange(count) % 8
            x = rng.normal(size=(count, units)) + 2 * np.eye(units)[labels]
            told += f"{seconds(lambda x=x, labels=labels: transfer.fit_svm(x, labels)):14.2f}"
        print(told)


def main() -> None:
    """Print both measurements; fail if the features are too slow."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, one thread, {rounds} rounds")
    ratio = features_against_forward(rounds)
    print(f"ratio             {ratio:7.2f} (at least {LEAST})")
    svm_times()
    if ratio < LEAST:
        raise SystemExit("pooled features are too slow")


if __name__ == "__main__":
    main()
