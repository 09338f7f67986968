//! The size of a picture in cells.

use ratatui::layout::Size;

/// The most cells within `room` that keep the proportions of a picture; a small picture is not enlarged. `cell` is the
/// size of a cell in pixels, of which only the proportion counts.
pub fn fit(pixels: (u32, u32), room: Size, cell: (u16, u16)) -> Size {
    let (width, height) = (f64::from(pixels.0.max(1)), f64::from(pixels.1.max(1)));
    let (cell_width, cell_height) = (f64::from(cell.0.max(1)), f64::from(cell.1.max(1)));
    // A cell has two pixels, one above the other.
    let columns = f64::from(room.width.max(1)).min(width);
    let rows = f64::from(room.height.max(1)).min((height / 2.0).ceil());
    let scale = (columns * cell_width / width).min(rows * cell_height / height);
    let whole = |cells: f64, max_cells: u16| (cells.round() as u16).clamp(1, max_cells.max(1));
    Size {
        width: whole(width * scale / cell_width, room.width),
        height: whole(height * scale / cell_height, room.height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(pixels: (u32, u32), room: (u16, u16)) -> (u16, u16) {
        let size = fit(pixels, Size::new(room.0, room.1), (10, 20));
        (size.width, size.height)
    }

    #[test]
    fn proportions_are_kept_within_the_room() {
        assert_eq!(fitted((640, 480), (80, 13)), (35, 13), "its height is what bounds it");
        assert_eq!(fitted((1600, 400), (60, 13)), (60, 8), "its width is");
        assert_eq!(fitted((28, 28), (80, 20)), (28, 14), "a small one keeps its pixels");
        assert_eq!(fit((640, 480), Size::new(80, 13), (8, 20)).width, 43, "narrow cells");
    }

    #[test]
    fn nothing_is_smaller_than_a_cell_or_larger_than_the_room() {
        for pixels in [(1, 1), (1, 30_000), (30_000, 1), (0, 0), (u32::MAX, u32::MAX)] {
            for room in [(0, 0), (1, 1), (36, 4), (u16::MAX, u16::MAX)] {
                let (width, height) = fitted(pixels, room);
                assert!((1..=room.0.max(1)).contains(&width) && (1..=room.1.max(1)).contains(&height));
            }
        }
    }
}
