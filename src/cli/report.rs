//! A replay as one page: no scripts, nothing loaded from elsewhere, the same bytes for the same input.
//!
//! Text from logs and router files reaches the page only through maud's and plotters' escaping.

mod axis;
mod calibration;
mod curve;
mod labels;
mod legend;
mod number;
mod online;
mod palette;
mod picks;
mod plot;
mod sections;
mod table;
mod verdict;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pointsman::artifact::Provenance;
use pointsman::evaluate::{Earned, OffPolicy, Report, Splits};

/// What a page tells.
pub struct Page<'a> {
    pub report: &'a Report,
    /// Where the guarantee was checked.
    pub splits: Option<&'a Splits>,
    /// Where the rows were replayed to a bandit.
    pub online: Option<&'a [Earned]>,
    /// Where decisions were logged.
    pub off_policy: Option<&'a OffPolicy>,
    /// Of the router file.
    pub provenance: &'a Provenance,
    pub replayed: Replayed,
}

/// What was asked for.
pub struct Replayed {
    pub files: Vec<String>,
    pub router: String,
    /// Which rows, in words.
    pub split: &'static str,
    /// The dial, in words.
    pub dial: String,
    pub seed: u64,
}

/// Nothing is fetched and nothing runs, whatever a candidate is called.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

impl Page<'_> {
    /// Every result in which routing loses, in a sentence each.
    pub fn losses(&self) -> Vec<String> {
        verdict::losses(self)
    }

    /// The page as HTML.
    pub fn html(&self) -> anyhow::Result<String> {
        let style = format!("{}{}", include_str!("report/page.css"), palette::style(plot::FINE));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { "pointsman: what routing brings" }
                    style { (PreEscaped(style)) }
                }
                body { main {
                    header { h1 { "What routing brings" } (verdict::verdict(self)) }
                    @for (title, section) in self.sections()? { section { h2 { (title) } (section) } }
                } }
            }
        };
        Ok(page.into_string())
    }

    fn sections(&self) -> anyhow::Result<Vec<(&'static str, Markup)>> {
        let report = self.report;
        let mut all = vec![
            ("Score against cost", curve::figure(report)?),
            ("Ways to route", sections::ways(report)),
            ("Calibration", calibration::figure(&report.calibration)?),
            ("Where the rows went", picks::figure(&report.picks)?),
            ("Who complements whom", picks::complements(report)),
        ];
        if !report.tasks.is_empty() {
            all.push(("Task by task", sections::tasks(&report.tasks)));
        }
        if !report.cost_weights.is_empty() {
            all.push(("Cost weights", sections::cost_weights(&report.cost_weights)));
        }
        if let Some(splits) = self.splits {
            all.push(("The guarantee, checked", sections::guarantee(splits)));
        }
        if let Some(found) = self.off_policy {
            all.push(("Estimated from logged decisions", sections::off_policy(found)));
        }
        if let Some(curve) = self.online {
            all.push(("Learning from nothing", online::section(curve)?));
        }
        if let Some(edits) = &report.stability {
            all.push(("Stability under small edits", sections::stability(edits)));
        }
        if let Some(front) = &report.front {
            all.push(("The front", sections::front(front)));
        }
        all.push(("Where this comes from", sections::provenance(self)));
        Ok(all)
    }
}
