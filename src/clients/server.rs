//! An MCP server in a configuration.

/// The program that a client starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEntry {
    pub command: String,
    pub args: Vec<String>,
}

/// An MCP server as a configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredServer {
    pub name: String,
    /// Empty for servers that are reached by URL.
    pub command: String,
    pub args: Vec<String>,
    /// What the client cannot read as the arguments, as the file has it.
    pub wrong_args: Option<String>,
    pub url: Option<String>,
    /// The entry says that the client is not to use it.
    pub is_disabled: bool,
}

impl ConfiguredServer {
    /// Whether the server is fourhands, under whatever name, here or by ssh.
    pub fn is_fourhands(&self) -> bool {
        let is_ours = |word: &str| word.rsplit('/').next() == Some("fourhands");
        self.names_fourhands() || self.args.iter().any(|word| is_ours(word)) && self.args.iter().any(|w| w == "bridge")
    }

    /// Whether the command is fourhands, even with its arguments in the same text.
    fn names_fourhands(&self) -> bool {
        self.command.rsplit('/').next().and_then(|program| program.split(' ').next()) == Some("fourhands")
    }

    /// How the entry starts its server, if it does not start fourhands itself: by ssh, docker or uvx, at a URL, or
    /// another program altogether. The options that `setup --ssh` writes are left out.
    pub fn other_way(&self) -> Option<String> {
        if self.command.is_empty() {
            return self.url.clone();
        }
        if self.names_fourhands() {
            return None;
        }
        let mut words = vec![self.command.as_str()];
        let mut args = self.args.iter();
        while let Some(word) = args.next() {
            match word.as_str() {
                "-o" => drop(args.next()),
                "-T" => {}
                word => words.push(word),
            }
        }
        Some(words.join(" "))
    }
}

/// Why a document cannot be edited. The text follows the path of the file in a sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("is not valid {format}: {message}")]
    Syntax { format: &'static str, message: String },
    #[error("has `{0}`, which is not {1}")]
    Shape(String, &'static str),
}
