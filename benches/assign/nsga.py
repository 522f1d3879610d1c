"""Our plans for a batch beside NSGA-II's (pymoo), on the same predictions.

Every plan that NSGA-II finds must be matched: ours for the same budget must have at least its mean quality. `assign` is
asked once for the predictions and the front, and once for a plan under a budget; the plans for all other budgets are
made here by the same rule, once it is certain that it agrees with these two.

    python -m venv /tmp/nsga && /tmp/nsga/bin/pip install numpy==2.4.6 pymoo==0.6.2
    OMP_NUM_THREADS=1 /tmp/nsga/bin/python benches/assign/nsga.py data.jsonl.gz [--queries 500]
    OMP_NUM_THREADS=1 /tmp/nsga/bin/python benches/assign/nsga.py --synthetic 10000 10 --generations 100

Run from the repository's root: `assign` reads models/. Each line of the data has `query` and `split`; the test split is
used. Exits with 1 where a plan is not matched.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.indicators.hv import HV
from pymoo.indicators.igd import IGD
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.optimize import minimize

POPULATION, REFERENCE = 100, (1.1, 0.1)  # the reference point is 1.1 of the cost and -0.1 of the quality
EXACT = 64  # up to so many queries `assign` gives more points than those that are best at some exchange rate
ROUNDING = 1e-9


class Front:
    """src/assign.rs in Python, for batches too large to be solved exactly."""

    def __init__(self, usd, quality):
        self.usd, self.quality = usd, quality
        order = np.lexsort((-quality, usd), axis=1)
        self.cheapest = order[:, 0]
        self.steps = [step for query in range(len(usd)) for step in self.hull_steps(query, order[query])]
        self.steps.sort(key=lambda step: (-step[0], step[1]))
        gains = [(self.usd[i, b] - self.usd[i, a], self.quality[i, b] - self.quality[i, a]) for _, i, a, b in self.steps]
        first = np.array([self.totals(self.cheapest)])
        self.points = np.cumsum(np.concatenate([first, np.array(gains).reshape(-1, 2)]), axis=0)

    def hull_steps(self, query, order):
        """(efficiency, query, from, to), of falling efficiency."""
        steps, top = [], order[0]
        for option in order[1:]:
            if self.quality[query, option] <= self.quality[query, top]:
                continue
            step = self.step(query, top, option)
            while steps and steps[-1][0] <= step[0]:
                step = self.step(query, steps.pop()[2], option)
            steps.append(step)
            top = option
        return steps

    def step(self, query, start, end):
        usd, quality = self.usd[query], self.quality[query]
        return (quality[end] - quality[start]) / (usd[end] - usd[start]), query, start, end

    def totals(self, picks):
        """Cost and summed quality; `picks` may have a leading axis."""
        rows = np.arange(len(self.usd))
        return np.stack([self.usd[rows, picks].sum(-1), self.quality[rows, picks].sum(-1)], axis=-1)

    def within(self, budget):
        """Cost and summed quality of the plan for a budget."""
        taken = np.searchsorted(self.points[:, 0], budget, side="right") - 1
        picks = self.cheapest.copy()
        for _, query, _, end in self.steps[:taken]:
            picks[query] = end
        left = budget - self.totals(picks)[0]
        for _, query, _, end in self.steps[taken:]:
            more = self.usd[query, end] - self.usd[query, picks[query]]
            if more <= left:
                left -= more
                picks[query] = end
        return self.totals(picks)


class Batch(Problem):
    """One integer a query: the position of its candidate."""

    def __init__(self, front):
        super().__init__(n_var=len(front.usd), n_obj=2, xl=0, xu=front.usd.shape[1] - 1, vtype=int)
        self.front = front

    def _evaluate(self, x, out, *_, **__):
        out["F"] = self.front.totals(x.astype(int)) * (1, -1)


def main():
    args = arguments()
    usd, quality = synthetic(args.synthetic, args.seed) if args.synthetic else predictions(args)
    front = Front(usd, quality)
    print(f"{len(usd)} queries, {usd.shape[1]} candidates; our front: {len(front.points)} points, "
          f"${front.points[0, 0]:.6f} for {front.points[0, 1] / len(usd):.4f} to "
          f"${front.points[-1, 0]:.6f} for {front.points[-1, 1] / len(usd):.4f}")
    print(f"  ours: hypervolume {HV(ref_point=REFERENCE)(scaled(front, front.points)):.4f}")
    start = np.random.default_rng(args.seed).integers(0, usd.shape[1], (POPULATION, len(usd)))
    matched = compare("from random plans", front, start, args)
    start[:2] = usd.argmin(axis=1), np.lexsort((usd, -quality), axis=1)[:, 0]
    matched &= compare("from random plans, the cheapest and the best", front, start, args)
    sys.exit(not matched)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="a .jsonl.gz with query and split")
    parser.add_argument("--synthetic", nargs=2, type=int, metavar=("QUERIES", "CANDIDATES"), help="predictions at random instead")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--generations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pointsman", default="target/release/pointsman")
    args = parser.parse_args()
    if not args.synthetic and not args.data:
        parser.error("give a data file or --synthetic")
    if not args.synthetic and args.queries <= EXACT:
        parser.error(f"more than {EXACT} queries: smaller batches are solved exactly, by another rule than here")
    return args


def synthetic(shape, seed):
    """Prices over two orders of magnitude; quality rises with the price, unlike for each query."""
    rng = np.random.default_rng(seed)
    queries, candidates = shape
    usd = 1e-3 * np.geomspace(0.1, 10, candidates) * rng.lognormal(0, 0.5, (queries, 1)) * rng.lognormal(0, 0.3, shape)
    ease = rng.normal(0, 1, (queries, 1)) + np.linspace(-1, 1, candidates) + rng.normal(0, 0.7, shape)
    return usd, 1 / (1 + np.exp(-ease))


def predictions(args):
    """Costs and qualities of `assign`, whose front and plan under a budget are checked against ours."""
    with gzip.open(args.data, "rt") as lines:
        rows = (json.loads(line) for line in lines)
        queries = [row["query"] for row in rows if row["split"] == "test"][:args.queries]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(query) + "\n" for query in queries)
        file.flush()
        plan = assign(args, file.name, "--cost-weight", "0.1")
        usd, quality = (np.array([[s[key] for s in pick["scores"]] for pick in plan["picks"]]) for key in ("usd", "quality"))
        front = Front(usd, quality)
        theirs = np.array([(point["usd"], point["quality"] * len(usd)) for point in plan["frontier"]])
        np.testing.assert_allclose(front.points, theirs, rtol=ROUNDING, err_msg="our front in Python is not that of assign")
        budget = front.points[[0, -1], 0].mean()
        filled = assign(args, file.name, "--budget-usd", repr(float(budget)))
        plan = filled["usd"], filled["quality"] * len(usd)
        np.testing.assert_allclose(front.within(budget), plan, rtol=ROUNDING, err_msg="our plan in Python is not that of assign")
    print(f"the front in Python is that of assign, and so is the plan for ${budget:.6f}")
    return usd, quality


def assign(args, file, *goal):
    command = [args.pointsman, "assign", "--jsonl", file, "--json", *goal]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def compare(name, front, start, args):
    """Whether every plan of NSGA-II is matched."""
    clock = time.perf_counter(), time.process_time()
    repair = RoundingRepair()
    operators = {kind: operator(prob=1.0, eta=3.0, vtype=float, repair=repair) for kind, operator in (("crossover", SBX), ("mutation", PM))}
    found = minimize(Batch(front), NSGA2(POPULATION, sampling=start, **operators), ("n_gen", args.generations), seed=args.seed)
    wall, cpu = time.perf_counter() - clock[0], time.process_time() - clock[1]
    points = np.unique(found.F * (1, -1), axis=0)
    gains = np.array([front.within(usd * (1 + ROUNDING))[1] - quality for usd, quality in points]) / len(front.usd)
    matched = gains >= -ROUNDING
    bound = np.interp(points[:, 0], *front.points.T)
    room = (bound - points[:, 1]) / len(front.usd) - gains
    # The cheapest of our points that is as good; the best of all is as good as any, but for rounding.
    enough = np.searchsorted(front.points[:, 1], points[:, 1] * (1 - ROUNDING)).clip(max=len(front.points) - 1)
    saved = 1 - front.points[enough, 0] / points[:, 0]
    own = scaled(front, points)
    print(f"  NSGA-II {name}: {POPULATION} plans, {args.generations} generations, {wall:.1f} s ({cpu:.1f} s of processor)")
    print(f"    {len(points)} points, ${points[0, 0]:.6f} for {points[0, 1] / len(front.usd):.4f} to "
          f"${points[-1, 0]:.6f} for {points[-1, 1] / len(front.usd):.4f}")
    print(f"    matched by ours: {matched.sum()} of {len(points)}; largest shortfall {max(0, -gains.min()):.3g}")
    print(f"    at its cost, ours is better by {np.median(gains):.4f} of mean quality (median; {gains.min():.2g} to {gains.max():.4f})")
    print(f"    the bound on all plans at these costs: at most {room.max():.3g} above ours")
    print(f"    at its quality or better, the next point of our front is cheaper by {np.median(saved):.1%} (median; {saved.min():.1%} to {saved.max():.1%})")
    print(f"    hypervolume {HV(ref_point=REFERENCE)(own):.4f}, IGD to our front {IGD(scaled(front, front.points))(own):.4f}", flush=True)
    return matched.all()


def scaled(front, points):
    """Cost and quality are 0 to 1 between the ends of our front; quality is negated, so that less is better."""
    low, high = front.points[0], front.points[-1]
    return (points - low) / (high - low) * (1, -1)


if __name__ == "__main__":
    main()
