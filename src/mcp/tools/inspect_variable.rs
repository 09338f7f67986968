//! The tool `inspect_variable`: type, size and content of one value.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::{Aspect, InspectRequest};
use crate::mcp::calls::arguments::optional_integer;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::tool::{CallEffect, Hints, Tool};
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::inspection;
use crate::mcp::results::inspection::InspectReport;
use crate::session::CommandError;

/// How long a call waits until Python is free.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

pub struct InspectVariable;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectArguments {
    /// A name, or attributes and literal indices from one: `df`, `df["price"]`, `model.layers[0]`, `numpy.linalg.svd`.
    pub name: String,
    /// What to look at; "overview" unless given. Which of the others a value has is told in the answer.
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
    const DESCRIPTION: &'static str = "Looks into one value of the shared session: type, size, documentation, signature, \
        and by what it is: the columns of a DataFrame with dtypes, nulls, unique values and range, and its first rows; \
        statistics of an array; items of a container; attributes of an object; source of a function or class. Pages \
        through large values without copying them. Leaves no trace in the session; code of the user runs only for \
        \"repr\" and properties in the path, for 5 s at most. While a snippet runs, it waits 2 s for its end.";
    const EFFECT: CallEffect = CallEffect::Reads;
    const HINTS: Hints = Hints::READS;

    type Arguments = InspectArguments;
    type Output = InspectReport;

    async fn call(call: &ToolCall<'_>, arguments: InspectArguments) -> ToolOutcome {
        let InspectArguments { name, what, page } = arguments;
        let aspect = what.map(Into::into).unwrap_or_default();
        let page = page.unwrap_or(1);
        if page == 0 {
            return refused("Error: pages count from 1.");
        }
        let request = InspectRequest { path: name.clone(), aspect, page: page - 1 };
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
