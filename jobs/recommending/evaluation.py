"""Fitting and evaluating recommenders: which candidate is best, and how good it is beside the others."""

from dataclasses import dataclass
from itertools import count

import numpy as np
from pyspark.sql import DataFrame

from conf.errors import InputError, NothingToLearnError
from jobs.recommending.dataset import PARTS, VALIDATION, HoldOut, InteractionDataset
from jobs.recommending.model_file import at_workers, save
from jobs.records.progress import OnProgress
from jobs.records.recommending import RankerEvaluation, RecommenderFindings, Tried
from models.evaluation.intervals import Interval
from models.recommender.candidates import ALWAYS, Engine, RankerSettings, settings_grid, settings_of
from models.recommender.fitting import fit_ranker
from models.recommender.histories import with_histories
from models.recommender.ranking import means_of, measure_ranking, metrics_per_customer, paired_difference
from models.recommender.serving import RecommenderModel, Serving, recommend_titles

AUTO = "auto"


@dataclass(frozen=True)
class RecommenderEvaluation:
    """Fits and evaluates models on one dataset."""

    dataset: InteractionDataset
    engine: Engine
    on_progress: OnProgress

    def run(self, model: str) -> tuple[RecommenderModel, RecommenderFindings]:
        """Fit, evaluate and choose.

        Args:
            model: a name of MODELS, which is then taken, or AUTO for the best on the validation part.

        Returns:
            The chosen model, fitted on everything, and what was found.

        Raises:
            InputError: no title is liked, or the catalogue is too large for the model.
        """
        whole = self.dataset.whole
        if not len(whole.order):
            raise NothingToLearnError("no interaction has a strength above 0, so there is nothing to recommend by")
        names = list(dict.fromkeys(["als" if model == AUTO else model, *ALWAYS]))
        self._refuse_large(names, whole.pairs.titles)
        tried = self._tried(names)
        best = {name: max(found, key=lambda one: _rank(one[1])) for name, found in tried.items()}
        judged = {part: self._judged(part, {name: one for name, (one, _) in best.items()}) for part in PARTS}
        chosen = max(names, key=lambda name: _rank(best[name][1])) if model == AUTO else model
        self.on_progress(9, 10, "fitting")
        ranker = fit_ranker(whole.pairs, best[chosen][0], self.engine, self.dataset.seed)
        findings = RecommenderFindings(
            chosen=chosen,
            chosen_by="validation" if model == AUTO else "command line",
            engine=self.engine,
            customers=whole.likers,
            titles=len(whole.order),
            pairs=self.dataset.pairs.count(),
            judged_titles=self.dataset.declared.judged_titles,
            tried={
                name: [Tried(settings=settings_of(one), ndcg=ndcg) for one, ndcg in found]
                for name, found in tried.items()
            },
            settings={name: settings_of(one) for name, (one, _) in best.items()},
            parts={part: found for part, found in judged.items() if found},
        )
        return RecommenderModel(ranker, whole.order, whole.pairs.titles), findings

    def _tried(self, names: list[str]) -> dict[str, list[tuple[RankerSettings, Interval | None]]]:
        """By model, its candidates with their NDCG on the validation part."""
        part = self.dataset.part(VALIDATION)
        grids = {name: settings_grid(name, self.engine, self.dataset.declared.grids) for name in names}
        if part is None or part.held is None or part.held.isEmpty():
            return {name: [(grid[0], None)] for name, grid in grids.items()}
        number, total = count(), sum(map(len, grids.values()))
        found: dict[str, list[tuple[RankerSettings, Interval | None]]] = {}
        for name, grid in grids.items():
            found[name] = []
            for one in grid:
                self.on_progress(next(number), 2 * total, f"{name} {settings_of(one)}")
                _, measured = self._measured(part, one, f"{VALIDATION}-{name}-{len(found[name])}")
                found[name].append((one, means_of(measured, ("ndcg",))["ndcg"]))
        return found

    def _judged(self, name: str, chosen: dict[str, RankerSettings]) -> dict[str, RankerEvaluation] | None:
        """By model, how good it is on a part; None where nothing is held out."""
        part = self.dataset.part(name)
        if part is None or part.held is None or part.held.isEmpty():
            return None
        found, measured = {}, {}
        known, number = part.known(self.dataset.spark), self.dataset.declared.judged_titles
        for model, one in chosen.items():
            self.on_progress(3, 4, f"evaluating {model} by {PARTS[name]}")
            lists, measured[model] = self._measured(part, one, f"{name}-{model}")
            found[model] = measure_ranking(measured[model], lists, known, part.likers, number)
        over = {
            model: paired_difference(rows, measured["popular"])
            for model, rows in measured.items()
            if model != "popular"
        }
        return {
            model: RankerEvaluation(
                metrics=one.metrics,
                customers=one.customers,
                coverage=one.coverage,
                ndcg_over_popular=over.get(model),
            )
            for model, one in found.items()
        }

    def _measured(self, part: HoldOut, candidate: RankerSettings, name: str) -> tuple[DataFrame, DataFrame]:
        """The lists of a candidate fitted on a part, for customers with titles held out, and its metrics for each."""
        assert part.held is not None
        ranker = fit_ranker(part.pairs, candidate, self.engine, self.dataset.seed)
        model = RecommenderModel(ranker, part.order, part.pairs.titles)
        wanted = part.pairs.frame.join(part.held.select("customer").distinct(), "customer", "left_semi")
        with at_workers(self.dataset.spark, save(model, self.dataset.work)) as load:
            serving = Serving(load, self.dataset.declared.judged_titles, self.dataset.declared.exclude_seen)
            lists = self.dataset.stored(f"{name}-lists", recommend_titles(with_histories(wanted), serving))
        measured = metrics_per_customer(lists, part.held, self.dataset.declared.judged_titles)
        return lists, self.dataset.stored(f"{name}-measured", measured)

    def _refuse_large(self, names: list[str], titles: int) -> None:
        most = self.dataset.declared.grids.ease.most_titles
        if "ease" in names and titles > most:
            raise InputError(
                f"--model ease: it inverts a matrix of titles by titles, and there are {titles:,} titles; the service "
                f"allows {most:,} (recommender.grids.ease.most_titles)"
            )


def _rank(ndcg: Interval | None) -> float:
    return ndcg.value if ndcg and not np.isnan(ndcg.value) else -1.0
