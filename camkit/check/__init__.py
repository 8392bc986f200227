"""Exercise checks: what a learner's function must do, and a helpful word when it does not.

Each check is called with the learner's function and says one thing:

>>> from camkit import check
>>> check.class_map(lambda features, weights: ...)
not attempted yet: replace the dots and run both cells again.
"""

from __future__ import annotations

from camkit.check.core import Check, Problem, Verdict, Wrong
from camkit.check.nb00 import hottest_cell
from camkit.check.nb01 import class_map, same_scores_other_map
from camkit.check.nb02 import difference_map, fair_colours
from camkit.check.nb03 import answer_and_map, as_convolution
from camkit.check.nb04 import cell_gradient, paired_interval
from camkit.check.nb05 import box_from_map, growing_map, to_photo
from camkit.check.nb06 import localization_errors, tune_then_test
from camkit.check.nb07 import fold, lift
from camkit.check.nb08 import pipeline, why_not_lit
from camkit.check.nb09 import name_birds, square_crop
from camkit.check.nb10 import informative_objects, name_unit
from camkit.check.nb11 import same_answers, true_effect
from camkit.check.nb12 import explain_photo, worst_square

__all__ = [
    "Check",
    "Problem",
    "Verdict",
    "Wrong",
    "answer_and_map",
    "as_convolution",
    "box_from_map",
    "cell_gradient",
    "class_map",
    "difference_map",
    "explain_photo",
    "fair_colours",
    "fold",
    "growing_map",
    "hottest_cell",
    "informative_objects",
    "lift",
    "localization_errors",
    "name_birds",
    "name_unit",
    "paired_interval",
    "pipeline",
    "same_answers",
    "same_scores_other_map",
    "square_crop",
    "to_photo",
    "true_effect",
    "tune_then_test",
    "why_not_lit",
    "worst_square",
]
