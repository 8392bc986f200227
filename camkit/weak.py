"""Weak labels (the paper's section 5): a phrase in captions, words on signs, a question.

Three recipes that need no box: pooled features, a linear layer on them, and that layer's maps.
"""

from __future__ import annotations

import argparse
import colorsys
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save
from torch import Tensor, nn

from camkit import boxes, metrics, world, zoo
from camkit.cam import upsample
from camkit.heads import CamModel
from camkit.recipes import NUMBERS, write
from camkit.transfer import LinearSvm, fit_svm, pooled_features
from camkit.world import Scene
from camkit.world.sets import Pictures

Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

# Words that are in every other phrase and name nothing.
SMALL_WORDS = frozenset((
    "a", "an", "the", "some", "of", "in", "on", "at", "by", "to", "is", "are", "there", "what",
    "where", "before", "beside", "front", "with", "and",
))  # fmt: skip
MINED_COST = 0.03
"""The SVM's cost in mining: fixed, so that rounds differ in nothing but their negatives."""


# --- a phrase in captions ------------------------------------------------------------------------


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, small letters only.

    Example:
        >>> words_of("What is on the table?")
        ('what', 'is', 'on', 'the', 'table')
    """
    return tuple(re.findall(r"[a-z0-9]+", text.lower()))


def holds(text: str, phrase: str) -> bool:
    """Say whether a text holds a phrase: all its words, whole, side by side and in order.

    Example:
        >>> holds("a boat beside a lamp post", "a lamp"), holds("a boathouse", "boat")
        (True, False)
    """
    words, wanted = words_of(text), words_of(phrase)
    if not wanted:
        raise ValueError(f"phrase must have a word in it; it is {phrase!r}.")
    return any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))


def split_by_phrase(captions: Sequence[Sequence[str]], phrase: str) -> tuple[Bools, Bools]:
    """Split pictures by a phrase: captions that hold it, and those without any of its words.

    The paper's weak labels: a picture is positive if its caption holds the phrase, and a possible
    negative if no word of it that names something is in the caption. The others are left out.

    Args:
        captions: for each of N pictures its phrases.
        phrase: such as ``"in the snow"``.

    Returns:
        Positive ``(N,)`` and negative ``(N,)``; no picture is both.

    Raises:
        ValueError: ``phrase`` has no word that names something.

    Example:
        >>> told = [["a dog in the snow"], ["two boats"], ["a cat", "snow on a boat"]]
        >>> [side.tolist() for side in split_by_phrase(told, "in the snow")]
        [[True, False, False], [False, True, False]]
    """
    naming = set(words_of(phrase)) - SMALL_WORDS
    if not naming:
        raise ValueError(f"phrase must name something; {phrase!r} holds small words only.")
    positive = np.array([any(holds(text, phrase) for text in one) for one in captions], bool)
    free = [not any(naming & set(words_of(text)) for text in one) for one in captions]
    return positive, np.array(free, bool) & ~positive


@dataclass(frozen=True)
class Mined:
    """A detector and the negatives it met, round by round.

    Attributes:
        svm: of the last round; its names are ``("rest", phrase)``.
        rounds: one SVM for each round.
        negatives: the negatives of each round, as indices; each round holds the one before.
    """

    svm: LinearSvm
    rounds: tuple[LinearSvm, ...] = field(repr=False)
    negatives: tuple[Ints, ...] = field(repr=False)


def mine(
    features: npt.ArrayLike,
    positive: npt.ArrayLike,
    negative: npt.ArrayLike,
    phrase: str = "phrase",
    start: int | None = None,
    rounds: int = 3,
    cost: float = MINED_COST,
    seed: int = 0,
) -> Mined:
    """Train a detector with hard-negative mining (as ConceptLearner does, Zhou et al. 2015).

    First random negatives. Then, each round, the detector scores the negatives it has not met,
    those it takes most surely for positives are added, and it is trained anew.

    Args:
        features: ``(N, K)``, from `camkit.transfer.pooled_features`.
        positive: ``(N,)`` True or False, from `split_by_phrase`.
        negative: ``(N,)``.
        phrase: the positive class's name.
        start: random negatives to begin with, and hard ones to add in each round; as many as there
            are positives by default.
        rounds: trainings, 1 for none but random negatives.
        cost: of the SVM.
        seed: of the first negatives.

    Returns:
        The detector of the last round, and what it was in the rounds before.

    Raises:
        ValueError: the shapes do not match, a picture is on both sides, or one side is empty.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(200, 4)), np.arange(200) % 10 == 0
        >>> x[y] += 2
        >>> mined = mine(x, y, ~y, "dog", rounds=2)
        >>> [len(n) for n in mined.negatives], mined.svm.names
        ([20, 40], ('rest', 'dog'))
    """
    x = np.asarray(features, np.float64)
    yes, no = np.asarray(positive, bool), np.asarray(negative, bool)
    if yes.shape != (len(x),) or no.shape != yes.shape:
        raise ValueError(
            f"positive and negative must have one entry for each of {len(x)} rows of features, "
            f"got {yes.shape} and {no.shape}."
        )
    if (yes & no).any():
        raise ValueError(f"picture {int(np.flatnonzero(yes & no)[0])} is on both sides.")
    if not yes.any() or not no.any():
        raise ValueError(
            f"There are {int(yes.sum())} positives and {int(no.sum())} negatives; each side needs "
            "some. Take a phrase that more captions hold."
        )
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}.")
    step, pool = int(yes.sum()) if start is None else start, np.flatnonzero(no)
    met = np.sort(np.random.default_rng(seed).permutation(pool)[:step])
    svms: list[LinearSvm] = []
    meetings: list[Ints] = []
    for turn in range(rounds):
        if turn:
            met = np.sort(
                np.concatenate([met, hardest(svms[-1].decisions(x)[:, 1], no, met, step)])
            )
        used = np.concatenate([np.flatnonzero(yes), met])
        svms.append(fit_svm(x[used], yes[used].astype(np.int64), ("rest", phrase), costs=[cost]))
        meetings.append(met)
    return Mined(svms[-1], tuple(svms), tuple(meetings))


def hardest(
    decisions: npt.ArrayLike, negative: npt.ArrayLike, met: npt.ArrayLike, count: int
) -> Ints:
    """Find the hard negatives: those not met yet that score highest.

    Args:
        decisions: ``(N,)``, the detector's.
        negative: ``(N,)`` True or False.
        met: indices of the negatives it was trained on.
        count: how many to find; fewer if there are fewer.

    Returns:
        Their indices, the hardest first.

    Example:
        >>> hardest([5, 4, 3, 2, 1], [False, True, True, True, True], [2], 2).tolist()
        [1, 3]
    """
    scores = np.array(decisions, np.float64)
    left = np.array(negative, bool)
    left[np.asarray(met, np.int64)] = False
    order = np.argsort(-scores, kind="stable")
    found: Ints = order[left[order]][:count].astype(np.int64)
    return found


def average_precision(decisions: npt.ArrayLike, positive: npt.ArrayLike) -> float:
    """Average the precision over the places where a positive stands, best decision first.

    ``AP = mean over positives of (positives up to its place / its place)``; a random order gives
    about the share of positives.

    Raises:
        ValueError: there is no positive, or the shapes do not match.

    Example:
        >>> average_precision([4, 3, 2, 1], [True, False, True, False]) == (1 / 1 + 2 / 3) / 2
        True
    """
    scores, right = np.asarray(decisions, np.float64), np.asarray(positive, bool)
    if scores.shape != right.shape or scores.ndim != 1:
        raise ValueError(f"decisions {scores.shape} and positive {right.shape} must match, (N,).")
    if not right.any():
        raise ValueError("There is no positive; average precision needs one.")
    found = right[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())


# --- words on signs ------------------------------------------------------------------------------


def boxes_in(map: npt.ArrayLike | Tensor, size: int, threshold: float = 0.5) -> Doubles:
    """Draw a box around every hot region of a map, in pixels of a square picture.

    The map is upsampled to the picture, and regions lie above ``threshold`` of its maximum.

    Args:
        map: one map ``(h, w)``, raw.
        size: side of the picture.
        threshold: share of the maximum, from 0 up to (not including) 1.

    Returns:
        ``(n, 4)``, the largest region first; none where the map is nowhere positive.

    Example:
        >>> boxes_in([[0, 0, 0, 0], [9, 0, 0, 0], [0, 0, 0, 9], [0, 0, 0, 0]], 8).shape
        (2, 4)
    """
    cells = torch.as_tensor(np.asarray(map, dtype=np.float32))
    large = upsample(cells[None, None], (size, size))[0, 0].numpy()
    return boxes.components(large, threshold)[0]


@dataclass(frozen=True)
class Agreement:
    """How many boxes were found, how many there are, and how many of them agree."""

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        """The share of found boxes that agree with a true one; NaN where none was found."""
        return self.right / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        """The share of true boxes that were found; NaN where there is none."""
        return self.right / self.true if self.true else float("nan")


def box_agreement(
    found: Iterable[npt.ArrayLike], true: Iterable[npt.ArrayLike], agrees: float = 0.5
) -> Agreement:
    """Count found boxes that agree with true ones, each true box taken once.

    In each picture the pair with the largest IoU is taken first, then the next of those that are
    left, as long as their IoU is at least ``agrees``.

    Args:
        found: for each picture its boxes ``(n, 4)``.
        true: for each picture its boxes ``(m, 4)``.
        agrees: least IoU of a pair.

    Returns:
        The counts over all pictures.

    Raises:
        ValueError: there are not as many pictures on both sides, or ``agrees`` is not above 0.

    Example:
        >>> a, b = [0, 0, 4, 4], [6, 6, 8, 8]
        >>> told = box_agreement([[a, [0, 0, 4, 5]], []], [[a, b], [b]])
        >>> told, told.precision
        (Agreement(found=2, true=3, right=1), 0.5)
    """
    if not 0 < agrees <= 1:
        raise ValueError(f"agrees must be an IoU above 0 and up to 1, got {agrees}.")
    count = [0, 0, 0]
    for drawn, there in zip(found, true, strict=True):
        a, b = (np.asarray(v, np.float64).reshape(-1, 4) for v in (drawn, there))
        count[0] += len(a)
        count[1] += len(b)
        count[2] += _pairs(metrics.iou(a, b), agrees) if len(a) and len(b) else 0
    return Agreement(*count)


def _pairs(overlap: Doubles, agrees: float) -> int:
    """How many pairs a table of IoU ``(n, m)`` gives, the best first, each box in one."""
    left, right = overlap.copy(), 0
    while left.max() >= agrees:
        i, j = np.unravel_index(int(left.argmax()), left.shape)
        left[i, :] = left[:, j] = -1.0
        right += 1
    return right


def filled(many: Iterable[npt.ArrayLike], size: int) -> Bools:
    """The area that the boxes of each picture cover, all of them together.

    Args:
        many: for each of N pictures its boxes ``(n, 4)``, in pixels; sides are rounded.
        size: side of the pictures.

    Returns:
        ``(N, size, size)``, True inside.

    Example:
        >>> filled([[[0, 0, 2, 1]], []], 2).astype(int).tolist()
        [[[1, 1], [0, 0]], [[0, 0], [0, 0]]]
    """
    areas = []
    for drawn in many:
        area = np.zeros((size, size), bool)
        for x0, y0, x1, y1 in np.round(np.asarray(drawn, float).reshape(-1, 4)).astype(int):
            area[max(y0, 0) : y1, max(x0, 0) : x1] = True
        areas.append(area)
    return np.stack(areas)


def area_agreement(found: Bools, true: Bools) -> tuple[float, float]:
    """Precision and recall by area: the share of what was found that is true, and the reverse.

    Args:
        found: ``(N, H, W)`` True or False, counted over all pictures together.
        true: ``(N, H, W)``.

    Returns:
        Precision and recall; NaN where there is nothing to divide by.

    Example:
        >>> area_agreement(np.array([[[True, True]]]), np.array([[[True, False]]]))
        (0.5, 1.0)
    """
    if found.shape != true.shape:
        raise ValueError(f"found {found.shape} and true {true.shape} must have one shape.")
    both, all_found, all_true = (int(m.sum()) for m in (found & true, found, true))
    return (
        both / all_found if all_found else float("nan"),
        both / all_true if all_true else float("nan"),
    )


# --- a question ----------------------------------------------------------------------------------


def colour_name(rgb: Sequence[float]) -> str:
    """Name a colour, ``(r, g, b)`` in 0..1, by one of eleven everyday words.

    Example:
        >>> [colour_name(c) for c in [(0.9, 0.2, 0.2), (0.5, 0.3, 0.1), (0.9, 0.9, 0.88)]]
        ['red', 'brown', 'white']
    """
    hue, strength, value = colorsys.rgb_to_hsv(*rgb)
    if strength < 0.18:
        return "white" if value > 0.85 else "grey" if value > 0.35 else "black"
    names = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "red")
    name = names[int(np.searchsorted([17, 43, 68, 165, 255, 300, 345], 360 * hue, side="right"))]
    if name == "red":
        return "red" if strength > 0.6 else "brown" if value < 0.68 else "pink"
    return "brown" if name in ("orange", "yellow") and value < 0.68 else name


def questions(scene: Scene) -> tuple[tuple[str, str], ...]:
    """Ask what the captions of a scene answer: pairs of a question and its answer.

    "a boat beside a lamp" gives "what is beside the lamp" with the answer "boat", and so for "on",
    "in front of" and the ground. A kind that is there once gives "what colour is the boat", two
    that are there give "is there a boat", "yes", and as many that are not give "no".

    Example:
        >>> from camkit import world
        >>> scene = world.scene_in("kitchen", background="snow", seed=5)
        >>> pairs = questions(scene)
        >>> sorted({answer for question, answer in pairs if question.startswith("is there")})
        ['no', 'yes']
    """
    asked: list[tuple[str, str]] = []
    for told in world.captions(scene):
        for relation in ("in front of", "beside", "on"):
            match = re.fullmatch(rf"(?:an?|some) (.+) {relation} (?:an?|some) (.+)", told)
            if match and match[2] in scene.kinds:
                asked.append((f"what is {relation} the {match[2]}", match[1]))
                break
        else:
            place = re.fullmatch(r"(?:an?|some) (.+?) ((?:in|on|before) .+)", told)
            if place and place[1] in scene.kinds:
                asked.append((f"where is the {place[1]}", place[2]))
    here = [k for k in dict.fromkeys(scene.kinds) if k in world.CLASSES][:2]
    rng = np.random.default_rng([11, *(t.seed for t in scene.things)])
    gone = [k for k in world.CLASSES if k not in scene.kinds]
    asked += [(f"is there a {kind}", "yes") for kind in here]
    asked += [(f"is there a {gone[int(i)]}", "no") for i in rng.permutation(len(gone))[: len(here)]]
    single = [t for t in scene.things if t.role == "object" and scene.kinds.count(t.kind) == 1]
    if single:
        thing = single[int(rng.integers(len(single)))]
        asked.append((f"what colour is the {thing.kind}", colour_name(thing.colours[0])))
    return tuple(asked)


@dataclass(frozen=True)
class Answerer:
    """A question-answering net of one linear layer, after iBOWIMG (Zhou et al. 2015).

    The score of answer a is a sum over the words of the question and one over the picture's units:
    ``S_a = sum_v W_av [v in question] + sum_k w_ak F_k + b_a``. Only the second sum sees the
    picture, so it alone has a map.

    Attributes:
        words: the V words of its dictionary.
        answers: the A answers it can give.
        word_weights: ``(A, V)``.
        unit_weights: ``(A, K)``; zero for a net that never saw a picture.
        bias: ``(A,)``.
    """

    words: tuple[str, ...]
    answers: tuple[str, ...]
    word_weights: Doubles = field(repr=False)
    unit_weights: Doubles = field(repr=False)
    bias: Doubles = field(repr=False)

    def bag(self, question: str) -> Doubles:
        """The bag of words of a question, ``(V,)``: 1 for a word that is in it, else 0."""
        there = set(words_of(question))
        return np.array([float(word in there) for word in self.words])

    def scores(self, asked: Sequence[str], features: npt.ArrayLike) -> Doubles:
        """Score every answer, ``(N, A)``, for N questions and features ``(N, K)``."""
        bags = np.stack([self.bag(question) for question in asked])
        seen = np.asarray(features, np.float64) @ self.unit_weights.T
        scored: Doubles = bags @ self.word_weights.T + seen + self.bias
        return scored

    def answer(self, asked: Sequence[str], features: npt.ArrayLike) -> list[str]:
        """The answer with the highest score, for each of N questions and features ``(N, K)``."""
        best = self.scores(asked, features).argmax(axis=1)
        return [self.answers[int(a)] for a in best]

    def asked(self, net: CamModel, question: str) -> CamModel:
        """Put the net with one question asked in the place of a network's head.

        The answers are its classes. The question moves the bias only, so the map of an answer is
        the same whatever is asked: ``mean(M_a) + (b_a + sum_v W_av [v in question])`` is S_a.

        Args:
            net: the network whose pooled features it was trained on; its backbone is shared.
            question: a question.

        Returns:
            A network of A classes, in evaluation mode.
        """
        head = nn.Linear(self.unit_weights.shape[1], len(self.answers))
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(self.unit_weights))
            head.bias.copy_(torch.from_numpy(self.bias + self.word_weights @ self.bag(question)))
        return CamModel(
            net.backbone, head.to(net.head.weight), names=self.answers, mean=net.mean,
            std=net.std, size=net.size,
        ).eval()  # fmt: skip


def fit_answerer(
    asked: Sequence[str],
    answers: Sequence[str],
    features: npt.ArrayLike,
    cost: float = 0.3,
    picture: bool = True,
) -> Answerer:
    """Train a question-answering net: softmax regression on a bag of words and pooled features.

    Args:
        asked: N questions.
        answers: their N answers.
        features: ``(N, K)``, of the picture each question is about.
        cost: inverse strength of the penalty on the weights.
        picture: False trains the control, which never sees the features.

    Returns:
        The `Answerer`.

    Raises:
        ValueError: the lengths do not match, or there are fewer than two answers.

    Example:
        >>> asked, answers = ["where is the dog"] * 4, ["in the snow", "on the sand"] * 2
        >>> net = fit_answerer(asked, answers, [[3.0], [0.0], [3.0], [0.0]], cost=10)
        >>> net.answer(["where is the dog"], [[3.0]])
        ['in the snow']
    """
    from sklearn.linear_model import LogisticRegression

    x = np.asarray(features, np.float64)
    if not len(asked) == len(answers) == len(x) or x.ndim != 2:
        raise ValueError(
            f"There must be as many questions, answers and rows of features, got {len(asked)}, "
            f"{len(answers)} and {x.shape}."
        )
    names = tuple(sorted(set(answers)))
    if len(names) < 2:
        raise ValueError(f"All questions have the answer {answers[0]!r}; give at least two.")
    dictionary = sorted({word for question in asked for word in words_of(question)})
    empty = Answerer(tuple(dictionary), names, np.zeros(0), np.zeros(0), np.zeros(0))
    bags = np.stack([empty.bag(question) for question in asked])
    mean, scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    seen = (x - mean) / scale if picture else np.zeros((len(x), 0))
    machine = LogisticRegression(C=cost, max_iter=400)
    machine.fit(np.hstack([bags, seen]), [names.index(answer) for answer in answers])
    coef, bias = machine.coef_, machine.intercept_
    if len(names) == 2:  # scikit-learn gives one row for two answers
        coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
    units = np.zeros((len(names), x.shape[1]))
    if picture:
        units = coef[:, len(dictionary) :] / scale
    return Answerer(
        tuple(dictionary), names, coef[:, : len(dictionary)], units, bias - units @ mean
    )


# --- features that come with camkit --------------------------------------------------------------

FEATURES = NUMBERS / "weak.safetensors"
KEPT: dict[str, Pictures] = {
    "scenes": world.Scenes(split="train", length=600),
    "scenes-test": world.Scenes(split="test", length=200),
    "signs": world.Signs(split="train", length=600),
    "signs-test": world.Signs(split="test", length=200),
    "marks": world.Signs(split="train", length=600, marks=1.0),
    "marks-test": world.Signs(split="test", length=200, marks=1.0),
}
"""Sets whose pooled features (network `objects`) are kept, so that nobody waits for 2,400 pictures.

Every second picture of the sets with marks has words and is the same as without marks.
"""


def kept_features(name: str) -> Doubles:
    """Load the pooled features of a set of `KEPT`, as the network `objects` gives them.

    Args:
        name: such as ``"scenes"`` or ``"signs-test"``.

    Returns:
        ``(N, K)``, row i of sample i; kept in half precision.

    Raises:
        ValueError: there is no such set.

    Example:
        >>> kept_features("scenes").shape, len(KEPT["scenes"])
        ((600, 64), 600)
    """
    if name not in KEPT:
        raise ValueError(f"name must be one of {', '.join(KEPT)}, got {name!r}.")
    found: Doubles = load_file(FEATURES)[name].astype(np.float64)
    return found


def make(progress: bool = True) -> None:
    """Draw the sets of `KEPT` and keep their features: `python -m camkit.weak`."""
    net = zoo.load("objects")
    found = {
        name: pooled_features(net, pictures.arrays(progress=progress)[0], progress=progress)
        for name, pictures in KEPT.items()
    }
    write(FEATURES, save({name: rows.astype(np.float16) for name, rows in found.items()}))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m camkit.weak", description=make.__doc__).parse_args()
    make()
