"""Our plans for a batch beside NSGA-II's (pymoo), on the same predictions.

Every plan that NSGA-II finds must be matched: ours for the same budget must have at least its mean quality, and ours for
the same mean quality must cost no more. `assign` is asked for the predictions; both plans, one of either kind for every
point of NSGA-II's, and the front are asked of the library (benches/assign/plans.rs).

    python -m venv /tmp/nsga && /tmp/nsga/bin/pip install numpy==2.4.6 pymoo==0.6.2
    cargo build --release --locked --bin pointsman --example assign-plans
    OMP_NUM_THREADS=1 /tmp/nsga/bin/python benches/assign/nsga.py data.jsonl.gz [--queries 65 100 500] [--seeds 1 2]
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
ROUNDING = 1e-9


class Batch(Problem):
    """One integer a query: the position of its candidate."""

    def __init__(self, usd, quality):
        super().__init__(n_var=len(usd), n_obj=2, xl=0, xu=usd.shape[1] - 1, vtype=int)
        self.usd, self.quality = usd, quality

    def _evaluate(self, x, out, *_, **__):
        rows, picks = np.arange(self.n_var), x.astype(int)
        out["F"] = np.stack([self.usd[rows, picks].sum(-1), -self.quality[rows, picks].mean(-1)], axis=-1)


def main():
    args = arguments()
    all_usd, all_quality = synthetic(args.synthetic) if args.synthetic else predictions(args)
    matched = True
    for queries in args.queries or [len(all_usd)]:
        usd, quality = all_usd[:queries], all_quality[:queries]
        found = ours(args, usd, quality, [], [])
        front = np.array(found["front"])
        print(f"{len(usd)} queries, {usd.shape[1]} candidates; our front: {len(front)} points in {found['seconds']['front'] * 1e3:.1f} ms, "
              f"${front[0, 0]:.6f} for {front[0, 1]:.4f} to ${front[-1, 0]:.6f} for {front[-1, 1]:.4f}, "
              f"hypervolume {HV(ref_point=REFERENCE)(scaled(front, front)):.4f}")
        for seed in args.seeds:
            start = np.random.default_rng(seed).integers(0, usd.shape[1], (POPULATION, len(usd)))
            matched &= compare("from random plans", front, usd, quality, start, seed, args)
            start[:2] = usd.argmin(axis=1), np.lexsort((usd, -quality), axis=1)[:, 0]
            matched &= compare("from random plans, the cheapest and the best", front, usd, quality, start, seed, args)
    sys.exit(not matched)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="a .jsonl.gz with query and split")
    parser.add_argument("--synthetic", nargs=2, type=int, metavar=("QUERIES", "CANDIDATES"), help="predictions at random instead")
    parser.add_argument("--queries", nargs="+", type=int, help="the first so many; 500 unless synthetic")
    parser.add_argument("--generations", type=int, default=500)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--pointsman", default="target/release/pointsman")
    parser.add_argument("--plans", default="target/release/examples/assign-plans")
    args = parser.parse_args()
    if not args.synthetic and not args.data:
        parser.error("give a data file or --synthetic")
    if not args.synthetic and not args.queries:
        args.queries = [500]
    return args


def synthetic(shape):
    """Prices over two orders of magnitude; quality rises with the price, unlike for each query."""
    rng = np.random.default_rng(1)
    queries, candidates = shape
    usd = 1e-3 * np.geomspace(0.1, 10, candidates) * rng.lognormal(0, 0.5, (queries, 1)) * rng.lognormal(0, 0.3, shape)
    ease = rng.normal(0, 1, (queries, 1)) + np.linspace(-1, 1, candidates) + rng.normal(0, 0.7, shape)
    return usd, 1 / (1 + np.exp(-ease))


def predictions(args):
    """Costs and qualities of `assign`."""
    with gzip.open(args.data, "rt") as lines:
        rows = (json.loads(line) for line in lines)
        queries = [row["query"] for row in rows if row["split"] == "test"][:max(args.queries)]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(query) + "\n" for query in queries)
        file.flush()
        plan = asked([args.pointsman, "assign", "--jsonl", file.name, "--json", "--cost-weight", "0.1"])
    return (np.array([[score[key] for score in pick["scores"]] for pick in plan["picks"]]) for key in ("usd", "quality"))


def ours(args, usd, quality, budgets, floors):
    batch = {"usd": usd.tolist(), "quality": quality.tolist(), "budgets": list(budgets), "floors": list(floors)}
    return asked([args.plans], json.dumps(batch))


def asked(command, text=None):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, input=text, text=True).stdout)


def compare(name, front, usd, quality, start, seed, args):
    """Whether every plan of NSGA-II is matched."""
    clock = time.perf_counter(), time.process_time()
    repair = RoundingRepair()
    operators = {kind: operator(prob=1.0, eta=3.0, vtype=float, repair=repair) for kind, operator in (("crossover", SBX), ("mutation", PM))}
    found = minimize(Batch(usd, quality), NSGA2(POPULATION, sampling=start, **operators), ("n_gen", args.generations), seed=seed)
    wall, cpu = time.perf_counter() - clock[0], time.process_time() - clock[1]
    points = np.unique(found.F * (1, -1), axis=0)
    plans = ours(args, usd, quality, points[:, 0] * (1 + ROUNDING), points[:, 1] * (1 - ROUNDING))
    gains = np.array(plans["budgets"])[:, 1] - points[:, 1]
    saved = 1 - np.array(plans["floors"])[:, 0] / points[:, 0]
    # Of the front, the best point that costs no more.
    at = np.searchsorted(front[:, 0], points[:, 0] * (1 + ROUNDING), side="right") - 1
    above = front[at, 1] - points[:, 1]
    matched = (gains >= -ROUNDING) & (saved >= -ROUNDING)
    own = scaled(front, points)
    print(f"  NSGA-II {name}, seed {seed}: {POPULATION} plans, {args.generations} generations, {wall:.1f} s ({cpu:.1f} s of processor)")
    print(f"    {len(points)} points, ${points[0, 0]:.6f} for {points[0, 1]:.4f} to ${points[-1, 0]:.6f} for {points[-1, 1]:.4f}; "
          f"hypervolume {HV(ref_point=REFERENCE)(own):.4f}, IGD to our front {IGD(scaled(front, front))(own):.4f}")
    print(f"    matched by our plans: {matched.sum()} of {len(points)}; {plans['seconds']['plans'] / len(points) / 2 * 1e3:.2f} ms a plan")
    print(f"    at its cost, ours is better by {np.median(gains):.4f} of mean quality (median; {gains.min():.2g} to {gains.max():.4f})")
    print(f"    at its quality, ours is cheaper by {np.median(saved):.1%} (median; {saved.min():.2g} to {saved.max():.1%})")
    print(f"    matched by a point of our front: {(above >= -ROUNDING).sum()} of {len(points)}; largest shortfall {max(0, -above.min()):.3g}", flush=True)
    return matched.all()


def scaled(front, points):
    """Cost and quality are 0 to 1 between the ends of our front; quality is negated, so that less is better."""
    low, high = front[0], front[-1]
    return (points - low) / (high - low) * (1, -1)


if __name__ == "__main__":
    main()
