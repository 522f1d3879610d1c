//! Logs that people train from.

use pointsman::train::{Entry, Intake, IntakeSettings, Join};
use wide::{Cell, Wide};

#[allow(dead_code, unreachable_pub)]
#[path = "../../src/cli/logs/wide.rs"]
mod wide;

/// Takes in a log: JSON lines, or where the first line is no object, a table as CSV.
pub fn outcome_log(data: &[u8]) {
    let settings = IntakeSettings { most_rows: 8, test_share: 0.5, ..IntakeSettings::default() };
    let mut intake = Intake::new(settings).expect("sound settings");
    if data.first() == Some(&b'{') {
        let text = String::from_utf8_lossy(data);
        let entries = text.lines().enumerate().map_while(|(i, line)| Entry::from_json(i + 1, line).ok());
        entries.enumerate().for_each(|(i, entry)| drop(intake.take(i + 1, entry)));
    } else {
        let _ = table(data, &mut intake);
    }
    let log = intake.finish();
    assert!(log.rows.len() <= 8);
    let outcomes = log.rows.iter().flat_map(|row| row.outcomes());
    outcomes.for_each(|(_, outcome)| assert!((0.0..=1.0).contains(&outcome.score) && outcome.usd.is_finite() && outcome.usd >= 0.0));
}

fn table(data: &[u8], intake: &mut Intake) -> Option<()> {
    let mut reader = csv::Reader::from_reader(data);
    let names = reader.headers().ok()?.clone();
    let wide = Wide::of(1, &names.iter().collect::<Vec<_>>()).ok()?;
    for record in reader.records() {
        let record = record.ok()?;
        let entry = wide.entry(2, |i| record.get(i).map_or(Cell::Missing, |text| Cell::Text(text.into()))).ok()?;
        intake.take(2, entry).ok()?;
    }
    Some(())
}

/// Joins decisions with their feedback, in both passes.
pub fn decision_log(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut join = Join::default();
    let noted = text.lines().enumerate().filter(|(i, line)| join.note(i + 1, line).is_ok()).count();
    let rows = text.lines().enumerate().filter(|(i, line)| matches!(join.row(i + 1, line), Ok(Some(_)))).count();
    assert!(rows <= noted && join.tally().rows as usize == rows);
}
