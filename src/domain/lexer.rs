//! Syntax colours and completeness of Python code, by a lexer of our own that needs no Python.
