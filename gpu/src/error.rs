//! What can go wrong, sorted by what the caller can do about it. Whatever it is, the CPU can answer.

use std::fmt;

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a GPU did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is no usable adapter or device. Use the CPU.
    NoGpu(String),
    /// The plan is damaged, or was written by another version. Export it again.
    BadPlan(String),
    /// The plan or the call is more than this device or these kernels can do. Use the CPU.
    TooLarge(String),
    /// The call's rows and lengths do not belong together. Correct the call.
    BadInput(String),
    /// The device failed or was lost. Open another, or use the CPU.
    Device(String),
}

impl Error {
    /// A stable name for this kind of error: what JavaScript sees as `error.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoGpu(_) => "NO_GPU",
            Self::BadPlan(_) => "BAD_PLAN",
            Self::TooLarge(_) => "TOO_LARGE",
            Self::BadInput(_) => "BAD_INPUT",
            Self::Device(_) => "DEVICE",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGpu(why) => write!(f, "no GPU can be used: {why}"),
            Self::BadPlan(why) => write!(f, "damaged encoder plan: {why}"),
            Self::TooLarge(why) => write!(f, "too much for this GPU: {why}"),
            Self::BadInput(why) => write!(f, "rows: {why}"),
            Self::Device(why) => write!(f, "the GPU failed: {why}"),
        }
    }
}

impl std::error::Error for Error {}
