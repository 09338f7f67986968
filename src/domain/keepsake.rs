//! A short text in shared memory that outlives the process: what the dashboard wants back after a crash.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Two places that are written in turns, so that a process that dies while it writes leaves the text before.
///
/// User code can write here as well, so nothing that is read is relied on.
#[repr(C)]
#[derive(Debug)]
pub struct Keepsake {
    /// 0 for none, else the place that holds the text, counted from 1.
    current: AtomicU32,
    lengths: [AtomicU32; 2],
    places: [[AtomicU64; Keepsake::LIMIT / WORD]; 2],
}

/// Written word by word: a long draft is written at each key.
const WORD: usize = size_of::<u64>();

impl Keepsake {
    /// Bytes that fit.
    pub const LIMIT: usize = 256 << 10;

    /// Replaces the text; `false` if it does not fit, and then the text before stays.
    pub fn put(&self, text: &str) -> bool {
        if text.len() > Self::LIMIT {
            return false;
        }
        let next = usize::from(self.current.load(Ordering::Acquire) == 1);
        for (place, bytes) in self.places[next].iter().zip(text.as_bytes().chunks(WORD)) {
            let mut word = [0; WORD];
            word[..bytes.len()].copy_from_slice(bytes);
            place.store(u64::from_ne_bytes(word), Ordering::Relaxed);
        }
        self.lengths[next].store(text.len() as u32, Ordering::Relaxed);
        self.current.store(next as u32 + 1, Ordering::Release);
        true
    }

    pub fn text(&self) -> Option<String> {
        let place = match self.current.load(Ordering::Acquire) {
            current @ 1..=2 => current as usize - 1,
            _ => return None,
        };
        let length = (self.lengths[place].load(Ordering::Relaxed) as usize).min(Self::LIMIT);
        let words = self.places[place][..length.div_ceil(WORD)].iter();
        let mut bytes: Vec<u8> = words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        bytes.truncate(length);
        String::from_utf8(bytes).ok()
    }

    #[cfg(test)]
    #[allow(clippy::large_stack_arrays, reason = "512 kB are not much for a test")]
    pub const fn empty() -> Self {
        Self {
            current: AtomicU32::new(0),
            lengths: [const { AtomicU32::new(0) }; 2],
            places: [const { [const { AtomicU64::new(0) }; Self::LIMIT / WORD] }; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_text_that_was_written_whole_is_there() {
        let keepsake = Keepsake::empty();
        assert_eq!(keepsake.text(), None);
        for text in ["draft", "", "é漢", "as long as two words", &"x".repeat(Keepsake::LIMIT)] {
            assert!(keepsake.put(text));
            assert_eq!(keepsake.text().as_deref(), Some(text));
        }
        assert!(!keepsake.put(&"y".repeat(Keepsake::LIMIT + 1)));
        assert!(keepsake.text().is_some_and(|text| text.starts_with('x')));
        // Died within a write: the other place still counts.
        keepsake.put("good");
        let next = usize::from(keepsake.current.load(Ordering::Relaxed) == 1);
        keepsake.places[next][0].store(u64::MAX, Ordering::Relaxed);
        assert_eq!(keepsake.text().as_deref(), Some("good"));
        keepsake.current.store(77, Ordering::Relaxed);
        assert_eq!(keepsake.text(), None);
    }
}
