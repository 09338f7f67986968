//! Looking into one value: the helper that does it in Python, and its answer as data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyCFunction, PyDict, PyFloat, PyInt, PyList, PyModule, PyString, PyTuple};
use serde_json::{Map, Value};

use super::values::variables::Describer;
use crate::domain::{InspectError, InspectRequest, Inspection};

/// Its file in tracebacks.
const FILE: &str = "<fourhands inspector>";
/// One module, written in parts.
const SOURCE: &str = concat!(
    include_str!("inspector/paths.py"),
    include_str!("inspector/view.py"),
    include_str!("inspector/objects.py"),
    include_str!("inspector/tables.py")
);

pub struct Inspector {
    describer: Arc<Describer>,
    /// Loaded when it is first needed.
    helper: Option<Helper>,
}

/// The actor's limit began so much earlier at the most.
const SLACK: Duration = Duration::from_millis(500);

struct Helper {
    run: Py<PyAny>,
    describe: Py<PyCFunction>,
}

impl Inspector {
    pub fn new(describer: Arc<Describer>) -> Self {
        Self { describer, helper: None }
    }

    /// To be called where user code may run and be interrupted.
    pub fn inspect(
        &mut self,
        globals: &Bound<'_, PyDict>,
        asked: &InspectRequest,
        limit: Duration,
    ) -> Result<Inspection, InspectError> {
        let py = globals.py();
        self.describer.libraries.begin(py);
        let began = Instant::now();
        let answer = self.helper(py).and_then(|helper| {
            let arguments = (&asked.path, globals, asked.aspect.word(), asked.page, helper.describe.bind(py));
            let (outcome, told) = helper.run.bind(py).call1(arguments)?.extract::<(String, Bound<'_, PyAny>)>()?;
            Ok((outcome, plain(&told)?))
        });
        match answer {
            Ok((outcome, told)) if outcome == "told" => {
                serde_json::from_value(told).map_err(|error| InspectError::Failed(error.to_string()))
            }
            Ok((_, sentence)) => Err(InspectError::Refused(sentence.as_str().unwrap_or_default().to_owned())),
            Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) && began.elapsed() + SLACK >= limit => {
                Err(InspectError::Stopped { seconds: limit.as_secs(), has_ended: true })
            }
            Err(error) => {
                let said =
                    error.value(py).str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
                let class = self.describer.libraries.name_of(&error.get_type(py));
                Err(InspectError::Failed(if said.is_empty() { class } else { format!("{class}: {said}") }))
            }
        }
    }

    fn helper(&mut self, py: Python<'_>) -> PyResult<&Helper> {
        if self.helper.is_none() {
            let source = std::ffi::CString::new(SOURCE)?;
            let file = std::ffi::CString::new(FILE)?;
            let module = PyModule::from_code(py, &source, &file, c"fourhands_inspector")?;
            let describer = self.describer.clone();
            let describe = PyCFunction::new_closure(py, Some(c"describe"), None, move |args, _| {
                let told = describer.describe(String::new(), &args.get_item(0)?, None);
                let preview = if told.preview.is_empty() { told.text.unwrap_or_default() } else { told.preview };
                PyResult::Ok((told.type_name, told.shape, preview, told.size))
            })?;
            self.helper = Some(Helper { run: module.getattr("run")?.unbind(), describe: describe.unbind() });
        }
        self.helper.as_ref().ok_or_else(|| PyValueError::new_err("the inspector could not be loaded"))
    }
}

/// The helper's answer as JSON would hold it.
fn plain(value: &Bound<'_, PyAny>) -> PyResult<Value> {
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
        return list.iter().map(|item| plain(&item)).collect();
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple.iter().map(|item| plain(&item)).collect();
    }
    let mut map = Map::new();
    for (key, item) in value.cast::<PyDict>()?.iter() {
        map.insert(key.extract()?, plain(&item)?);
    }
    Ok(Value::Object(map))
}
