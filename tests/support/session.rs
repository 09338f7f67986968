//! A session that a test runs code in.

use serde_json::{Value, json};

use super::client::{Client, Era};
use super::{Home, Server, each_python};

/// A session in one Python, and a client of it behind a bridge.
pub struct Session {
    pub client: Client,
    _server: Server,
    pub home: Home,
}

impl Session {
    pub fn start(python: &std::path::Path) -> Self {
        let home = Home::new();
        let server = home.serve_with("test", python);
        let mut bridge = home.fourhands();
        bridge.args(["bridge", "--session", "test"]);
        let client = Client::start(bridge, "tester", Era::Legacy);
        Self { client, _server: server, home }
    }

    pub fn run(&mut self, code: &str) -> Value {
        self.client.run(code)
    }

    /// Runs code that must end well, and answers its stdout.
    pub fn out(&mut self, code: &str) -> String {
        let run = self.run(code);
        assert_eq!(run["status"], "ok", "{code}\n{run}");
        run["stdout"].as_str().unwrap().to_owned()
    }

    /// Runs code that must end well with a value, and answers its text.
    pub fn value(&mut self, code: &str) -> String {
        let run = self.run(code);
        assert_eq!(run["status"], "ok", "{code}\n{run}");
        run["result"].as_str().unwrap_or_else(|| panic!("{code} has no value: {run}")).to_owned()
    }

    /// Runs code that must fail, and answers the error.
    pub fn error(&mut self, code: &str) -> Value {
        let run = self.run(code);
        assert_eq!((&run["status"], &run["returncode"]), (&json!("error"), &json!(1)), "{code}\n{run}");
        run["error"].clone()
    }

    /// Runs code that must fail, and answers its traceback.
    pub fn traceback(&mut self, code: &str) -> String {
        self.error(code)["traceback"].as_str().unwrap().to_owned()
    }
}

/// Does `test` in a session of each Python.
pub fn in_every_python(test: impl Fn(&mut Session) + Sync) {
    each_python(|python| {
        let mut session = Session::start(python);
        test(&mut session);
        assert_eq!(session.value("6 * 7"), "42", "the session has suffered in {}", python.display());
    });
}
