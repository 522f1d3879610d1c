//! How good a set of compromises is, against the true front: IGD, spread and hypervolume, as OptLLM reports them.
//!
//! Cost and value are scaled so that the true front runs from (0, 0), its cheapest and worst point, to (1, 1), its dearest
//! and best.

use serde::Serialize;

/// Fronts of predicted assignment against the exact one, with normalised objectives, as the mean over batches. A point is
/// a budget and the predicted quality that it buys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontMetrics {
    /// Inverted generational distance (Coello Coello and Reyes Sierra 2004): mean distance from a point of the exact front
    /// to the nearest point found. 0 is best.
    pub igd: f64,
    /// Δ of Deb et al. (2002): how unevenly the points found are spaced between the exact front's ends. 0 is even; the
    /// budgets that are tried set most of it.
    pub spread: f64,
    /// Share of the square of cost and value that the points found dominate (Zitzler and Thiele 1999).
    pub hypervolume: f64,
    /// The same of the exact front.
    pub hypervolume_true: f64,
}

impl FrontMetrics {
    /// Means, by field.
    pub(super) fn mean(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        Self {
            igd: mean(|m| m.igd),
            spread: mean(|m| m.spread),
            hypervolume: mean(|m| m.hypervolume),
            hypervolume_true: mean(|m| m.hypervolume_true),
        }
    }
}

/// Cost and value.
pub(super) type Total = (f64, f64);

/// The points found, by rising cost, against those of the exact front, by rising cost.
pub(super) fn compare(found: &[Total], exact: &[Total]) -> FrontMetrics {
    let range = |of: fn(&Total) -> f64| {
        let (low, high) = exact.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        (low, if high > low { high - low } else { 1.0 })
    };
    let ((usd, dearest), (value, best)) = (range(|t| t.0), range(|t| t.1));
    let scaled = |points: &[Total]| points.iter().map(|p| ((p.0 - usd) / dearest, (p.1 - value) / best)).collect::<Vec<_>>();
    let (found, exact) = (scaled(found), scaled(exact));
    FrontMetrics {
        igd: igd(&found, &exact),
        spread: spread(&found, &exact),
        hypervolume: hypervolume(&found),
        hypervolume_true: hypervolume(&exact),
    }
}

fn distance(a: &Total, b: &Total) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

fn igd(found: &[Total], exact: &[Total]) -> f64 {
    let nearest = |point: &Total| found.iter().map(|other| distance(point, other)).fold(f64::INFINITY, f64::min);
    exact.iter().map(nearest).sum::<f64>() / exact.len() as f64
}

fn spread(found: &[Total], exact: &[Total]) -> f64 {
    let end = |of: fn(&[Total]) -> Option<&Total>| of(found).zip(of(exact)).map_or(0.0, |(a, b)| distance(a, b));
    let ends = end(<[Total]>::first) + end(<[Total]>::last);
    let steps: Vec<f64> = found.windows(2).map(|pair| distance(&pair[0], &pair[1])).collect();
    let mean = steps.iter().sum::<f64>() / steps.len().max(1) as f64;
    let uneven = steps.iter().map(|step| (step - mean).abs()).sum::<f64>();
    let all = ends + steps.len() as f64 * mean;
    if all > 0.0 { (ends + uneven) / all } else { 0.0 }
}

/// The area below and right of the points, up to a cost of 1 and down to a value of 0.
fn hypervolume(points: &[Total]) -> f64 {
    let mut points: Vec<Total> = points.iter().copied().filter(|p| p.0 <= 1.0 && p.1 > 0.0).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let step = |top: &mut f64, point: &Total| {
        let area = (1.0 - point.0) * (point.1 - *top).max(0.0);
        *top = top.max(point.1);
        Some(area)
    };
    points.iter().scan(0.0, step).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn metrics_worked_by_hand() {
        // Scaled, the exact front is (0, 0), (0.5, 0.8), (1, 1); found: (0, 0), (0.5, 0.5), (1, 1).
        let exact = [(2.0, 10.0), (4.0, 18.0), (6.0, 20.0)];
        let found = compare(&[(2.0, 10.0), (4.0, 15.0), (6.0, 20.0)], &exact);
        assert!(close(found.igd, 0.3 / 3.0), "{found:?}");
        assert!(close(found.hypervolume, 0.5 * 0.5) && close(found.hypervolume_true, 0.5 * 0.8), "{found:?}");
        assert!(close(found.spread, 0.0), "evenly spaced, and the ends agree: {found:?}");
        // Without its last point the front found ends far off: (1/√2 + 0) / (1/√2 + 1 step of 1/√2).
        let short = compare(&[(2.0, 10.0), (4.0, 15.0)], &exact);
        assert!(close(short.spread, 0.5), "{short:?}");
        assert!(close(short.igd, (0.3 + 0.5f64.sqrt()) / 3.0), "{short:?}");
    }

    #[test]
    fn steps_of_unlike_length_are_no_even_spread() {
        // Steps of 1/4 and 3/4 of the diagonal: twice 1/4 off their mean of 1/2.
        let exact = [(0.0, 0.0), (1.0, 1.0)];
        let found = compare(&[(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)], &exact);
        assert!(close(found.spread, 0.5), "{found:?}");
        assert!(close(found.hypervolume, 0.75 * 0.25) && close(found.igd, 0.0), "{found:?}");
    }

    #[test]
    fn a_front_of_one_point_is_itself() {
        let one = compare(&[(1.0, 1.0)], &[(1.0, 1.0)]);
        assert_eq!((one.igd, one.spread, one.hypervolume), (0.0, 0.0, 0.0));
    }
}
