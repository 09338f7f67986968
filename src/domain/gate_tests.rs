//! Tests of the gate.

use super::*;
use crate::domain::ClientId;

fn client(name: &str) -> Author {
    Author::Client { id: ClientId(1), name: name.into() }
}

#[test]
fn a_second_connection_of_a_client_is_no_way_around_a_decision() {
    let mut gate = Gate::new(GateMode::Watch);
    gate.clients.insert("solo".into(), GateMode::Hold);
    gate.away.insert("gone".into());
    assert_eq!(gate.mode_of(&client("solo 2")), GateMode::Hold);
    assert!(gate.is_away(&client("gone 2")) && !gate.is_away(&client("gone on")));
    gate.clients.insert("solo 2".into(), GateMode::Watch);
    assert_eq!(gate.mode_of(&client("solo 2")), GateMode::Watch, "its own mode goes first");
    let mut gate = Gate::new(GateMode::Ask);
    gate.clients.insert("free".into(), GateMode::Watch);
    assert_eq!(gate.mode_of(&client("free 2")), GateMode::Ask, "freedom is not inherited");
}

#[test]
fn a_client_has_the_mode_of_all_until_it_gets_its_own() {
    let mut gate = Gate::new(GateMode::Ask);
    assert_eq!(gate.mode_of(&client("claude")), GateMode::Ask);
    assert_eq!(gate.mode_of(&Author::You), GateMode::Watch, "the person is never asked about their own code");
    gate.change(GateChange::Client("claude".into(), Some(GateMode::Watch)));
    assert_eq!(gate.mode_of(&client("claude")), GateMode::Watch);
    assert_eq!(gate.mode_of(&client("claude 2")), GateMode::Ask);
    assert_eq!(gate.label(), "ask, claude: watch");
    gate.change(GateChange::Client("claude".into(), None));
    assert_eq!(gate.label(), "ask");
    gate.change(GateChange::Client("claude".into(), Some(GateMode::Watch)));
    gate.change(GateChange::All(GateMode::Hold));
    assert_eq!(gate.mode_of(&client("claude")), GateMode::Hold, "all are all");
}

#[test]
fn taking_over_stops_clients_and_keeps_the_modes() {
    let (mut gate, claude) = (Gate::new(GateMode::Ask), client("claude"));
    gate.change(GateChange::TakeOver);
    gate.takeover.as_mut().unwrap().note = Some("wait".into());
    gate.change(GateChange::TakeOver);
    assert_eq!(gate.modes().takeover.unwrap().note.as_deref(), Some("wait"), "taking over again changes nothing");
    assert!(gate.stops(&claude) && !gate.stops(&Author::You) && !gate.is_closed_to(&Author::You));
    gate.change(GateChange::All(GateMode::Watch));
    assert!(gate.is_closed_to(&claude), "another mode gives nothing back");
    gate.change(GateChange::GiveBack);
    assert_eq!((gate.stops(&claude), gate.mode_of(&claude)), (false, GateMode::Watch));
}

#[test]
fn a_client_is_muted_and_sent_away_by_its_name() {
    let (mut gate, claude) = (Gate::default(), client("claude"));
    let before = gate.clone();
    gate.change(GateChange::Mute("claude".into()));
    assert!(gate.is_muted(&claude) && !gate.is_muted(&Author::You) && !gate.is_away(&claude));
    assert_eq!(gate.change_from(&before), "claude is muted");
    let before = gate.clone();
    gate.change(GateChange::SendAway("claude".into()));
    assert!(gate.is_away(&claude) && !gate.is_away(&client("cursor")));
    assert_eq!(gate.change_from(&before), "claude is disconnected: its calls are refused");
    assert_eq!(gate.modes(), gate, "the process that follows refuses it too");
    let before = gate.clone();
    gate.change(GateChange::LetIn("claude".into()));
    assert_eq!(gate.change_from(&before), "claude is let in again");
}

#[test]
fn a_lock_is_about_code_of_clients_that_rebinds_the_name() {
    let (mut gate, claude) = (Gate::default(), client("claude"));
    gate.change(GateChange::Lock("df".into()));
    for code in ["df = 1", "del df", "import numpy as df", "for df in []: pass", "def df(): pass", "x = df = 2"] {
        assert_eq!(gate.locked_in(&claude, code, str::to_owned), ["df"], "{code}");
        assert!(gate.locked_in(&Author::You, code, str::to_owned).is_empty());
    }
    let many: Vec<String> = (0..100).map(|n| format!("x{n} = 1")).collect();
    let code = many.join("\n") + "\ndf = 1";
    assert_eq!(gate.locked_in(&claude, &code, str::to_owned), ["df"], "however much else it binds");
    for code in ["df.head()", "df['x'] = 1", "dfs = 1", "def f():\n    df = 1", "x.df = 1", "f(df=1)"] {
        assert!(gate.locked_in(&claude, code, str::to_owned).is_empty(), "{code}");
    }
    gate.allow("df = 1".into());
    assert!(gate.locked_in(&claude, "df = 1", str::to_owned).is_empty());
    assert!(!gate.modes().locked.is_empty());
}

#[test]
fn allowed_code_is_that_code_and_no_other() {
    let mut gate = Gate::new(GateMode::Ask);
    gate.allow("df.head()".into());
    assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Watch);
    for other in ["df.head() ", "df.head()\nx", "df.head", ""] {
        assert_eq!(gate.mode_for(&client("claude"), other), GateMode::Ask, "{other:?}");
    }
    gate.change(GateChange::All(GateMode::Hold));
    assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Hold);
    gate.change(GateChange::All(GateMode::Ask));
    let long: Arc<str> = "x".repeat(MAX_ALLOWED_BYTES).into();
    gate.allow(long.clone());
    assert_eq!(gate.mode_for(&client("claude"), &long), GateMode::Watch);
    assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Ask, "memory is bounded");
}

#[test]
fn what_is_always_allowed_is_told_and_taken_back() {
    let mut gate = Gate::new(GateMode::Ask);
    gate.always_allow("claude".into(), RiskKind::Delete);
    gate.allow("import os\nos.listdir()".into());
    gate.allow("df.head()".into());
    let always = gate.always();
    let phrases: Vec<&str> = always.iter().map(|(phrase, _)| phrase.as_str()).collect();
    let expected =
        ["claude may always delete files", "this may always run: df.head()", "this may always run: import os …"];
    assert_eq!(phrases, expected);
    let before = gate.clone();
    gate.change(always[0].1.clone());
    assert!(!gate.always_allows(&client("claude"), RiskKind::Delete));
    assert_eq!(gate.change_from(&before), "you are asked again; no longer: claude may always delete files");
    gate.change(always[1].1.clone());
    assert_eq!(gate.mode_for(&client("claude"), "df.head()"), GateMode::Ask);
    assert_eq!(gate.always().len(), 1);
    gate.change(GateChange::AskAgain);
    assert!(gate.always().is_empty());
}
