//! Trying candidates of uncertain quality, and how probable each choice was.

use crate::random::Random;
use serde::Deserialize;

/// How candidates of uncertain quality are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The best that is plausible: utility + explore·width (Li et al. 2010, Algorithm 1). Nothing is left to chance, so
    /// every propensity is 1.
    #[default]
    LinUcb,
    /// The best of a draw from what is plausible, N(utility, (explore·width)²) for each candidate (Agrawal and Goyal
    /// 2013). Its propensities make off-policy estimates possible.
    Thompson,
}

/// A choice that may have been made to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exploration {
    /// The chosen candidate.
    pub index: usize,
    /// Probability with which the rule chooses it here, above 0 and up to 1.
    pub propensity: f64,
}

impl Rule {
    /// Chooses among the candidates that have a utility. `deviations` are explore·width. None where there are none.
    pub(crate) fn choose(self, utilities: &[Option<f64>], deviations: &[f64], random: &mut Random) -> Option<Exploration> {
        let open: Vec<(usize, f64, f64)> =
            utilities.iter().zip(deviations).enumerate().filter_map(|(i, (u, d))| u.map(|u| (i, u, *d))).collect();
        let best = |values: &mut dyn Iterator<Item = (usize, f64)>| {
            values.fold(None, |best: Option<(usize, f64)>, new| best.filter(|b| b.1 >= new.1).or(Some(new)))
        };
        match self {
            Self::LinUcb => {
                let (index, _) = best(&mut open.iter().map(|&(i, u, d)| (i, u + d)))?;
                Some(Exploration { index, propensity: 1.0 })
            }
            Self::Thompson => {
                let (index, _) = best(&mut open.iter().map(|&(i, u, d)| (i, u + d * random.normal())))?;
                Some(Exploration { index, propensity: probability(&open, index) })
            }
        }
    }
}

/// Steps of the sum over one standard normal, from -8 to 8.
const STEPS: usize = 640;
/// What a choice that was made has at least: the sum's own error.
const LEAST: f64 = 1e-3;

/// Probability that one of independent normals (position, mean, deviation) is the greatest:
/// ∫ φ(z) Π Φ((μ + σz - μⱼ)/σⱼ) dz.
fn probability(normals: &[(usize, f64, f64)], index: usize) -> f64 {
    let own = |&&(i, ..): &&(usize, f64, f64)| i == index;
    let Some(&(_, mean, deviation)) = normals.iter().find(own) else { return 0.0 };
    let others: Vec<(f64, f64)> = normals.iter().filter(|normal| !own(normal)).map(|&(_, u, d)| (u, d)).collect();
    let (mut mass, mut wins) = (0.0, 0.0);
    for step in 0..=STEPS {
        let z = step as f64 * 16.0 / STEPS as f64 - 8.0;
        let density = libm::exp(-0.5 * z * z);
        mass += density;
        wins += density * others.iter().map(|&(u, d)| below(mean + deviation * z - u, d)).product::<f64>();
    }
    (wins / mass).clamp(LEAST, 1.0)
}

/// Probability that a normal of mean 0 lies below x.
fn below(x: f64, deviation: f64) -> f64 {
    if deviation > 0.0 { 0.5 * libm::erfc(-x / (deviation * std::f64::consts::SQRT_2)) } else { f64::from(u8::from(x >= 0.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propensities_are_the_frequencies() {
        let utilities = [Some(0.6), None, Some(0.5), Some(0.55)];
        let deviations = [0.02, 0.5, 0.1, 0.0];
        let mut random = Random::new(3);
        let mut counts = [0.0; 4];
        let mut stated = [0.0; 4];
        for _ in 0..20_000 {
            let choice = Rule::Thompson.choose(&utilities, &deviations, &mut random).unwrap();
            counts[choice.index] += 1.0 / 20_000.0;
            stated[choice.index] = choice.propensity;
        }
        assert_eq!(counts[1], 0.0);
        assert!(counts.iter().zip(stated).all(|(a, b)| (a - b).abs() < 0.012), "{counts:?} {stated:?}");
        assert!((stated.iter().sum::<f64>() - 1.0).abs() < 0.01, "{stated:?}");
    }

    #[test]
    fn linucb_takes_the_best_that_is_plausible() {
        let choose = |deviations: [f64; 2]| Rule::LinUcb.choose(&[Some(0.6), Some(0.5)], &deviations, &mut Random::new(0)).unwrap();
        assert_eq!(choose([0.0, 0.05]), Exploration { index: 0, propensity: 1.0 });
        assert_eq!(choose([0.0, 0.2]), Exploration { index: 1, propensity: 1.0 });
        assert!(Rule::LinUcb.choose(&[None], &[1.0], &mut Random::new(0)).is_none());
    }
}
