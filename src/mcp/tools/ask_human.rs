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
use crate::mcp::calls::tool::{CallEffect, Hints, Tool, repeat};
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
    /// The question, short and complete: the person reads it in a line or two, perhaps without having followed the chat.
    pub question: String,
    /// Up to 9 answers to choose from by number; the person may type something else.
    pub choices: Option<Vec<String>>,
    /// Seconds to wait for the answer, 45 by default. After that the question is taken back.
    #[schemars(extend("minimum" = 0))]
    pub wait_s: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct AskResult {
    pub answered: bool,
    /// What the person said, or the choice they took; null without an answer.
    pub answer: Option<String>,
    /// Number of the choice, from 1, if it was one of them.
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
    const DESCRIPTION: &'static str = "Puts a question to the person who shares this session, in their dashboard, and \
        waits for the answer. For what only they can know or decide: which data, whether to overwrite, a choice between \
        ways. They may be away or busy: go on without an answer where that is safe. Not for reports; those belong in \
        your reply.";
    const EFFECT: CallEffect = CallEffect::Changes;
    const HINTS: Hints = Hints { destructive: false, idempotent: false, open_world: true };
    const LOST: LostCallTexts = LostCallTexts {
        not_begun: "The person was not asked.",
        unknown: "Whether the person was asked is not known.",
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
            return refused("Error: the question and each choice must have words. Nothing was asked.");
        }
        if question.chars().count() > MAX_QUESTION || choices.len() > MAX_CHOICES {
            return refused(format!(
                "Error: a question has {MAX_QUESTION} characters and {MAX_CHOICES} choices at most. Nothing was asked."
            ));
        }
        let asking = call.session.inquire(call.author.clone(), question.into(), choices.clone()).await;
        let mut asking = match asking {
            Ok(asking) => asking,
            Err(CommandError::Closed(closed)) => return Err(CallError::not_received(closed)),
            Err(CommandError::Refused(InquiryRefused::NoDashboard)) => {
                let text = "Nobody is there to ask: this session runs without a dashboard. Decide yourself where that \
                    is safe, or ask in your reply.";
                return Ok(unanswered(call, text));
            }
            Err(CommandError::Refused(InquiryRefused::TooMany)) => {
                return refused("Error: enough questions wait for the person already. Nothing was asked.");
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
                        None => unanswered(call, "The person does not want to answer this. Go on without it, or ask \
                            in your reply."),
                    });
                }
                () = call.client.gone.cancelled() => return Err(CallError::Disconnected(String::new())),
                () = call.context.ct.cancelled() => return Err(CallError::Cancelled),
                () = &mut time_over => {
                    let seconds = wait.as_secs_f64();
                    return Ok(unanswered(call, &format!(
                        "The person did not answer within {seconds} s; they may be away. The question was taken back. Go on \
                         without it where that is safe, or ask again later."
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
