"""What a release of microdata promises and what was measured, in words for those who answer for it.

The sentences stand apart from the code, so that they can be translated.

Sources: Kairouz, Oh & Viswanath (2015), The composition theorem for differential privacy, ICML (the best guess);
Wood et al. (2018), Differential privacy: a primer for a non-technical audience, Vanderbilt JETLaw 21.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from amparo.protection.microdata.aim import Answer

SENTENCES = {
    "nobody": "No record of this file is a person's. The records were drawn from a model of noisy counts; one that "
    "fits somebody does so because the model finds such records likely.",
    "number": "The file has {number} records, as many as there are persons. This number is public and not protected.",
    "number_lost": "The file has {released} records; there were {number} persons. Counts from it are too {way}.",
    "replaced": "What is promised to one person: had that person's record been any other, the file would have come out "
    "nearly the same. How nearly is said by epsilon = {epsilon} and delta = {delta}.",
    "left_out": "What is promised to one person: had that person's record been left out, the file would have come out "
    "nearly the same. How nearly is said by epsilon = {epsilon} and delta = {delta}.",
    "odds": "Somebody who knows every other person's record and, before seeing the file, holds two things about this "
    "person equally likely guesses right with a chance of at most {guess} afterwards, where 50% is a blind guess. "
    "What that person thought had a chance of 1% can rise to at most {belief}, delta left aside.",
    "delta": "Delta adds at most {one_in} to the chance of a right guess.",
    "strong": "With an epsilon of 1 or less no guess about a person gets much better.",
    "weak": "With an epsilon above 1 the theory alone does not rule out a good guess by somebody who knows nearly "
    "everything else. The attack report says how far real attacks came.",
    "add_up": "Each further file or table from the same persons costs anew, and the epsilons add up.",
    "measured": "Measured, with noise: {sets} sets of counts, of {single} single columns, {pairs} pairs and {triples} "
    "triples of columns. The noise has a standard deviation of {least} to {most} persons per count.",
    "not_measured": "Not measured: any combination of four or more columns, {pairs} of {all_pairs} pairs and "
    "{triples} of {all_triples} triples of columns. "
    "What the file shows of these follows from the model and is not evidence.",
    "pac_measured": "Measured, with noise: counts of all combinations of up to 3 recorded values, by pac-synth. "
    "Combinations of four or more were not measured. The noise is pac-synth's own.",
    "impossible": "{broken} records are of a kind that cannot be.",
    "k": "The records are real persons'. Every combination of the columns {keys} occurs at least {k} times; to reach "
    "this, {withheld} of {values} recorded values were withheld, and look as if not recorded.",
    "k_limit": "This does not protect a person about whom somebody knows other columns ({others}), nor where all "
    "persons alike in the keys share what is sensitive. No epsilon can be stated.",
    "k_all": "This does not protect where all persons alike share what is sensitive. No epsilon can be stated.",
}


def best_guess(epsilon: float, delta: float) -> float:
    """The largest chance of telling two equally likely records of a person apart (Kairouz et al. 2015, section 2)."""
    return (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))


def belief_after(before: float, epsilon: float) -> float:
    """How far a belief can rise, leaving delta aside: its odds grow by a factor of at most e^epsilon."""
    odds = before / (1 - before) * math.exp(epsilon)
    return odds / (1 + odds)


def of_aim(
    number: int, epsilon: float, delta: float, names: Sequence[str], answers: Sequence[Answer]
) -> tuple[str, ...]:
    """The words for a release by ``aim``."""
    taken = {answer.columns for answer in answers}
    sizes = [len(columns) for columns in taken]
    covered = {(a, b) for columns in taken for a in columns for b in columns if a < b}
    pairs = math.comb(len(names), 2)
    scales = [answer.scale for answer in answers]
    return (
        _say("nobody"),
        _say("number", number=f"{number:,}"),
        *_promise("replaced", epsilon, delta),
        _say(
            "measured",
            sets=len(answers),
            single=sizes.count(1),
            pairs=sizes.count(2),
            triples=sizes.count(3),
            least=f"{min(scales):.1f}",
            most=f"{max(scales):.1f}",
        ),
        _say(
            "not_measured",
            pairs=pairs - len(covered),
            all_pairs=pairs,
            triples=math.comb(len(names), 3) - sizes.count(3),
            all_triples=math.comb(len(names), 3),
        ),
    )


def of_pac_synth(number: int, released: int, broken: int, epsilon: float, delta: float) -> tuple[str, ...]:
    """The words for a release by ``pacsynth``."""
    return (
        _say("nobody"),
        _say(
            "number_lost",
            released=f"{released:,}",
            number=f"{number:,}",
            way="low" if released < number else "high",
        ),
        *_promise("left_out", epsilon, delta),
        _say("pac_measured"),
        *((_say("impossible", broken=f"{broken:,}"),) if broken else ()),
    )


def of_k_anonymity(k: int, keys: Sequence[str], others: Sequence[str], withheld: int, values: int) -> tuple[str, ...]:
    """The words for a release by ``k_anonymity``."""
    reached = _say("k", k=k, keys=", ".join(keys), withheld=f"{withheld:,}", values=f"{values:,}")
    return (reached, _say("k_limit", others=", ".join(others)) if others else _say("k_all"))


def _promise(kind: str, epsilon: float, delta: float) -> tuple[str, ...]:
    return (
        _say(kind, epsilon=f"{epsilon:g}", delta=f"{delta:.2g}"),
        _say(
            "odds",
            guess=_at_most(best_guess(epsilon, delta)),
            belief=_at_most(belief_after(0.01, epsilon)),
        ),
        _say("delta", one_in=f"1 in {math.floor(1 / delta):,}"),
        _say("strong" if epsilon <= 1 else "weak"),
        _say("add_up"),
    )


def _at_most(chance: float) -> str:
    """In per cent, rounded up: a bound may not be rounded down."""
    return f"{math.ceil(1000 * chance) / 10:.1f}%"


def _say(key: str, **values: object) -> str:
    return SENTENCES[key].format(**values)
