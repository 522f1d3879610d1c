//! Promise: a small batch's front is whole, and a plan is the best there can be; in any batch it is within one query's step
//! of it.

mod support;

use pointsman::assign::{Front, Goal};
use pointsman::head::Estimate;
use pointsman::policy::{Ineligible, Offer, choose};
use support::Rng;

/// Numbers that add up without rounding, with ties.
fn offer(rng: &mut Rng) -> Offer {
    let estimate = Estimate { quality: rng.below(33) as f64 / 32.0, spread: rng.below(5) as f64 / 32.0 };
    Offer { estimate, usd: rng.below(17) as f64 / 16.0, ineligible: (rng.below(8) == 0).then_some(Ineligible::Capability) }
}

fn batch(rng: &mut Rng, queries: usize, candidates: usize) -> Vec<Vec<Offer>> {
    let row = || -> Vec<Offer> { (0..candidates).map(|_| offer(rng)).collect() };
    let open = |row: &Vec<Offer>| row.iter().any(|o| o.ineligible.is_none());
    std::iter::repeat_with(row).filter(open).take(queries).collect()
}

fn total(offers: &[Vec<Offer>], picks: &[usize], caution: f64) -> (f64, f64) {
    let chosen = offers.iter().zip(picks).map(|(options, &pick)| &options[pick]);
    chosen.fold((0.0, 0.0), |(usd, value), o| {
        assert!(o.ineligible.is_none());
        (usd + o.usd, value + o.utility(0.0, caution))
    })
}

/// Every total that no other beats, by trying all.
fn brute_force(offers: &[Vec<Offer>], caution: f64) -> Vec<(f64, f64)> {
    let mut all = vec![(0.0, 0.0)];
    for options in offers {
        let open: Vec<&Offer> = options.iter().filter(|o| o.ineligible.is_none()).collect();
        all = all.iter().flat_map(|&(usd, value)| open.iter().map(move |o| (usd + o.usd, value + o.utility(0.0, caution)))).collect();
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut best = f64::NEG_INFINITY;
    all.retain(|&(_, value)| {
        let better = value > best;
        best = best.max(value);
        better
    });
    all
}

/// The most that `budget` can buy where queries may be split between two answers.
fn lp_bound(front: &[(f64, f64)], budget: f64) -> f64 {
    let after = front.partition_point(|p| p.0 <= budget);
    let (a, Some(b)) = (front[after - 1], front.get(after)) else { return front[after - 1].1 };
    a.1 + (b.1 - a.1) * (budget - a.0) / (b.0 - a.0)
}

#[test]
fn small_batches_have_the_front_that_brute_force_finds() {
    let mut rng = Rng::new(1);
    for round in 0..300 {
        let (queries, candidates) = (1 + rng.below(6), 1 + rng.below(5));
        let offers = batch(&mut rng, queries, candidates);
        let caution = f64::from(round % 2);
        let front = Front::new(&offers, caution).unwrap();
        let n = offers.len() as f64;
        let points: Vec<(f64, f64)> = front.points().iter().map(|p| (p.usd, p.quality * n)).collect();
        let expected = brute_force(&offers, caution);
        assert_eq!(points.len(), expected.len());
        assert!(points.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9), "{points:?} {expected:?}");
        for (i, &(usd, value)) in expected.iter().enumerate() {
            assert_eq!(total(&offers, &front.plan(Goal::Budget(usd)).unwrap().0, caution), (usd, value));
            // Between two points, the lower one is the best that the money buys.
            let between = expected.get(i + 1).map_or(usd + 1.0, |next| (usd + next.0) / 2.0);
            assert_eq!(total(&offers, &front.plan(Goal::Budget(between)).unwrap().0, caution), (usd, value));
            if value >= 0.0 {
                assert_eq!(total(&offers, &front.plan(Goal::MinQuality(value / n)).unwrap().0, caution), (usd, value));
            }
        }
    }
}

/// The best value at every cost up to the dearest, in units of 1/16 US dollar: one query after the other.
fn best_by_cost(offers: &[Vec<Offer>], caution: f64) -> Vec<f64> {
    let mut best = vec![0.0];
    for options in offers {
        let mut next = vec![f64::NEG_INFINITY; best.len() + 16];
        for o in options.iter().filter(|o| o.ineligible.is_none()) {
            for (cost, value) in best.iter().enumerate() {
                let to = &mut next[cost + (o.usd * 16.0) as usize];
                *to = f64::max(*to, value + o.utility(0.0, caution));
            }
        }
        best = next;
    }
    for cost in 1..best.len() {
        best[cost] = f64::max(best[cost], best[cost - 1]);
    }
    best
}

#[test]
fn plans_are_the_best_that_every_budget_and_floor_allow() {
    let mut rng = Rng::new(5);
    for round in 0..12 {
        let (queries, candidates) = (65 + rng.below(136), 2 + rng.below(6));
        let mut offers = batch(&mut rng, queries, candidates);
        if round % 3 > 0 {
            // Values of which no two are equal.
            offers.iter_mut().flatten().for_each(|o| o.estimate.quality = f64::from(1.0 + rng.unit()) / 2.0);
        }
        let (caution, n) = (f64::from(round % 2), queries as f64);
        let best = best_by_cost(&offers, caution);
        let front = Front::new(&offers, caution).unwrap();
        let first = best.iter().position(|value| value.is_finite()).unwrap();
        for cost in (first..best.len()).step_by(7) {
            let budget = cost as f64 / 16.0 + 0.01;
            let (usd, value) = total(&offers, &front.plan(Goal::Budget(budget)).unwrap().0, caution);
            assert!(usd <= budget && (value - best[cost]).abs() < 1e-9, "{value} for {budget}, not {}", best[cost]);
            let floor = best[cost] - 1e-6;
            if floor >= 0.0 {
                let (usd, value) = total(&offers, &front.plan(Goal::MinQuality(floor / n)).unwrap().0, caution);
                let least = best.iter().position(|value| *value >= floor).unwrap() as f64 / 16.0;
                assert!(value >= floor && usd == least, "{usd} for {floor}, not {least}");
            }
        }
    }
}

/// Any numbers; where `steep` is 0, value is worth its cost so exactly that nothing can be struck out.
fn uneven(rng: &mut Rng, queries: usize, steep: f64) -> Vec<Vec<Offer>> {
    let mut offer = || {
        let usd = f64::from(1.0 + rng.unit()) / 2.0;
        let quality = usd / 2.0 + steep * f64::from(rng.unit());
        Offer { estimate: Estimate { quality, spread: 0.0 }, usd, ineligible: None }
    };
    (0..queries).map(|_| (0..5).map(|_| offer()).collect()).collect()
}

#[test]
fn more_money_never_buys_less_even_where_the_search_ends_early() {
    let mut rng = Rng::new(6);
    for (queries, steep) in [(40, 0.4), (150, 0.4), (300, 0.1), (120, 0.0), (1000, 0.0)] {
        let offers = uneven(&mut rng, queries, steep);
        let front = Front::new(&offers, 0.0).unwrap();
        let points = front.points();
        let (low, high) = (points[0], points[points.len() - 1]);
        let (mut bought, mut paid) = (0.0, 0.0);
        for i in 0..40 {
            // In threes, between which there is at most a step.
            let share = f64::from(i / 3) / 14.0 + f64::from(i % 3) * 1e-5;
            let budget = low.usd + (high.usd - low.usd) * share;
            let (spent, value) = total(&offers, &front.plan(Goal::Budget(budget)).unwrap().0, 0.0);
            assert!(spent <= budget * (1.0 + 1e-12) && value >= bought - 1e-9, "{value} for {budget}, and {bought} for less");
            let floor = low.quality + (high.quality - low.quality) * share;
            let (usd, reached) = total(&offers, &front.plan(Goal::MinQuality(floor)).unwrap().0, 0.0);
            assert!(reached >= floor * queries as f64 - 1e-9 && usd >= paid - 1e-9, "{usd} for {floor}, and {paid} for less");
            (bought, paid) = (value, usd);
        }
    }
}

#[test]
fn the_front_rises_and_no_point_of_it_is_above_the_plan_for_its_cost() {
    let mut rng = Rng::new(7);
    for (queries, steep) in [(30, 0.4), (100, 0.4), (200, 0.4), (100, 0.0)] {
        let offers = uneven(&mut rng, queries, steep);
        let front = Front::new(&offers, 0.0).unwrap();
        let points = front.points();
        assert!(points.is_sorted_by(|a, b| a.usd < b.usd && a.quality < b.quality));
        let between = points.iter().filter(|point| point.lambda == 0.0).count();
        assert!(between > points.len() / 2, "{between} of {} are best at no exchange rate", points.len());
        for point in points.iter().step_by(points.len() / 50) {
            let (_, value) = total(&offers, &front.plan(Goal::Budget(point.usd)).unwrap().0, 0.0);
            assert!(value / queries as f64 >= point.quality - 1e-9, "{value} at {point:?}");
            let (usd, _) = total(&offers, &front.plan(Goal::MinQuality(point.quality)).unwrap().0, 0.0);
            assert!(usd <= point.usd + 1e-9, "{usd} at {point:?}");
        }
    }
}

#[test]
fn large_batches_stay_within_one_step_of_the_bound() {
    let mut rng = Rng::new(2);
    for _ in 0..20 {
        let offers = batch(&mut rng, 400, 6);
        let front = Front::new(&offers, 0.0).unwrap();
        let n = offers.len() as f64;
        let points: Vec<(f64, f64)> = front.points().iter().map(|p| (p.usd, p.quality * n)).collect();
        assert!(points.len() > 300, "{}", points.len());
        assert!(points.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        let slope = |w: &[(f64, f64)]| (w[1].1 - w[0].1) / (w[1].0 - w[0].0);
        assert!(points.windows(2).map(slope).collect::<Vec<_>>().is_sorted_by(|a, b| *a >= b - 1e-6), "the front must be concave");
        let step = points.windows(2).map(|w| w[1].1 - w[0].1).fold(0.0, f64::max);
        let (least, most) = (points[0].0, points[points.len() - 1].0);
        for i in 0..=50 {
            let budget = least + (most - least) * f64::from(i) / 50.0;
            let (usd, value) = total(&offers, &front.plan(Goal::Budget(budget)).unwrap().0, 0.0);
            assert!(usd <= budget && value >= lp_bound(&points, budget) - step, "{usd} of {budget}: {value}");
            let floor = lp_bound(&points, budget) / n;
            let (usd, value) = total(&offers, &front.plan(Goal::MinQuality(floor)).unwrap().0, 0.0);
            let dearest = points.windows(2).map(|w| w[1].0 - w[0].0).fold(0.0, f64::max);
            assert!(value >= floor * n - 1e-9 && usd <= budget + dearest + 1e-9, "{usd} for {floor}");
        }
    }
}

#[test]
fn an_exchange_rate_gives_what_each_query_would_choose_alone() {
    let mut rng = Rng::new(3);
    for queries in [5, 200] {
        let offers = batch(&mut rng, queries, 5);
        let front = Front::new(&offers, 0.5).unwrap();
        for i in 0..40 {
            // Off the grid of the efficiencies: no ties.
            let lambda = f64::from(i * i) / 100.0 + 0.001;
            let (picks, rate) = front.plan(Goal::ExchangeRate(lambda)).unwrap();
            let alone: Vec<f64> = offers.iter().map(|o| o[choose(o, lambda, 0.5).unwrap().index].utility(lambda, 0.5)).collect();
            let together: Vec<f64> = offers.iter().zip(&picks).map(|(o, &pick)| o[pick].utility(lambda, 0.5)).collect();
            assert!((rate, together) == (lambda, alone));
        }
    }
}

#[test]
fn goals_out_of_reach_name_what_can_be_reached() {
    let mut rng = Rng::new(4);
    for queries in [4, 100] {
        let offers = batch(&mut rng, queries, 4);
        let front = Front::new(&offers, 0.0).unwrap();
        let points = front.points();
        for goal in [Goal::Budget(points[0].usd - 0.01), Goal::MinQuality(1.01)] {
            let error = front.plan(goal);
            if matches!(goal, Goal::Budget(usd) if usd < 0.0) {
                continue;
            }
            let error = error.unwrap_err();
            assert_eq!(error.code(), "INFEASIBLE");
            let named = [points[0].usd, points[0].quality].iter().any(|x| error.to_string().contains(&x.to_string()));
            assert!(named, "{error}");
        }
        for goal in [Goal::Budget(f64::NAN), Goal::MinQuality(-0.1), Goal::ExchangeRate(f64::INFINITY)] {
            assert_eq!(front.plan(goal).unwrap_err().code(), "BAD_INPUT");
        }
    }
    assert_eq!(Front::new(&[], 0.0).err().unwrap().code(), "BAD_INPUT");
    let barred = Offer { estimate: Estimate { quality: 1.0, spread: 0.0 }, usd: 0.0, ineligible: Some(Ineligible::Price) };
    assert_eq!(Front::new(&[vec![barred]], 0.0).err().unwrap().code(), "NO_ELIGIBLE");
}
