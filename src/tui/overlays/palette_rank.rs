//! The ranking of action titles for a query: whole words, then beginnings of words, then parts of words, then letters
//! that begin the words or are close together. Letters that are scattered farther match nothing.

use std::cmp::Reverse;
use std::ops::Range;

/// How well one word of the query matches; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    Word,
    Beginning,
    Part,
    Letters,
}

/// The match of a whole query; less is better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// The worst match of the query's words.
    pub quality: Quality,
    /// Where the first word of the query matches, in words of the title.
    place: usize,
    /// Titles of which more is matched come first.
    share: Reverse<usize>,
}

/// Ranks a title. Returns the characters of the title that match, in order. `None` if a word of the query is missing.
pub fn rank(query: &str, title: &str) -> Option<(Rank, Vec<u32>)> {
    let letters: Vec<char> = title.chars().map(lower).collect();
    let words = words(&letters);
    let (mut quality, mut place, mut marked) = (Quality::Word, None, Vec::new());
    for typed in query.split_whitespace() {
        let typed: Vec<char> = typed.chars().map(lower).collect();
        let (found, word, marks) = best(&typed, &letters, &words)?;
        quality = quality.max(found);
        place.get_or_insert(word);
        marked.extend(marks);
    }
    marked.sort_unstable();
    marked.dedup();
    let share = Reverse(marked.len() * 100 / letters.len().max(1));
    Some((Rank { quality, place: place.unwrap_or_default(), share }, marked))
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn words(letters: &[char]) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for (place, c) in letters.iter().enumerate() {
        match words.last_mut() {
            _ if !c.is_alphanumeric() => {}
            Some(last) if last.end == place => last.end += 1,
            _ => words.push(place..place + 1),
        }
    }
    words
}

/// The best match of one word of the query: its quality, the word of the title where it begins, and its characters.
fn best(typed: &[char], letters: &[char], words: &[Range<usize>]) -> Option<(Quality, usize, Vec<u32>)> {
    let at = |start: usize| (start as u32..(start + typed.len()) as u32).collect();
    let begins = |word: &Range<usize>| letters[word.start..].starts_with(typed);
    let whole = |word: &Range<usize>| letters[word.clone()] == *typed;
    if let Some(index) = words.iter().position(whole) {
        return Some((Quality::Word, index, at(words[index].start)));
    }
    if let Some(index) = words.iter().position(begins) {
        return Some((Quality::Beginning, index, at(words[index].start)));
    }
    // One letter is a part of nearly everything.
    if typed.len() > 1
        && let Some(start) = letters.windows(typed.len()).position(|part| part == typed)
    {
        let index = words.iter().rposition(|word| word.start <= start).unwrap_or(0);
        return Some((Quality::Part, index, at(start)));
    }
    (0..words.len()).find_map(|index| {
        let marks = spread(typed, letters, &words[index..])?;
        Some((Quality::Letters, index, marks))
    })
}

/// Finds all letters in the first of these words, or as the beginnings of this word and of following ones, of which at
/// most one in between gives none.
fn spread(typed: &[char], letters: &[char], words: &[Range<usize>]) -> Option<Vec<u32>> {
    within(typed, letters, words.first()?).or_else(|| beginnings(typed, letters, words))
}

fn beginnings(typed: &[char], letters: &[char], words: &[Range<usize>]) -> Option<Vec<u32>> {
    let (first, rest) = words.split_first()?;
    let shared = letters[first.clone()].iter().zip(typed).take_while(|(letter, typed)| letter == typed).count();
    (1..=shared).rev().find_map(|count| {
        let mut marks: Vec<u32> = (first.start as u32..(first.start + count) as u32).collect();
        let left = &typed[count..];
        if !left.is_empty() {
            let skipping = || beginnings(left, letters, rest.get(1..)?);
            marks.extend(beginnings(left, letters, rest).or_else(skipping)?);
        }
        Some(marks)
    })
}

/// The letters in one word, from its first letter on, with a gap for every two letters at most.
fn within(typed: &[char], letters: &[char], word: &Range<usize>) -> Option<Vec<u32>> {
    let mut at = word.start;
    let mut marks = Vec::with_capacity(typed.len());
    for (index, c) in typed.iter().enumerate() {
        let found = letters[at..word.end].iter().position(|letter| letter == c)? + at;
        if index == 0 && found != word.start {
            return None;
        }
        marks.push(found as u32);
        at = found + 1;
    }
    (at - word.start <= typed.len() + typed.len() / 2).then_some(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::keymap::ACTIONS;

    fn quality(query: &str, title: &str) -> Option<Quality> {
        rank(query, title).map(|(rank, _)| rank.quality)
    }

    #[test]
    fn whole_words_come_before_beginnings_parts_and_letters() {
        assert_eq!(quality("save", "Save the figure as"), Some(Quality::Word));
        assert_eq!(quality("SAV", "Save the figure as"), Some(Quality::Beginning));
        assert_eq!(quality("fig save", "Save the figure as"), Some(Quality::Beginning), "in any order");
        assert_eq!(quality("gure", "Save the figure as"), Some(Quality::Part));
        assert_eq!(quality("rstrt", "Restart Python"), Some(Quality::Letters));
        assert_eq!(quality("coval", "Copy the value of the card"), Some(Quality::Letters));
        assert_eq!(quality("rp", "Restart Python"), Some(Quality::Letters));
        assert_eq!(quality("$ed", "Edit the input in $EDITOR"), Some(Quality::Part));
        let (_, marked) = rank("rp", "Restart Python").unwrap();
        assert_eq!(marked, [0, 8]);
    }

    #[test]
    fn letters_that_are_far_apart_match_nothing() {
        for (query, title) in [
            ("theme", "Release the mouse, or take it back"),
            ("save", "Select the card above"),
            ("scr", "Select the card above"),
            ("xyz", "Help"),
            ("e", "Undo"),
            ("save figure wall", "Save the figure as"),
        ] {
            assert_eq!(rank(query, title), None, "{query} in {title}");
        }
    }

    #[test]
    fn each_title_is_found_by_each_of_its_words_and_by_their_beginnings() {
        for row in ACTIONS {
            for word in row.title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                assert_eq!(quality(word, row.title), Some(Quality::Word), "{word} in {}", row.title);
                let part: String = word.chars().take(2).collect();
                let found = quality(&part, row.title);
                assert!(found.is_some_and(|found| found <= Quality::Beginning), "{part} in {}", row.title);
            }
        }
    }

    #[test]
    fn no_query_is_slow_or_out_of_bounds() {
        for query in ["", " ", "aaaaaaaaaaaaaaaaaaaaaaaa", "ẞß", "漢字", "e\u{301}", "tttttttttttt the the", "İ"]
        {
            for title in ["", "The tail to the top of the tree that tells the time to them", "漢字 漢", "Größe"] {
                let _ = rank(query, title);
            }
        }
    }
}
