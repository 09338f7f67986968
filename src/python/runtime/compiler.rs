//! The compiler of snippets: a last expression is compiled by itself, so that its value is known.

use pyo3::exceptions::{PyMemoryError, PyRecursionError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

/// `PyCF_ONLY_AST`
const ONLY_AST: u32 = 0x0400;
/// `PyCF_ALLOW_TOP_LEVEL_AWAIT`
const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
/// `CO_FUTURE_*` flags that still change how code is compiled: `barry_as_FLUFL` and `annotations`.
const FUTURE_FEATURES: u32 = 0x0040_0000 | 0x0100_0000;
const CO_COROUTINE: u32 = 0x80;

/// Python's compiler, with the state that snippets share.
pub struct Compiler {
    compile: Py<PyAny>,
    expr: Py<PyType>,
    expression: Py<PyType>,
    /// Future features that snippets have imported; they hold for all later snippets.
    future: u32,
}

/// The code objects of a snippet.
pub struct CompiledSnippet<'py> {
    /// All statements but a last expression.
    pub body: Option<Bound<'py, PyAny>>,
    /// The last expression.
    pub last: Option<Bound<'py, PyAny>>,
}

impl Compiler {
    /// `future` are the flags of the future features that hold already.
    pub fn new(py: Python<'_>, future: u32) -> PyResult<Self> {
        let ast = py.import("_ast")?;
        Ok(Self {
            compile: py.import("builtins")?.getattr("compile")?.unbind(),
            expr: ast.getattr("Expr")?.cast_into::<PyType>()?.unbind(),
            expression: ast.getattr("Expression")?.cast_into::<PyType>()?.unbind(),
            future,
        })
    }

    /// Returns the flags of the future features.
    pub fn future(&self) -> u32 {
        self.future
    }

    pub fn forget_future(&mut self) {
        self.future = 0;
    }

    /// Compiles a snippet. `on_statements` is called with its syntax tree.
    pub fn compile<'py>(
        &mut self,
        source: &Bound<'py, PyString>,
        file: &str,
        on_statements: impl FnOnce(&Bound<'py, PyList>) -> PyResult<()>,
    ) -> PyResult<CompiledSnippet<'py>> {
        let py = source.py();
        match self.compile_tree(source, file, on_statements) {
            // The code is nested too deeply for a syntax tree as Python objects, but perhaps not for the compiler.
            Err(error) if error.is_instance_of::<PyRecursionError>(py) => {
                if let Ok(last) = self.call(source, file, "eval", 0) {
                    return Ok(CompiledSnippet { body: None, last: Some(last) });
                }
                Ok(CompiledSnippet { body: Some(self.call(source, file, "exec", 0)?), last: None })
            }
            Err(error) if error.is_instance_of::<PyMemoryError>(py) => {
                if error.value(py).str().is_ok_and(|text| text.is_empty().unwrap_or(false)) {
                    return Err(PyMemoryError::new_err("the code is nested too deeply for Python's parser"));
                }
                Err(error)
            }
            compiled => compiled,
        }
    }

    fn compile_tree<'py>(
        &mut self,
        source: &Bound<'py, PyString>,
        file: &str,
        on_statements: impl FnOnce(&Bound<'py, PyList>) -> PyResult<()>,
    ) -> PyResult<CompiledSnippet<'py>> {
        let py = source.py();
        let tree = self.call(source, file, "exec", ONLY_AST)?;
        let body = tree.getattr(pyo3::intern!(py, "body"))?.cast_into::<PyList>()?;
        on_statements(&body)?;
        let last = body.len().checked_sub(1).map(|index| body.get_item(index)).transpose()?;
        let last = last.filter(|last| last.get_type().is(&self.expr));
        if last.is_some() {
            body.del_item(body.len() - 1)?;
        }
        let mut compiled = CompiledSnippet { body: None, last: None };
        if !body.is_empty() {
            let body = self.call(&tree, file, "exec", 0)?;
            self.add_future(&body)?;
            compiled.body = Some(body);
        }
        if let Some(last) = last {
            let value = last.getattr(pyo3::intern!(py, "value"))?;
            compiled.last = Some(self.call(&self.expression.bind(py).call1((value,))?, file, "eval", 0)?);
        }
        Ok(compiled)
    }

    /// Keeps the future features of compiled code for later snippets. Returns whether the code is a coroutine.
    pub fn add_future(&mut self, code: &Bound<'_, PyAny>) -> PyResult<bool> {
        let flags: u32 = code.getattr(pyo3::intern!(code.py(), "co_flags"))?.extract()?;
        self.future |= flags & FUTURE_FEATURES;
        Ok(flags & CO_COROUTINE != 0)
    }

    fn call<'py>(&self, source: &Bound<'py, PyAny>, file: &str, mode: &str, flags: u32) -> PyResult<Bound<'py, PyAny>> {
        let flags = flags | ALLOW_TOP_LEVEL_AWAIT | self.future;
        self.compile.bind(source.py()).call1((source, file, mode, flags, /* dont_inherit */ true))
    }
}
