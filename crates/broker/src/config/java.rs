//! Files of properties as `java.util.Properties` reads them: lines that a backslash joins, `=`, `:` or blanks behind a name, escapes.

use std::iter::Peekable;
use std::str::Chars;

/// The logical lines that say something, each with the number of the line where it begins.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        loop {
            let (at, line) = lines.next()?;
            let line = line.trim_start();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let mut whole = line.to_owned();
            // An even number of backslashes are escaped backslashes.
            while whole.chars().rev().take_while(|&at| at == '\\').count() % 2 == 1 {
                whole.pop();
                match lines.next() {
                    Some((_, next)) => whole.push_str(next.trim_start()),
                    None => break,
                }
            }
            return Some((at + 1, whole));
        }
    })
}

/// Name and value of a logical line: `a=b`, `a: b`, `a b`; both may be empty.
pub(super) fn name_and_value(line: &str) -> (String, String) {
    let mut rest = line.chars().peekable();
    let ends_name = |at: char| at == '=' || at == ':' || at.is_ascii_whitespace();
    let name = unescaped(&mut rest, ends_name);
    let blank = |at: &char| at.is_ascii_whitespace();
    while rest.next_if(blank).is_some() {}
    if rest.next_if(|at| matches!(at, '=' | ':')).is_some() {
        while rest.next_if(blank).is_some() {}
    }
    let value = unescaped(&mut rest, |_| false);
    (name, value.trim_end().to_owned())
}

/// Characters up to one that ends, which is left; an escaped one does not.
fn unescaped(rest: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    while let Some(next) = rest.next_if(|at| !ends(*at)) {
        if next != '\\' {
            out.push(next);
            continue;
        }
        match rest.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(of_code(rest)),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// The character of up to four hexadecimal digits.
fn of_code(rest: &mut Peekable<Chars<'_>>) -> char {
    let mut code = 0;
    for _ in 0..4 {
        let Some(digit) = rest.peek().and_then(|at| at.to_digit(16)) else {
            break;
        };
        rest.next();
        code = code * 16 + digit;
    }
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}
