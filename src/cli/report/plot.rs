//! Figures: a frame, two axes, and a drawing that goes into the page twice, for wide and for narrow windows.

use super::axis::{Axis, Places};
use super::palette::{GRID, Ink, QUIET, TEXT};
use anyhow::Context;
use maud::{Markup, PreEscaped, html};
use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::Pos;
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle};

/// plotters draws in whole units: so many of them are a pixel.
pub const FINE: u32 = 4;

/// Size of letters, in pixels.
pub const LETTERS: u32 = 13;

/// plotters divides sizes by this before it writes them.
const FONT_FACTOR: f64 = 1.24;

pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Places, Places>>;

/// Size of a drawing, in pixels.
#[derive(Clone, Copy)]
pub struct Frame {
    pub width: u32,
    pub height: u32,
}

impl Frame {
    /// For wide windows and for narrow ones.
    pub const BOTH: [Self; 2] = [Self { width: 760, height: 440 }, Self { width: 360, height: 360 }];

    pub fn is_narrow(self) -> bool {
        self.width < 500
    }
}

/// Pixels in plotters' units.
pub const fn px(pixels: u32) -> i32 {
    (pixels * FINE).cast_signed()
}

pub fn text(ink: Ink) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(LETTERS * FINE) * FONT_FACTOR, FontStyle::Normal);
    TextStyle { font, color: ink.color().to_backend_color(), pos: Pos::default() }
}

pub fn anchored(ink: Ink, pos: Pos) -> TextStyle<'static> {
    TextStyle { pos, ..text(ink) }
}

pub fn fill(ink: Ink) -> ShapeStyle {
    ink.color().filled()
}

pub fn line(ink: Ink, pixels: u32) -> ShapeStyle {
    ink.color().stroke_width(pixels * FINE)
}

/// A heading, a drawing with a name and a description for those who do not see it, a legend, and its numbers.
pub struct Figure<'a> {
    /// Unique in the page; a word.
    pub id: &'a str,
    pub title: &'a str,
    /// What there is to be seen, in a sentence or two.
    pub description: String,
    pub legend: Markup,
    pub numbers: Markup,
}

impl Figure<'_> {
    pub fn draw(&self, frames: [Frame; 2], draw: impl Fn(&Area, Frame) -> anyhow::Result<()>) -> anyhow::Result<Markup> {
        let [wide, narrow] = frames;
        let (wide, narrow) = (self.svg(wide, "wide", &draw)?, self.svg(narrow, "narrow", &draw)?);
        Ok(html! {
            figure id=(self.id) {
                (wide) (narrow)
                figcaption { (self.description) (self.legend) }
            }
            details { summary { "The numbers of this figure" } (self.numbers) }
        })
    }

    fn svg(&self, frame: Frame, kind: &str, draw: impl Fn(&Area, Frame) -> anyhow::Result<()>) -> anyhow::Result<Markup> {
        let (width, height) = (frame.width * FINE, frame.height * FINE);
        let mut drawn = String::new();
        let area = SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area();
        draw(&area, frame)?;
        area.present()?;
        drop(area);
        let inner = drawn.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>")).context("plotters drew no SVG")?.0;
        let (title, description) = (format!("{}-{kind}-title", self.id), format!("{}-{kind}-text", self.id));
        Ok(html! {
            svg.plot.(kind) viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby={ (title) " " (description) } {
                title id=(title) { (self.title) }
                desc id=(description) { (self.description) }
                (PreEscaped(inner))
            }
        })
    }
}

/// Axes with a grid.
pub fn chart<'a>(area: &Area<'a>, x: &Axis, y: &Axis) -> anyhow::Result<Chart<'a>> {
    let mut builder = ChartBuilder::on(area);
    builder.margin_top(px(10)).margin_right(px(22)).x_label_area_size(px(44)).y_label_area_size(px(56));
    let mut chart = builder.build_cartesian_2d(x.places.clone(), y.places.clone())?;
    let (x_label, y_label) = (|place: &f64| x.label(*place), |place: &f64| y.label(*place));
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(&x.title).y_desc(&y.title).x_label_formatter(&x_label).y_label_formatter(&y_label);
    mesh.label_style(text(QUIET)).axis_desc_style(text(TEXT)).axis_style(line(GRID, 1));
    mesh.bold_line_style(line(GRID, 1)).set_all_tick_mark_size(px(3));
    mesh.set_tick_mark_size(LabelAreaPosition::Left, px(3)).draw()?;
    Ok(chart)
}
