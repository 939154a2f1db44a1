"""The command on those never detected."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from amparo.cli.shared import Json, Quiet, progress_bar, spinner, write_csv
from amparo.prevalence import METHODS
from amparo.standard.errors import AmparoError


def prevalence(
    file: Annotated[Path, typer.Argument(help="Capture histories: a 0/1 column per list, the persons last (CSV).")],
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = "stepwise",
    threshold: Annotated[float, typer.Option(min=0, max=1, help="p-value of the stepwise choice.")] = 0.02,
    strata: Annotated[list[str] | None, typer.Option(help="A column that splits the table; may be repeated.")] = None,
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="Every defensible analysis side by side.")] = False,
    population: Annotated[int | None, typer.Option(help="Inhabitants, for a rate per 100,000.")] = None,
    replicates: Annotated[int, typer.Option(min=100, help="Bootstrap replicates.")] = 1000,
    seed: Annotated[int, typer.Option(help="Same seed, same answer.")] = 2021,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables and figures.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Estimate how many victims were never detected (multiple systems estimation).

    A column ``draw`` numbers plausible linkages, as `amparo link` writes them; the interval then includes their error.
    """
    from amparo.prevalence import LEVELS, estimate
    from amparo.prevalence.imputation import combined
    from amparo.prevalence.strata import by_strata
    from amparo.prevalence.table import read_capture_table, read_draws

    if strata and method != "stepwise":
        raise AmparoError(
            f"With --strata the method is stepwise; {method} has no common model over strata.",
            remedy="Leave --method out, or estimate one stratum at a time from a file of its own.",
        )
    if strata:
        tables = read_capture_table(file, strata=strata)
        found = by_strata(tables, threshold=threshold, replicates=replicates, seed=seed)
        estimates = {" × ".join(name): one for name, one in found.estimates.items()} | {"total": found.total}
    else:
        with spinner("Estimating", quiet=quiet or as_json):
            of_table = partial(estimate, method=method, threshold=threshold, replicates=replicates, seed=seed)
            draws = read_draws(file)
            estimates = {"total": combined(draws, of_table, levels=LEVELS) if len(draws) > 1 else of_table(draws[0])}
    rows = [{"stratum": name, **row} for name, one in estimates.items() for row in one.rows()]
    said: dict[str, Any] = {"estimates": rows}
    said["warnings"] = [warning for one in estimates.values() for warning in one.warnings]
    lines = [f"{name}\n{one.summary()}" if strata else one.summary() for name, one in estimates.items()]
    if population:
        rate, low, high = estimates["total"].rate(population)
        said["rate per 100,000"] = [rate, low, high]
        lines.append(f"Per 100,000 inhabitants: {rate:,.1f} (95% interval {low:,.1f} to {high:,.1f}).")
    charts = {f"estimate-{name}".replace(" ", ""): one.plot() for name, one in estimates.items()} if out else {}
    if sensitivity:
        from amparo.prevalence.sensitivity import multiverse
        from amparo.prevalence.table import pooled

        with progress_bar(quiet or as_json) as progress:
            task = progress.add_task("Sensitivity", total=None)
            every = multiverse(
                pooled(tables) if strata else draws[0],
                threshold=threshold,
                seed=seed,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        said["sensitivity"] = every.frame.to_dict("records")
        said["sentence"] = every.sentence
        lines.append(every.sentence)
        if out:
            charts["multiverse"] = every.plot()
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for name, one in estimates.items():
            write_csv(one.to_frame(), out / f"estimate-{name.replace(' ', '')}.csv")
        if sensitivity:
            write_csv(every.frame, out / "sensitivity.csv")
        for name, chart in charts.items():
            chart.save(out / f"{name}.svg")
        lines.append(f"Tables and figures: {out}")
    if as_json:
        print(json.dumps(said, ensure_ascii=False, indent=2, default=str))
    elif not quiet:
        print("\n\n".join(lines))
