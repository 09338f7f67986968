//! Random numbers for tests, the same in every run.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Yields `count` generators, or `FOURHANDS_FUZZ` times as many with other numbers.
    pub fn rounds(seed: u64, count: u64) -> impl Iterator<Item = Self> {
        let times = std::env::var("FOURHANDS_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
        (0..count * times).map(move |round| Self::new(seed.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Returns at most `max` pieces, joined.
    pub fn text(&mut self, pieces: &[&str], max: usize) -> String {
        (0..self.below(max + 1)).map(|_| self.one(pieces)).collect()
    }

    /// Flips bits, removes pieces and doubles others.
    pub fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(5) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            let end = (at + self.below(30)).min(bytes.len());
            match self.below(4) {
                0 => bytes[at] = self.below(256) as u8,
                1 => drop(bytes.drain(at..end)),
                2 => bytes.insert(at, b"{}[]\",:\\\xff0"[self.below(10)]),
                _ => bytes.extend_from_within(at..end),
            }
        }
    }
}
