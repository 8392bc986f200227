"""Write docs/architectures.md: which networks of torchvision have an exact map, measured.

Run it as ``python docs/make_architectures.py``; it takes a quarter of an hour and 10 GB of memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import torch
import torchvision

from camkit.heads import WAY_OUT
from camkit.zoo import Verdict, verdicts

PAGE = Path(__file__).resolve().parent / "architectures.md"

INTRODUCTION = """\
# Which networks have an exact map?

Every classifier of torchvision's registry, converted by `camkit.convert` and measured. A verdict
is one of three:

- **exact**: the mean of a class's map, plus its bias, is its score, $S_c = \\frac{{1}}{{hw}}
  \\sum_{{x,y}} M_c(x, y) + b_c$.
- **exact with its own last step**: the network applies a ReLU to the map before it averages, $S_c =
  \\frac{{1}}{{hw}} \\sum_{{x,y}} \\max(0, M_c(x, y) + b_c)$. With that step the map is exact.
- **refused**: there is no map that sums up to the score; the reason names what forbids it.

How it was measured: each network has random weights (seed 0, {classes} classes), batch norms
calibrated on one batch, and a bias as large as its scores. The *error* is the largest difference
between the network's own scores and those summed up from its maps, as a share of the largest score;
the larger one of two inputs of different size and scale. It must stay below 1e-5 in single and
1e-12 in double precision. Two controls must fail, or the comparison would prove nothing: the *wrong
features* give every unit's map to its neighbour, *no bias* leaves $b_c$ out; both must exceed 1e-2.

Made by `python docs/make_architectures.py` with torch {torch} and torchvision {torchvision}.
{count}.
"""

EXACT = """
## Networks with an exact map

| network | verdict | error, single | error, double | wrong features | no bias |
|---|---|--:|--:|--:|--:|
"""

REFUSED = """
## Networks that are refused

{way_out}

| networks | what forbids an exact map |
|---|---|
"""


def page(found: list[Verdict]) -> str:
    """Write the page.

    Args:
        found: the verdicts, in the order of the registry.

    Returns:
        Its text.
    """
    kinds = [one.verdict for one in found]
    told = [f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))]
    count = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    text = INTRODUCTION.format(
        classes=20,
        torch=torch.__version__.split("+")[0],
        torchvision=torchvision.__version__.split("+")[0],
        count=f"{len(found)} networks: {count}",
    )
    text += EXACT
    for one in found:
        if one.verdict != "refused":
            numbers = (one.error, one.error_double, one.wrong_features, one.zero_bias)
            told = " | ".join([f"{n:.1e}" for n in numbers[:2]] + [f"{n:.2f}" for n in numbers[2:]])
            text += f"| {one.name} | {one.verdict} | {told} |\n"
    way_out = WAY_OUT.replace("camkit.heads.replace_head", "`camkit.heads.replace_head`").replace(
        "camkit.CamModel(backbone, head)", "`camkit.CamModel(backbone, head)`"
    )
    text += REFUSED.format(way_out=f"The way out is the same for all. {way_out}")
    for reason, names in by_reason(found):
        text += f"| {', '.join(names)} | {reason} |\n"
    return text


def by_reason(found: Iterable[Verdict]) -> list[tuple[str, list[str]]]:
    """Gather the refused networks that share a reason, said once, without the way out."""
    reasons: dict[str, list[str]] = {}
    for one in found:
        if one.verdict == "refused":
            reason = re.sub(
                r"^\w+ has no exact map: ", "", one.reason.removesuffix(WAY_OUT)
            ).strip()
            reasons.setdefault(reason[0].upper() + reason[1:], []).append(one.name)
    return list(reasons.items())


if __name__ == "__main__":
    torch.set_num_threads(1)
    PAGE.write_text(page(verdicts()), encoding="utf-8")
