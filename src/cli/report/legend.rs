//! Which colour and which dashes stand for what.

use super::palette::Ink;
use super::plot::FINE;
use maud::{Markup, html};

const WIDTH: u32 = 30;
const HEIGHT: u32 = 12;

/// A piece of line as it is drawn, and what it stands for.
pub fn line_key(ink: Ink, name: &str) -> Markup {
    let (width, middle) = (WIDTH * FINE, HEIGHT * FINE / 2);
    let piece =
        html! { polyline points={ "0," (middle) " " (width) "," (middle) } fill="none" stroke=(ink.name()) stroke-width=(3 * FINE) {} };
    key(&piece, name)
}

/// A ring, as a strategy without a dial is drawn.
pub fn ring_key(ink: Ink, name: &str) -> Markup {
    let (across, down, radius) = (WIDTH * FINE / 2, HEIGHT * FINE / 2, 5 * FINE);
    key(&html! { circle cx=(across) cy=(down) r=(radius) fill="none" stroke=(ink.name()) stroke-width=(2 * FINE) {} }, name)
}

/// A piece of area.
pub fn area_key(ink: Ink, name: &str) -> Markup {
    key(&html! { rect width=(WIDTH * FINE) height=(HEIGHT * FINE) fill=(ink.name()) {} }, name)
}

fn key(piece: &Markup, name: &str) -> Markup {
    html! {
        li { svg.plot.key viewBox={ "0 0 " (WIDTH * FINE) " " (HEIGHT * FINE) } aria-hidden="true" { (piece) } (name) }
    }
}
