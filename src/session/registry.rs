//! Which sessions exist, told by lock files and not by guess.
