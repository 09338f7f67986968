//! The inspector of values: a helper in Python looks into one value, and its answer becomes an [`Inspection`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyCFunction, PyDict, PyFloat, PyInt, PyList, PyModule, PyString, PyTuple};
use serde_json::{Map, Value};

use super::file_names;
use super::values::variables::Describer;
use crate::domain::{InspectError, InspectRequest, Inspection};

/// One module, written in parts.
const SOURCE: &str = concat!(
    include_str!("inspector/paths.py"),
    include_str!("inspector/table_view.py"),
    include_str!("inspector/view.py"),
    include_str!("inspector/objects.py"),
    include_str!("inspector/descriptions.py"),
    include_str!("inspector/arranged.py"),
    include_str!("inspector/tables.py")
);

pub struct ValueInspector {
    describer: Arc<Describer>,
    /// Loaded when it is first needed.
    helper: Option<InspectorHelper>,
    /// Whether the helper keeps an order of rows.
    keeps_order: bool,
}

/// The actor's limit began earlier than ours, by at most this much.
const LIMIT_TOLERANCE: Duration = Duration::from_millis(500);

struct InspectorHelper {
    run: Py<PyAny>,
    forget: Py<PyAny>,
    describe: Py<PyCFunction>,
}

impl ValueInspector {
    pub fn new(describer: Arc<Describer>) -> Self {
        Self { describer, helper: None, keeps_order: false }
    }

    /// Forgets the order of rows that a view sorted or filtered: code that runs may change them.
    pub fn forget_order(&mut self, py: Python<'_>) {
        if std::mem::take(&mut self.keeps_order)
            && let Some(helper) = &self.helper
        {
            let _ = helper.forget.call0(py);
        }
    }

    /// Looks into a value. Must be called where user code can be interrupted.
    pub fn inspect(
        &mut self,
        globals: &Bound<'_, PyDict>,
        request: &InspectRequest,
        limit: Duration,
    ) -> Result<Inspection, InspectError> {
        let py = globals.py();
        self.describer.libraries.begin_pass(py);
        let began = Instant::now();
        self.keeps_order |=
            request.window.as_ref().is_some_and(|window| window.order.is_some() || !window.filter.is_empty());
        let answer = self.helper(py).and_then(|helper| {
            let window = request.window.as_ref().map(|window| {
                let after = window.after.map(|snippet| snippet.0);
                (window.start, window.count, window.first_column, window.order, &window.filter, after)
            });
            let (aspect, describe) = (request.aspect.word(), helper.describe.bind(py));
            let arguments = (&request.path, globals, aspect, request.page, describe, window);
            let (found, refusal) =
                helper.run.bind(py).call1(arguments)?.extract::<(Option<Bound<'_, PyAny>>, Bound<'_, PyString>)>()?;
            Ok((found.map(|found| to_json(&found)).transpose()?, refusal.to_string_lossy().into_owned()))
        });
        match answer {
            Ok((Some(found), _)) => {
                serde_json::from_value(found).map_err(|error| InspectError::Failed(error.to_string()))
            }
            Ok((None, refusal)) => Err(InspectError::Refused(refusal)),
            Err(error)
                if error.is_instance_of::<PyKeyboardInterrupt>(py) && began.elapsed() + LIMIT_TOLERANCE >= limit =>
            {
                Err(InspectError::Stopped { seconds: limit.as_secs(), has_ended: true })
            }
            Err(error) => {
                let message =
                    error.value(py).str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
                let class = self.describer.libraries.name_of(&error.get_type(py));
                Err(InspectError::Failed(if message.is_empty() { class } else { format!("{class}: {message}") }))
            }
        }
    }

    fn helper(&mut self, py: Python<'_>) -> PyResult<&InspectorHelper> {
        if self.helper.is_none() {
            let source = std::ffi::CString::new(SOURCE)?;
            let file = std::ffi::CString::new(file_names::INSPECTOR)?;
            let module = PyModule::from_code(py, &source, &file, c"fourhands_inspector")?;
            let describer = self.describer.clone();
            let describe = PyCFunction::new_closure(py, Some(c"describe"), None, move |args, _| {
                let found = describer.describe(String::new(), &args.get_item(0)?, None);
                let preview = if found.preview.is_empty() { found.text.unwrap_or_default() } else { found.preview };
                PyResult::Ok((found.type_name, found.shape, preview, found.size))
            })?;
            self.helper = Some(InspectorHelper {
                run: module.getattr("run")?.unbind(),
                forget: module.getattr("forget")?.unbind(),
                describe: describe.unbind(),
            });
        }
        self.helper.as_ref().ok_or_else(|| PyValueError::new_err("the inspector could not be loaded"))
    }
}

/// Converts the helper's answer to JSON.
fn to_json(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.cast_exact::<PyBool>() {
        return Ok(flag.is_true().into());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_string_lossy().into_owned().into());
    }
    if value.cast::<PyInt>().is_ok() {
        return Ok(value.extract::<u64>().map_or(Value::Null, Value::from));
    }
    if value.cast::<PyFloat>().is_ok() {
        return Ok(value.extract::<f64>()?.into());
    }
    if let Ok(list) = value.cast::<PyList>() {
        return list.iter().map(|item| to_json(&item)).collect();
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple.iter().map(|item| to_json(&item)).collect();
    }
    let mut map = Map::new();
    for (key, item) in value.cast::<PyDict>()?.iter() {
        map.insert(key.extract()?, to_json(&item)?);
    }
    Ok(Value::Object(map))
}
