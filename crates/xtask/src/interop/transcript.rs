//! What Apache Kafka's tools print: `interop/tools/transcript.txt`, which both systems are held to, and which `--update` writes down anew.
//!
//! Lines of one system alone stand for a reason that the head names; both what Apache Kafka and what Mainstem prints there is checked, so an
//! exception that is gone is found out as well as a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::systems::Which;

/// Stands for a reason that nobody has given yet; no check passes with it.
const UNEXPLAINED: &str = "?";
/// Commands with differences that are shown in full.
const SHOWN: usize = 20;

/// Where it is.
pub fn path() -> PathBuf {
    crate::root().join("interop/tools/transcript.txt")
}

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Both,
    One(Which),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    whose: Whose,
    /// Why it is not both's.
    reason: String,
    text: String,
}

/// A command with what comes before it, its input, and what it prints.
#[derive(Debug, Default)]
struct Step {
    before: Vec<String>,
    command: String,
    input: Vec<String>,
    printed: Vec<Line>,
}

/// The file, taken apart.
#[derive(Debug)]
pub struct Transcript {
    steps: Vec<Step>,
    after: Vec<String>,
}

impl Transcript {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string(path())?;
        Self::parse(&text).context("interop/tools/transcript.txt")
    }

    fn parse(text: &str) -> Result<Self> {
        let (mut steps, mut before) = (Vec::<Step>::new(), Vec::new());
        let mut reason = String::new();
        for (at, line) in text.lines().enumerate() {
            let printed = |whose, reason: &str| Line {
                whose,
                reason: reason.to_owned(),
                text: line.get(2..).unwrap_or_default().to_owned(),
            };
            // What follows a comment or a directive belongs to the next command.
            let step = steps.last_mut().filter(|_| before.is_empty());
            match (line.get(..2), step) {
                (Some("$ "), _) => steps.push(Step {
                    before: std::mem::take(&mut before),
                    command: line.to_owned(),
                    ..Step::default()
                }),
                (Some("< "), Some(step)) if step.printed.is_empty() => {
                    step.input.push(line.to_owned());
                }
                (Some("  "), Some(step)) => step.printed.push(printed(Whose::Both, "")),
                (Some("! "), Some(_)) => reason = line[2..].to_owned(),
                (Some("- "), Some(step)) => {
                    step.printed
                        .push(printed(Whose::One(Which::Kafka), &reason));
                }
                (Some("+ "), Some(step)) => {
                    step.printed
                        .push(printed(Whose::One(Which::Mainstem), &reason));
                }
                (Some("  " | "! " | "- " | "+ "), None) => bail!("line {}: no command", at + 1),
                _ => before.push(line.to_owned()),
            }
        }
        Ok(Self {
            steps,
            after: before,
        })
    }

    /// Holds what a system printed to the file.
    pub fn check(&self, which: Which, lines: &[String]) -> Result<()> {
        let answers = answers(lines)?;
        let commands: Vec<&str> = answers.iter().map(|(command, _)| *command).collect();
        let wanted: Vec<&str> = self.steps.iter().map(|step| &*step.command).collect();
        if commands != wanted {
            bail!(
                "{} of {} commands of the transcript were run",
                commands.len(),
                wanted.len()
            );
        }
        let mut wrong = 0;
        for (step, (_, printed)) in self.steps.iter().zip(&answers) {
            let wanted: Vec<&str> = step
                .printed
                .iter()
                .filter(|line| matches!(line.whose, Whose::Both) || line.whose == Whose::One(which))
                .map(|line| &*line.text)
                .collect();
            if &wanted == printed {
                continue;
            }
            wrong += 1;
            if wrong <= SHOWN {
                eprintln!("{}", step.command);
                for line in differences(&wanted, printed, Which::Kafka, which) {
                    match line.whose {
                        Whose::Both => eprintln!("    {}", line.text),
                        Whose::One(_) if line.reason == "left" => {
                            eprintln!("  transcript: {}", line.text);
                        }
                        Whose::One(_) => eprintln!("  {which:?}: {}", line.text),
                    }
                }
            }
        }
        if wrong > 0 {
            bail!("{which:?} departs from the transcript in {wrong} commands");
        }
        self.check_reasons()
    }

    /// Every difference has a reason, and every reason a difference.
    fn check_reasons(&self) -> Result<()> {
        let named: BTreeSet<&str> = self
            .steps
            .iter()
            .flat_map(|step| &step.before)
            .filter_map(|line| line.strip_prefix("@ reason ")?.split_once(": "))
            .map(|(name, _)| name)
            .collect();
        let used: BTreeSet<&str> = self
            .steps
            .iter()
            .flat_map(|step| &step.printed)
            .filter(|line| line.whose != Whose::Both)
            .map(|line| &*line.reason)
            .collect();
        match named.symmetric_difference(&used).next() {
            Some(odd) => bail!("the transcript's reason {odd:?} is not both named and used"),
            None => Ok(()),
        }
    }

    /// Writes down what both systems printed. Differences that were there before keep their reasons.
    pub fn update(mut self, ours: &[String], theirs: &[String]) -> Result<()> {
        let (ours, theirs) = (answers(ours)?, answers(theirs)?);
        if ours.len() != self.steps.len() || theirs.len() != self.steps.len() {
            bail!("not every command of the transcript was run");
        }
        let mut reasons = BTreeMap::new();
        for step in &self.steps {
            for line in &step.printed {
                let key = (step.command.clone(), line.text.clone());
                reasons.insert(key, line.reason.clone());
            }
        }
        for (step, ((_, ours), (_, theirs))) in self.steps.iter_mut().zip(ours.iter().zip(&theirs))
        {
            step.printed = differences(theirs, ours, Which::Kafka, Which::Mainstem);
            for line in &mut step.printed {
                let known = reasons.get(&(step.command.clone(), line.text.clone()));
                let known = known.filter(|reason| !reason.is_empty()).cloned();
                line.reason = known.unwrap_or_else(|| UNEXPLAINED.to_owned());
            }
        }
        Ok(std::fs::write(path(), self.text())?)
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for step in &self.steps {
            lines.extend(step.before.iter().cloned());
            lines.push(step.command.clone());
            lines.extend(step.input.iter().cloned());
            let mut reason = "";
            for line in &step.printed {
                if line.whose != Whose::Both && line.reason != reason {
                    reason = &line.reason;
                    lines.push(format!("! {reason}"));
                }
                let sign = match line.whose {
                    Whose::Both => ' ',
                    Whose::One(Which::Kafka) => '-',
                    Whose::One(Which::Mainstem) => '+',
                };
                lines.push(format!("{sign} {}", line.text));
            }
        }
        lines.extend(self.after.iter().cloned());
        lines.join("\n") + "\n"
    }
}

/// The commands that were run, each with the lines it printed.
fn answers(lines: &[String]) -> Result<Vec<(&str, Vec<&str>)>> {
    let mut answers: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        let line = line.strip_prefix("CHECK ").unwrap_or(line);
        match (line.strip_prefix("  "), answers.last_mut()) {
            (Some(printed), Some((_, all))) => all.push(printed),
            (Some(_), None) => bail!("a line before every command: {line}"),
            (None, _) => answers.push((line, Vec::new())),
        }
    }
    Ok(answers)
}

/// The longest lines that both have in common, with those of each alone between them. Whose reason is "left" is of the first.
fn differences(left: &[&str], right: &[&str], lefts: Which, rights: Which) -> Vec<Line> {
    // The length of what is in common behind each pair of places.
    let width = right.len() + 1;
    let mut common = vec![0_usize; (left.len() + 1) * width];
    for at in (0..left.len()).rev() {
        for to in (0..right.len()).rev() {
            common[at * width + to] = match left[at] == right[to] {
                true => common[(at + 1) * width + to + 1] + 1,
                false => common[(at + 1) * width + to].max(common[at * width + to + 1]),
            };
        }
    }
    let line = |whose, reason: &str, text: &str| Line {
        whose,
        reason: reason.to_owned(),
        text: text.to_owned(),
    };
    let (mut at, mut to, mut lines) = (0, 0, Vec::new());
    while at < left.len() || to < right.len() {
        if at < left.len() && to < right.len() && left[at] == right[to] {
            lines.push(line(Whose::Both, "", left[at]));
            (at, to) = (at + 1, to + 1);
        } else if to == right.len()
            || (at < left.len() && common[(at + 1) * width + to] >= common[at * width + to + 1])
        {
            lines.push(line(Whose::One(lefts), "left", left[at]));
            at += 1;
        } else {
            lines.push(line(Whose::One(rights), "right", right[to]));
            to += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# head\n@ reason later: comes later\n\n$ A --x\n< input\n  same\n! later\n- theirs\n+ ours\n  status 0\n\n@ sorted\n$ B\n  status 1\n";

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(|line| format!("CHECK {line}")).collect()
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        assert_eq!(Transcript::parse(TEXT).unwrap().text(), TEXT);
    }

    #[test]
    fn each_system_is_held_to_its_own_lines() {
        let transcript = Transcript::parse(TEXT).unwrap();
        let ours = lines("$ A --x\n  same\n  ours\n  status 0\n$ B\n  status 1");
        let theirs = lines("$ A --x\n  same\n  theirs\n  status 0\n$ B\n  status 1");
        transcript.check(Which::Mainstem, &ours).unwrap();
        transcript.check(Which::Kafka, &theirs).unwrap();
        // An exception that is gone, a command that was not run, a status that is another.
        transcript.check(Which::Mainstem, &theirs).unwrap_err();
        transcript.check(Which::Kafka, &theirs[..4]).unwrap_err();
        let status = lines("$ A --x\n  same\n  ours\n  status 0\n$ B\n  status 0");
        transcript.check(Which::Mainstem, &status).unwrap_err();
    }

    #[test]
    fn a_difference_without_a_reason_and_a_reason_without_a_difference_are_refused() {
        for (from, to) in [("! later", "! ?"), ("reason later", "reason never")] {
            let transcript = Transcript::parse(&TEXT.replace(from, to)).unwrap();
            transcript.check_reasons().unwrap_err();
        }
    }

    #[test]
    fn differences_are_as_few_as_can_be() {
        let found = differences(
            &["a", "b", "c"],
            &["b", "x", "c"],
            Which::Kafka,
            Which::Mainstem,
        );
        let signs: Vec<Whose> = found.iter().map(|line| line.whose).collect();
        let (kafka, mainstem) = (Whose::One(Which::Kafka), Whose::One(Which::Mainstem));
        assert_eq!(signs, [kafka, Whose::Both, mainstem, Whose::Both]);
    }
}
