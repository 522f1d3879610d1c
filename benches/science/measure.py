"""The figures on routing quality in the README, measured anew with the product's own commands, on rows not trained on.

    cargo build --release --locked --bin pointsman
    python3 benches/science/measure.py sets       DATA [--only zeroeval ...]
    python3 benches/science/measure.py strangers  DATA    # LogPai, four of its sixteen systems left out in turn
    python3 benches/science/measure.py placed     DATA    # ZeroEval, each candidate left out in turn and placed afterwards
    python3 benches/science/measure.py stand-in   DATA    # MetaLLM's claim, on four OpenAI candidates of OVERRULING
    python3 benches/science/measure.py online     DATA    # a bandit from nothing on MMLU-Pro, in ten orders
    python3 benches/science/measure.py static     DATA    # the static tier, set by set and as it ships
    python3 benches/science/measure.py curve      DATA    # how much more rows of MMLU-Pro teach
    python3 benches/science/measure.py spread     DATA    # the spread that is told, beside that of ten bootstrap samples
    python3 benches/science/measure.py default    DATA    # the router file that ships, on the test rows of its two sets

DATA is the folder of the four data sets: `NAME/data.jsonl.gz` and `NAME/models.json`. Files go to `--out`; a measurement
whose result is there is not made again. Run from the repository's root. Needs Python 3.11 and nothing else.
"""

import argparse
import gzip
import json
import random
import subprocess
from collections import defaultdict
from pathlib import Path
from statistics import correlation, mean, stdev

SETS = ["optllm_overruling", "optllm_logpai", "zeroeval", "mmlu_pro"]
STAND_IN = "text-curie-001,gpt-3.5-turbo,text-davinci-002,gpt-4"
DATE = "2026-01-01"
RENAMES = [f"--rename={rename}" for rename in Path("models/renames.txt").read_text().split()]


class Bench:
    """Where things are, and the two commands."""

    def __init__(self, args):
        self.command, self.data, self.out, self.only = args.pointsman, args.data, args.out, args.only
        self.out.mkdir(parents=True, exist_ok=True)

    def log(self, name):
        return self.data / name / "data.jsonl.gz"

    def rows(self, name):
        with gzip.open(self.log(name), "rt") as lines:
            return [json.loads(line) for line in lines]

    def run(self, *arguments):
        command = [self.command, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout

    def train(self, name, log, prices, *more):
        router = self.out / f"{name}.router"
        if not router.exists():
            self.run("train", "--out", router, "--outcomes", log, "--prices", prices, "--date", DATE, *more)
        return router

    def scores(self, router, prompts):
        """By prompt and candidate: whether it is unlike the training prompts, and what the router expects."""
        decisions = map(json.loads, self.run("route", "--json", "--router", router, "--jsonl", prompts).splitlines())
        return {(at, score["model"]): (decision["reason"] == "low-confidence", score)
                for at, decision in enumerate(decisions) for score in decision["scores"]}

    def evaluate(self, name, router, log, *more):
        report = self.out / f"{name}.json"
        if not report.exists():
            self.run("evaluate", "--router", router, "--outcomes", log, "--json", report, *more)
        return json.loads(report.read_text())


def told(name, report):
    change, saved, aiq = report["scoreChange"], report["costSaved"], report["aiq"]
    scores = {what: 100 * report[key]["score"] for what, key in
              {"router": "router", "best single": "bestSingle", "random": "random", "oracle": "oracle"}.items()}
    low, value, high = (f"{100 * change[key]:+.2f}" for key in ("low", "value", "high"))
    print(f"{name}: {report['rows']} rows, score " + ", ".join(f"{what} {score:.2f}" for what, score in scores.items()))
    print(f"  score change {value} points ({low} to {high})")
    print(f"  cost saved {100 * saved['value']:.1f}% ({100 * saved['low']:.1f} to {100 * saved['high']:.1f})")
    print(f"  AIQ x100 {100 * aiq['router']:.2f} (blind mix {100 * aiq['zero']:.2f})")
    print(f"  ECE {report['calibration']['ece']:.4f}, {report['lowConfidence']} rows strange", flush=True)


def steadiness(report):
    edits = report["stability"]
    kept = ", ".join(f"{edit['edit']} {edit['unchanged']:.3f}" for edit in edits)
    share = sum(edit["unchanged"] * edit["rows"] for edit in edits) / sum(edit["rows"] for edit in edits)
    kinds = mean(edit["unchanged"] for edit in edits)
    print(f"  decisions that stay: {kept}; of all {100 * share:.2f}%, mean of the kinds {100 * kinds:.2f}%", flush=True)


def sets(bench):
    for name in bench.only or SETS:
        prices = bench.data / name / "models.json"
        router = bench.train(name, bench.log(name), prices)
        report = bench.evaluate(name, router, bench.log(name), "--stability", 500, "--splits", 200)
        told(name, report)
        splits = report["splits"]
        print(f"  promise exceeded in {100 * splits['exceeded']:.1f}% of {splits['splits']} splits, routing proven in {100 * splits['proven']:.1f}%")
        steadiness(report)


def strangers(bench):
    name = "optllm_logpai"
    rows, changes = bench.rows(name), []
    systems = sorted({row["task"] for row in rows})
    for turn in range(4):
        left = set(systems[turn::4])
        log = bench.out / f"strangers-{turn}.jsonl"
        with log.open("w") as file:
            # Their test rows alone are judged; nothing of theirs is trained on.
            kept = [row for row in rows if (row["task"] in left) == (row["split"] == "test")]
            file.writelines(json.dumps(row) + "\n" for row in kept)
        router = bench.train(f"strangers-{turn}", log, bench.data / name / "models.json")
        report = bench.evaluate(f"strangers-{turn}", router, log)
        changes.append(100 * report["scoreChange"]["value"])
        told(f"without {', '.join(sorted(left))}", report)
    print(f"mean change of the best single candidate's score: {mean(changes):+.2f} points")


def placed(bench):
    name, rows = "zeroeval", bench.rows("zeroeval")
    log, prices = bench.log(name), bench.data / name / "models.json"
    candidates = sorted({candidate for row in rows for candidate in row["scores"]})
    router = bench.train("placed-none", log, prices, "--far", 0.03)
    whole = bench.evaluate("placed-none", router, log)["aiq"]["router"]
    shares = defaultdict(list)
    for candidate in bench.only or candidates:
        others = ",".join(other for other in candidates if other != candidate)
        router = bench.train(f"placed-{candidate}", log, prices, "--far", 0.03, "--candidates", others)
        answered = [row for row in rows if row["split"] == "train" and candidate in row["scores"]]
        for way, known in {"means": by_means(answered, candidate), "outcomes": by_outcomes(bench, answered, candidate)}.items():
            report = place(bench, f"placed-{candidate}-{way}", router, candidate, answered, known, log, json.loads(prices.read_text()))
            shares[way].append(100 * report["aiq"]["router"] / whole)
        print(f"{candidate}: " + ", ".join(f"{way} {own[-1]:.2f}%" for way, own in shares.items()), flush=True)
    for way, own in shares.items():
        print(f"from {way}: {mean(own):.2f}% of AIQ {100 * whole:.2f}, mean of {len(own)}; worst {min(own):.2f}%")


def by_means(answered, candidate):
    scores = defaultdict(list)
    for row in answered:
        scores[row["task"]].append(row["scores"][candidate])
    return ["--scores", ",".join(f"{task}={mean(own):.6f}" for task, own in scores.items())]


def by_outcomes(bench, answered, candidate):
    log = bench.out / f"placed-{candidate}.jsonl"
    some = random.Random(candidate).sample(answered, 50)
    own = [{**row, "scores": {candidate: row["scores"][candidate]}, "costs": {candidate: row["costs"][candidate]}} for row in some]
    log.write_text("".join(json.dumps(row) + "\n" for row in own))
    return ["--outcomes", log]


def place(bench, name, router, candidate, answered, known, log, prices):
    out = bench.out / f"{name}.router"
    price, lengths = prices[candidate], [row["tok_out"][candidate] for row in answered if candidate in row["tok_out"]]
    length = ["--output-tokens", mean(lengths)] if lengths else []
    bench.run("catalog", "add", "--router", router, "--out", out, "--id", candidate, "--price-in", price["usd_per_mtok_in"],
              "--price-out", price["usd_per_mtok_out"], *length, *known)
    return bench.evaluate(name, out, log)


def stand_in(bench):
    name = "optllm_overruling"
    router = bench.train("stand-in", bench.log(name), bench.data / name / "models.json", "--candidates", STAND_IN)
    told("default dial", bench.evaluate("stand-in", router, bench.log(name)))
    file = json.loads(bench.run("inspect", "--json", router))
    half = file["provenance"]["bestSingle"]["usd"] / 2
    weight = json.loads(bench.run("inspect", "--json", "--budget-usd", half, router))["budget"]["costWeight"]
    report = bench.evaluate("stand-in-half", router, bench.log(name), "--cost-weight", weight)
    told(f"p = {weight:.4f}, at which training rows cost ${1000 * half:.4f} per 1,000 calls, half of what the best single candidate does", report)


def online(bench):
    router = bench.train("mmlu_pro", bench.log("mmlu_pro"), bench.data / "mmlu_pro" / "models.json")
    shares = []
    for seed in range(10):
        report = bench.evaluate(f"online-{seed}", router, bench.log("mmlu_pro"), "--split", "all", "--online", 0.3, "--seed", seed)
        end = report["online"][-1]
        shares.append(100 * end["bandit"] / end["head"])
        print(f"order {seed}: bandit {end['bandit']:.4f}, head fold by fold {end['head']:.4f}, best single {end['bestSingle']:.4f}: {shares[-1]:.1f}%", flush=True)
    print(f"mean {mean(shares):.1f}%, least {min(shares):.1f}%, most {max(shares):.1f}%")


def static(bench):
    embedder = ["--embedder", "models/minilm-static.onnx"]
    for name in bench.only or SETS:
        router = bench.train(f"static-{name}", bench.log(name), bench.data / name / "models.json", *embedder)
        told(name, bench.evaluate(f"static-{name}", router, bench.log(name), *embedder))
    for name in ["zeroeval", "mmlu_pro"]:
        told(f"as shipped, {name}", bench.evaluate(f"static-shipped-{name}", "models/static.router", bench.log(name), *embedder, *RENAMES))


def curve(bench):
    name = "mmlu_pro"
    router, prices = bench.out / "curve.router", bench.data / name / "models.json"
    print(bench.run("train", "--out", router, "--outcomes", bench.log(name), "--prices", prices, "--date", DATE, "--learning-curve"))


def spread(bench):
    """All of training again on ten samples of OVERRULING's training rows, drawn with replacement: how far qualities differ
    between them, and what the router of all rows says of that."""
    name, draws = "optllm_overruling", 10
    rows, prices = bench.rows(name), bench.data / name / "models.json"
    training, tests = ([row for row in rows if row["split"] == split] for split in ("train", "test"))
    prompts = bench.out / "spread-prompts.jsonl"
    prompts.write_text("".join(json.dumps(row["query"]) + "\n" for row in tests))
    whole = bench.scores(bench.train(name, bench.log(name), prices), prompts)
    samples = []
    for draw in range(draws):
        log = bench.out / f"spread-{draw}.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in random.Random(draw).choices(training, k=len(training))))
        samples.append(bench.scores(bench.train(f"spread-{draw}", log, prices), prompts))
    # Where no estimate is trusted, the spread is another.
    known = [at for at, (far, _) in whole.items() if not far and not any(sample[at][0] for sample in samples)]
    stated = [whole[at][1]["spread"] for at in known]
    found = [stdev(sample[at][1]["quality"] for sample in samples) for at in known]
    print(f"{len(known)} qualities: told {mean(stated):.4f}, found {mean(found):.4f}, "
          f"ratio of the means {mean(stated) / mean(found):.2f}, rank correlation {correlation(ranks(stated), ranks(found)):.2f}")


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    return [rank for _, rank in sorted((at, rank) for rank, at in enumerate(order))]


def default(bench):
    for name in ["zeroeval", "mmlu_pro"]:
        report = bench.evaluate(f"default-{name}", "models/default.router", bench.log(name), "--stability", 500, *RENAMES)
        told(name, report)
        steadiness(report)


WHAT = {"sets": sets, "strangers": strangers, "placed": placed, "stand-in": stand_in, "online": online,
        "static": static, "curve": curve, "spread": spread, "default": default}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("target/science"))
    parser.add_argument("--only", nargs="+", help="only these data sets or candidates")
    parser.add_argument("--pointsman", default="target/release/pointsman")
    args = parser.parse_args()
    WHAT[args.what](Bench(args))
