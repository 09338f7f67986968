//! The pages for people agree with the program: the table of keys, the example of the settings.

use crate::tui::input::keymap::{Action, Context, Keymap};
use crate::tui::settings::parse;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/docs/keys.md");
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/docs/settings.md");
const BEGIN: &str = "<!-- keys: made by `UPDATE_README=1 cargo test readme` -->\n";
const END: &str = "<!-- end of keys -->";

fn table() -> String {
    let keymap = Keymap::default();
    let mut table = String::from("| Key | What it does | Name |\n| --- | --- | --- |\n");
    for context in Context::ALL {
        table.push_str(&format!("| **{}** | | `[keys.{}]` |\n", context.title(), context.name()));
        for (keys, help, actions) in keymap.lines(context) {
            let names: Vec<_> = actions.iter().map(|action| format!("`{}`", action.row().name)).collect();
            table.push_str(&format!("| {} | {help} | {} |\n", keys.replace('|', "\\|"), names.join(", ")));
        }
    }
    table
}

#[test]
fn the_page_has_the_table_of_keys() {
    let page = std::fs::read_to_string(KEYS).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the marker before the table of keys");
    let (shown, after) = rest.split_once(END).expect("the marker behind the table of keys");
    let table = format!("\n{}\n", table());
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(KEYS, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert!(shown == table, "the table of keys is old: UPDATE_README=1 cargo test readme renews it");
    }
}

/// The example of the settings is valid.
#[test]
fn the_page_has_an_example_of_the_settings() {
    let page = std::fs::read_to_string(SETTINGS).unwrap();
    let example = page.split("```toml\n# ~/.config/fourhands/config.toml\n").nth(1).expect("the example");
    let (settings, problems) = parse(example.split("```").next().unwrap());
    assert_eq!(problems, []);
    assert!(settings.vi && settings.keys.key_hint(Action::Output) == "Ctrl-O");
}
