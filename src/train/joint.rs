//! One penalised linear fit for all candidates together.
//!
//! Minimises Σ loss(xᵢ·w_c + b_c, y_ic) + ½·penalty·tr(W Σ⁻¹ Wᵀ) over the outcomes that are known, where Σ says how alike
//! candidates are: those whose outcomes go together share what is learned (a Gaussian prior of matrix form, as in
//! multi-task regression). In the directions of Σ's eigenvectors the penalty is a plain one, so each step solves with a
//! fixed bound on the Hessian, ¼XᵀX for the logistic loss (Böhning 1992), and Nesterov's momentum makes steps few. Missing
//! outcomes only lower the true curvature, so the bound holds with them too.
//!
//! Where it is known how inputs move when rows are edited in ways that change no outcome, ½·curvature·Σ_c E(Δ·w_c)² is added
//! for every row: to second order what fitting edited copies as well would add (tangent propagation, Simard et al. 1992).

use super::dense::{Cholesky, eigen};
use crate::error::Result;
use crate::head::{Link, sigmoid};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

const MAX_STEPS: usize = 60;
/// A step that moves typical outputs by less than this is the last.
const TOLERANCE: f64 = 1e-3;
/// Directions of Σ that are so much stronger than the weakest are stepped on their own.
const STRONG: f64 = 4.0;

/// Mean and Gram matrix of some rows: small, however many rows there are.
pub(super) struct Moments {
    mean: Array1<f32>,
    /// Of the centred rows.
    gram: Array2<f64>,
    /// Of how inputs move where rows are edited, for so many rows. Outputs that move with them are penalised.
    moves: Option<Array2<f64>>,
}

impl Moments {
    /// `moves` is for one row.
    pub(super) fn of(inputs: Array2<f32>, moves: Option<&Array2<f64>>) -> Self {
        let mean = inputs.mean_axis(Axis(0)).unwrap_or_default();
        let x = inputs - &mean;
        let gram = x.t().dot(&x).mapv(f64::from);
        Self { mean, gram, moves: moves.map(|moves| moves * x.nrows() as f64) }
    }

    /// How the loss without its penalty curves in the weights, for each unit by which it curves in the outputs.
    pub(super) fn curvature(&self) -> Array2<f64> {
        self.moves.as_ref().map_or_else(|| self.gram.clone(), |moves| &self.gram + moves)
    }
}

/// Centred inputs: as large as the inputs themselves, so it is made when it is needed.
pub(super) struct Design<'a> {
    x: Array2<f32>,
    moments: &'a Moments,
}

impl<'a> Design<'a> {
    /// Of the rows that the moments are of.
    pub(super) fn new(inputs: Array2<f32>, moments: &'a Moments) -> Self {
        Self { x: inputs - &moments.mean, moments }
    }
}

/// How alike candidates are: Σ = QDQᵀ.
pub(super) struct Sharing {
    vectors: Array2<f64>,
    values: Array1<f64>,
}

/// How much of Σ is correlation; the rest is each candidate's own.
const SHARED: f64 = 0.9;
/// Fewer rows in common say nothing of a correlation.
const ENOUGH: usize = 30;
/// Correlations over unlike rows need not fit together: no direction may become impossible.
const LEAST: f64 = 0.05;

impl Sharing {
    /// Nothing is shared.
    pub(super) fn none(candidates: usize) -> Self {
        Self { vectors: Array2::eye(candidates), values: Array1::ones(candidates) }
    }

    /// By the correlation of outcomes; NaN is an outcome that is not known.
    pub(super) fn by_correlation(targets: ArrayView2<f32>) -> Self {
        let c = targets.ncols();
        let pairs = |i: usize, j: usize| correlation(targets.column(i).iter().zip(targets.column(j)));
        let known: Vec<f64> = (0..c).flat_map(|i| (0..i).filter_map(move |j| pairs(i, j))).collect();
        // Candidates that never answered the same prompts are taken to be as alike as others are on average.
        let usual = if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 };
        let sigma = Array2::from_shape_fn((c, c), |(i, j)| if i == j { 1.0 } else { SHARED * pairs(i.max(j), i.min(j)).unwrap_or(usual) });
        let (values, vectors) = eigen(sigma);
        Self { vectors, values: values.mapv(|v| v.max(LEAST)) }
    }

    /// The diagonal of Σ⁻¹: how strongly each candidate's weights are penalised given all others.
    pub(super) fn precisions(&self) -> Array1<f64> {
        (&self.vectors * &self.vectors).dot(&self.values.mapv(f64::recip))
    }
}

fn correlation<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)>) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = pairs.map(|(a, b)| (f64::from(*a), f64::from(*b))).filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
    let n = pairs.len() as f64;
    let mean = pairs.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
    let moments = pairs.iter().map(|p| (p.0 - mean.0, p.1 - mean.1)).fold([0.0; 3], |m, (a, b)| [m[0] + a * a, m[1] + b * b, m[2] + a * b]);
    let scale = (moments[0] * moments[1]).sqrt();
    // A candidate that always scores the same is like no other.
    (pairs.len() >= ENOUGH).then(|| if scale > 0.0 { moments[2] / scale } else { 0.0 })
}

/// A fit that goes from strong penalties to weak ones, each starting where the stronger one ended.
pub(super) struct Path<'a> {
    link: Link,
    sharing: &'a Sharing,
    /// 0 where an outcome is not known.
    targets: Array2<f32>,
    known: Array2<f32>,
    /// In the directions of Σ.
    weights: Array2<f64>,
    bias: Array1<f64>,
}

/// Weights d x candidates, and biases for inputs that are not centred.
#[derive(Clone)]
pub(super) struct Solution {
    pub weights: Array2<f32>,
    pub bias: Array1<f32>,
}

impl Solution {
    /// Linear outputs, rows x candidates.
    pub(super) fn outputs(&self, inputs: ArrayView2<f32>) -> Array2<f32> {
        inputs.dot(&self.weights) + &self.bias
    }
}

impl<'a> Path<'a> {
    /// For so many inputs. NaN is an outcome that is not known; every candidate needs one that is.
    pub(super) fn new(link: Link, inputs: usize, targets: ArrayView2<f32>, sharing: &'a Sharing) -> Self {
        let known = targets.mapv(|y| f32::from(u8::from(!y.is_nan())));
        let targets = targets.mapv(|y| if y.is_nan() { 0.0 } else { y });
        let means = (targets.sum_axis(Axis(0)) / known.sum_axis(Axis(0)).mapv(|n| n.max(1.0))).mapv(f64::from);
        let bias = match link {
            Link::Logistic => means.mapv(|m| m.clamp(1e-3, 1.0 - 1e-3)).mapv(|m| (m / (1.0 - m)).ln()),
            Link::Identity => means,
        };
        let weights = Array2::zeros((inputs, known.ncols()));
        Self { link, sharing, targets, known, weights, bias }
    }

    /// Fits at a penalty. The design is that of the targets' rows, at every call.
    pub(super) fn advance(&mut self, design: &Design, penalty: f64) -> Result<Solution> {
        let classes = self.classes(design, penalty)?;
        let (mut ahead, mut ahead_bias, mut momentum) = (self.weights.clone(), self.bias.clone(), 1.0f64);
        let rows = design.x.nrows().max(1) as f64;
        let typical = (design.moments.gram.diag().sum() / rows).sqrt();
        for _ in 0..MAX_STEPS {
            let (step, bias_step) = self.step(design, (&ahead, &ahead_bias), penalty, &classes);
            let (weights, bias) = (&ahead - &step, &ahead_bias - &bias_step);
            let (moved, moved_bias) = (&weights - &self.weights, &bias - &self.bias);
            // Momentum that no longer points downhill is dropped (O'Donoghue and Candès 2015).
            let uphill = (&step * &moved).sum() + (&bias_step * &moved_bias).sum() < 0.0;
            let next = if uphill { 1.0 } else { (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0 };
            let carry = if uphill { 0.0 } else { (momentum - 1.0) / next };
            ahead = &weights + carry * &moved;
            ahead_bias = &bias + carry * &moved_bias;
            (self.weights, self.bias, momentum) = (weights, bias, next);
            let most = moved.map_axis(Axis(0), |column| column.dot(&column).sqrt()).fold(0.0, |most: f64, x| most.max(*x));
            if most * typical < TOLERANCE {
                break;
            }
        }
        Ok(self.solution(design))
    }

    fn solution(&self, design: &Design) -> Solution {
        let weights = self.weights.dot(&self.sharing.vectors.t()).mapv(|w| w as f32);
        let bias = self.bias.mapv(|b| b as f32) - design.moments.mean.dot(&weights);
        Solution { weights, bias }
    }

    /// The bound's solution for the gradient at a point, in the directions of Σ.
    fn step(
        &self,
        design: &Design,
        (at, bias): (&Array2<f64>, &Array1<f64>),
        penalty: f64,
        classes: &[Class],
    ) -> (Array2<f64>, Array1<f64>) {
        let sharing = self.sharing;
        let weights = at.dot(&sharing.vectors.t()).mapv(|w| w as f32);
        let mut residual = design.x.dot(&weights) + &bias.mapv(|b| b as f32);
        if self.link == Link::Logistic {
            residual.mapv_inplace(|z| sigmoid(f64::from(z)) as f32);
        }
        residual = (residual - &self.targets) * &self.known;
        let counts = self.known.sum_axis(Axis(0)).mapv(|n| f64::from(n.max(1.0)));
        let bias_step = residual.sum_axis(Axis(0)).mapv(f64::from) / (counts * self.curvature());
        let mut pull = at / &sharing.values * penalty;
        if let Some(moves) = &design.moments.moves {
            pull += &(moves.dot(at) * self.curvature());
        }
        let gradient = design.x.t().dot(&residual).mapv(f64::from).dot(&sharing.vectors) + pull;
        let mut step = Array2::zeros(gradient.dim());
        for class in classes {
            let solved = class.bound.solve(gradient.select(Axis(1), &class.directions));
            class.directions.iter().zip(solved.columns()).for_each(|(&j, column)| step.slice_mut(s![.., j]).assign(&column));
        }
        (step, bias_step)
    }

    fn curvature(&self) -> f64 {
        match self.link {
            Link::Logistic => 0.25,
            Link::Identity => 1.0,
        }
    }

    /// Directions of similar strength share a factorisation, at the penalty of the weakest: a bound for all of them.
    fn classes(&self, design: &Design, penalty: f64) -> Result<Vec<Class>> {
        let (values, moments) = (&self.sharing.values, design.moments);
        let gram = moments.curvature();
        let weakest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let (strong, weak): (Vec<usize>, Vec<usize>) = (0..values.len()).partition(|&j| values[j] > STRONG * weakest);
        let class = |directions: Vec<usize>| {
            let value = directions.iter().map(|&j| values[j]).fold(f64::INFINITY, f64::min);
            let ridge = Array2::from_diag(&Array1::from_elem(gram.nrows(), penalty / value));
            Ok(Class { bound: Cholesky::new(&gram * self.curvature() + ridge)?, directions })
        };
        [strong, weak].into_iter().filter(|directions| !directions.is_empty()).map(class).collect()
    }
}

struct Class {
    directions: Vec<usize>,
    bound: Cholesky,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn ridge_equals_its_closed_form_by_hand() {
        // One input, points (0,0), (1,2), penalty 1 on the slope only: minimise (b)² + (w+b-2)² + w² over w, b.
        let inputs = array![[0.0], [1.0]];
        let moments = Moments::of(inputs.clone(), None);
        let (targets, sharing) = (array![[0.0], [2.0]], Sharing::none(1));
        let mut path = Path::new(Link::Identity, 1, targets.view(), &sharing);
        let solution = path.advance(&Design::new(inputs, &moments), 1.0).unwrap();
        assert!((solution.weights[[0, 0]] - 2.0 / 3.0).abs() < 1e-3 && (solution.bias[0] - 2.0 / 3.0).abs() < 1e-3);
    }

    #[test]
    fn what_edits_move_weighs_less_as_by_hand() {
        // As above, and each of the two rows is moved by one: minimise (b)² + (w+b-2)² + w² + 2w².
        let inputs = array![[0.0], [1.0]];
        let moments = Moments::of(inputs.clone(), Some(&array![[1.0]]));
        let (targets, sharing) = (array![[0.0], [2.0]], Sharing::none(1));
        let mut path = Path::new(Link::Identity, 1, targets.view(), &sharing);
        let solution = path.advance(&Design::new(inputs, &moments), 1.0).unwrap();
        assert!((solution.weights[[0, 0]] - 2.0 / 7.0).abs() < 1e-3 && (solution.bias[0] - 6.0 / 7.0).abs() < 1e-3);
    }

    #[test]
    fn a_logistic_fit_zeroes_the_gradient_also_where_outcomes_are_missing() {
        let x = Array2::from_shape_fn((80, 3), |(i, j)| ((i * 7 + j * 13) % 11) as f32 / 11.0 - 0.5);
        let y =
            Array2::from_shape_fn((80, 2), |(i, k)| if (i + k) % 5 == 0 { f32::NAN } else { f32::from(u8::from((i * 5 + k) % 3 == 0)) });
        let (moments, sharing) = (Moments::of(x.clone(), None), Sharing::by_correlation(y.view()));
        let design = Design::new(x.clone(), &moments);
        let mut path = Path::new(Link::Logistic, 3, y.view(), &sharing);
        path.advance(&design, 3.0).unwrap();
        let solution = path.advance(&design, 0.5).unwrap();
        let p = solution.outputs(x.view()).mapv(|z| sigmoid(f64::from(z)) as f32);
        let residual = Array2::from_shape_fn(y.dim(), |at| if y[at].is_nan() { 0.0 } else { p[at] - y[at] });
        let precision = (&sharing.vectors / &sharing.values).dot(&sharing.vectors.t()).mapv(|v| v as f32);
        let gradient = x.t().dot(&residual) + 0.5 * solution.weights.dot(&precision);
        assert!(gradient.iter().all(|g| g.abs() < 0.02), "{gradient}");
        assert!(residual.sum_axis(Axis(0)).iter().all(|g| g.abs() < 0.02), "{residual}");
    }

    #[test]
    fn a_candidate_with_few_outcomes_learns_from_one_like_it() {
        let x = Array2::from_shape_fn((400, 2), |(i, j)| ((i * 31 + j * 17) % 23) as f32 / 23.0 - 0.5);
        let truth = |i: usize| f32::from(u8::from(x[[i, 0]] > 0.0));
        let y = Array2::from_shape_fn((400, 2), |(i, c)| if c == 0 || i < 40 { truth(i) } else { f32::NAN });
        let moments = Moments::of(x.clone(), None);
        let design = Design::new(x, &moments);
        let slope = |sharing: &Sharing| Path::new(Link::Logistic, 2, y.view(), sharing).advance(&design, 3.0).unwrap().weights[[0, 1]];
        assert!(slope(&Sharing::by_correlation(y.view())) > 1.5 * slope(&Sharing::none(2)));
    }
}
