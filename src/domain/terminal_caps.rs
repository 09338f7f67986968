//! The capabilities of the person's terminal beyond the common ones, as its environment tells.

/// The environment variables that tell what a terminal can do.
pub const TERMINAL_VARIABLES: [&str; 17] = [
    "TERM",
    "TERM_PROGRAM",
    "TERM_FEATURES",
    "COLORTERM",
    "COLORFGBG",
    "NO_COLOR",
    "TMUX",
    "ITERM_SESSION_ID",
    "LC_TERMINAL",
    "WEZTERM_PANE",
    "GHOSTTY_RESOURCES_DIR",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "WT_SESSION",
    "ConEmuANSI",
    "VTE_VERSION",
    "FOURHANDS_FIGURES",
];

/// The escape sequence by which a terminal shows a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationProtocol {
    /// `OSC 9 ; text`, of iTerm2.
    Osc9,
    /// `OSC 777 ; notify ; title ; text`, of urxvt.
    Osc777,
    /// No sequence is known to work; the bell is.
    Bell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalCaps {
    /// It has a title, and a stack of titles.
    pub has_title: bool,
    /// `OSC 9 ; 4` shows a progress bar in the tab. Other terminals would show its text as a notification.
    pub shows_progress: bool,
    pub notices: NotificationProtocol,
    /// tmux drops the sequences that it does not know, unless they are wrapped.
    pub in_tmux: bool,
}

impl TerminalCaps {
    /// Removes the dashboard's title and progress bar. The previous title comes back, or the title becomes empty where
    /// the terminal has no stack of titles.
    pub const fn reset_sequence(&self) -> &'static str {
        match (self.shows_progress, self.has_title) {
            (true, _) => "\x1b]9;4;0\x07\x1b]0;\x07\x1b[23;0t",
            (false, true) => "\x1b]0;\x07\x1b[23;0t",
            (false, false) => "",
        }
    }

    /// Detects the capabilities. `variable` reads an environment variable.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let program = variable("TERM_PROGRAM").unwrap_or_default();
        let is = |name: &str, own: &'static str| program.eq_ignore_ascii_case(name) || is_set(own);
        let in_tmux = is_set("TMUX");
        let iterm = is("iTerm.app", "ITERM_SESSION_ID") || variable("LC_TERMINAL").is_some_and(|name| name == "iTerm2");
        let wezterm = is("WezTerm", "WEZTERM_PANE") || term == "wezterm";
        let ghostty = is("ghostty", "GHOSTTY_RESOURCES_DIR") || term == "xterm-ghostty";
        let kitty = term == "xterm-kitty" || is_set("KITTY_WINDOW_ID");
        let foot = term.starts_with("foot");
        let windows = is_set("WT_SESSION") || variable("ConEmuANSI").is_some_and(|value| value == "ON");
        // iTerm2 has `OSC 9 ; 4` if its features include it; older versions show a notification.
        let new_iterm = iterm && variable("TERM_FEATURES").is_some_and(|features| features.contains('P'));
        let is_vte = is_set("VTE_VERSION");
        let notices = if iterm || wezterm || ghostty || kitty || foot {
            NotificationProtocol::Osc9
        } else if is_vte || term.starts_with("rxvt") {
            NotificationProtocol::Osc777
        } else {
            NotificationProtocol::Bell
        };
        Self {
            has_title: !matches!(&*term, "" | "dumb" | "linux" | "cons25"),
            // The panes of tmux share one tab.
            shows_progress: !in_tmux && (windows || wezterm || ghostty || new_iterm),
            notices,
            in_tmux,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emulator(variables: &[(&str, &str)]) -> TerminalCaps {
        TerminalCaps::from_env(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_variable_that_is_read_is_passed_on() {
        for known in [None, Some(("LC_TERMINAL", "iTerm2"))] {
            TerminalCaps::from_env(|name| {
                assert!(TERMINAL_VARIABLES.contains(&name), "{name}");
                known.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
            });
        }
    }

    #[test]
    fn only_terminals_with_progress_bars_get_one() {
        for known in [
            &[("TERM_PROGRAM", "ghostty")][..],
            &[("WT_SESSION", "1")],
            &[("TERM_PROGRAM", "WezTerm")],
            &[("TERM_PROGRAM", "iTerm.app"), ("TERM_FEATURES", "T3CwLrMSc7UUw9Ts3BFGsSyHNoSxFP")],
        ] {
            assert!(emulator(known).shows_progress, "{known:?}");
            let in_tmux: Vec<_> = known.iter().copied().chain([("TMUX", "/tmp/x,1,0")]).collect();
            assert!(!emulator(&in_tmux).shows_progress, "{known:?} in tmux");
        }
        for other in [("TERM_PROGRAM", "iTerm.app"), ("TERM", "xterm-256color"), ("TERM", "xterm-kitty")] {
            assert!(!emulator(&[other]).shows_progress, "{other:?}");
        }
    }

    #[test]
    fn notifications_use_the_protocol_of_the_terminal() {
        assert_eq!(emulator(&[("TERM", "xterm-kitty")]).notices, NotificationProtocol::Osc9);
        assert_eq!(emulator(&[("LC_TERMINAL", "iTerm2"), ("TMUX", "x")]).notices, NotificationProtocol::Osc9);
        assert_eq!(emulator(&[("VTE_VERSION", "7600")]).notices, NotificationProtocol::Osc777);
        assert_eq!(emulator(&[("TERM", "xterm-256color")]).notices, NotificationProtocol::Bell);
        assert!(!emulator(&[("TERM", "linux")]).has_title);
        assert!(emulator(&[("TERM", "tmux-256color")]).has_title);
    }
}
