//! Where a number lies on an axis, and which places are named.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use std::ops::Range;

/// One axis. Places are what is drawn: numbers, or their logarithms.
pub struct Axis {
    pub title: String,
    pub places: Places,
    logarithmic: bool,
    write: fn(f64) -> String,
}

/// From the first place to the last, and those that are named.
#[derive(Clone)]
pub struct Places {
    range: (f64, f64),
    named: Vec<f64>,
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (place - self.range.0) / (self.range.1 - self.range.0);
        from + (f64::from(to - from) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { vec![] } else { self.named.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.0..self.range.1
    }
}

/// A logarithmic axis where numbers span more than this.
const SPAN: f64 = 30.0;

impl Axis {
    /// Room for all numbers, and a little more. Numbers that are not finite count for nothing.
    pub fn linear(title: &str, numbers: impl IntoIterator<Item = f64>, limits: (f64, f64), write: fn(f64) -> String) -> Self {
        let (low, high) = extremes(numbers).unwrap_or((0.0, 1.0));
        let room = if high > low { 0.06 * (high - low) } else { 0.05 * high.abs().max(0.1) };
        let range = ((low - room).max(limits.0), (high + room).min(limits.1));
        Self { title: title.into(), places: Places { named: round_steps(range, 6.0), range }, logarithmic: false, write }
    }

    /// Costs: logarithmic where they span more than thirtyfold and none is free.
    pub fn costs(title: &str, numbers: impl IntoIterator<Item = f64>, write: fn(f64) -> String, narrow: bool) -> Self {
        let numbers: Vec<f64> = numbers.into_iter().filter(|x| x.is_finite()).collect();
        match extremes(numbers.iter().copied()) {
            Some((low, high)) if low > 0.0 && high / low > SPAN => {
                let room = 0.06 * (high / low).log10();
                let range = (low.log10() - room, high.log10() + room);
                let title = format!("{title}, logarithmic");
                Self { title, places: Places { named: decades(range, narrow), range }, logarithmic: true, write }
            }
            _ => Self::linear(title, numbers.into_iter().chain([0.0]), (0.0, f64::MAX), write),
        }
    }

    /// Where a number lies.
    pub fn place(&self, number: f64) -> f64 {
        if self.logarithmic { number.max(f64::MIN_POSITIVE).log10() } else { number }
    }

    /// What is written at a place.
    pub fn label(&self, place: f64) -> String {
        (self.write)(if self.logarithmic { 10f64.powf(place) } else { place })
    }

    /// A line between numbers as it looks on this axis: straight lines bend where it is logarithmic.
    pub fn bend(&self, line: &[(f64, f64)]) -> Vec<(f64, f64)> {
        const PARTS: u32 = 24;
        let parts = if self.logarithmic { PARTS } else { 1 };
        let between = |pair: &[(f64, f64)]| {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let (from, to) = (self.place(x0), self.place(x1));
            let at = move |part: u32| {
                let share = f64::from(part) / f64::from(parts);
                let place = from + share * (to - from);
                let number = if self.logarithmic { 10f64.powf(place) } else { place };
                let height = if x1 > x0 { y0 + (y1 - y0) * ((number - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { y0 + share * (y1 - y0) };
                (place, height)
            };
            (1..=parts).map(at).collect::<Vec<_>>()
        };
        let first = line.first().map(|&(x, y)| (self.place(x), y));
        first.into_iter().chain(line.windows(2).flat_map(between)).collect()
    }
}

fn extremes(numbers: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = numbers.into_iter().filter(|x| x.is_finite());
    finite.fold(None, |ends, x| Some(ends.map_or((x, x), |(low, high): (f64, f64)| (low.min(x), high.max(x)))))
}

/// Multiples of 1, 2 or 5 times a power of ten, about so many.
fn round_steps((low, high): (f64, f64), about: f64) -> Vec<f64> {
    let rough = (high - low) / about;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![low];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(rough);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|k| k as f64 * step).collect()
}

/// Logarithms of 1, 2 and 5 times the powers of ten, or of fewer where there are many.
fn decades((low, high): (f64, f64), narrow: bool) -> Vec<f64> {
    let wide = high - low;
    let steps: &[f64] = match (wide * if narrow { 2.0 } else { 1.0 }) as u32 {
        0..=2 => &[1.0, 2.0, 5.0],
        3 | 4 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let powers = low.floor() as i32..=high.ceil() as i32;
    let all = powers.flat_map(|power| steps.iter().map(move |step| f64::from(power) + step.log10()));
    all.filter(|place| (low..=high).contains(place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(x: f64) -> String {
        format!("{x:.2}")
    }

    #[test]
    fn costs_are_logarithmic_only_where_they_span_much() {
        let narrow = Axis::costs("", [1.0, 20.0], write, false);
        assert!(!narrow.logarithmic && narrow.place(7.0) == 7.0 && narrow.places.range.0 == 0.0);
        assert!(!Axis::costs("", [0.0, 1000.0], write, false).logarithmic, "a free candidate has no logarithm");
        let wide = Axis::costs("", [0.01, f64::NAN, 10.0], write, false);
        assert!(wide.logarithmic && (wide.place(10.0) - 1.0).abs() < 1e-12);
        let named: Vec<String> = wide.places.named.iter().map(|t| wide.label(*t)).collect();
        assert_eq!(named, ["0.01", "0.03", "0.10", "0.30", "1.00", "3.00", "10.00"]);
    }

    #[test]
    fn steps_are_round_and_inside() {
        assert_eq!(round_steps((0.0, 1.0), 6.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(round_steps((0.5, 0.5), 6.0), [0.5]);
        assert_eq!(Axis::linear("", [0.7, 0.7], (0.0, 1.0), write).places.named.first().map(|t| *t > 0.6), Some(true));
    }

    #[test]
    fn a_mix_bends_on_a_logarithmic_axis_and_ends_where_it_ended() {
        let axis = Axis::costs("", [1.0, 100.0], write, false);
        let bent = axis.bend(&[(1.0, 0.0), (100.0, 1.0)]);
        let middle = bent[bent.len() / 2];
        // At ten dollars a mix of one and a hundred is a tenth of the way.
        assert!((middle.0 - 1.0).abs() < 1e-9 && (middle.1 - 9.0 / 99.0).abs() < 1e-9, "{middle:?}");
        assert!(bent[bent.len() - 1].1 > 0.999);
    }
}
