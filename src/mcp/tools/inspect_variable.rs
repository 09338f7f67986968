//! The tool `inspect_variable`: type, size and content of one value.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{Aspect, InspectRequest};
use crate::mcp::calls::arguments::optional_integer;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints};
use crate::mcp::errors::{CallError, inspection_with_code, private_variable, refused};
use crate::mcp::results::inspection;
use crate::mcp::results::inspection::InspectReport;
use crate::session::{CommandError, as_python_reads};

/// How long a call waits until Python is free.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

pub struct InspectVariable;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectArguments {
    /// A variable, or a path of attributes and literal indices from one: `df`, `df["price"]`, `model.layers[0]`,
    /// `numpy.linalg.svd`.
    pub name: String,
    /// The view to return (default "overview"). The result lists the other views that the value has.
    pub what: Option<What>,
    /// Page of the text or table, from 1.
    #[serde(default, deserialize_with = "optional_integer")]
    #[schemars(extend("minimum" = 1))]
    pub page: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum What {
    Overview,
    Columns,
    Rows,
    Stats,
    Items,
    Attributes,
    Repr,
    Doc,
    Source,
}

impl From<What> for Aspect {
    fn from(what: What) -> Self {
        match what {
            What::Overview => Self::Overview,
            What::Columns => Self::Columns,
            What::Rows => Self::Rows,
            What::Stats => Self::Stats,
            What::Items => Self::Items,
            What::Attributes => Self::Attributes,
            What::Repr => Self::Repr,
            What::Doc => Self::Doc,
            What::Source => Self::Source,
        }
    }
}

impl Tool for InspectVariable {
    const NAME: &'static str = "inspect_variable";
    const TITLE: &'static str = "Inspect a variable";
    const DESCRIPTION: &'static str = "Shows one value of the shared session: type, size, documentation, signature \
        and, depending on the type, the columns of a DataFrame (dtypes, nulls, unique values, range) and its first \
        rows, statistics of an array, items of a container, attributes of an object, or the source of a function or \
        class. Pages through large values without copying them. Changes nothing by itself; user code runs only for \
        \"repr\" and for properties and items in the path, for at most 5 s, and not while the gate keeps your code back. While a snippet runs, the call waits up to 2 s \
        for it to end.";
    const EFFECT: CallEffect = CallEffect::Reads;
    const HINTS: ToolHints = ToolHints::READS;

    type Arguments = InspectArguments;
    type Output = InspectReport;

    async fn call(call: &ToolCall<'_>, arguments: InspectArguments) -> ToolOutcome {
        let InspectArguments { name, what, page } = arguments;
        let aspect = what.map(Into::into).unwrap_or_default();
        let page = page.unwrap_or(1);
        if page == 0 {
            return refused("Error: page must be 1 or more.");
        }
        if call.session.gate().private.hides_path(&as_python_reads(&name)) {
            return refused(private_variable(&name));
        }
        let request = InspectRequest { path: name.clone(), aspect, page: page - 1, ..InspectRequest::default() };
        if request.may_run_code() && call.session.gate().keeps_back(&call.author) {
            return refused(inspection_with_code(&name));
        }
        match call.session.inspect(request, BUSY_TIMEOUT).await {
            Ok(inspection) => {
                let report = InspectReport::new(*inspection);
                Ok(call.respond(report.text(), &report))
            }
            Err(CommandError::Closed(closed)) => Err(CallError::not_received(closed)),
            Err(CommandError::Refused(error)) => refused(inspection::error(&name, aspect, error)),
        }
    }
}
