//! Learning from nothing: what it earned on the way, and what it lost against a head that was trained on everything.

use super::axis::Axis;
use super::legend::line_key;
use super::number::{count, plain};
use super::palette::{Ink, MIX, ROUTER, SERIES};
use super::plot::{Area, Figure, Frame, chart, line};
use super::table::{Cell, number, table};
use maud::{Markup, html};
use plotters::element::PathElement;
use pointsman::evaluate::Earned;

/// One way to choose: its name, its colour, its mean reward.
type Way = (&'static str, Ink, fn(&Earned) -> f64);

const WAYS: [Way; 4] = [
    ("trained head", ROUTER, |at| at.head),
    ("bandit from nothing", SERIES[0], |at| at.bandit),
    ("best single candidate", SERIES[1], |at| at.best_single),
    ("random candidate", MIX, |at| at.random),
];

/// Reward lost so far against the trained head.
pub fn regret(at: &Earned, reward: f64) -> f64 {
    at.rows as f64 * (at.head - reward)
}

pub fn section(curve: &[Earned]) -> anyhow::Result<Markup> {
    let rewards = Figure {
        id: "online",
        title: "Mean reward so far",
        description: "Mean of score less cost at the dial's exchange rate, over the rows so far. Higher is better.".into(),
        legend: legend(&WAYS),
        numbers: numbers(curve, |_, reward| reward, 4),
    };
    let lost = Figure {
        id: "regret",
        title: "Regret: reward lost so far against the trained head",
        description: "Sum of what the trained head earned more, over the rows so far. A line that flattens has learned; below zero, \
                      it earned more than the head."
            .into(),
        legend: legend(&WAYS[1..]),
        numbers: numbers(curve, regret, 2),
    };
    let rewards = rewards.draw(FRAMES, |area, _| draw(area, "Mean reward", curve, &WAYS, |_, reward| reward))?;
    let lost = lost.draw(FRAMES, |area, _| draw(area, "Regret", curve, &WAYS[1..], regret))?;
    Ok(html! { h3 { "Mean reward so far" } (rewards) h3 { "Regret" } (lost) })
}

const FRAMES: [Frame; 2] = [Frame { width: 760, height: 360 }, Frame { width: 360, height: 320 }];

fn draw(area: &Area, title: &str, curve: &[Earned], ways: &[Way], value: fn(&Earned, f64) -> f64) -> anyhow::Result<()> {
    let points = |way: &Way| curve.iter().map(|at| (at.rows as f64, value(at, way.2(at)))).collect::<Vec<_>>();
    let rows = Axis::linear("Rows", curve.iter().map(|at| at.rows as f64), (0.0, f64::MAX), |x| plain(x, 0));
    let heights = ways.iter().flat_map(points).map(|p| p.1);
    let mut chart = chart(area, &rows, &Axis::linear(title, heights, (f64::MIN, f64::MAX), short))?;
    for way in ways {
        chart.draw_series([PathElement::new(points(way), line(way.1, 2))])?;
    }
    Ok(())
}

fn short(x: f64) -> String {
    plain(x, if x.abs() >= 10.0 || x == 0.0 { 0 } else { 2 })
}

fn legend(ways: &[Way]) -> Markup {
    html! { ul.legend { @for (name, ink, _) in ways { (line_key(*ink, name)) } } }
}

fn numbers(curve: &[Earned], value: fn(&Earned, f64) -> f64, decimals: usize) -> Markup {
    let cells = |at: &Earned| WAYS.map(|way| number(plain(value(at, way.2(at)), decimals)));
    let line = |at: &Earned| -> Vec<Cell> { std::iter::once(number(count(at.rows))).chain(cells(at)).collect() };
    let head: Vec<&str> = std::iter::once("rows").chain(WAYS.map(|way| way.0)).collect();
    table("Learning from nothing", &head, curve.iter().map(line).collect())
}
