//! The tool that puts a question to the person.

use std::pin::pin;
use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{ToolCall, ToolOutcome, wait_of};
use super::schema;
use super::wait::{Progress, tick};
use crate::domain::PERSON;
use crate::domain::terminal_text::plain;
use crate::mcp::results::truncate::short;
use crate::mcp::server::failure::{ended, ended_meanwhile, refused};
use crate::session::AskRefused;

/// Characters of a question, and of an answer to choose.
const QUESTION: usize = 1_000;
const CHOICE: usize = 200;
/// Answers to choose from: one figure each.
const CHOICES: usize = 9;

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

impl ToolCall<'_> {
    pub async fn ask_human(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let AskArguments { question, choices, wait_s } = schema::arguments(schema::ASK, arguments)?;
        let wait = wait_of(wait_s)?;
        let question = plain(question.trim()).into_owned();
        let choices: Vec<Arc<str>> =
            choices.unwrap_or_default().iter().map(|choice| short(plain(choice).trim(), CHOICE).into()).collect();
        if question.is_empty() || choices.iter().any(|choice| choice.is_empty()) {
            return refused("Error: the question and each choice must have words. Nothing was asked.".to_owned());
        }
        if question.chars().count() > QUESTION || choices.len() > CHOICES {
            return refused(format!(
                "Error: a question has {QUESTION} characters and {CHOICES} choices at most. Nothing was asked."
            ));
        }
        let asked = self.session.inquire(self.author.clone(), question.into(), choices.clone()).await;
        let mut asking = match asked.map_err(ended)? {
            Ok(asking) => asking,
            Err(AskRefused::Nobody) => {
                return Ok(self.unanswered(
                    "Nobody is there to ask: this session runs without a dashboard. Decide yourself where that is safe, \
                     or ask in your reply.",
                ));
            }
            Err(AskRefused::TooMany) => {
                return refused("Error: enough questions wait for the person already. Nothing was asked.".to_owned());
            }
        };
        let mut over = pin!(tokio::time::sleep(wait));
        let mut progress = self.context.meta.get_progress_token().map(Progress::new);
        loop {
            tokio::select! {
                biased;
                answer = asking.answer() => {
                    return Ok(match answer.map_err(ended_meanwhile)? {
                        Some(answer) => self.answered(&answer, &choices),
                        None => self.unanswered("The person does not want to answer this. Go on without it, or ask \
                            in your reply."),
                    });
                }
                () = self.gone.cancelled() => return refused("The connection was closed.".to_owned()),
                () = self.context.ct.cancelled() => return refused("The call was cancelled.".to_owned()),
                () = &mut over => {
                    let seconds = wait.as_secs_f64();
                    return Ok(self.unanswered(&format!(
                        "The person did not answer within {seconds} s; they may be away. The question was taken back. Go on \
                         without it where that is safe, or ask again later."
                    )));
                }
                () = tick(progress.as_mut()) => {
                    if let Some(progress) = &mut progress {
                        self.send_progress(progress, "waiting for the person's answer".to_owned()).await;
                    }
                }
            }
        }
    }

    fn answered(&self, answer: &str, choices: &[Arc<str>]) -> rmcp::model::CallToolResult {
        let choice = choices.iter().position(|choice| **choice == *answer).map(|place| place + 1);
        let message = format!("The person answered: {answer}");
        let result = AskResult {
            answered: true,
            answer: Some(answer.to_owned()),
            choice,
            by: Some(PERSON.to_owned()),
            message: message.clone(),
        };
        self.answer(message, &result)
    }

    fn unanswered(&self, message: &str) -> rmcp::model::CallToolResult {
        let result = AskResult { answered: false, answer: None, choice: None, by: None, message: message.to_owned() };
        self.answer(message.to_owned(), &result)
    }
}
