//! Rewinds: Python goes back to before a snippet, with all variables.

use std::path::Path;

use serde_json::json;

use crate::safe_points::{LOOK, STATE, Session};
use crate::support::client::Client;
use crate::support::{each_python, python, wait_until};

impl Session {
    /// Asks for a rewind. Returns the first snippet that is taken back, or the refusal.
    fn rewind(&mut self, before: Option<u64>) -> Result<u64, String> {
        let arguments = before.map_or(json!({}), |before| json!({"before": before}));
        let result = self.client.call("rewind_session", arguments);
        match result["structuredContent"]["before"].as_u64() {
            Some(before) => {
                assert_eq!(result["structuredContent"]["done"], true, "{result}");
                Ok(before)
            }
            None => Err(Client::text(&result)),
        }
    }
}

#[test]
fn all_variables_are_as_they_were_before_a_snippet() {
    each_python(|python| {
        let mut session = Session::start(python, "auto");
        // What the end of a Python would remove or write, although its copy has the same.
        let owned =
            "import tempfile, atexit; folder = tempfile.TemporaryDirectory()\natexit.register(open, 'ended', 'w')";
        session.keep(&format!("{STATE}\n{owned}")); // 1
        let mut other = Session::start(python, "off");
        other.client.run(STATE);
        let expected = other.value(LOOK);
        session.keep("items['list'].append(3); points.clear(); next(counting); open('out.csv', 'w').close()"); // 2
        session.keep("items['more'] = 5"); // 3
        assert_eq!(session.rewind(Some(2)), Ok(2)); // 4
        let run = session.client.run(LOOK); // 5
        assert_eq!((&run["result"], &run["snippet"]), (&json!(expected), &json!(5)), "{run}");
        let since = run["since_your_last_call"].to_string();
        assert!(since.contains("took Python back to before snippet 2"), "{run}");
        assert!(since.contains("not taken back: snippet 2 created out.csv"), "{run}");
        assert_eq!(session.value("import os; os.path.isdir(folder.name), os.path.exists('ended')"), "(True, False)");
        let refused = session.rewind(Some(3)).unwrap_err();
        assert!(refused.contains("Snippet 3 is taken back already."), "{refused}");
        let refused = session.rewind(Some(4)).unwrap_err();
        assert!(refused.contains("Snippet 4 is a rewind, which cannot be taken back."), "{refused}");
        // The new past is as safe as the old one.
        session.keep("later = 1");
        let told = session.dies("import os; os._exit(3)");
        assert!(told.contains("all variables are as they were after snippet"), "{told}");
        assert_eq!(session.value("later, 'more' in items"), "(1, False)");
        // The journal knows it as well.
        let history = session.client.call("session_history", json!({}))["structuredContent"]["entries"].clone();
        let is_back = |number: u32| {
            let entry = history.as_array().unwrap().iter().find(|entry| entry["snippet"] == number);
            entry.unwrap()["text"].as_str().unwrap().contains("taken back")
        };
        assert_eq!([1, 2, 3, 4, 5].map(is_back), [false, true, true, false, false], "{history}");
    });
}

#[test]
fn a_rewind_that_is_not_possible_says_which_ones_are() {
    let mut session = Session::start(&python(), "auto");
    session.keep("a = 1"); // 1
    for number in 2..=5 {
        session.keep(&format!("a = {number}"));
    }
    session.keep("a, len(str(a))"); // 6 may have changed something
    session.keep("print(a)"); // 7 only looks
    let refused = session.rewind(Some(2)).unwrap_err();
    assert!(
        refused.contains("There is no safe point right before snippet 2. Python can go back to before snippet"),
        "{refused}"
    );
    assert_eq!(session.value("a"), "5", "nothing has changed");
    assert_eq!(session.rewind(Some(5)), Ok(5));
    assert_eq!(session.value("a"), "4");
    let mut session = Session::start(&python(), "off");
    session.value("a = 1; a");
    let refused = session.rewind(None).unwrap_err();
    assert!(refused.contains("There is no safe point to go back to."), "{refused}");
}

/// Random code, deaths, rewinds and moments of rest, against a list that the test keeps itself.
fn play(python: &Path, seed: u64, rounds: u32) {
    /// A Python that was woken more often makes no more copies.
    const MAX_WAKINGS: u32 = 15;
    const DEATHS: [&str; 3] = ["os._exit(3)", "os.abort()", "os.kill(os.getpid(), 9)"];
    println!("seed {seed}, {}", python.display());
    let mut session = Session::start(python, "auto");
    let mut dice = seed;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let begin = "import os\nL = []; alias = {'same': L}";
    session.keep(begin);
    let mut list: Vec<u64> = Vec::new();
    // The list before and after each snippet, by number.
    let (mut before, mut after) = (vec![Vec::new(); 2], vec![Vec::new(); 2]);
    let mut wakings = 0;
    for round in 0..rounds {
        if wakings == MAX_WAKINGS {
            wakings = 0;
            session.client.call("reset_python_environment", json!({"mode": "restart"}));
            session.keep(begin);
            list.clear();
            before.push(Vec::new());
            after.push(Vec::new());
        }
        let number = after.len() as u64;
        before.push(list.clone());
        match roll(10) {
            0 => {
                let told = session.dies(&format!("L.clear(); {}", DEATHS[roll(3) as usize]));
                let (_, point) = told.split_once("as they were after snippet ").expect(&told);
                wakings += 1;
                let digits = point.find(|c: char| !c.is_ascii_digit()).unwrap();
                list.clone_from(&after[point[..digits].parse::<usize>().unwrap()]);
                // Nobody looks at the state after the snippet that died.
                after.push(Vec::new());
            }
            1 | 2 => {
                let wanted = (roll(3) > 0).then(|| number.saturating_sub(1 + roll(8)).max(2));
                match session.rewind(wanted) {
                    Ok(first) => {
                        wakings += 1;
                        assert!(wanted.is_none_or(|wanted| wanted == first), "round {round}");
                        list.clone_from(&before[first as usize]);
                        after.push(list.clone());
                    }
                    // Nothing was submitted.
                    Err(refused)
                        if refused.contains("safe point")
                            || refused.contains("taken back")
                            || refused.contains("has not run") =>
                    {
                        drop(before.pop());
                    }
                    Err(other) => panic!("round {round}: {other}"),
                }
            }
            3 if !list.is_empty() => {
                list.remove(0);
                session.keep("_ = L.pop(0)");
                after.push(list.clone());
            }
            kind => {
                list.push(number);
                let code = format!("L.append({number})");
                if kind < 8 {
                    session.keep(&code);
                } else {
                    drop(session.client.run(&code));
                }
                after.push(list.clone());
            }
        }
        before.push(list.clone());
        let shown = session.client.run("L, alias['same'] is L");
        assert_eq!(shown["snippet"], after.len(), "round {round}: numbers go on");
        assert_eq!(shown["result"], format!("({list:?}, True)"), "round {round}");
        after.push(list.clone());
    }
    let guardian = session.server.child.id();
    assert_eq!(session.server.terminate().code(), Some(0));
    wait_until("the end of all copies", || crate::safe_points::dormant(guardian).is_empty().then_some(()));
}

#[test]
fn what_comes_back_is_what_was_there() {
    play(&python(), 20_261_130, 40);
}

#[test]
#[ignore = "minutes"]
fn soak_what_comes_back_is_what_was_there() {
    let seed = std::env::var("FOURHANDS_REWIND_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    each_python(|python| play(python, seed, 400));
}
