"""What do maps cost? Scores and the maps of the top five classes beside the bare forward pass.

Run it as ``python benchmarks/explain.py [rounds]``. One thread, both sides in turn, medians with
their interquartile ranges; the scores are compared first, and ResNet-18's ratio must hold or the
run fails. The networks have random weights: what is timed does not depend on them.
"""

from __future__ import annotations

import platform
import sys
import time

import numpy as np
import torch
import torchvision

from camkit import convert

WANTED = {"resnet18": 1.10, "mobilenet_v2": None}


def measure(name: str, rounds: int) -> float:
    """Time one network, print a line, and return the ratio of the medians."""
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, weights=None).eval()
    net = convert(network)
    picture = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        scores = network(picture)
    result = net.explain(picture, top=5)
    torch.testing.assert_close(result.scores, scores, rtol=1e-4, atol=1e-5)
    assert result.maps.shape == (1, 5, 7, 7)
    assert torch.equal(result.classes, scores.topk(5).indices)
    times = np.empty((rounds, 2))
    for i in range(rounds):
        start = time.perf_counter()
        with torch.no_grad():
            network(picture)
        middle = time.perf_counter()
        net.explain(picture, top=5)
        times[i] = middle - start, time.perf_counter() - middle
    low, median, high = np.percentile(1000 * times, [25, 50, 75], axis=0)
    ratio = float(median[1] / median[0])
    told = [f"{m:7.2f} ms ({a:.2f} to {b:.2f})" for a, m, b in zip(low, median, high, strict=True)]
    most = WANTED[name]
    print(f"  {name:14s}{told[0]:30s}{told[1]:30s}{ratio:6.3f}", f"at most {most}" if most else "")
    return ratio


def main() -> int:
    """Measure every network; return 1 where a ratio did not hold."""
    torch.set_num_threads(1)
    rounds = max(30, int(sys.argv[1])) if len(sys.argv) > 1 else 60
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread")
    print(f"One picture of 224 x 224, {rounds} rounds, median (quartiles)")
    print(f"  {'network':14s}{'forward pass':30s}{'scores and top-5 maps':30s} ratio")
    missed = []
    for name, most in WANTED.items():
        ratio = measure(name, rounds)
        if most is not None and ratio > most:
            missed.append(f"{name}: {ratio:.3f}, at most {most} wanted")
    for told in missed:
        print(f"DOES NOT HOLD: {told}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
