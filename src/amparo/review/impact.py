"""Victims' impact assessment of a law or policy: what it changed for those whom it concerns, in their own answers.

The questionnaire is the list ``impact_question`` of codes.csv: ten statements on rights that the declaration names
(paragraphs 12 to 15), each answered with ``better``, ``same``, ``worse`` or ``not_concerned``. It is asked in the same
words before and after, and again in later years, so that answers can be compared.

Answers are private. They are counted per question, and the counts leave as a release like any other: small ones are
withheld, and all tables of an assessment are protected together, since they share their respondents.

Source: A/RES/76/7, paragraph 29 ("the impact on victims"); the form follows OHCHR (2012), Human Rights Indicators,
ch. III (perception and experience). The wording is ours and has not been validated in a survey.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import ibis
import pandas as pd

from amparo.protection.release import Release, Rule, release
from amparo.review.register import code_labels
from amparo.review.sheets import Sheet
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import tabulate


def assess(answers: Path, *, rule: Rule, provenance: Mapping[str, str]) -> Release:
    """Count the answers of one assessment and protect them.

    Parameters
    ----------
    answers : a CSV file named after the assessment and its year, ``law-2026-1.2027.csv``: a row per respondent, a
        column per question; an empty cell is a question that was not answered.
    rule : what must be withheld.
    provenance : version, date and SHA-256 of the file.

    Returns
    -------
    One table per question, ``impact_<question>_<assessment>_<year>``, with the counts of each answer.

    Raises
    ------
    AmparoError : the name or a cell is not what it should be, nobody answered, or the rule withholds nothing.
    """
    named = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9-]*)\.(20\d\d)", answers.stem)
    if named is None:
        raise AmparoError(
            f"{answers.name!r} does not name an assessment and its year.",
            remedy="Name it after the law or policy and the year of the answers: law-2026-1.2027.csv.",
            where=str(answers),
        )
    if rule.threshold < 2:
        raise AmparoError("Answers of victims are never shown one by one.", remedy="Give a threshold of 2 or more.")
    questions, known = tuple(code_labels("impact_question")), code_labels("impact_answer")
    rows = [
        {question: cells.code(question, known, empty=True) or None for question in questions}
        for cells in Sheet(answers, questions)
    ]
    if not rows:
        raise AmparoError("nobody answered.", remedy="Add a row per respondent.", where=str(answers))
    assessment, year = named[1], named[2]
    frame = ibis.memtable(pd.DataFrame(rows, columns=list(questions)).astype("string"))
    tables = [
        tabulate(
            frame,
            (question,),
            name=f"impact_{question}_{assessment}_{year}",
            unit=f"respondents on {assessment} in {year}",
            method="Respondents by their answer; each is one person who was asked.",
        )
        for question in questions
    ]
    return release(tables, rule=rule, provenance=provenance)
