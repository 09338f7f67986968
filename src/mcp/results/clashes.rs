//! Names of other authors that a snippet has rebound, changed or deleted, as phrases for models.

use super::truncate::one_line;
use crate::domain::{Author, VariableChanges};

/// Characters of a phrase, and phrases.
const MAX_PHRASE: usize = 300;
const MAX_PHRASES: usize = 8;

/// Such as `rebound df (set by the person)`, for the author of the snippet.
pub fn clash_phrases(changes: &VariableChanges) -> Vec<String> {
    let phrases = changes.clash_phrases().into_iter().take(MAX_PHRASES);
    phrases
        .map(|(owner, phrase)| format!("{} (set by {})", one_line(&phrase, MAX_PHRASE), owner.label_for_models()))
        .collect()
}

/// Such as `rebound df, deleted x`: what became of the names of `owner`; empty if nothing did.
pub fn taken_from(owner: &Author, changes: &VariableChanges) -> String {
    let of_owner = |(author, _): &(&Author, String)| author.is_same(owner);
    let phrases: Vec<String> = changes.clash_phrases().into_iter().filter(of_owner).map(|(_, phrase)| phrase).collect();
    one_line(&phrases.join(", "), MAX_PHRASE)
}
