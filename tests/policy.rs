//! Promise: the choice follows its exchange rate, whatever the estimates.

mod support;

use pointsman::head::Estimate;
use pointsman::policy::{Aim, Dials, Floor, Guarantee, Ineligible, Knot, MinQuality, Offer, Policy, Reason, choose};
use support::Rng;

/// Coarse numbers, so that ties happen.
fn offers(rng: &mut Rng) -> Vec<Offer> {
    (0..1 + rng.below(8))
        .map(|_| Offer {
            estimate: Estimate { quality: rng.below(11) as f64 / 10.0, spread: rng.below(3) as f64 / 10.0 },
            usd: rng.below(6) as f64 / 1000.0,
            ineligible: (rng.below(6) == 0).then_some(Ineligible::Price),
        })
        .collect()
}

#[test]
fn raising_the_exchange_rate_never_raises_cost_or_quality() {
    let mut rng = Rng::new(1);
    for _ in 0..2000 {
        let offers = offers(&mut rng);
        let picks: Vec<&Offer> = (0..20).filter_map(|i| choose(&offers, f64::from(i * i), 0.0).ok()).map(|c| &offers[c.index]).collect();
        assert!(picks.is_sorted_by(|a, b| a.usd >= b.usd && a.estimate.quality >= b.estimate.quality), "{offers:?}");
    }
}

#[test]
fn a_dominated_candidate_is_never_chosen() {
    let mut rng = Rng::new(2);
    for _ in 0..2000 {
        let offers = offers(&mut rng);
        let lambda = rng.below(300) as f64;
        let Ok(choice) = choose(&offers, lambda, 0.0) else { continue };
        let chosen = &offers[choice.index];
        let beats = |o: &Offer| {
            let (better, cheaper) = (o.estimate.quality - chosen.estimate.quality, chosen.usd - o.usd);
            o.ineligible.is_none() && better >= 0.0 && cheaper >= 0.0 && better + cheaper > 0.0
        };
        assert!(!offers.iter().any(beats), "{offers:?} at {lambda}");
    }
}

#[test]
fn only_the_eligible_are_chosen_and_none_is_an_error() {
    let mut rng = Rng::new(3);
    let mut refused = 0;
    for _ in 0..2000 {
        let offers = offers(&mut rng);
        match choose(&offers, 1.0, 0.0) {
            Ok(choice) => assert_eq!(offers[choice.index].ineligible, None),
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), "NO_ELIGIBLE");
                assert!(offers.iter().all(|o| o.ineligible.is_some()));
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn reasons_say_what_decided() {
    let offer = |quality, usd, ineligible| Offer { estimate: Estimate { quality, spread: 0.0 }, usd, ineligible };
    let reason = |offers: &[Offer]| choose(offers, 0.0, 0.0).unwrap().reason;
    assert_eq!(reason(&[offer(0.5, 1.0, None), offer(0.9, 2.0, None)]), Reason::Utility);
    assert_eq!(reason(&[offer(0.5, 1.0, None), offer(0.9, 2.0, Some(Ineligible::Price))]), Reason::Budget);
    assert_eq!(reason(&[offer(0.5, 1.0, None), offer(0.9, 2.0, Some(Ineligible::Allow))]), Reason::OnlyEligible);
    assert_eq!(reason(&[offer(0.5, 1.0, None)]), Reason::Utility);
}

#[test]
fn caution_prefers_what_is_known() {
    let offer = |quality, spread| Offer { estimate: Estimate { quality, spread }, usd: 0.0, ineligible: None };
    let offers = [offer(0.7, 0.3), offer(0.6, 0.0)];
    let pick = |caution| choose(&offers, 0.0, caution).unwrap().index;
    assert_eq!((pick(0.0), pick(1.0)), (0, 1));
}

fn dials() -> Dials {
    let knots = [(0.0, 0.80, 3.0), (10.0, 0.82, 2.0), (20.0, 0.70, 1.0), (40.0, 0.71, 0.5), (80.0, 0.40, 0.1)];
    let knots = knots.map(|(lambda, quality, usd)| Knot { lambda, quality, usd }).to_vec();
    Dials { cost_scale: 0.5, default_lambda: 10.0, strongest: 0, means: vec![0.8, 0.6, 0.4], knots, guarantee: None }
}

#[test]
fn every_dial_becomes_one_exchange_rate() {
    let aim = |policy: &Policy| dials().aim(policy);
    let floor = |floor: f64| Policy { min_quality: Some(MinQuality::Mean(floor)), ..Policy::default() };
    assert_eq!(aim(&Policy::default()).unwrap(), Aim::Keep(10.0));
    assert_eq!(aim(&Policy { cost_weight: Some(2.0), ..Policy::default() }).unwrap(), Aim::Weight(4.0));
    // The cheapest knot that reaches the floor, even behind one that misses it.
    assert_eq!(aim(&floor(0.71)).unwrap(), Aim::Keep(40.0));
    assert_eq!(aim(&floor(0.0)).unwrap(), Aim::Keep(80.0));
    let error = aim(&floor(0.83)).unwrap_err();
    assert_eq!(error.code(), "INFEASIBLE");
    assert!(error.to_string().contains("0.8200"), "{error}");
}

#[test]
fn a_budget_lies_between_two_knots() {
    let knot = |usd| dials().within(usd).unwrap();
    assert_eq!(knot(5.0), Knot { lambda: 0.0, quality: 0.8, usd: 3.0 }, "where money is no matter");
    assert_eq!(knot(2.5), Knot { lambda: 10.0, quality: 0.82, usd: 2.0 }, "no logarithm leads from nothing");
    assert_eq!(knot(1.0), Knot { lambda: 20.0, quality: 0.7, usd: 1.0 });
    // Half way from 1 to 0.5 dollars, half way from 20 to 40 by their logarithm.
    let between = knot(0.75);
    assert!((between.lambda - 800f64.sqrt()).abs() < 1e-9 && (between.quality - 0.705).abs() < 1e-12 && between.usd == 0.75, "{between:?}");
    let error = dials().within(0.05).unwrap_err();
    assert!(error.code() == "INFEASIBLE" && error.to_string().contains("0.1 at least"), "{error}");
    assert_eq!(Dials { knots: vec![], ..dials() }.within(1.0).unwrap_err().code(), "BAD_INPUT");
}

#[test]
fn a_guarantee_is_walked_up_to_the_first_rate_that_is_not_proven() {
    let floors = [(0.0, 0.78, -0.01), (10.0, 0.79, -0.02), (20.0, 0.60, -0.20), (40.0, 0.77, -0.01)];
    let floors = floors.map(|(lambda, quality, change)| Floor { lambda, quality, change }).to_vec();
    let aim = |epsilon, min_quality| {
        let guarantee = Some(Guarantee { epsilon, delta: 0.1, rows: 100, floors: floors.clone() });
        Dials { guarantee, ..dials() }.aim(&Policy { min_quality: Some(min_quality), ..Policy::default() })
    };
    // The rate of 40 would do, but what lies behind a failure is not proven by one δ.
    assert_eq!(aim(0.05, MinQuality::BEST).unwrap(), Aim::Keep(10.0));
    assert_eq!(aim(0.5, MinQuality::BEST).unwrap(), Aim::Keep(10.0), "no further than the default");
    assert_eq!(aim(0.015, MinQuality::BEST).unwrap(), Aim::Keep(0.0));
    assert_eq!(aim(0.0, MinQuality::BEST).unwrap(), Aim::Strongest);
    assert_eq!(aim(0.0, MinQuality::Mean(0.7)).unwrap(), Aim::Keep(10.0));
    assert!(aim(0.0, MinQuality::Mean(0.79)).unwrap_err().to_string().contains("at most 0.7800"));
    assert_eq!(dials().aim(&Policy { min_quality: Some(MinQuality::BEST), ..Policy::default() }).unwrap_err().code(), "BAD_INPUT");
}

#[test]
fn unusable_dial_tables_are_refused() {
    type Change = fn(&mut Dials);
    let changes: [Change; 7] = [
        |d| d.cost_scale = 0.0,
        |d| d.default_lambda = f64::NAN,
        |d| d.strongest = 3,
        |d| d.knots.reverse(),
        |d| d.knots[1].usd = -1.0,
        |d| d.means.truncate(2),
        |d| d.guarantee = Some(Guarantee { epsilon: 0.1, delta: 1.0, rows: 1, floors: vec![] }),
    ];
    assert!(dials().check(3).is_ok());
    for change in changes {
        let mut dials = dials();
        change(&mut dials);
        assert_eq!(dials.check(3).unwrap_err().code(), "BAD_ARTIFACT");
    }
}
