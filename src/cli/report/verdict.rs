//! What a reader must take along: where routing loses, what it saves, and what the numbers cannot say.

use super::number::{about, counted, percent, plain, points, points_apart, usd};
use super::{Page, online};
use maud::{Markup, html};
use pointsman::evaluate::{Baseline, Interval, Report, Task};

/// Every result on the page in which routing loses, in a sentence each.
pub fn losses(page: &Page) -> Vec<String> {
    let report = page.report;
    let lost = against_best(report).into_iter().chain(against_blind(report)).chain(against_others(report));
    let lost = lost.chain(on_tasks(&report.tasks)).chain(in_guarantee(page)).chain(while_learning(page));
    lost.map(|text| format!("Routing loses here: {text}.")).collect()
}

fn against_best(report: &Report) -> Vec<String> {
    let (change, saved, best) = (&report.score_change, &report.cost_saved, &report.best_single.name);
    let mut lost = Vec::new();
    if change.value < 0.0 {
        let chance = chance(change);
        lost.push(format!("its score is {} points below that of always calling {best}, {chance}", points_apart(change.value)));
    }
    if saved.value < 0.0 {
        let chance = chance(saved);
        lost.push(format!("it costs {} more than always calling {best}, {chance}", percent(-saved.value)));
    }
    if report.best_single.usd == 0.0 && report.router.usd > 0.0 {
        lost.push(format!("it costs {} per 1,000 calls, and always calling {best} costs nothing", usd(report.router.usd)));
    }
    lost
}

fn chance(loss: &Interval) -> &'static str {
    if loss.high < 0.0 { "beyond chance" } else { "within chance" }
}

fn against_blind(report: &Report) -> Vec<String> {
    let mut lost = Vec::new();
    if report.router.score < report.zero.score {
        let lack = points_apart(report.zero.score - report.router.score);
        lost.push(format!("a blind mix of single candidates scores {lack} points more at the same cost"));
    }
    if report.aiq.router < report.aiq.zero {
        let (own, blind) = (plain(100.0 * report.aiq.router, 2), plain(100.0 * report.aiq.zero, 2));
        lost.push(format!("over all dials, the mean height of its curve is {own}, that of blind mixes {blind}"));
    }
    lost
}

/// Baselines that are compared in sentences of their own, and the one that no router can be.
const APART: [&str; 3] = ["best single", "zero router", "oracle"];

fn against_others(report: &Report) -> Vec<String> {
    let better = report.better();
    let ahead = |other: &Baseline| {
        let (_, point, beyond) = better.iter().find(|(found, ..)| found.name == other.name)?;
        let how_sure = if *beyond { "beyond" } else { "within" };
        let points = points_apart(point.score - report.router.score);
        Some(format!("scores {points} points more at no more cost, {how_sure} the 95% band of the router's curve"))
    };
    let higher = |other: &Baseline| {
        let (theirs, own) = (plain(100.0 * other.aiq, 2), plain(100.0 * report.aiq.router, 2));
        (other.aiq > report.aiq.router + 1e-9)
            .then(|| format!("has a curve of mean height {theirs} over all dials, the router one of {own}"))
    };
    let others = report.baselines.iter().filter(|other| !APART.contains(&other.name.as_str()));
    let tell = |other: &Baseline| {
        let found: Vec<String> = ahead(other).into_iter().chain(higher(other)).collect();
        (!found.is_empty()).then(|| format!("{} {}", other.name, found.join(", and ")))
    };
    others.filter_map(tell).collect()
}

/// Whether the router scores less than the best single candidate on a task.
pub fn loses_on(task: &Task) -> bool {
    task.router.score < task.best_single.score - 1e-12
}

fn on_tasks(tasks: &[Task]) -> Option<String> {
    let lost = tasks.iter().filter(|task| loses_on(task));
    let named: Vec<String> = lost.map(|t| format!("{} ({} points)", t.name, points(t.router.score - t.best_single.score))).collect();
    (!named.is_empty()).then(|| {
        let (lost, all) = (named.len(), counted(tasks.len(), "task"));
        format!("on {lost} of {all} it scores less than the best single candidate, chance not ruled out: {}", named.join(", "))
    })
}

fn in_guarantee(page: &Page) -> Option<String> {
    let splits = page.splits.filter(|splits| splits.exceeded > splits.delta)?;
    let (broken, allowed) = (percent(splits.exceeded), percent(splits.delta));
    Some(format!("the promise of the guarantee was broken in {broken} of {}, where {allowed} was allowed", counted(splits.splits, "split")))
}

fn while_learning(page: &Page) -> Vec<String> {
    let Some(last) = page.online.and_then(<[_]>::last) else { return vec![] };
    let rivals = [("always calling the best single candidate", last.best_single), ("calling a random candidate", last.random)];
    let lost = rivals.into_iter().filter(|(_, reward)| last.bandit < *reward);
    let tell = |(name, reward): (&str, f64)| {
        let lack = online::regret(last, last.bandit) - online::regret(last, reward);
        let rows = counted(last.rows, "row");
        format!(
            "over {rows}, learning from nothing earned {} less reward than {name} ({} a row)",
            plain(lack, 2),
            plain(reward - last.bandit, 4)
        )
    };
    lost.map(tell).collect()
}

/// The page's first words.
pub fn verdict(page: &Page) -> Markup {
    let (report, lost) = (page.report, losses(page));
    html! {
        @if lost.is_empty() {
            p.won { "In none of the comparisons on this page does routing lose." }
        } @else {
            ul.lost aria-label="Where routing loses" { @for loss in &lost { li { (loss) } } }
        }
        (tiles(report))
        p.lede { (summary(page)) }
        @for caution in cautions(report) { p.caution { (caution) } }
    }
}

fn tiles(report: &Report) -> Markup {
    let range = |i: &Interval, write: fn(f64) -> String| format!("95% interval {} to {}", write(i.low), write(i.high));
    let (change, saved, aiq) = (&report.score_change, &report.cost_saved, &report.aiq);
    let height = |x: f64| plain(100.0 * x, 2);
    html! {
        dl.tiles {
            div { dt { "Score change, points" } dd { strong { (points(change.value)) } span { (range(change, points)) } } }
            div { dt { "Cost saved" } dd { strong { (about(saved.value)) } span { (range(saved, about)) } } }
            div { dt { "AIQ \u{d7} 100 (mean height)" } dd { strong { (height(aiq.router)) } span { "blind mix " (height(aiq.zero)) ", oracle " (height(aiq.oracle)) } } }
        }
    }
}

fn summary(page: &Page) -> String {
    let report = page.report;
    let (router, best, change, saved) = (&report.router, &report.best_single, &report.score_change, &report.cost_saved);
    let moved = match (change.low > 0.0, change.high < 0.0) {
        (true, _) => "an improvement beyond chance",
        (_, true) => "a loss beyond chance",
        _ => "no difference that these rows can tell from chance",
    };
    format!(
        "On {} {}, the router at {} scores {} and costs {} per 1,000 calls. Always calling {}, the best single candidate of the \
         training rows, scores {} and costs {}. Routing changes the score by {} points (95% interval {} to {}): {moved}. It saves {} \
         of the cost ({} to {}). Blind mixes of single candidates score {} at the router's cost; an oracle that knew every outcome \
         would score {} at {}.",
        counted(report.rows, "row"),
        page.replayed.split,
        page.replayed.dial,
        about(router.score),
        usd(router.usd),
        best.name,
        about(best.score),
        usd(best.usd),
        points(change.value),
        points(change.low),
        points(change.high),
        about(saved.value),
        about(saved.low),
        about(saved.high),
        about(report.zero.score),
        about(report.oracle.score),
        usd(report.oracle.usd),
    )
}

fn cautions(report: &Report) -> Vec<String> {
    let mut cautions = Vec::new();
    if report.candidates.iter().any(|s| s.rows < report.rows) {
        cautions.push("Some candidates answered fewer rows than were replayed: compare means on one data set at a time.".into());
    }
    if report.low_confidence > 0 {
        let share = percent(report.low_confidence as f64 / report.rows as f64);
        let rows = counted(report.low_confidence, "row");
        cautions.push(format!("{rows} ({share}) are unlike the training prompts: their estimates were not trusted."));
    }
    cautions
}
