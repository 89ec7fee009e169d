//! Medians, spreads and ratios, as a table of Markdown.

use std::collections::BTreeMap;

/// What was measured, in the order of the table, of each contender.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    more_is_better: bool,
    figures: BTreeMap<&'static str, Vec<f64>>,
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
    /// Notes a figure of which less is better.
    pub fn note(&mut self, what: &str, contender: &'static str, value: f64) {
        self.put(what, contender, value, false);
    }

    /// Notes a figure of which more is better.
    pub fn note_rate(&mut self, what: &str, contender: &'static str, value: f64) {
        self.put(what, contender, value, true);
    }

    fn put(&mut self, what: &str, contender: &'static str, value: f64, more_is_better: bool) {
        let at = self.rows.iter().position(|row| row.what == what);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row {
                what: what.to_owned(),
                more_is_better,
                figures: BTreeMap::new(),
            });
            self.rows.len() - 1
        });
        if let Some(row) = self.rows.get_mut(at) {
            row.figures.entry(contender).or_default().push(value);
        }
    }

    /// The table: median [lowest-highest] of each contender, and how many times better than the last contender each other is.
    pub fn table(&self, contenders: &[&'static str]) -> String {
        let Some((reference, ours)) = contenders.split_last() else {
            return String::new();
        };
        let mut table = String::from("| what |");
        for contender in contenders {
            table.push_str(&format!(" {contender} |"));
        }
        for contender in ours {
            table.push_str(&format!(" {contender} is better, times |"));
        }
        table.push_str("\n|---|");
        table.push_str(&"--:|".repeat(contenders.len() + ours.len()));
        table.push('\n');
        for row in &self.rows {
            let what = &row.what;
            let of = |contender: &str| row.figures.get(contender).and_then(|values| spread(values));
            table.push_str(&format!("| {what} |"));
            for contender in contenders {
                let cell = of(contender).map_or("–".to_owned(), |(low, median, high)| {
                    format!("{} [{}–{}]", plain(median), plain(low), plain(high))
                });
                table.push_str(&format!(" {cell} |"));
            }
            for contender in ours {
                let ratio = match (of(reference), of(contender)) {
                    (Some((_, theirs, _)), Some((_, ours, _))) if ours > 0.0 && theirs > 0.0 => {
                        plain(match row.more_is_better {
                            true => ours / theirs,
                            false => theirs / ours,
                        })
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
            report.note_rate("speed", "ours", value * 4.0);
            report.note_rate("speed", "theirs", value);
        }
        report.note("memory", "theirs", 7.0);
        let expected = "| what | ours | theirs | ours is better, times |\n|---|--:|--:|--:|\n\
                        | CPU | 2.00 [1.00–4.00] | 60.0 [30.0–120] | 30.0 |\n\
                        | speed | 8.00 [4.00–16.0] | 2.00 [1.00–4.00] | 4.00 |\n\
                        | memory | – | 7.00 [7.00–7.00] | – |\n";
        assert_eq!(report.table(&["ours", "theirs"]), expected);
    }
}
