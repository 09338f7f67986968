//! The stdio bridge that AI clients launch.
