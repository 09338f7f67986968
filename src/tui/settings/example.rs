//! An example `config.toml`.

use crate::tui::input::keymap::{ACTIONS, Context};

/// All settings except the keys, with their defaults.
pub const EXAMPLE: &str = "\
# mouse = true          # false leaves it to the terminal, to select text

[editor]
# vi = false            # vi's keys in the input

[terminal]
# title = true          # what runs, and who asks, in the title of the window
# progress = true       # the same in its tab, where the terminal shows it
# notices = true        # one when a long run ends, or somebody asks, while you look elsewhere
# figures = \"auto\"      # auto, blocks, kitty, sixel, iterm2, off

[session]
# keep_processes = false  # true: what snippets start outlives Python's restart and end
# safe_points = \"off\"      # auto: copies of an idle Python, for crashes and %rewind

[gate]
# mode = \"watch\"        # watch, ask-at-risk, ask, hold: when the code of AI clients waits
# unattended = \"wait\"   # wait, allow, deny: what to do with such code without a dashboard
# What ask-at-risk asks about; the first rule that fits decides, then the defaults.
# rules = [{ event = \"delete\", target = \"build/*\", answer = \"allow\" }]

[bridge]
# What a session that `bridge --serve` holds gets of its first client's environment
# beside the usual: names such as \"OPENAI_API_KEY\" or \"AWS_*\", or \"all\".
# keep_env = []

[journal]
# max = \"1GB\"           # what all recorded sessions may take; 0 records nothing
# days = 90             # sessions unused for so many days are let go

[theme]
# name = \"auto\"         # auto, dark, light, mono
# Colours of your own, by role: focus, you, client and client-2 to client-6 (each client
# has its own), ok, running, error, stderr, notice, touched, keyword, builtin, definition,
# string, number, comment, dim.
# A name (red, bright-red, …), a number from 0 to 255, or \"#rrggbb\".
# error = \"#ff5555\"

# Keys: \"key\" = \"action\"; \"none\" unbinds. In [keys] a key holds wherever its action
# has a place, in [keys.output] and the like only there.
";

/// All keys with their defaults, commented out.
pub fn all_keys() -> String {
    let mut text = String::new();
    for context in Context::ALL {
        text.push_str(&format!("\n[keys.{}]\n", context.name()));
        for row in ACTIONS {
            for binding in row.bindings.iter().filter(|binding| binding.context == context) {
                for key in binding.keys.split_whitespace() {
                    let quoted = if is_bare(key) { key.to_owned() } else { format!("'{key}'") };
                    text.push_str(&format!("# {quoted} = \"{}\"\n", row.name));
                }
                if binding.keys.is_empty() {
                    text.push_str(&format!("# \"…\" = \"{}\"\n", row.name));
                }
            }
        }
    }
    text
}

fn is_bare(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::keymap::Keymap;
    use crate::tui::settings::parse;

    /// With all its comments removed, the example equals the defaults.
    #[test]
    fn the_example_holds_and_changes_nothing() {
        let text = format!("{EXAMPLE}{}", all_keys());
        assert_eq!(parse(&text).1, []);
        let is_setting = |rest: &&str| rest.contains(" = ") && !rest.contains('…') && !rest.starts_with("Keys");
        let open = |line| str::strip_prefix(line, "# ").filter(is_setting).unwrap_or(line);
        let open: Vec<&str> = text.lines().map(open).collect();
        let (settings, problems) = parse(&open.join("\n"));
        assert_eq!(problems, []);
        let keymap = Keymap::default();
        for context in Context::ALL {
            for row in ACTIONS {
                let mut before: Vec<_> = keymap.chords(context, row.action).map(|chord| chord.to_string()).collect();
                let mut after: Vec<_> =
                    settings.keys.chords(context, row.action).map(|chord| chord.to_string()).collect();
                before.sort();
                after.sort();
                assert_eq!(before, after, "{} in {context:?}", row.name);
            }
        }
    }
}
