"""What the paper prints (Zhou et al., CVPR 2016): Tables 1 to 5, in percent."""

from __future__ import annotations

SOURCE = "Zhou, Khosla, Lapedriza, Oliva, Torralba (CVPR 2016)"

# Table 1: classification error on ILSVRC validation, top-1 and top-5.
CLASSIFICATION: dict[str, tuple[float, float]] = {
    "VGGnet-GAP": (33.4, 12.2),
    "GoogLeNet-GAP": (35.0, 13.2),
    "AlexNet*-GAP": (44.9, 20.9),
    "AlexNet-GAP": (51.1, 26.3),
    "GoogLeNet": (31.9, 11.3),
    "VGGnet": (31.2, 11.4),
    "AlexNet": (42.6, 19.5),
    "NIN": (41.9, 19.6),
    "GoogLeNet-GMP": (35.6, 13.9),
}

# Table 2: localization error on ILSVRC validation, top-1 and top-5.
LOCALIZATION: dict[str, tuple[float, float]] = {
    "GoogLeNet-GAP": (56.40, 43.00),
    "VGGnet-GAP": (57.20, 45.14),
    "GoogLeNet": (60.09, 49.34),
    "AlexNet*-GAP": (63.75, 49.53),
    "AlexNet-GAP": (67.19, 52.16),
    "NIN": (65.47, 54.19),
    "Backprop on GoogLeNet": (61.31, 50.55),
    "Backprop on VGGnet": (61.12, 51.46),
    "Backprop on AlexNet": (65.17, 52.64),
    "GoogLeNet-GMP": (57.78, 45.26),
}

# Table 3: localization error on ILSVRC test, top-5, and what the networks were told.
TEST: dict[str, tuple[str, float]] = {
    "GoogLeNet-GAP (heuristics)": ("weak", 37.1),
    "GoogLeNet-GAP": ("weak", 42.9),
    "Backprop": ("weak", 46.4),
    "GoogLeNet": ("full", 26.7),
    "OverFeat": ("full", 29.9),
    "AlexNet": ("full", 34.2),
}

# The shipped network that follows the plan of each of the paper's.
RELATIVES = {
    "VGGnet-GAP": "small-vgg",
    "GoogLeNet-GAP": "small-googlenet",
    "AlexNet-GAP": "small-alexnet",
    "GoogLeNet": "small-googlenet-coarse",  # averages too, over a map of 7 x 7
    "VGGnet": "small-vgg-flatten",
    "AlexNet": "small-alexnet-flatten",
    "GoogLeNet-GMP": "small-googlenet-max",
}
BACKPROP = "Backprop on "


def box_given_class(method: str, guesses: int) -> float:
    """Derive the share of right boxes among right classes from Tables 1 and 2, in percent.

    (100 - localization error) / (100 - classification error). The paper does not print it, and the
    two tables may not count exactly the same pictures.

    Args:
        method: a row of Table 2.
        guesses: 1 or 5.

    Returns:
        A share in percent.

    Example:
        >>> round(box_given_class("GoogLeNet-GAP", 1), 1)   # 43.6 of 65.0
        67.1
    """
    column = 0 if guesses == 1 else 1
    classification = CLASSIFICATION[method.removeprefix(BACKPROP)][column]
    return 100 * (100 - LOCALIZATION[method][column]) / (100 - classification)


# Table 4: accuracy on CUB-200-2011, and what is told of a picture besides its species.
BIRDS: tuple[tuple[str, str, float], ...] = (
    ("GoogLeNet-GAP on full image", "n/a", 63.0),
    ("GoogLeNet-GAP on crop", "n/a", 67.8),
    ("GoogLeNet-GAP on BBox", "BBox", 70.5),
    ("Alignments", "n/a", 53.6),
    ("Alignments", "BBox", 67.0),
    ("DPD", "BBox+Parts", 51.0),
    ("DeCAF+DPD", "BBox+Parts", 65.0),
    ("PANDA R-CNN", "BBox+Parts", 76.4),
)
BIRDS_FOUND = 41.0
"""Percent of CUB's pictures where the paper's CAM box agrees with the bird's (IoU .5; Figure 7)."""
BIRDS_CENTRED = 58.84
"""The same of a box of .65 of each side in the middle: computed from CUB's 5,794 test boxes."""

# Table 5: accuracy of a linear SVM on generic features, in percent.
SETS = (
    "SUN397",
    "MIT Indoor67",
    "Scene15",
    "SUN Attr. (!)",
    "Caltech 101",
    "Caltech 256",
    "Action40",
    "Event8",
)
FEATURES: dict[str, tuple[float, ...]] = {
    "fc7 from AlexNet": (42.61, 56.79, 84.23, 84.23, 87.22, 67.23, 54.92, 94.42),
    "ave pool from GoogLeNet": (51.68, 66.63, 88.02, 92.85, 92.05, 78.99, 72.03, 95.42),
    "gap from GoogLeNet-GAP": (51.31, 66.61, 88.30, 92.21, 91.98, 78.07, 70.62, 95.00),
}
