//! What the person's terminal understands beyond what all do, as far as its environment tells.

/// How a terminal is told to show a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notices {
    /// `OSC 9 ; text`, of iTerm2.
    Osc9,
    /// `OSC 777 ; notify ; title ; text`, of urxvt.
    Osc777,
    /// All that is sure is that it can ring.
    Bell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emulator {
    /// It has a title, and a stack of them.
    pub has_title: bool,
    /// `OSC 9 ; 4` shows a progress in the tab. Others would show its text as a notice.
    pub shows_progress: bool,
    pub notices: Notices,
    /// What tmux does not know itself reaches the terminal in an envelope, where tmux allows it.
    pub in_tmux: bool,
}

impl Emulator {
    /// Takes away title and progress of a dashboard. The title of before comes back; where the terminal has no stack of
    /// titles, at least ours goes.
    pub const fn take_down(&self) -> &'static str {
        match (self.shows_progress, self.has_title) {
            (true, _) => "\x1b]9;4;0\x07\x1b]0;\x07\x1b[23;0t",
            (false, true) => "\x1b]0;\x07\x1b[23;0t",
            (false, false) => "",
        }
    }

    /// `variable` looks into the environment.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
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
        // iTerm2 tells since when it does; before, it showed a notice.
        let new_iterm = iterm && variable("TERM_FEATURES").is_some_and(|features| features.contains('P'));
        let is_vte = is_set("VTE_VERSION");
        let notices = if iterm || wezterm || ghostty || kitty || foot {
            Notices::Osc9
        } else if is_vte || term.starts_with("rxvt") {
            Notices::Osc777
        } else {
            Notices::Bell
        };
        Self {
            has_title: !matches!(&*term, "" | "dumb" | "linux" | "cons25"),
            // Several panes would fight for the one tab.
            shows_progress: !in_tmux && (windows || wezterm || ghostty || new_iterm),
            notices,
            in_tmux,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emulator(variables: &[(&str, &str)]) -> Emulator {
        Emulator::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_terminals_that_know_a_progress_get_one() {
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
    fn notices_go_the_way_that_the_terminal_knows() {
        assert_eq!(emulator(&[("TERM", "xterm-kitty")]).notices, Notices::Osc9);
        assert_eq!(emulator(&[("LC_TERMINAL", "iTerm2"), ("TMUX", "x")]).notices, Notices::Osc9);
        assert_eq!(emulator(&[("VTE_VERSION", "7600")]).notices, Notices::Osc777);
        assert_eq!(emulator(&[("TERM", "xterm-256color")]).notices, Notices::Bell);
        assert!(!emulator(&[("TERM", "linux")]).has_title);
        assert!(emulator(&[("TERM", "tmux-256color")]).has_title);
    }
}
