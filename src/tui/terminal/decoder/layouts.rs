//! Latin keys at the places of letters of other scripts, for shortcuts. The kitty keyboard protocol tells the key
//! itself; this table is for terminals that tell the letter only. Letters that layouts put at different keys are not in
//! it.

/// Letters in the order of the keys, and the Latin ones at the same places.
const LAYOUTS: [(&str, &str); 4] = [
    // Russian; Belarusian and Ukrainian have most letters at the same places.
    ("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,."),
    ("їієґў", "]s'\\o"),
    // Greek.
    ("ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"),
    // Hebrew.
    ("קראטוןםפשדגכעיחלךזסבהנמצתץ", "ertyuiopasdfghjklzxcvbnm,."),
];

/// Returns the Latin key of a letter.
pub fn latin_key(letter: char) -> Option<char> {
    let letter = letter.to_lowercase().next()?;
    LAYOUTS.iter().find_map(|(letters, keys)| {
        let place = letters.chars().position(|known| known == letter)?;
        keys.chars().nth(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_for_the_keys_at_their_places() {
        for (letters, keys) in LAYOUTS {
            assert_eq!(letters.chars().count(), keys.chars().count(), "{letters}");
        }
        assert_eq!(
            ['с', 'С', 'к', 'ψ', 'ב', 'x', 'é'].map(latin_key),
            [Some('c'), Some('c'), Some('r'), Some('c'), Some('c'), None, None]
        );
    }
}
