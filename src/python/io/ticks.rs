//! The cheapest clock of the machine, for the way of each write.

/// Returns the time in units of the machine. Only small differences on one thread mean anything.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the intrinsic is marked as unsafe")]
pub fn now() -> u64 {
    // SAFETY: every processor of this architecture has the instruction, and it changes nothing but registers.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Returns the time in nanoseconds. Only small differences on one thread mean anything.
#[cfg(not(target_arch = "x86_64"))]
pub fn now() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}
