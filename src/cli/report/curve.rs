//! The cost-score figure: the router at every dial with its band, beside all that needs no router.

use super::axis::Axis;
use super::labels::{Rect, Room};
use super::legend::{line_key, ring_key};
use super::number::{percent, round_usd, usd};
use super::palette::{Ink, MIX, QUIET, ROUTER, SERIES, TEXT};
use super::plot::{Area, Chart, Figure, Frame, LETTERS, anchored, chart, fill, line, px};
use super::table::{number, table, word};
use maud::{Markup, html};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::Color;
use pointsman::evaluate::{Hull, Report, Strategy};

type Line = Vec<(f64, f64)>;

/// Baselines that have marks of their own in the figure.
const SHOWN: [&str; 3] = ["best single", "random", "zero router"];

/// What is drawn.
struct Curves<'a> {
    report: &'a Report,
    router: Line,
    blind: Line,
    others: Vec<(&'a str, Line)>,
}

pub fn figure(report: &Report) -> anyhow::Result<Markup> {
    let hull = |points: Line| Hull::new(points).vertices().to_vec();
    let others = report.baselines.iter().filter(|b| !SHOWN.contains(&b.name.as_str()));
    let others = others.map(|b| (b.name.as_str(), hull(b.points.iter().map(|p| (p.usd, p.score)).collect())));
    let curves = Curves {
        report,
        router: hull(report.curve.iter().map(|k| (k.usd, k.quality)).collect()),
        blind: hull(report.candidates.iter().map(|s| (s.usd, s.score)).collect()),
        others: others.filter(|(_, line)| !line.is_empty()).collect(),
    };
    let figure = Figure {
        id: "curve",
        title: "Mean score against mean cost",
        description: description(report),
        legend: legend(&curves),
        numbers: numbers(report),
    };
    figure.draw(Frame::BOTH, |area, frame| curves.draw(area, frame))
}

fn description(report: &Report) -> String {
    let band = if report.bands.is_empty() { "" } else { " The shaded band holds 95% of bootstrap samples of the rows." };
    format!(
        "Up and to the left is better. The line is the router at every setting of its dial, mixed where a mix is better; \
         grey points are single candidates.{band} At the chosen dial: {} at {} per 1,000 calls.",
        percent(report.router.score),
        usd(report.router.usd)
    )
}

impl Curves<'_> {
    fn axes(&self, frame: Frame) -> (Axis, Axis) {
        let report = self.report;
        let singles = report.candidates.iter().chain([&report.router, &report.random, &report.oracle]).map(|s| (s.usd, s.score));
        let lines = self.others.iter().flat_map(|(_, line)| line.iter().copied()).chain(self.router.iter().copied());
        let all: Line = singles.chain(lines).collect();
        let heights = all.iter().map(|p| p.1).chain(report.bands.iter().flat_map(|b| [b.low, b.high]));
        let costs = Axis::costs("US dollars per 1,000 calls", all.iter().map(|p| 1e3 * p.0), round_usd, frame.is_narrow());
        (costs, Axis::linear("Mean score", heights, (0.0, 1.0), |y| format!("{:.0}%", 100.0 * y)))
    }

    fn draw(&self, area: &Area, frame: Frame) -> anyhow::Result<()> {
        let (x, y) = self.axes(frame);
        let mut chart = chart(area, &x, &y)?;
        let bent = |line: &Line| x.bend(&line.iter().map(|p| (1e3 * p.0, p.1)).collect::<Line>());
        let edge =
            |height: fn(&pointsman::evaluate::Band) -> f64| self.report.bands.iter().map(move |b| (1e3 * b.usd, height(b))).collect();
        let (low, high): (Line, Line) = (edge(|b| b.low), edge(|b| b.high));
        let band: Line = x.bend(&high).into_iter().chain(x.bend(&low).into_iter().rev()).collect();
        if band.len() > 2 {
            chart.draw_series([Polygon::new(band, ROUTER.color().mix(0.18))])?;
        }
        chart.draw_series([PathElement::new(bent(&self.blind), line(MIX, 2))])?;
        for (i, (_, points)) in self.others.iter().enumerate() {
            let ink = SERIES[i % SERIES.len()];
            chart.draw_series([PathElement::new(bent(points), line(ink, 2))])?;
            let ends = points.iter().filter(|_| points.len() == 1).map(|p| (x.place(1e3 * p.0), p.1));
            chart.draw_series(ends.map(|at| Circle::new(at, px(5), line(ink, 2))))?;
        }
        let curve = bent(&self.router);
        chart.draw_series([PathElement::new(curve.clone(), line(ROUTER, 3))])?;
        let settings = self.report.curve.iter().map(|k| (x.place(1e3 * k.usd), k.quality));
        chart.draw_series(settings.map(|at| Circle::new(at, px(2), fill(ROUTER))))?;
        self.draw_points(area, &mut chart, &x, &curve)
    }

    /// Single strategies and their names: those that matter most first, while there is room.
    fn draw_points(&self, area: &Area, chart: &mut Chart, x: &Axis, curve: &Line) -> anyhow::Result<()> {
        let report = self.report;
        let at = |s: &Strategy| (x.place(1e3 * s.usd), s.score);
        chart.draw_series(report.candidates.iter().map(|s| Circle::new(at(s), px(4), fill(QUIET))))?;
        chart.draw_series([&report.random, &report.oracle].map(|s| Circle::new(at(s), px(5), line(TEXT, 2))))?;
        chart.draw_series([Circle::new(at(&report.router), px(8), fill(ROUTER))])?;
        let pixel = |place: (f64, f64)| chart.backend_coord(&place);
        let (across, down) = chart.plotting_area().get_pixel_range();
        let bounds = Rect { left: across.start, top: down.start.min(down.end), right: across.end, bottom: down.start.max(down.end) };
        let own = [&report.router, &report.random, &report.oracle];
        let points = report.candidates.iter().chain(own).map(|s| Rect::around(pixel(at(s)), px(5)));
        let drawn = curve.iter().map(|place| Rect::around(pixel(*place), px(2)));
        let mut room = Room { bounds, taken: points.chain(drawn).collect(), letters: px(LETTERS) };
        for (strategy, name, ink) in self.names() {
            let point = pixel(at(strategy));
            // Only names that matter most may lie further off, on a thread.
            let gaps: &[u32] = if ink == QUIET { &[8] } else { &[8, 22, 40, 60] };
            let found = gaps.iter().find_map(|gap| Some((*gap, room.place(point, name, px(*gap))?)));
            if let Some((gap, place)) = found {
                if gap > gaps[0] {
                    area.draw(&PathElement::new([point, place.at], line(ink, 1)))?;
                }
                area.draw(&Text::new(name.to_owned(), place.at, anchored(ink, place.pos)))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Vec<(&Strategy, &str, Ink)> {
        let report = self.report;
        let mut singles: Vec<&Strategy> = report.candidates.iter().collect();
        let rank = |s: &Strategy| {
            let known = [&report.best_single.name, &report.cheapest.name].iter().position(|name| **name == s.name);
            (known.unwrap_or(2), !self.blind.contains(&(s.usd, s.score)))
        };
        singles.sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.score.total_cmp(&a.score)));
        let own = [(&report.router, "router, chosen dial", ROUTER), (&report.oracle, "oracle", TEXT), (&report.random, "random", TEXT)];
        own.into_iter()
            .chain(singles.into_iter().map(|s| (s, s.name.as_str(), if s.name == report.best_single.name { TEXT } else { QUIET })))
            .collect()
    }
}

fn legend(curves: &Curves) -> Markup {
    html! {
        ul.legend {
            (line_key(ROUTER, "router, every dial"))
            (line_key(MIX, "zero router: the best blind mix of single candidates"))
            @for (i, (name, points)) in curves.others.iter().enumerate() {
                @let ink = SERIES[i % SERIES.len()];
                @if points.len() == 1 { (ring_key(ink, name)) } @else { (line_key(ink, name)) }
            }
        }
    }
}

fn numbers(report: &Report) -> Markup {
    let own = [("router, chosen dial", &report.router), ("random candidate", &report.random), ("oracle", &report.oracle)];
    let singles = report.candidates.iter().map(|s| (s.name.as_str(), s));
    let point = |(name, s): (&str, &Strategy)| vec![word(name), number(percent(s.score)), number(usd(s.usd)), number(s.rows.to_string())];
    let dial = |k: &pointsman::policy::Knot| vec![number(format!("{}", k.lambda)), number(percent(k.quality)), number(usd(k.usd))];
    let others = report.baselines.iter().flat_map(|b| b.points.iter().map(move |p| (b.name.as_str(), p)));
    let other = others.map(|(name, p)| vec![word(name), number(percent(p.score)), number(usd(p.usd))]);
    let band = |b: &pointsman::evaluate::Band| vec![number(usd(b.usd)), number(percent(b.low)), number(percent(b.high))];
    html! {
        h4 { "Points" }
        (table("Points", &["", "score", "cost per 1,000", "rows"], own.into_iter().chain(singles).map(point).collect()))
        h4 { "The router at every exchange rate (quality that a dollar must buy)" }
        (table("The router at every exchange rate", &["rate", "score", "cost per 1,000"], report.curve.iter().map(dial).collect()))
        @if !report.bands.is_empty() {
            h4 { "95% band of the router's curve" }
            (table("Band", &["cost per 1,000", "low", "high"], report.bands.iter().map(band).collect()))
        }
        @if !report.baselines.is_empty() {
            h4 { "Other ways to route, at every setting" }
            (table("Other ways to route", &["", "score", "cost per 1,000"], other.collect()))
        }
    }
}
