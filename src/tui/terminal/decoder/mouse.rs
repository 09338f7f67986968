//! Reports of the mouse.

use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// `CSI < button ; column ; row M`, with `m` when the button is released.
pub fn sgr(parameters: &str, last: u8) -> Option<Event> {
    let released = match last {
        b'M' => false,
        b'm' => true,
        _ => return None,
    };
    let [button, column, row] = numbers(parameters)?;
    let mut event = report(button, column.checked_sub(1)?, row.checked_sub(1)?)?;
    if released && let MouseEventKind::Down(button) = event.kind {
        event.kind = MouseEventKind::Up(button);
    }
    Some(Event::Mouse(event))
}

/// `CSI button ; column ; row M`.
pub fn rxvt(parameters: &str) -> Option<Event> {
    let [button, column, row] = numbers(parameters)?;
    report(button.checked_sub(32)?, column.checked_sub(1)?, row.checked_sub(1)?).map(Event::Mouse)
}

/// `CSI M` and three bytes.
pub fn x10([button, column, row]: [u8; 3]) -> Option<Event> {
    let place = |byte: u8| u16::from(byte).checked_sub(33);
    report(u16::from(button).checked_sub(32)?, place(column)?, place(row)?).map(Event::Mouse)
}

fn numbers(parameters: &str) -> Option<[u16; 3]> {
    let numbers: Vec<u16> = parameters.split(';').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// The bits of `button`: 0 and 1 the button, 2 Shift, 3 Alt, 4 Ctrl, 5 movement, 6 and 7 more buttons.
fn report(button: u16, column: u16, row: u16) -> Option<MouseEvent> {
    let is_moving = button & 0b10_0000 != 0;
    let kind = match ((button & 0b11) | ((button & 0b1100_0000) >> 4), is_moving) {
        (0, false) => MouseEventKind::Down(MouseButton::Left),
        (1, false) => MouseEventKind::Down(MouseButton::Middle),
        (2, false) => MouseEventKind::Down(MouseButton::Right),
        (0, true) => MouseEventKind::Drag(MouseButton::Left),
        (1, true) => MouseEventKind::Drag(MouseButton::Middle),
        (2, true) => MouseEventKind::Drag(MouseButton::Right),
        // Only newer reports tell which button was released.
        (3, false) => MouseEventKind::Up(MouseButton::Left),
        (3..=5, true) => MouseEventKind::Moved,
        (4, false) => MouseEventKind::ScrollUp,
        (5, false) => MouseEventKind::ScrollDown,
        (6, false) => MouseEventKind::ScrollLeft,
        (7, false) => MouseEventKind::ScrollRight,
        _ => return None,
    };
    let held = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = held.into_iter().filter(|(bit, _)| button & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(MouseEvent { kind, column, row, modifiers })
}
