//! The tables of the page.

use super::Page;
use super::number::{count, percent, plain, points, usd};
use super::table::{judged, number, table, word};
use super::verdict::loses_on;
use maud::{Markup, html};
use pointsman::evaluate::{Baseline, FrontMetrics, Interval, OffPolicy, Report, Splits, Stability, Strategy, Task, WeightLine};

/// Everything that answers every row, at one point; then what has a dial, over all of it.
pub fn ways(report: &Report) -> Markup {
    let best = &report.best_single;
    let name = |words: &str, s: &Strategy| format!("{words} ({})", s.name);
    let strategies = [
        ("router, chosen dial".to_owned(), &report.router),
        (name("best single", best), best),
        (name("cheapest single", &report.cheapest), &report.cheapest),
        ("random candidate".into(), &report.random),
        ("zero router: best blind mix at the router's cost".into(), &report.zero),
        ("oracle".into(), &report.oracle),
    ];
    let line = |(name, s): (String, &Strategy)| {
        let change = if s.name == best.name { number("\u{2013}") } else { number(points(s.score - best.score)) };
        vec![word(name), number(percent(s.score)), number(usd(s.usd)), change, number(percent(1.0 - s.usd / best.usd))]
    };
    let head = ["", "score", "cost per 1,000", "points against best single", "cost saved"];
    html! {
        (table("Ways to route, at one point", &head, strategies.into_iter().map(line).collect()))
        h3 { "Over all dials" }
        p {
            "AIQ is the mean height of the cost-score curve, from the cheapest single candidate's cost to the best one's. Score and cost "
            "are those of the setting nearest below the router's cost."
        }
        (curves(report))
        @if !report.notes.is_empty() { ul.notes { @for note in &report.notes { li { (note) } } } }
    }
}

fn curves(report: &Report) -> Markup {
    let line = |name: &str, aiq: f64, at: Option<(f64, f64)>, note: &str| {
        let (score, cost) = at.map_or_else(|| ("costs more".into(), String::new()), |(cost, score)| (percent(score), usd(cost)));
        vec![word(name), number(plain(100.0 * aiq, 2)), number(score), number(cost), word(note)]
    };
    let own = |s: &Strategy| Some((s.usd, s.score));
    let fixed = [
        line("router", report.aiq.router, own(&report.router), "at the chosen dial"),
        line("zero router", report.aiq.zero, own(&report.zero), "the best blind mix of single candidates at the same cost"),
    ];
    let other = |b: &Baseline| {
        let at = b.within(report.router.usd).map(|point| (point.usd, point.score));
        line(&b.name, b.aiq, at, b.note.as_deref().unwrap_or_default())
    };
    let others = report.baselines.iter().filter(|b| b.name != "zero router").map(other);
    table(
        "Ways to route, over all dials",
        &["", "AIQ \u{d7} 100", "score", "cost per 1,000", "note"],
        fixed.into_iter().chain(others).collect(),
    )
}

pub fn tasks(tasks: &[Task]) -> Markup {
    let line = |task: &Task| {
        let change = judged(points(task.router.score - task.best_single.score), loses_on(task));
        let saved = 1.0 - task.router.usd / task.best_single.usd;
        let point = |p: &pointsman::evaluate::Point| [number(percent(p.score)), number(usd(p.usd))];
        let cells = [point(&task.router), point(&task.best_single)].into_iter().flatten();
        let ends = [change, judged(percent(saved), saved < 0.0)].into_iter().chain(point(&task.oracle));
        [word(task.name.as_str()), number(count(task.rows))].into_iter().chain(cells).chain(ends).collect()
    };
    let head = ["", "rows", "router", "cost", "best single", "cost", "change", "cost saved", "oracle", "cost"];
    html! {
        p { "Scores, and US dollars per 1,000 calls. Few rows leave much to chance: a task with 100 rows has an interval of some 10 points." }
        (table("Tasks", &head, tasks.iter().map(line).collect()))
    }
}

pub fn cost_weights(lines: &[WeightLine]) -> Markup {
    let line = |l: &WeightLine| {
        let point = |p: &pointsman::evaluate::Point| [number(percent(p.score)), number(usd(p.usd))];
        std::iter::once(number(format!("{}", l.cost_weight))).chain(point(&l.fixed)).chain(point(&l.dynamic)).collect()
    };
    let head = ["p", "cost by candidate: score", "cost", "cost by prompt: score", "cost"];
    html! {
        p { "The router at weights of cost p, as in MetaLLM's Tables 3 and 4: where each candidate is expected to cost its mean over these "
            "rows, and where it is expected to cost what each prompt and its answer should." }
        (table("Cost weights", &head, lines.iter().map(line).collect()))
    }
}

pub fn guarantee(splits: &Splits) -> Markup {
    let line = |name: &str, value: String| vec![word(name), number(value)];
    let lines = vec![
        line("promised: points lost, at most", plain(100.0 * splits.epsilon, 2)),
        line("promised: broken in at most", percent(splits.delta)),
        vec![word("found: broken in"), judged(percent(splits.exceeded), splits.exceeded > splits.delta)],
        line("some routing was proven, so that there was anything to save, in", percent(splits.proven)),
        line("cost saved on average", percent(splits.cost_saved)),
    ];
    html! {
        p { "Proven on one random half of the rows and looked at on the other, " (count(splits.splits)) " times." }
        (table("Guarantee", &["", ""], lines))
    }
}

pub fn off_policy(found: &OffPolicy) -> Markup {
    let range = |i: &Interval, write: fn(f64) -> String| format!("{} to {}", write(i.low), write(i.high));
    let line = |name: &str, score: &Interval, cost: &Interval| {
        let cells = [percent(score.value), range(score, percent), usd(cost.value), range(cost, usd)];
        std::iter::once(word(name)).chain(cells.map(number)).collect::<Vec<_>>()
    };
    let logged = &found.logged;
    let own = vec![word("logged decisions"), number(percent(logged.score)), word(""), number(usd(logged.usd)), word("")];
    let (score, cost) = (&found.score, &found.usd);
    let lines = vec![
        own,
        line("router, inverse propensity (IPS)", &score.ips, &cost.ips),
        line("router, self-normalised (SNIPS)", &score.snips, &cost.snips),
        line("router, doubly robust (DR)", &score.doubly_robust, &cost.doubly_robust),
    ];
    html! {
        p { (count(found.rows)) " logged decisions with feedback, of which the router makes " (count(found.agreed)) " alike; they weigh as "
            "much as " (plain(found.effective_rows, 0)) " rows of one weight. Where it chooses what was never logged (" (count(found.unsupported))
            " rows), predictions alone speak." }
        (table("Logged decisions", &["", "score", "95% interval", "cost per 1,000", "95% interval"], lines))
    }
}

pub fn stability(edits: &[Stability]) -> Markup {
    let line = |s: &Stability| vec![word(s.edit.as_str()), number(percent(s.unchanged)), number(count(s.rows))];
    html! {
        p { "Share of decisions that stay the same when a prompt is edited in ways that do not change what it asks, of prompts that the edit "
            "changes." }
        (table("Stability", &["edit", "same decision", "rows"], edits.iter().map(line).collect()))
    }
}

pub fn front(front: &FrontMetrics) -> Markup {
    let value = |x: f64| plain(x, 4);
    let lines = [
        ("inverted generational distance (0 is best)", front.igd),
        ("spread (0 is even)", front.spread),
        ("hypervolume", front.hypervolume),
        ("hypervolume of the exact front", front.hypervolume_true),
    ];
    let lines = lines.into_iter().map(|(name, x)| vec![word(name), number(value(x))]);
    html! {
        p { "Batches as `assign` plans them against the exact assignment: cost and predicted quality, scaled so that the exact front runs "
            "from 0 to 1, as OptLLM measures them." }
        (table("Front", &["", ""], lines.collect()))
    }
}

pub fn provenance(page: &Page) -> Markup {
    let (made, replayed) = (page.provenance, &page.replayed);
    let sources: Vec<String> = made.data.iter().map(|d| format!("{} ({} rows)", d.name, count(d.rows))).collect();
    let best = &made.best_single;
    let lines = [
        ("replayed", replayed.files.join(", ")),
        ("rows", format!("{}, {}", count(page.report.rows), replayed.split)),
        ("dial", replayed.dial.clone()),
        ("seed of intervals and replays", replayed.seed.to_string()),
        ("evaluated by", format!("pointsman {}", env!("CARGO_PKG_VERSION"))),
        ("router file", replayed.router.clone()),
        ("trained on", sources.join(", ")),
        ("trained by", format!("pointsman {}, dated {}, seed {}", made.version, made.date, made.seed)),
        ("best single candidate in training", format!("{}: {} at {} per 1,000 calls", best.id, percent(best.quality), usd(best.usd))),
        ("embedder", made.embedder.clone()),
    ];
    let lines = lines.into_iter().map(|(name, value)| vec![word(name), word(value)]);
    table("Where this comes from", &["", ""], lines.collect())
}
