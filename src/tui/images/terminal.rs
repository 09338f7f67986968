//! The terminal's picture support, guessed from its environment: waiting for a query would delay the first frame.

use super::blocks::Colours;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graphics {
    Kitty,
    Sixel,
    Iterm2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureTerminal {
    /// The terminal's own graphics, used over the whole screen.
    pub graphics: Option<Graphics>,
    pub colours: Colours,
    /// Within tmux, which passes graphics on where its settings allow that.
    pub is_tmux: bool,
    /// Width and height of a cell in pixels.
    pub cell: (u16, u16),
}

impl Default for FigureTerminal {
    fn default() -> Self {
        Self { graphics: None, colours: Colours::None, is_tmux: false, cell: DEFAULT_CELL }
    }
}

/// The settings for figures: automatic, block characters, one kind of the terminal's own graphics, or off.
pub const WAYS: [&str; 6] = ["auto", "blocks", "kitty", "sixel", "iterm2", "off"];

/// The size of a cell where the terminal does not report it.
const DEFAULT_CELL: (u16, u16) = (10, 20);

impl FigureTerminal {
    /// Guesses from the environment. `way` is the person's setting, one of [`WAYS`]; `FOURHANDS_FIGURES` overrides it.
    pub fn guess(variable: impl Fn(&str) -> Option<String>, way: &str) -> Self {
        let is = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let value = |name: &str| variable(name).unwrap_or_default();
        let (term, program) = (value("TERM"), value("TERM_PROGRAM"));
        let is_tmux = is("TMUX") || term.starts_with("tmux") || program == "tmux";
        let is_screen = is_tmux || term.starts_with("screen");
        let guessed = if is_screen {
            None
        } else if is("KITTY_WINDOW_ID") || term.contains("kitty") || term.contains("ghostty") || program == "ghostty" {
            Some(Graphics::Kitty)
        } else if ["iTerm.app", "WezTerm", "mintty"].contains(&program.as_str())
            || value("LC_TERMINAL") == "iTerm2"
            || is("KONSOLE_VERSION")
        {
            Some(Graphics::Iterm2)
        } else if ["foot", "mlterm", "contour"].iter().any(|name| term.starts_with(name)) {
            Some(Graphics::Sixel)
        } else {
            None
        };
        let direct = ["kitty", "ghostty", "foot", "alacritty", "wezterm", "direct"];
        let colours =
            if is("NO_COLOR") || matches!(term.as_str(), "" | "dumb" | "linux" | "vt100" | "vt220" | "xterm-mono") {
                Colours::None
            } else if matches!(value("COLORTERM").as_str(), "truecolor" | "24bit")
                || direct.iter().any(|name| term.contains(name))
            {
                Colours::True
            } else {
                Colours::Indexed
            };
        let now = value("FOURHANDS_FIGURES");
        let (graphics, colours) = match if now.is_empty() { way } else { &now } {
            "off" => (None, Colours::None),
            "blocks" => (None, if colours == Colours::None { Colours::Indexed } else { colours }),
            "kitty" => (Some(Graphics::Kitty), colours),
            "sixel" => (Some(Graphics::Sixel), colours),
            "iterm2" => (Some(Graphics::Iterm2), colours),
            _ if colours == Colours::None => (None, colours),
            _ => (guessed, colours),
        };
        Self { graphics, colours, is_tmux, cell: DEFAULT_CELL }
    }

    /// Sets the size of a cell from the size of the window in cells and in pixels. Terminals that do not know the
    /// pixels report 0.
    #[must_use]
    pub fn with_window(self, cells: (u16, u16), pixels: (u16, u16)) -> Self {
        let (width, height) = (pixels.0.checked_div(cells.0), pixels.1.checked_div(cells.1));
        let cell = match (width, height) {
            // Only sizes that fonts can have.
            (Some(width @ 3..=200), Some(height @ 5..=400)) => (width, height),
            _ => DEFAULT_CELL,
        };
        Self { cell, ..self }
    }

    pub fn shows_pictures(self) -> bool {
        self.graphics.is_some() || self.colours != Colours::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::terminal_caps::TERMINAL_VARIABLES;

    fn guess(variables: &[(&str, &str)], setting: &str) -> (Option<Graphics>, Colours) {
        let value = |name: &str| {
            assert!(TERMINAL_VARIABLES.contains(&name), "{name} is not passed on to a session");
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let terminal = FigureTerminal::guess(value, setting);
        (terminal.graphics, terminal.colours)
    }

    #[test]
    fn the_environment_tells_what_can_be_shown() {
        let xterm = ("TERM", "xterm-256color");
        let rich = ("COLORTERM", "truecolor");
        assert_eq!(guess(&[xterm], "auto"), (None, Colours::Indexed));
        assert_eq!(guess(&[xterm, rich], "auto"), (None, Colours::True));
        assert_eq!(guess(&[("TERM", "xterm-kitty")], "auto"), (Some(Graphics::Kitty), Colours::True));
        assert_eq!(
            guess(&[xterm, rich, ("TERM_PROGRAM", "iTerm.app")], "auto"),
            (Some(Graphics::Iterm2), Colours::True)
        );
        assert_eq!(guess(&[("TERM", "foot")], "auto"), (Some(Graphics::Sixel), Colours::True));
        let inside = [("TERM", "tmux-256color"), ("TMUX", "/tmp/x"), ("KITTY_WINDOW_ID", "1"), rich];
        assert_eq!(guess(&inside, "auto"), (None, Colours::True), "tmux may not pass it on");
        assert_eq!(guess(&inside, "kitty"), (Some(Graphics::Kitty), Colours::True), "the person knows better");
        assert_eq!(guess(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], "auto"), (None, Colours::None));
        assert_eq!(guess(&[("TERM", "linux")], "auto"), (None, Colours::None));
        assert_eq!(guess(&[xterm, rich], "off"), (None, Colours::None));
        assert_eq!(guess(&[xterm, rich, ("FOURHANDS_FIGURES", "off")], "kitty"), (None, Colours::None));
    }

    #[test]
    fn the_size_of_a_cell_is_believed_where_it_can_be() {
        let cell = |cells, pixels| FigureTerminal::default().with_window(cells, pixels).cell;
        assert_eq!(cell((80, 24), (640, 384)), (8, 16));
        assert_eq!(cell((80, 24), (0, 0)), DEFAULT_CELL);
        assert_eq!(cell((0, 0), (640, 384)), DEFAULT_CELL);
        assert_eq!(cell((1, 1), (65_535, 65_535)), DEFAULT_CELL);
    }
}
