//! How numbers are written: one way each for shares, points and money.

/// A true minus sign, and a word where there is no number.
fn signed(text: String, x: f64) -> String {
    if x.is_finite() { text.replace('-', "\u{2212}") } else { "n/a".into() }
}

/// A number with so many decimals.
pub fn plain(x: f64, decimals: usize) -> String {
    // Adding zero takes the sign of a negative zero, also where rounding makes one.
    let unit = 10f64.powi(decimals as i32);
    signed(format!("{:.decimals$}", (x * unit).round() / unit + 0.0), x)
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    plain(100.0 * share, 2) + if share.is_finite() { "%" } else { "" }
}

/// A difference of scores, in points of a hundred, with its sign.
pub fn points(change: f64) -> String {
    let text = plain(100.0 * change, 2);
    if change.is_finite() && !text.starts_with('\u{2212}') { format!("+{text}") } else { text }
}

/// The same without the sign.
pub fn points_apart(change: f64) -> String {
    plain(100.0 * change.abs(), 2)
}

/// US dollars per call, as dollars per 1,000 calls: three digits that matter, and two decimals at least.
pub fn usd(per_call: f64) -> String {
    let value = 1e3 * per_call;
    if !value.is_finite() {
        return "n/a".into();
    }
    let size = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    format!("${}", plain(value, (2 - size).clamp(2, 9) as usize))
}

/// A round number of dollars on an axis.
pub fn round_usd(dollars: f64) -> String {
    // Through six digits, because ticks carry what logarithms leave of rounding.
    let text = format!("{dollars:.6}");
    format!("${}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A share in percent, for sentences.
pub fn about(share: f64) -> String {
    plain(100.0 * share, 1) + if share.is_finite() { "%" } else { "" }
}

/// A whole number with its thousands apart.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// As many as there are, in words: `1 row`, `2 rows`.
pub fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_a_reader_wants_them() {
        assert_eq!([percent(0.74344), percent(-0.1), percent(f64::NAN)], ["74.34%", "\u{2212}10.00%", "n/a"]);
        assert_eq!([points(0.012), points(-0.012), points(-0.000_001)], ["+1.20", "\u{2212}1.20", "+0.00"]);
        assert_eq!([usd(0.00272), usd(0.000_089_7), usd(1.0), usd(0.0)], ["$2.72", "$0.0897", "$1000.00", "$0.00"]);
        assert_eq!([round_usd(0.30000000000000004), round_usd(20.0), about(0.5352)], ["$0.3", "$20", "53.5%"]);
        assert_eq!([count(7), count(1_234_567), counted(1, "row"), counted(2000, "row")], ["7", "1,234,567", "1 row", "2,000 rows"]);
    }
}
