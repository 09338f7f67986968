//! Errors for requests that rmcp cannot parse: the method is unknown, or its params have the wrong shape.

use rmcp::ErrorData;
use rmcp::model::ErrorCode;

pub fn error(method: &str, is_stateless: bool) -> ErrorData {
    match method {
        // Each era has its own methods.
        "initialize" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" if is_stateless => {
            not_found(method)
        }
        "subscriptions/listen" if !is_stateless => not_found(method),
        "tools/call" => ErrorData::invalid_params(
            "Invalid params for tools/call: expected an object with a string \"name\" and an object \"arguments\"",
            None,
        ),
        "initialize" => ErrorData::invalid_params(
            "Invalid params for initialize: expected protocolVersion, capabilities and clientInfo",
            None,
        ),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            ErrorData::invalid_params(format!("Invalid params for {method}: expected a string \"uri\""), None)
        }
        "prompts/get" => ErrorData::invalid_params(
            "Invalid params for prompts/get: expected a string \"name\" and an object \"arguments\" of strings",
            None,
        ),
        "completion/complete" => ErrorData::invalid_params(
            "Invalid params for completion/complete: expected \"ref\" with a \"type\" of \"ref/resource\" or \
             \"ref/prompt\", and \"argument\" with \"name\" and \"value\"",
            None,
        ),
        "logging/setLevel" => ErrorData::invalid_params(
            "Invalid params for logging/setLevel: level is one of debug, info, notice, warning, error, critical, alert, \
             emergency",
            None,
        ),
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => ErrorData::invalid_params(
            format!("Invalid params for {method}: expected no more than a string \"cursor\""),
            None,
        ),
        "subscriptions/listen" => ErrorData::invalid_params(
            "Invalid params for subscriptions/listen: expected an object \"notifications\"",
            None,
        ),
        _ => not_found(method),
    }
}

pub fn not_found(method: &str) -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("Method not found: {method}"), None)
}
