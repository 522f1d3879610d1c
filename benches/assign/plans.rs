//! Plans of a batch whose predictions are given: benches/assign/nsga.py asks for them.
//!
//! Standard input is a JSON object of `usd` and `quality`, for each query a list with a number for each candidate, and
//! `budgets` and `floors`, lists of US dollars together and of mean qualities. Standard output is one of `front`, the
//! points, `budgets` and `floors`, a plan's [cost together, mean quality] for each, and `seconds` for the front and for all plans.

use pointsman::assign::{Front, Goal};
use pointsman::head::Estimate;
use pointsman::policy::Offer;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Instant;

type Numbers = Vec<f64>;

fn main() -> Result<(), Box<dyn Error>> {
    let input: Value = serde_json::from_reader(std::io::stdin())?;
    let [usd, quality] = ["usd", "quality"].map(|name| serde_json::from_value::<Vec<Numbers>>(input[name].clone()));
    let offer = |(&usd, &quality): (&f64, &f64)| Offer { estimate: Estimate { quality, spread: 0.0 }, usd, ineligible: None };
    let offers: Vec<Vec<Offer>> = usd?.iter().zip(&quality?).map(|(usd, quality)| usd.iter().zip(quality).map(offer).collect()).collect();

    let start = Instant::now();
    let front = Front::new(&offers, 0.0)?;
    let points: Vec<(f64, f64)> = front.points().iter().map(|point| (point.usd, point.quality)).collect();
    let whole = start.elapsed().as_secs_f64();
    let totals = |goal: Goal| {
        let (picks, _) = front.plan(goal)?;
        let chosen = offers.iter().zip(&picks).map(|(options, &pick)| &options[pick]);
        let sum = chosen.fold((0.0, 0.0), |sum, offer| (sum.0 + offer.usd, sum.1 + offer.estimate.quality));
        Ok::<_, pointsman::error::Error>((sum.0, sum.1 / offers.len() as f64))
    };
    let plans = |name: &str, goal: fn(f64) -> Goal| -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
        let goals: Numbers = serde_json::from_value(input[name].clone())?;
        Ok(goals.into_iter().map(goal).map(totals).collect::<Result<_, _>>()?)
    };
    let (budgets, floors) = (plans("budgets", Goal::Budget)?, plans("floors", Goal::MinQuality)?);
    let seconds = json!({ "front": whole, "plans": start.elapsed().as_secs_f64() - whole });
    println!("{}", json!({ "front": points, "budgets": budgets, "floors": floors, "seconds": seconds }));
    Ok(())
}
