//! Colours that the colour-blind can tell apart (Okabe and Ito), named by what they show. A figure is drawn in those for
//! a light page; a style sheet turns each into its counterpart on a dark one and gives some lines their dashes.

use plotters::style::RGBColor;

/// What is drawn in one colour.
#[derive(Clone, Copy, PartialEq)]
pub struct Ink {
    light: u32,
    dark: u32,
    /// Pattern of a line, in pixels.
    dashes: &'static str,
}

const fn ink(light: u32, dark: u32, dashes: &'static str) -> Ink {
    Ink { light, dark, dashes }
}

pub const TEXT: Ink = ink(0x1a_1f24, 0xe6_e9ec, "");
pub const QUIET: Ink = ink(0x5b_6570, 0xa3_adb8, "");
pub const GRID: Ink = ink(0xe1_e5e9, 0x2f_363d, "");
pub const ROUTER: Ink = ink(0x00_72b2, 0x4f_b3f6, "");
pub const MIX: Ink = ink(0x6f_7984, 0x95_a0ac, "2 4");
pub const RIGHT: Ink = ink(0x00_73b3, 0x3f_93d1, "");
pub const WRONG: Ink = ink(0xe6_9f01, 0xe0_a43a, "");

/// Other ways to route, one after the other.
pub const SERIES: [Ink; 8] = [
    ink(0xd5_5e00, 0xff_8a3d, "9 4"),
    ink(0x00_9e73, 0x2f_d3a3, "9 3 2 3"),
    ink(0xcc_79a7, 0xe8_9cc6, "5 3"),
    ink(0xe6_9f00, 0xf2_bd4a, "12 3"),
    ink(0x56_b4e9, 0x8f_d0f5, "3 3"),
    ink(0x7b_5aa6, 0xb7_9be0, "9 3 2 3 2 3"),
    ink(0x8c_6d1f, 0xc9_a94f, "14 5"),
    ink(0x3c_7d3c, 0x82_c882, "4 2 1 2"),
];

impl Ink {
    pub fn color(self) -> RGBColor {
        let [_, r, g, b] = self.light.to_be_bytes();
        RGBColor(r, g, b)
    }

    /// As plotters writes it.
    pub fn name(self) -> String {
        format!("#{:06X}", self.light)
    }
}

/// Rules for the drawn colours: dashes, in units of the figures, and what the dark page shows.
pub fn style(unit: u32) -> String {
    let all: Vec<Ink> = [TEXT, QUIET, GRID, ROUTER, MIX, RIGHT, WRONG].into_iter().chain(SERIES).collect();
    let dashed = all.iter().filter(|ink| !ink.dashes.is_empty()).map(|ink| {
        let lengths: Vec<String> = ink.dashes.split(' ').filter_map(|n| Some((n.parse::<u32>().ok()? * unit).to_string())).collect();
        format!(".plot polyline[stroke=\"{}\"]{{stroke-dasharray:{}}}", ink.name(), lengths.join(" "))
    });
    let dark = all.iter().map(|ink| {
        let (light, dark) = (ink.name(), format!("#{:06X}", ink.dark));
        format!(".plot [fill=\"{light}\"]{{fill:{dark}}}.plot [stroke=\"{light}\"]{{stroke:{dark}}}")
    });
    format!("{}@media (prefers-color-scheme:dark){{{}}}", dashed.collect::<String>(), dark.collect::<String>())
}
