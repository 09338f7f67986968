//! The tool `ask_human`: puts a question to the person.

use std::pin::pin;
use std::sync::Arc;

use rmcp::model::{CallToolResponse, JsonObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::PERSON;
use crate::domain::terminal_text::plain;
use crate::mcp::calls::arguments;
use crate::mcp::calls::context::{ToolCall, ToolOutcome};
use crate::mcp::calls::lost_call::{LostCall, LostCallTexts};
use crate::mcp::calls::progress::CallProgress;
use crate::mcp::calls::tool::{CallEffect, Tool, ToolHints, repeat};
use crate::mcp::errors::{CallError, refused};
use crate::mcp::results::truncate::one_line;
use crate::session::{CommandError, InquiryRefused};

/// Characters of a question and of a choice.
const MAX_QUESTION: usize = 1_000;
const MAX_CHOICE: usize = 200;
/// The person takes a choice by one digit.
const MAX_CHOICES: usize = 9;

pub struct AskHuman;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskArguments {
    /// The question, short and self-contained: the person may not have followed the chat.
    pub question: String,
    /// Up to 9 answers to choose from by number. The person may also type another answer.
    pub choices: Option<Vec<String>>,
    /// Seconds to wait for the answer (default 45). After that the question is withdrawn.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct AskResult {
    pub answered: bool,
    /// The person's words, or the choice they picked; null without an answer.
    pub answer: Option<String>,
    /// Number of the choice (from 1), if the answer is one of the choices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<usize>,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub message: String,
}

impl Tool for AskHuman {
    const NAME: &'static str = "ask_human";
    const TITLE: &'static str = "Ask the person";
    const DESCRIPTION: &'static str = "Asks the person who shares this session a question in their dashboard and waits \
        for the answer. Use it for what only the person can know or decide: which data to use, whether to overwrite a \
        file, which approach to take. The person may be away or busy: continue without an answer where that is safe. \
        Do not use it for reports; put those in your reply.";
    const EFFECT: CallEffect = CallEffect::Changes;
    const HINTS: ToolHints = ToolHints { destructive: false, idempotent: false, open_world: true };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "The person was not asked.",
        unknown: "It is unknown whether the person was asked.",
        ..LostCallTexts::CHANGES
    };

    type Arguments = AskArguments;
    type Output = AskResult;

    async fn call(call: &ToolCall<'_>, arguments: AskArguments) -> ToolOutcome {
        let AskArguments { question, choices, wait_s } = arguments;
        let wait = arguments::wait(wait_s)?;
        let question = plain(question.trim()).into_owned();
        let choices = choices.unwrap_or_default();
        let choices: Vec<Arc<str>> =
            choices.iter().map(|choice| one_line(plain(choice).trim(), MAX_CHOICE).into()).collect();
        if question.is_empty() || choices.iter().any(|choice| choice.is_empty()) {
            return refused("Error: neither the question nor a choice may be empty. Nothing was asked.");
        }
        if question.chars().count() > MAX_QUESTION || choices.len() > MAX_CHOICES {
            return refused(format!(
                "Error: a question may have at most {MAX_QUESTION} characters and {MAX_CHOICES} choices. Nothing was \
                 asked."
            ));
        }
        let asking = call.session.inquire(call.author.clone(), question.into(), choices.clone()).await;
        let mut asking = match asking {
            Ok(asking) => asking,
            Err(CommandError::Closed(closed)) => return Err(CallError::not_received(closed)),
            Err(CommandError::Refused(InquiryRefused::NoDashboard)) => {
                let text = format!(
                    "Nobody can answer: this session has no dashboard. Decide yourself where that is safe, or ask in \
                     your reply. The person can open a dashboard with `fourhands --session {}`.",
                    call.session.info().name
                );
                return Ok(unanswered(call, &text));
            }
            Err(CommandError::Refused(InquiryRefused::TooMany)) => {
                return refused("Error: too many questions are already waiting for the person. Nothing was asked.");
            }
        };
        let mut time_over = pin!(tokio::time::sleep(wait));
        let mut progress = CallProgress::of(call);
        loop {
            tokio::select! {
                biased;
                answer = asking.answer() => {
                    return Ok(match answer.map_err(CallError::maybe_received)? {
                        Some(answer) => answered(call, &answer, &choices),
                        None => unanswered(call, "The person declined to answer. Continue without an answer, or ask in your reply."),
                    });
                }
                () = call.client.gone.cancelled() => return Err(CallError::Disconnected(String::new())),
                () = call.context.ct.cancelled() => return Err(CallError::Cancelled),
                () = &mut time_over => {
                    let seconds = wait.as_secs_f64();
                    return Ok(unanswered(call, &format!(
                        "The person did not answer within {seconds} s and may be away. The question was withdrawn. \
                         Continue without an answer where that is safe, or ask again later."
                    )));
                }
                () = progress.due() => progress.send(call, "waiting for the person's answer".to_owned()).await,
            }
        }
    }

    /// A question ends with its session process, so the person is asked now.
    async fn recover(call: &ToolCall<'_>, arguments: Option<JsonObject>, lost: &LostCall) -> ToolOutcome {
        repeat::<Self>(call, arguments, lost).await
    }
}

fn answered(call: &ToolCall<'_>, answer: &str, choices: &[Arc<str>]) -> CallToolResponse {
    let choice = choices.iter().position(|choice| **choice == *answer).map(|place| place + 1);
    let message = format!("The person answered: {answer}");
    let result = AskResult {
        answered: true,
        answer: Some(answer.to_owned()),
        choice,
        by: Some(PERSON.to_owned()),
        message: message.clone(),
    };
    call.respond(message, &result)
}

fn unanswered(call: &ToolCall<'_>, message: &str) -> CallToolResponse {
    let result = AskResult { answered: false, answer: None, choice: None, by: None, message: message.to_owned() };
    call.respond(message.to_owned(), &result)
}
