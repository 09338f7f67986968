//! A digest of addresses and numbers, by which a change of a value is noticed.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

#[derive(Clone, Copy, Default)]
pub struct Digest(pub u64);

impl Digest {
    /// Adds a number or an address.
    pub fn add(&mut self, part: usize) {
        self.0 = (self.0 ^ part as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    /// Adds the items of a tuple of numbers, or the addresses in a list.
    pub fn add_all(&mut self, parts: Option<Bound<'_, PyAny>>) {
        let Some(parts) = parts else { return };
        if let Ok(parts) = parts.cast::<PyTuple>() {
            parts.iter().for_each(|part| self.add(part.extract().unwrap_or(0)));
        } else if let Ok(parts) = parts.cast::<PyList>() {
            parts.iter().for_each(|part| self.add(part.as_ptr() as usize));
        }
    }
}
