//! Text styles, as SGR sequences (those that end in `m`) set them.

/// A colour of the terminal's palette, or an RGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// An index below 16 is a colour of the theme.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextStyle {
    pub fg: Option<Colour>,
    pub bg: Option<Colour>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub reverse: bool,
    pub crossed_out: bool,
}

impl TextStyle {
    /// Applies an SGR sequence with these parameters, such as `1;31`. Unknown codes change nothing.
    pub fn change(&mut self, parameters: &str) {
        let mut codes = parameters.split(';');
        while let Some(code) = codes.next() {
            if let Some((code, rest)) = code.split_once(':') {
                self.change_by_parts(code, rest);
                continue;
            }
            match if code.is_empty() { 0 } else { code.parse().unwrap_or(u16::MAX) } {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 | 21 => self.underline = true,
                7 => self.reverse = true,
                9 => self.crossed_out = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.reverse = false,
                29 => self.crossed_out = false,
                code @ 30..=37 => self.fg = Some(Colour::Indexed(code as u8 - 30)),
                39 => self.fg = None,
                code @ 40..=47 => self.bg = Some(Colour::Indexed(code as u8 - 40)),
                49 => self.bg = None,
                code @ 90..=97 => self.fg = Some(Colour::Indexed(code as u8 - 90 + 8)),
                code @ 100..=107 => self.bg = Some(Colour::Indexed(code as u8 - 100 + 8)),
                code @ (38 | 48 | 58) => {
                    let colour = extended(&mut codes);
                    match (code, colour) {
                        (38, Some(_)) => self.fg = colour,
                        (48, Some(_)) => self.bg = colour,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }

    /// Applies a code with parts divided by colons: `38:5:n`, `38:2::r:g:b`, `4:3`.
    fn change_by_parts(&mut self, code: &str, rest: &str) {
        let parts: Vec<&str> = rest.split(':').collect();
        let colour = match parts.as_slice() {
            ["2", _, rgb @ ..] if rgb.len() >= 3 => extended(&mut ["2"].into_iter().chain(rgb.iter().copied())),
            parts => extended(&mut parts.iter().copied()),
        };
        match (code, colour) {
            ("38", Some(_)) => self.fg = colour,
            ("48", Some(_)) => self.bg = colour,
            ("4", _) => self.underline = rest != "0",
            _ => {}
        }
    }

    /// Returns the sequence that sets this style, whatever was set before.
    #[must_use]
    pub fn sequence(&self) -> String {
        let mut codes = String::from("\u{1b}[0");
        let flags = [
            (self.bold, 1),
            (self.dim, 2),
            (self.italic, 3),
            (self.underline, 4),
            (self.reverse, 7),
            (self.crossed_out, 9),
        ];
        for (_, code) in flags.iter().filter(|(set, _)| *set) {
            codes.push_str(&format!(";{code}"));
        }
        for (colour, code) in [(self.fg, 38), (self.bg, 48)] {
            match colour {
                Some(Colour::Indexed(index)) => codes.push_str(&format!(";{code};5;{index}")),
                Some(Colour::Rgb(r, g, b)) => codes.push_str(&format!(";{code};2;{r};{g};{b}")),
                None => {}
            }
        }
        codes.push('m');
        codes
    }
}

/// Parses the colour of `5;n` or `2;r;g;b`.
fn extended<'a>(codes: &mut impl Iterator<Item = &'a str>) -> Option<Colour> {
    let mut number = || codes.next().map(|code| if code.is_empty() { Ok(0) } else { code.parse::<u8>() });
    match number()?.ok()? {
        5 => Some(Colour::Indexed(number()?.ok()?)),
        2 => {
            let [r, g, b] = [number()?, number()?, number()?];
            Some(Colour::Rgb(r.ok()?, g.ok()?, b.ok()?))
        }
        _ => None,
    }
}
