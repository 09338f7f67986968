//! Names that clients choose, honest and deceiving ones.

use super::*;
use crate::domain::ClientId;

#[test]
fn names_are_cleaned_for_the_screen() {
    assert_eq!(cleaned("claude-ai"), "claude-ai");
    assert_eq!(cleaned("\u{1b}[31mred\u{1b}[0m\r\n  x"), "red x");
    assert_eq!(cleaned("a\u{202e}b\u{200b}\u{e0041}\u{feff}\u{ad}c\u{3164}d\u{fe0f}"), "abcd");
    assert_eq!(cleaned("cl\"au\"de <b> ⟨U+0041⟩ `x`"), "claude b U+0041 x");
    assert_eq!(cleaned(&"long ".repeat(50)).chars().count(), 39);
    assert_eq!(cleaned(&"c\u{43e}".repeat(5_000)).chars().count(), MAX_SPELLED_LENGTH);
    for nothing in ["", "\u{202e}", "\n\t", "()", "...", "\u{3164}\u{115f}", "\u{2800}"] {
        assert_eq!(cleaned(nothing), NAMELESS, "{nothing:?}");
    }
    for same in ["Помощник", "助手", "ผู้ช่วย", "सहायक", "Kadıköy", "José", "Σωκράτης", "דָּוִד", "アシスタント GPT"]
    {
        assert_eq!(cleaned(same), same.nfkc().collect::<String>());
        assert_eq!(ClientNames::default().marked(&cleaned(same)), cleaned(same));
    }
}

fn shown(given: &str) -> String {
    ClientNames::default().choose(&cleaned(given), |_| false).to_string()
}

#[test]
fn a_name_that_could_be_the_person_is_marked() {
    for spoof in [
        "you",
        "You",
        "YOU",
        "yOu",
        " yo\u{200b}u ",
        "y\u{43e}u",
        "у\u{43e}u",
        "γου",
        "y0u",
        "yóu",
        "yo\u{301}u",
        "you\u{336}",
        "ｙｏｕ",
        "𝐲𝐨𝐮",
        "ⓨⓞⓤ",
        "y o u",
        "y.o.u",
        "you 2",
        "you2",
        "you1",
        "you 10",
        "𝟘you",
        "(you)",
        "claude (you)",
        "you, at the keyboard",
        "the person",
        "The Person",
        "THE  PERSON",
        "the_person",
        "the-person",
        "theperson",
        "ThePerson",
        "t h e p e r s o n",
        "the pers\u{43e}n",
        "the pеrson",
        "the\u{a0}person",
        "the\u{3164}person",
        "the person at the dashboard",
        "person",
        "Person",
        "pers0n",
        "perѕon",
        "human",
        "HUMAN",
        "hurnan",
        "the human",
        "user",
        "User 1",
        "the user",
        "\u{202e}uoy\u{202c} you",
        "y\u{e0041}ou",
        "\u{1b}[1myou\u{1b}[0m",
        "owner",
        "me",
    ] {
        let name = shown(spoof);
        assert!(name.starts_with("client \"") && name.ends_with('"'), "{spoof:?}: {name}");
        assert!(stands_for_person(unmarked(&name), &[]));
    }
    for harmless in [
        "claude-code",
        "cursor",
        "youtube-mcp",
        "Personal",
        "humanloop",
        "superuserx",
        "tester",
        "client",
        "mehr",
        "ok",
    ] {
        assert_eq!(shown(harmless), harmless);
    }
    let login = ["jane".to_owned()];
    assert!(
        ["jane", "JANE", "j a n e", "jаne", "ｊａｎｅ"].iter().all(|name| stands_for_person(&cleaned(name), &login))
    );
    assert!(!stands_for_person("janet", &login));
}

#[test]
fn a_name_that_looks_like_another_client_is_marked() {
    let mut names = ClientNames::default();
    let mut join = |given: &str| names.choose(&cleaned(given), |_| false).to_string();
    assert_eq!(join("claude-code"), "claude-code");
    assert_eq!(join("claude-code"), "claude-code", "who comes back");
    assert_eq!(join("claude-c\u{43e}de"), "claude-c⟨U+043E⟩de");
    for (given, other) in [
        ("cIaude-code", "cIaude-code"),
        ("Claude Code", "Claude Code"),
        ("claudе-соdе".trim(), ""),
        ("claude\u{2010}code", "claudecode"),
        ("c1aude-code", "c1aude-code"),
        ("clàude-code", "clàude-code"),
        ("claude-c0de", "claude-c0de"),
    ] {
        if other.is_empty() {
            assert!(join(given).contains("⟨U+0435⟩"));
        } else {
            assert_eq!(join(given), format!("client \"{other}\" (not \"claude-code\")"));
        }
    }
    assert_eq!(join("claude-code"), "claude-code", "it was here first");
    assert_eq!(join("claude-code-2"), "claude-code-2");
    assert_eq!(join("сосо"), "сосо", "a word of one alphabet");
    assert_eq!(join("coco"), "client \"coco\" (not \"сосо\")");
}

#[test]
fn marked_names_are_compared_without_their_marks() {
    let mut names = ClientNames::default();
    let first = names.choose("the person", |_| false);
    let second = names.choose("the person", |name| name == unmarked(&first));
    assert_eq!((&*first, &*second), ("client \"the person\"", "client \"the person 2\""));
    assert_eq!(unmarked("client \"a\" (not \"b\")"), "a");
    assert_eq!(unmarked("client"), "client");

    let mut transcript = Transcript::default();
    let author = Author::Client { id: ClientId(1), name: "claude-code".into() };
    let snippet = crate::domain::SnippetId(1);
    transcript.apply(&crate::domain::Event::Submitted { snippet, author, code: "1".into(), call: None, at: 0 });
    let mut later = ClientNames::of(&transcript, &[]);
    assert_eq!(&*later.choose("cIaude-code", |_| false), "client \"cIaude-code\" (not \"claude-code\")");
}
