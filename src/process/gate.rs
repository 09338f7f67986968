//! The gate over the processes of a session: where a process has it from, and how the process that follows gets it.

use std::sync::Arc;

use super::link::LinkWriter;
use crate::domain::{Event, Gate, GateMode, Transcript};
use crate::launch::boot::ToGuardian;
use crate::session::EventSink;

/// The gate that a process begins with: `given` by the guardian, else as it is in the transcript, else the `default` of
/// the settings. `None` if none of these says anything.
pub fn first(given: Option<Gate>, transcript: &Transcript, default: GateMode) -> Option<Gate> {
    let known = transcript.known_gate().map(|gate| Gate::clone(gate));
    match (given, known) {
        // Code that is always allowed is only in the transcript.
        (Some(given), Some(known)) => Some(given.allowing_as(&known)),
        (given, known) => given.or(known).or((default != GateMode::Watch).then(|| Gate::new(default))),
    }
}

/// A sink that also reports each change of the gate to the guardian, before anybody else hears of the change.
pub struct GateReporter<S> {
    pub sink: S,
    pub link: LinkWriter,
}

impl<S> GateReporter<S> {
    fn report(&self, event: &Event) {
        if let Event::GateChanged { gate, .. } = event {
            self.link.send(&ToGuardian::Gate(gate.modes()));
        }
    }
}

impl<S: EventSink> EventSink for GateReporter<S> {
    fn event(&mut self, event: &Event) {
        self.sink.event(event);
        self.report(event);
    }

    fn events(&mut self, events: &[Arc<Event>]) {
        self.sink.events(events);
        for event in events {
            self.report(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, ClientId, GateChange};

    #[test]
    fn it_survives_as_text() {
        let mut gate = Gate::new(GateMode::Hold);
        gate.change(GateChange::Client("claude".into(), Some(GateMode::Ask)));
        gate.allow("1".into());
        let text = serde_json::to_string(&gate).unwrap();
        assert_eq!(serde_json::from_str::<Gate>(&text).unwrap(), gate);
        assert_eq!(serde_json::from_str::<Gate>("{\"mode\": \"ask\"}").unwrap(), Gate::new(GateMode::Ask));
        assert!(Gate::default().is_open() && !gate.is_open());
    }

    #[test]
    fn the_gate_holds_on_and_allowed_code_too() {
        let mut transcript = Transcript::default();
        assert_eq!(first(None, &transcript, GateMode::Watch), None);
        assert_eq!(first(None, &transcript, GateMode::Hold), Some(Gate::new(GateMode::Hold)));
        let mut gate = Gate::new(GateMode::Ask);
        gate.allow("1".into());
        transcript.apply(&Event::GateChanged { gate: Arc::new(gate.clone()), at: 1 });
        assert_eq!(first(None, &transcript, GateMode::Watch), Some(gate), "as it was");
        let given = first(Some(Gate::new(GateMode::Hold)), &transcript, GateMode::Watch).unwrap();
        assert_eq!(given.mode, GateMode::Hold);
        let mut given = given;
        given.mode = GateMode::Ask;
        let client = Author::Client { id: ClientId(1), name: "claude".into() };
        assert_eq!(given.mode_for(&client, "1"), GateMode::Watch, "what is always allowed stays so");
    }
}
