//! The engine: everything that touches Python.
