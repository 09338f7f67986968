//! A short text in shared memory that outlives the process. The dashboard keeps its state in it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Two slots written in turns, so that a process that dies while it writes leaves the previous text intact.
///
/// User code can write to this memory, so readers trust nothing in it.
#[repr(C)]
#[derive(Debug)]
pub struct CrashStore {
    /// The slot with the text, counted from 1; 0 for none.
    current: AtomicU32,
    lengths: [AtomicU32; 2],
    slots: [[AtomicU64; CrashStore::CAPACITY / WORD]; 2],
}

/// Bytes stored at once. A long draft is saved at each key, so single bytes would be slow.
const WORD: usize = size_of::<u64>();

impl CrashStore {
    /// The longest text, in bytes.
    pub const CAPACITY: usize = 256 << 10;

    /// Replaces the text. Returns `false` and keeps the previous text if the new one does not fit.
    pub fn save(&self, text: &str) -> bool {
        if text.len() > Self::CAPACITY {
            return false;
        }
        let next = usize::from(self.current.load(Ordering::Acquire) == 1);
        for (cell, bytes) in self.slots[next].iter().zip(text.as_bytes().chunks(WORD)) {
            let mut word = [0; WORD];
            word[..bytes.len()].copy_from_slice(bytes);
            cell.store(u64::from_ne_bytes(word), Ordering::Relaxed);
        }
        self.lengths[next].store(text.len() as u32, Ordering::Relaxed);
        self.current.store(next as u32 + 1, Ordering::Release);
        true
    }

    pub fn text(&self) -> Option<String> {
        let slot = match self.current.load(Ordering::Acquire) {
            current @ 1..=2 => current as usize - 1,
            _ => return None,
        };
        let length = (self.lengths[slot].load(Ordering::Relaxed) as usize).min(Self::CAPACITY);
        let words = self.slots[slot][..length.div_ceil(WORD)].iter();
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
            slots: [const { [const { AtomicU64::new(0) }; Self::CAPACITY / WORD] }; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_complete_text_survives() {
        let store = CrashStore::empty();
        assert_eq!(store.text(), None);
        for text in ["draft", "", "é漢", "as long as two words", &"x".repeat(CrashStore::CAPACITY)] {
            assert!(store.save(text));
            assert_eq!(store.text().as_deref(), Some(text));
        }
        assert!(!store.save(&"y".repeat(CrashStore::CAPACITY + 1)));
        assert!(store.text().is_some_and(|text| text.starts_with('x')));
        // As if the process died while it wrote: the other slot still holds its text.
        store.save("good");
        let next = usize::from(store.current.load(Ordering::Relaxed) == 1);
        store.slots[next][0].store(u64::MAX, Ordering::Relaxed);
        assert_eq!(store.text().as_deref(), Some("good"));
        store.current.store(77, Ordering::Relaxed);
        assert_eq!(store.text(), None);
    }
}
