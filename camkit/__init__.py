"""Class Activation Mapping, derived, computed and measured.

The names below are the ones a learner types. Each is imported when it is first used, so that
``import camkit`` stays cheap: it pulls in neither torch nor matplotlib nor torchvision.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camkit import (
        boxes,
        cam,
        check,
        datasets,
        discover,
        evaluate,
        finetune,
        heads,
        images,
        metrics,
        plot,
        probe,
        saliency,
        tables,
        train,
        transfer,
        trust,
        weak,
        widgets,
        world,
        zoo,
    )
    from camkit.boxes import box_from_map
    from camkit.cam import class_activation_maps
    from camkit.heads import CamModel, CamResult, NoCamError, convert
    from camkit.images import Sample, View
    from camkit.plot import show
    from camkit.zoo import load, setup

__version__ = "0.1.0"

_HOME = {
    "box_from_map": "boxes",
    "class_activation_maps": "cam",
    "CamModel": "heads",
    "CamResult": "heads",
    "NoCamError": "heads",
    "convert": "heads",
    "Sample": "images",
    "View": "images",
    "show": "plot",
    "load": "zoo",
    "setup": "zoo",
}
_ROOMS = (
    "boxes",
    "cam",
    "check",
    "datasets",
    "discover",
    "evaluate",
    "finetune",
    "heads",
    "images",
    "metrics",
    "plot",
    "probe",
    "saliency",
    "tables",
    "train",
    "transfer",
    "trust",
    "weak",
    "widgets",
    "world",
    "zoo",
)

__all__ = [
    "CamModel",
    "CamResult",
    "NoCamError",
    "Sample",
    "View",
    "box_from_map",
    "boxes",
    "cam",
    "check",
    "class_activation_maps",
    "convert",
    "datasets",
    "discover",
    "evaluate",
    "finetune",
    "heads",
    "images",
    "load",
    "metrics",
    "plot",
    "probe",
    "saliency",
    "setup",
    "show",
    "tables",
    "train",
    "transfer",
    "trust",
    "weak",
    "widgets",
    "world",
    "zoo",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"camkit.{_HOME[name]}"), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"camkit.{name}")
    else:
        raise AttributeError(f"module 'camkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
