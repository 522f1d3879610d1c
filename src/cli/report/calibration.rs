//! Whether predicted qualities come true.

use super::axis::Axis;
use super::number::{count, percent, plain};
use super::palette::{MIX, ROUTER};
use super::plot::{Area, Figure, Frame, chart, fill, line, px};
use super::table::{number, table};
use maud::{Markup, html};
use plotters::element::{Circle, PathElement};
use pointsman::evaluate::{Bin, Calibration};

pub fn figure(calibration: &Calibration) -> anyhow::Result<Markup> {
    let bins: Vec<&Bin> = calibration.bins.iter().filter(|bin| bin.count > 0).collect();
    let lines = bins.iter().map(|b| vec![number(percent(b.predicted)), number(percent(b.observed)), number(count(b.count))]);
    let figure = Figure {
        id: "calibration",
        title: "Predicted qualities against scores",
        description: format!(
            "On the dotted line, predictions come true. Each point holds the predictions of one of {} equal bins, and is larger \
             where they are more. Expected calibration error: {}.",
            calibration.bins.len(),
            plain(calibration.ece, 4)
        ),
        legend: html! {},
        numbers: table("Bins of the calibration figure", &["predicted", "observed", "predictions"], lines.collect()),
    };
    figure.draw(FRAMES, |area, _| draw(area, &bins))
}

const FRAMES: [Frame; 2] = [Frame { width: 520, height: 420 }, Frame { width: 360, height: 340 }];

fn draw(area: &Area, bins: &[&Bin]) -> anyhow::Result<()> {
    let axis = |title| Axis::linear(title, [0.0, 1.0], (0.0, 1.0), |x| format!("{:.0}%", 100.0 * x));
    let mut chart = chart(area, &axis("Predicted quality"), &axis("Mean score that came out"))?;
    chart.draw_series([PathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], line(MIX, 2))])?;
    chart.draw_series([PathElement::new(bins.iter().map(|b| (b.predicted, b.observed)).collect::<Vec<_>>(), line(ROUTER, 1))])?;
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
    // Areas, not radii, go with the number of predictions.
    let radius = |bin: &Bin| 3.0 + 7.0 * (bin.count as f64 / most).sqrt();
    chart.draw_series(bins.iter().map(|b| Circle::new((b.predicted, b.observed), px(1) * radius(b).round() as i32, fill(ROUTER))))?;
    Ok(())
}
