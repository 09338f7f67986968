//! The choices of a run: drawn from a seed, or taken from a list, so that a run can be repeated and shortened.

pub struct Dice {
    /// The choices so far.
    pub drawn: Vec<u32>,
    given: Option<std::vec::IntoIter<u32>>,
    state: u64,
}

impl Dice {
    pub fn of_seed(seed: u64) -> Self {
        Self { drawn: Vec::new(), given: None, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d }
    }

    /// After the list only zeros follow, which are the simplest choices.
    pub fn of_list(given: Vec<u32>) -> Self {
        Self { drawn: Vec::new(), given: Some(given.into_iter()), state: 0 }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        let number = if let Some(given) = &mut self.given {
            given.next().unwrap_or_default() % limit as u32
        } else {
            // SplitMix64, because runs of neighbouring seeds must not be alike.
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) % limit as u64) as u32
        };
        self.drawn.push(number);
        number as usize
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True one in `of` times; false for the choice 0.
    pub fn chance(&mut self, of: usize) -> bool {
        self.below(of) == of - 1
    }

    /// Draws an index into a list of weights. Index 0 is the simplest.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut number = self.below(weights.iter().sum::<usize>().max(1));
        for (place, weight) in weights.iter().enumerate() {
            if number < *weight {
                return place;
            }
            number -= weight;
        }
        0
    }
}

/// Shortens a list of choices for which `fails` holds, with at most `attempts` calls of `fails`.
pub fn shrink(mut list: Vec<u32>, mut attempts: usize, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
    let mut size = list.len() / 2;
    while size > 0 && attempts > 0 {
        let mut at = 0;
        let mut shorter = false;
        while at < list.len() && attempts > 0 {
            let end = (at + size).min(list.len());
            let without: Vec<u32> = list[..at].iter().chain(&list[end..]).copied().collect();
            let zeroed: Vec<u32> =
                list.iter().enumerate().map(|(place, n)| if (at..end).contains(&place) { 0 } else { *n }).collect();
            attempts = attempts.saturating_sub(2);
            if fails(&without) {
                (list, shorter) = (without, true);
            } else {
                if zeroed != list && fails(&zeroed) {
                    (list, shorter) = (zeroed, true);
                }
                at = end;
            }
        }
        if !shorter {
            size /= 2;
        }
    }
    list
}
