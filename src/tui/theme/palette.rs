//! The colours of roles on dark and light backgrounds, with the person's own colours.

use std::str::FromStr;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// The meaning of a colour, drawn as a colour number below 16: output never uses these, but names its sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Focus,
    You,
    Client,
    Ok,
    Running,
    Error,
    Stderr,
    Notice,
    Touched,
    Keyword,
    Builtin,
    Definition,
    String,
    Number,
    Comment,
}

/// The first role without a [`Role`]: the colour of the second client. Further ones follow.
const SECOND_CLIENT: usize = Role::Comment as usize + 1;
/// Numbers from this one on are colours, not roles.
const FIRST_COLOUR: u8 = 16;

/// Name in `config.toml`, and the colours on dark and light backgrounds. On a light background, the terminal's own
/// cyan, green and yellow are usually too pale to read; colours of the fixed 256 are not.
const ROLES: [(&str, Color, Color); 20] = [
    ("focus", Color::Cyan, TEAL),
    ("you", Color::Cyan, TEAL),
    ("client", Color::Magenta, Color::Magenta),
    ("ok", Color::Green, GREEN),
    ("running", Color::Yellow, BROWN),
    ("error", Color::Red, Color::Red),
    ("stderr", Color::Red, Color::Red),
    ("notice", Color::Yellow, BROWN),
    ("touched", Color::Yellow, BROWN),
    ("keyword", Color::Magenta, Color::Magenta),
    ("builtin", Color::Cyan, TEAL),
    ("definition", Color::LightBlue, Color::Blue),
    ("string", Color::Green, GREEN),
    ("number", Color::Yellow, BROWN),
    ("comment", Color::Reset, Color::Reset),
    ("client-2", Color::LightBlue, Color::Blue),
    ("client-3", Color::Green, GREEN),
    ("client-4", Color::Indexed(208), Color::Indexed(130)),
    ("client-5", Color::Indexed(175), Color::Indexed(125)),
    ("client-6", Color::Indexed(109), Color::Indexed(60)),
];

const TEAL: Color = Color::Indexed(24);
const GREEN: Color = Color::Indexed(22);
const BROWN: Color = Color::Indexed(94);

pub const SIXTEEN: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

impl Role {
    pub const fn style(self) -> Style {
        Style::new().fg(Color::Indexed(self as u8))
    }

    pub fn named(name: &str) -> Option<usize> {
        ROLES.iter().position(|(role, ..)| *role == name)
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        ROLES.iter().map(|(name, ..)| *name)
    }
}

/// The terminal's background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    #[default]
    Dark,
    Light,
}

impl Ground {
    /// Computes the background from red, green and blue, each from 0 to 1.
    pub fn of(red: f32, green: f32, blue: f32) -> Self {
        let linear = |part: f32| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
        let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
        // At this luminance, black and white text have the same contrast.
        if luminance > 0.179 { Self::Light } else { Self::Dark }
    }

    /// Reads `COLORFGBG`, as rxvt, Konsole and others set it: `15;0`, `0;default;15`.
    pub fn of_environment(colorfgbg: &str) -> Option<Self> {
        match colorfgbg.rsplit(';').next()?.parse::<u8>().ok()? {
            0..=6 | 8 => Some(Self::Dark),
            7 | 9..=15 => Some(Self::Light),
            _ => None,
        }
    }
}

/// The chosen theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Name {
    /// Follows the terminal's background.
    #[default]
    Auto,
    Dark,
    Light,
    /// Without colours.
    Mono,
}

impl Name {
    pub const ALL: [(&str, Self); 4] =
        [("auto", Self::Auto), ("dark", Self::Dark), ("light", Self::Light), ("mono", Self::Mono)];
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    pub name: Name,
    /// The background that the terminal reported.
    pub ground: Ground,
    /// The person's own colours, by role.
    own: [Option<Color>; ROLES.len()],
    /// A colour in place of the modifier for dim text.
    dim: Option<Color>,
}

/// The name in `config.toml` of the colour for dim text, which is not a role.
pub const DIM: &str = "dim";

impl Theme {
    pub fn named(name: Name) -> Self {
        Self { name, ..Self::default() }
    }

    /// Sets the person's colour of a role, or of `dim`. Returns `false` for an unknown name.
    pub fn set(&mut self, role: &str, colour: Color) -> bool {
        match Role::named(role) {
            Some(place) => self.own[place] = Some(colour),
            None if role == DIM => self.dim = Some(colour),
            None => return false,
        }
        true
    }

    /// Adapts the theme to the terminal's environment. A theme that the person chose by name has colours even under
    /// `NO_COLOR`.
    #[must_use]
    pub fn in_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        self.ground = set("COLORFGBG").and_then(|text| Ground::of_environment(&text)).unwrap_or_default();
        if set("NO_COLOR").is_some() {
            match self.name {
                Name::Auto => self.name = Name::Mono,
                Name::Dark | Name::Light => crossterm::style::force_color_output(true),
                Name::Mono => {}
            }
        }
        self
    }

    pub const fn is_mono(&self) -> bool {
        matches!(self.name, Name::Mono)
    }

    fn is_light(&self) -> bool {
        self.name == Name::Light || (self.name == Name::Auto && self.ground == Ground::Light)
    }

    fn resolve(&self, colour: Color) -> Color {
        match colour {
            Color::Indexed(role) if role < FIRST_COLOUR => self.colour_of(role.into()),
            other => other,
        }
    }

    fn colour_of(&self, role: usize) -> Color {
        let (_, dark, light) = ROLES[role];
        self.own[role].unwrap_or(if self.is_light() { light } else { dark })
    }

    /// The person's colour.
    pub fn you(&self) -> Color {
        self.colour_of(Role::You as usize)
    }

    /// The colour of a client by its place among all clients: never the person's, and another client's only after all
    /// colours are taken.
    pub fn client(&self, place: usize) -> Color {
        let mut colours = Vec::new();
        for role in std::iter::once(Role::Client as usize).chain(SECOND_CLIENT..ROLES.len()) {
            let colour = self.colour_of(role);
            if colour != self.you() && !colours.contains(&colour) {
                colours.push(colour);
            }
        }
        colours.get(place % colours.len().max(1)).copied().unwrap_or_default()
    }

    /// Replaces roles by colours. Without colours, bold, dim and reversed remain.
    pub fn paint(&self, buffer: &mut Buffer) {
        let mono = self.is_mono();
        for cell in &mut buffer.content {
            if mono {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
                continue;
            }
            if let Some(dim) = self.dim.filter(|_| cell.fg == Color::Reset && cell.modifier.contains(Modifier::DIM)) {
                cell.modifier.remove(Modifier::DIM);
                cell.fg = dim;
            }
            (cell.fg, cell.bg) = (self.resolve(cell.fg), self.resolve(cell.bg));
        }
    }
}

/// Parses a colour of `config.toml`: one of the terminal's sixteen by name, `default`, a number of the 256, or
/// `#rrggbb`.
pub fn colour_named(text: &str) -> Option<Color> {
    let named = || SIXTEEN.iter().find(|(name, _)| *name == text).map(|(_, colour)| *colour);
    let hex = || {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        Some(Color::Rgb((value >> 16) as u8, (value >> 8) as u8, value as u8))
    };
    match text {
        "default" => Some(Color::Reset),
        "gray" | "grey" => Some(Color::DarkGray),
        _ => named().or_else(hex).or_else(|| u8::from_str(text).ok().map(numbered)),
    }
}

pub fn colour_names() -> impl Iterator<Item = &'static str> {
    SIXTEEN.iter().map(|(name, _)| *name)
}

/// One of the 256 colours; the first sixteen by name.
pub fn numbered(index: u8) -> Color {
    SIXTEEN.get(usize::from(index)).map_or(Color::Indexed(index), |(_, colour)| *colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours of xterm and most other terminals.
    fn red_green_blue(colour: Color) -> (u8, u8, u8) {
        match colour {
            Color::Red => (205, 0, 0),
            Color::Green => (0, 205, 0),
            Color::Yellow => (205, 205, 0),
            Color::Blue => (0, 0, 238),
            Color::LightBlue => (92, 92, 255),
            Color::Magenta => (205, 0, 205),
            Color::Cyan => (0, 205, 205),
            Color::LightRed => (255, 0, 0),
            Color::Black => (0, 0, 0),
            Color::White => (255, 255, 255),
            Color::Indexed(index @ 16..=231) => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let index = index - 16;
                (level(index / 36), level(index / 6 % 6), level(index % 6))
            }
            other => panic!("{other} is not in this table"),
        }
    }

    fn luminance((r, g, b): (u8, u8, u8)) -> f32 {
        let linear = |part: u8| {
            let part = f32::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    #[test]
    fn every_role_can_be_read_on_its_ground() {
        for (name, dark, light) in ROLES {
            for (colour, ground, text) in [(dark, Color::Black, Color::White), (light, Color::White, Color::Black)] {
                let colour = if colour == Color::Reset { text } else { colour };
                let (one, other) = (luminance(red_green_blue(colour)), luminance(red_green_blue(ground)));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(contrast >= 3.0, "{name}: {contrast} on {ground}");
                let strict = matches!(colour, Color::Indexed(_));
                assert!(!strict || contrast >= 4.5, "{name}: {contrast} on {ground}");
            }
        }
    }

    #[test]
    fn grounds_are_told_apart() {
        assert_eq!(Ground::of(1.0, 1.0, 1.0), Ground::Light);
        assert_eq!(Ground::of(0.99, 0.96, 0.89), Ground::Light, "Solarized Light");
        assert_eq!(Ground::of(0.0, 0.17, 0.21), Ground::Dark, "Solarized Dark");
        assert_eq!(Ground::of(0.27, 0.28, 0.35), Ground::Dark);
        for (text, ground) in [
            ("15;0", Some(Ground::Dark)),
            ("0;15", Some(Ground::Light)),
            ("0;default;15", Some(Ground::Light)),
            ("12;8", Some(Ground::Dark)),
            ("0;default", None),
            ("", None),
        ] {
            assert_eq!(Ground::of_environment(text), ground, "{text}");
        }
    }

    #[test]
    fn colours_are_written_in_four_ways() {
        for (text, colour) in [
            ("bright-red", Some(Color::LightRed)),
            ("white", Some(Color::Gray)),
            ("default", Some(Color::Reset)),
            ("3", Some(Color::Yellow)),
            ("208", Some(Color::Indexed(208))),
            ("#Ff8000", Some(Color::Rgb(255, 128, 0))),
            ("256", None),
            ("#ff800", None),
            ("#+f8000", None),
            ("orange", None),
            ("", None),
        ] {
            assert_eq!(colour_named(text), colour, "{text}");
        }
    }
}
