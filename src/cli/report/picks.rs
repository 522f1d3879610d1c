//! Where the rows went, and who could have stood in for whom.

use super::legend::area_key;
use super::number::{count, percent, plain};
use super::palette::{QUIET, RIGHT, TEXT, WRONG};
use super::plot::{Area, Figure, Frame, anchored, fill, px};
use super::table::{number, table, word};
use maud::{Markup, html};
use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use pointsman::evaluate::{Picks, Report};

const BAR: u32 = 16;
const STEP: u32 = 46;

pub fn figure(picks: &[Picks]) -> anyhow::Result<Markup> {
    let mut picked: Vec<&Picks> = picks.iter().filter(|p| total(p) > 0.0).collect();
    picked.sort_by(|a, b| total(b).total_cmp(&total(a)));
    let never: Vec<&str> = picks.iter().filter(|p| total(p) <= 0.0).map(|p| p.model.as_str()).collect();
    let lines = picks.iter().map(|p| vec![word(p.model.as_str()), number(plain(p.right, 1)), number(plain(p.wrong, 1))]);
    let never = if never.is_empty() { String::new() } else { format!(" Never picked: {}.", never.join(", ")) };
    let figure = Figure {
        id: "picks",
        title: "Where the rows went",
        description: format!("Rows by the candidate that the router picked, right and wrong; scores between 0 and 1 count in part.{never}"),
        legend: html! { ul.legend { (area_key(RIGHT, "right")) (area_key(WRONG, "wrong")) } },
        numbers: table("Picks", &["", "right", "wrong"], lines.collect()),
    };
    let height = picked.len() as u32 * STEP;
    figure.draw([Frame { width: 760, height }, Frame { width: 360, height }], |area, frame| draw(area, frame, &picked))
}

fn total(picks: &Picks) -> f64 {
    picks.right + picks.wrong
}

fn draw(area: &Area, frame: Frame, picked: &[&Picks]) -> anyhow::Result<()> {
    let most = picked.first().map_or(1.0, |p| total(p)).max(f64::MIN_POSITIVE);
    let width = |x: f64| (f64::from(px(frame.width)) * x / most).round() as i32;
    for (i, picks) in picked.iter().enumerate() {
        let top = px(i as u32 * STEP);
        let (upper, lower) = (top + px(22), top + px(22 + BAR));
        let end = width(total(picks));
        area.draw(&Text::new(picks.model.clone(), (0, top + px(3)), anchored(TEXT, Pos::new(HPos::Left, VPos::Top))))?;
        let says = format!("{} right, {} wrong", count(picks.right.round() as usize), count(picks.wrong.round() as usize));
        area.draw(&Text::new(says, (px(frame.width), top + px(3)), anchored(QUIET, Pos::new(HPos::Right, VPos::Top))))?;
        area.draw(&Rectangle::new([(0, upper), (width(picks.right), lower)], fill(RIGHT)))?;
        area.draw(&Rectangle::new([(width(picks.right), upper), (end, lower)], fill(WRONG)))?;
    }
    Ok(())
}

/// Lines and columns are candidates; the deeper the colour, the more the line's could add to the column's.
pub fn complements(report: &Report) -> Markup {
    let most = report.complementarity.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let depth = |share: f64| format!("--depth:{:.0}%", 70.0 * share / most);
    html! {
        p {
            "Percent of the rows on which the line's candidate was right and the column's, by number, was not. Where a line is pale "
            "throughout, another candidate could stand in for it."
        }
        div.scroll tabindex="0" role="region" aria-label="Who complements whom" {
            table.heat.dense[report.picks.len() > 12] {
                thead { tr { th scope="col" { "right" } @for i in 1..=report.picks.len() { th.n scope="col" { (i) } } } }
                tbody {
                    @for (i, (picks, line)) in report.picks.iter().zip(&report.complementarity).enumerate() {
                        tr {
                            th scope="row" { (i + 1) " " (picks.model) }
                            @for (j, share) in line.iter().enumerate() {
                                @if i == j { td.n { "\u{2013}" } } @else { td.n style=(depth(*share)) title=(percent(*share)) { (plain(100.0 * share, 0)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
