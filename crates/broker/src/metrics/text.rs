//! Prometheus' text format, version 0.0.4: families with their help and type, samples with escaped labels.

use std::fmt::Write;

/// Names and values of a series' labels.
pub(super) type Labels<'a> = Vec<(&'a str, &'a str)>;

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a family: all its samples follow at once.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample.
    pub(super) fn sample(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl std::fmt::Display,
    ) {
        self.0.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", Escaped(value));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one sample without labels.
    pub(super) fn single(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        value: impl std::fmt::Display,
    ) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// Families of the same series: the labels of each, and its value in each family.
    pub(super) fn families<const COUNT: usize, V: std::fmt::Display>(
        &mut self,
        kind: &str,
        families: [(&str, &str); COUNT],
        series: &[(Labels<'_>, [V; COUNT])],
    ) {
        for (at, (name, help)) in families.into_iter().enumerate() {
            self.family(name, kind, help);
            for (labels, values) in series {
                self.sample(name, labels, &values[at]);
            }
        }
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// The value of a label. Names of groups may hold any character.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn samples_stand_under_their_family() {
        let mut text = Text::default();
        text.single(("up", "gauge", "Whether it runs."), 1);
        text.family("lag", "gauge", "Records.");
        text.sample("lag", &[("group", "a\"b\\c\nd"), ("topic", "t")], 2.5);
        let expected = "# HELP up Whether it runs.\n# TYPE up gauge\nup 1\n\
                        # HELP lag Records.\n# TYPE lag gauge\n\
                        lag{group=\"a\\\"b\\\\c\\nd\",topic=\"t\"} 2.5\n";
        assert_eq!(text.finish(), expected);
    }
}
