//! Limits of the process that a reset restores: its resources, and the mode of new files.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::stat::{Mode, umask};

/// Limits that code lowers to try something, and that later code runs into.
const RESOURCES: &[(Resource, &str)] = &[
    (Resource::RLIMIT_AS, "RLIMIT_AS"),
    (Resource::RLIMIT_CORE, "RLIMIT_CORE"),
    (Resource::RLIMIT_CPU, "RLIMIT_CPU"),
    (Resource::RLIMIT_DATA, "RLIMIT_DATA"),
    (Resource::RLIMIT_FSIZE, "RLIMIT_FSIZE"),
    (Resource::RLIMIT_NOFILE, "RLIMIT_NOFILE"),
    #[cfg(target_os = "linux")]
    (Resource::RLIMIT_NPROC, "RLIMIT_NPROC"),
    (Resource::RLIMIT_STACK, "RLIMIT_STACK"),
];

/// The limits at the start.
pub struct ProcessLimits {
    soft: Vec<rlim_t>,
    mask: Mode,
}

impl ProcessLimits {
    pub fn take() -> Self {
        // The mask can only be read by setting it.
        let mask = umask(Mode::from_bits_truncate(0o077));
        umask(mask);
        let soft = RESOURCES.iter().map(|(resource, _)| getrlimit(*resource).map_or(0, |(soft, _)| soft));
        Self { soft: soft.collect(), mask }
    }

    /// Restores the limits. Returns descriptions of those that user code has lowered for good.
    pub fn restore(&self) -> Vec<String> {
        umask(self.mask);
        let mut remains = Vec::new();
        for ((resource, name), then) in RESOURCES.iter().zip(&self.soft) {
            let Ok((soft, hard)) = getrlimit(*resource) else { continue };
            let most = (*then).min(hard);
            if soft < most {
                let _ = setrlimit(*resource, most, hard);
            }
            let now = getrlimit(*resource).map_or(soft, |(soft, _)| soft);
            if now < *then {
                remains.push(format!("the limit {name}, which was lowered to {now} for good"));
            }
        }
        remains
    }
}
