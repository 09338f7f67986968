//! The effects of snippets as phrases for a model.

use super::truncate::one_line;
use crate::domain::SideEffects;

/// Characters of a phrase.
const MAX_PHRASE: usize = 400;

/// Returns the effects of a snippet as phrases for a model.
pub fn effect_phrases(effects: &SideEffects) -> Vec<String> {
    effects.phrases().iter().map(|phrase| one_line(phrase, MAX_PHRASE)).collect()
}
