//! The piece: data, code, the question, and what each answer changes.

pub const FILE: &str = "ice_cream.csv";
pub const DATA: &str = include_str!("piece/ice_cream.csv");

/// A snippet of the piece.
#[derive(Clone, Copy, Debug)]
pub struct ScriptStep {
    pub title: &'static str,
    pub code: &'static str,
    /// The ends after which the piece can go on.
    pub ends: &'static [&'static str],
}

const WELL: &[&str] = &["ok"];

pub const OPENING: &[ScriptStep] = &[
    ScriptStep { title: "Load a month of an ice cream stand", code: include_str!("piece/load.py"), ends: WELL },
    ScriptStep { title: "How many scoops in all?", code: include_str!("piece/count.py"), ends: &["error"] },
    ScriptStep { title: "That failed: find what is no number", code: include_str!("piece/look.py"), ends: WELL },
    ScriptStep { title: "Leave that day out, and count again", code: include_str!("piece/mend.py"), ends: WELL },
    ScriptStep {
        title: "Does heat sell ice? One day does not fit",
        code: include_str!("piece/correlate.py"),
        ends: WELL,
    },
];

pub const QUESTION: &str = "On 19 July it was 33 degrees, and only 12 scoops were sold. What shall I do with that day?";
pub const CHOICES: &[&str] = &["Leave it out", "Keep it"];

/// The person's answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    LeaveOut,
    Keep,
    Words,
    Nobody,
}

pub fn after(answer: Answer) -> ScriptStep {
    let (title, code) = match answer {
        Answer::LeaveOut => ("Leave out 19 July", include_str!("piece/leave_out.py")),
        Answer::Keep => ("Keep 19 July", include_str!("piece/keep.py")),
        Answer::Words => ("Keep 19 July", include_str!("piece/words.py")),
        Answer::Nobody => ("Keep 19 July", include_str!("piece/nobody.py")),
    };
    ScriptStep { title, code, ends: WELL }
}

pub const SEARCH: ScriptStep =
    ScriptStep { title: "Can this Python plot?", code: include_str!("piece/search.py"), ends: WELL };
pub const FIGURE: ScriptStep = ScriptStep { title: "Plot it", code: include_str!("piece/figure.py"), ends: WELL };
pub const TEXT_CHART: ScriptStep = ScriptStep {
    title: "No matplotlib here, so a chart of text",
    code: include_str!("piece/text_chart.py"),
    ends: WELL,
};
pub const SLOW: ScriptStep = ScriptStep {
    title: "How sure is that? Slow on purpose: Ctrl-C stops it",
    code: include_str!("piece/slow.py"),
    ends: &["ok", "interrupted"],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    /// The person rejected or interrupted code, or changed what later code needs.
    Disturbed,
}

/// A snippet of comments that say how things go on.
pub fn closing(ending: Ending) -> String {
    let first = match ending {
        Ending::Whole => "That was the piece.",
        Ending::Disturbed => "The piece ends here, because its last snippet did not end as written.",
    };
    format!(
        "# {first} The names are yours now: go on typing below.\n\
         # Ctrl-D ends the demo. Its session and its files are then deleted.\n\
         # `fourhands setup` connects an AI client of your own."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_of_this_piece() {
        let recording = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.svg")).unwrap();
        for step in OPENING.iter().chain([&after(Answer::LeaveOut), &FIGURE, &SLOW]) {
            assert!(recording.contains(step.title), "{}: record the demo again", step.title);
        }
        // It is loaded with the page.
        assert!(recording.len() < 600 << 10, "{} bytes", recording.len());
    }
}
