//! Calibration of a candidate's probabilities: σ(a·z + b), fitted on outputs made out of fold (Platt 1999).

use crate::head::sigmoid;

const STEPS: usize = 30;
/// Outputs beyond this are as sure as one can be.
const SURE: f64 = 12.0;

/// (a, b) for outputs and the scores that came out, 0 to 1.
pub(super) fn fit(pairs: &[(f64, f64)]) -> (f64, f64) {
    let (mut a, mut b) = (1.0, 0.0);
    for _ in 0..STEPS {
        // Newton's method on the log loss, kept regular where all outputs are alike.
        let (mut gradient, mut hessian) = ([0.0; 2], [1e-6, 0.0, 1e-6]);
        for &(z, y) in pairs {
            let z = z.clamp(-SURE, SURE);
            let p = sigmoid(a * z + b);
            let weight = p * (1.0 - p) + 1e-9;
            gradient = [gradient[0] + (p - y) * z, gradient[1] + (p - y)];
            hessian = [hessian[0] + weight * z * z, hessian[1] + weight * z, hessian[2] + weight];
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        let step = [
            (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
            (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
        ];
        if !(step[0].is_finite() && step[1].is_finite()) {
            break;
        }
        (a, b) = (a - step[0], b - step[1]);
        if step[0].abs() + step[1].abs() < 1e-9 {
            break;
        }
    }
    // A slope that turns an output around says that it holds nothing: the mean alone is left.
    let usable = b.is_finite() && (0.0..10.0).contains(&a);
    if usable { (a, b) } else { (1.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_planted_distortion_is_undone() {
        let mut random = Random::new(4);
        let pairs: Vec<(f64, f64)> = (0..20_000)
            .map(|_| {
                let z = 4.0 * random.unit() - 2.0;
                (z, f64::from(u8::from(random.unit() < sigmoid(0.5 * z + 0.3))))
            })
            .collect();
        let (a, b) = fit(&pairs);
        assert!((a - 0.5).abs() < 0.05 && (b - 0.3).abs() < 0.05, "{a} {b}");
    }

    #[test]
    fn outputs_that_are_all_alike_leave_the_mean() {
        let pairs: Vec<(f64, f64)> = (0..100).map(|i| (0.0, f64::from(u8::from(i % 4 == 0)))).collect();
        let (a, b) = fit(&pairs);
        assert!((sigmoid(b) - 0.25).abs() < 1e-6 && a.is_finite());
        assert_eq!(fit(&[]), (1.0, 0.0));
    }
}
