//! Tables that scroll sideways on their own where a window is narrow.

use maud::{Markup, html};

/// What stands in a cell.
pub enum Cell {
    /// Words, flush left.
    Word(String),
    /// A number, flush right.
    Number(String),
    /// A number in which routing loses.
    Loss(String),
}

pub fn word(text: impl Into<String>) -> Cell {
    Cell::Word(text.into())
}

pub fn number(text: impl Into<String>) -> Cell {
    Cell::Number(text.into())
}

/// A number that is marked where routing loses by it.
pub fn judged(text: String, loses: bool) -> Cell {
    if loses { Cell::Loss(text) } else { Cell::Number(text) }
}

/// A table whose first column names the lines. What it shows is said above it; `label` says it to those who do not see it.
pub fn table(label: &str, head: &[&str], lines: Vec<Vec<Cell>>) -> Markup {
    let words: Vec<bool> = (0..head.len()).map(|i| lines.iter().all(|line| matches!(line.get(i), Some(Cell::Word(_)) | None))).collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.tight[head.len() > 8] {
                @if head.iter().any(|title| !title.is_empty()) { thead { tr { @for (title, is_word) in head.iter().zip(&words) { th.n[!is_word] scope="col" { (title) } } } } }
                tbody { @for line in &lines { tr { @for (i, cell) in line.iter().enumerate() { (one(cell, i == 0)) } } } }
            }
        }
    }
}

fn one(cell: &Cell, first: bool) -> Markup {
    match cell {
        Cell::Word(text) if first => html! { th scope="row" { (text) } },
        Cell::Word(text) => html! { td { (text) } },
        Cell::Number(text) if first => html! { th.n scope="row" { (text) } },
        Cell::Number(text) => html! { td.n { (text) } },
        Cell::Loss(text) => html! { td.n { span.loss { (text) " loses" } } },
    }
}
