//! A client's own user is asked before a reset destroys what others made: through the bridge, and across the death of
//! the session that asks.

use crate::support::client::{Client, Era};
use crate::support::{Home, children, signal};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

fn client(home: &Home, name: &str, era: Era, capabilities: Value) -> Client {
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "test"]);
    let mut client = Client::silent(bridge, name, era);
    client.capabilities = capabilities;
    client.hello();
    client
}

/// Asks for a reset, and answers the call and the question: by its id, if it came as a request.
fn ask(client: &mut Client, era: Era, arguments: &Value) -> (u64, Value, String) {
    let call = client.send("tools/call", json!({"name": "reset_python_environment", "arguments": arguments}));
    let (id, asked) = if era == Era::Legacy {
        let asked = client.wait_for("the question", |message| message["method"] == "elicitation/create");
        (asked["id"].clone(), asked)
    } else {
        let result = client.answer(call)["result"].clone();
        assert_eq!(result["resultType"], "input_required", "{result}");
        (Value::Null, result["inputRequests"]["confirm"].clone())
    };
    (call, id, asked["params"]["message"].as_str().unwrap().to_owned())
}

/// What comes of the call once the user has said so.
fn say(client: &mut Client, era: Era, arguments: &Value, (call, id): (u64, &Value), action: &str) -> Value {
    let said = json!({"action": action});
    let call = if era == Era::Legacy {
        client.send_line(&json!({"jsonrpc": "2.0", "id": id, "result": said}).to_string());
        call
    } else {
        let params =
            json!({"name": "reset_python_environment", "arguments": arguments, "inputResponses": {"confirm": said}});
        client.send("tools/call", params)
    };
    client.answer(call)["result"].clone()
}

#[test]
fn a_user_is_asked_through_the_bridge() {
    for era in ERAS {
        let home = Home::new();
        let server = home.serve("test");
        let mut other = client(&home, "other", era, json!({}));
        let mut asker = client(&home, "asker", era, json!({"elicitation": {}}));
        other.run("import math\ndf = [1, 2]\ndef f(): pass");
        asker.run("own = 1");
        for mode in [json!({}), json!({"mode": "restart"})] {
            let (call, id, message) = ask(&mut asker, era, &mode);
            assert!(message.ends_with(" It deletes variables of others: df, f by \"other\"."), "{message}");
            let refused = say(&mut asker, era, &mode, (call, &id), "decline");
            assert_eq!(refused["isError"], true, "{refused}");
            assert!(Client::text(&refused).contains("nothing was reset"), "{refused}");
            assert_eq!(other.run("df, own")["result"], "([1, 2], 1)");
            let (call, id, _) = ask(&mut asker, era, &mode);
            let done = say(&mut asker, era, &mode, (call, &id), "accept");
            assert_eq!(done["structuredContent"]["done"], true, "{done}");
            if mode != json!({}) {
                server.wait_for_line("listening on");
            }
            assert_eq!(other.run("df")["error"]["type"], "NameError");
            // Now there is nothing to ask.
            let done = asker.call("reset_python_environment", json!({}));
            assert_eq!(done["structuredContent"]["done"], true, "{done}");
            other.run("df = [1, 2]\nf = 1");
            asker.run("own = 1");
        }
    }
}

#[test]
fn a_session_that_dies_while_it_asks_answers_once() {
    for era in ERAS {
        let home = Home::new();
        let server = home.serve("test");
        let mut other = client(&home, "other", era, json!({}));
        let mut asker = client(&home, "asker", era, json!({"elicitation": {}}));
        other.run("df = [1, 2]");
        let (call, id, _) = ask(&mut asker, era, &json!({}));
        signal(children(server.child.id())[0], Signal::SIGKILL);
        server.wait_for_line("listening on");
        if era == Era::Legacy {
            let told = asker.wait_for("the question taken back", |told| told["method"] == "notifications/cancelled");
            assert_eq!(told["params"]["requestId"], id, "{told}");
            let result = asker.answer(call)["result"].clone();
            let text = Client::text(&result);
            assert!(text.contains("SIGKILL") && text.contains("nothing is left to reset"), "{result}");
        }
        other.run("after = 1");
        // A late answer resets nothing of the next process; a call with the answer is a call to it.
        if era == Era::Legacy {
            asker.send_line(&json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept"}}).to_string());
            assert_eq!(asker.run("after")["result"], "1");
        } else {
            let done = say(&mut asker, era, &json!({}), (call, &id), "accept");
            assert_eq!(done["structuredContent"]["done"], true, "{done}");
        }
        assert_eq!(asker.run("1 + 1")["result"], "2");
    }
}
