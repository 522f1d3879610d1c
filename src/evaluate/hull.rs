//! The upper hull of (cost, score) points: what mixing strategies at random can reach.

/// Non-decreasing upper hull, by rising cost.
pub struct Hull(Vec<(f64, f64)>);

impl Hull {
    /// From points in any order; those that are not finite are left out.
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut points: Vec<(f64, f64)> = points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut hull: Vec<(f64, f64)> = Vec::new();
        for point in points {
            if hull.last().is_some_and(|top| point.1 <= top.1) {
                continue;
            }
            while hull.len() >= 2 && rises(hull[hull.len() - 2], hull[hull.len() - 1], point) {
                hull.pop();
            }
            hull.push(point);
        }
        Self(hull)
    }

    /// The points on it, by rising cost.
    pub fn vertices(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// Best score for a mean cost of `x`. Left of the cheapest point, that point's score.
    pub fn height(&self, x: f64) -> f64 {
        let after = self.0.partition_point(|p| p.0 <= x);
        match (after.checked_sub(1).map(|i| self.0[i]), self.0.get(after)) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0),
            (Some(a), None) => a.1,
            (None, Some(b)) => b.1,
            (None, None) => f64::NAN,
        }
    }

    /// Mean height between two costs.
    pub fn mean_height(&self, from: f64, to: f64) -> f64 {
        if to <= from {
            return self.height(from);
        }
        let inner = self.0.iter().map(|p| p.0).filter(|&x| x > from && x < to);
        let xs: Vec<f64> = std::iter::once(from).chain(inner).chain(std::iter::once(to)).collect();
        let area: f64 = xs.windows(2).map(|w| (w[1] - w[0]) * (self.height(w[0]) + self.height(w[1])) / 2.0).sum();
        area / (to - from)
    }
}

/// Whether the middle point lies on or below the line between its neighbours.
fn rises(a: (f64, f64), b: (f64, f64), c: (f64, f64)) -> bool {
    (b.1 - a.1) * (c.0 - a.0) <= (c.1 - a.1) * (b.0 - a.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_height_worked_by_hand() {
        // (1, 0.5) to (3, 0.9); (2, 0.6) lies below the line, (4, 0.8) is worse and dearer.
        let hull = Hull::new([(3.0, 0.9), (1.0, 0.5), (2.0, 0.6), (4.0, 0.8)]);
        assert_eq!(hull.0, [(1.0, 0.5), (3.0, 0.9)]);
        assert!((hull.height(2.0) - 0.7).abs() < 1e-12);
        // From 1 to 5: 2 x 0.7 + 2 x 0.9, over 4.
        assert!((hull.mean_height(1.0, 5.0) - 0.8).abs() < 1e-12);
    }
}
