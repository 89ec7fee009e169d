//! Medians, spreads and ratios, as a table of Markdown.

use std::collections::BTreeMap;

/// What was measured, in the order of the table, of each contender.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<(String, BTreeMap<&'static str, Vec<f64>>)>,
}

/// Lowest, middle and highest.
fn spread(values: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        *sorted.get(middle)?
    } else {
        f64::midpoint(*sorted.get(middle - 1)?, *sorted.get(middle)?)
    };
    Some((first, median, last))
}

/// Three significant digits, so that small and large figures stand in one table.
fn plain(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

impl Report {
    /// Notes a figure.
    pub fn note(&mut self, what: &str, contender: &'static str, value: f64) {
        if !self.rows.iter().any(|(row, _)| row == what) {
            self.rows.push((what.to_owned(), BTreeMap::new()));
        }
        if let Some((_, figures)) = self.rows.iter_mut().find(|(row, _)| row == what) {
            figures.entry(contender).or_default().push(value);
        }
    }

    /// The table: median [lowest-highest] of each contender, and the last contender's median by that of each other.
    pub fn table(&self, contenders: &[&'static str]) -> String {
        let Some((reference, ours)) = contenders.split_last() else {
            return String::new();
        };
        let mut table = String::from("| what |");
        for contender in contenders {
            table.push_str(&format!(" {contender} |"));
        }
        for contender in ours {
            table.push_str(&format!(" {reference} / {contender} |"));
        }
        table.push_str("\n|---|");
        table.push_str(&"--:|".repeat(contenders.len() + ours.len()));
        table.push('\n');
        for (what, figures) in &self.rows {
            let of = |contender: &str| figures.get(contender).and_then(|values| spread(values));
            table.push_str(&format!("| {what} |"));
            for contender in contenders {
                let cell = of(contender).map_or("–".to_owned(), |(low, median, high)| {
                    format!("{} [{}–{}]", plain(median), plain(low), plain(high))
                });
                table.push_str(&format!(" {cell} |"));
            }
            for contender in ours {
                let ratio = match (of(reference), of(contender)) {
                    (Some((_, theirs, _)), Some((_, ours, _))) if ours > 0.0 => {
                        plain(theirs / ours)
                    }
                    _ => "–".to_owned(),
                };
                table.push_str(&format!(" {ratio} |"));
            }
            table.push('\n');
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_row_has_medians_spreads_and_ratios() {
        let mut report = Report::default();
        for value in [2.0, 1.0, 4.0] {
            report.note("CPU", "ours", value);
            report.note("CPU", "theirs", value * 30.0);
        }
        report.note("memory", "theirs", 7.0);
        let expected = "| what | ours | theirs | theirs / ours |\n|---|--:|--:|--:|\n\
                        | CPU | 2.00 [1.00–4.00] | 60.0 [30.0–120] | 30.0 |\n\
                        | memory | – | 7.00 [7.00–7.00] | – |\n";
        assert_eq!(report.table(&["ours", "theirs"]), expected);
    }
}
