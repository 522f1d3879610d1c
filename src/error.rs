//! What can go wrong, sorted by what the caller can do about it.

use std::fmt;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An underlying cause, kept for `source()`. No dependency's own type appears in a variant.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Every error of this crate. Match on the variant, or on [`Error::code`] across languages.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A router or embedder file is damaged or was written by something else. Fetch it again or rebuild it.
    BadArtifact {
        /// The part of the file that is wrong.
        section: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two parts do not belong together, such as a router trained on another embedder. Load the matching one.
    Mismatch {
        /// Which part does not fit.
        part: String,
        /// What the other parts ask for.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An argument is out of its range or malformed. Correct the call.
    BadInput {
        /// The argument's name as the caller wrote it.
        argument: String,
        /// What is wrong with it, and what is accepted.
        problem: String,
    },
    /// A line of an outcome log cannot be used. Correct the log.
    BadLog {
        /// One-based line number.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// No candidate may answer this prompt under the given limits. Loosen one of them.
    NoEligible {
        /// Which limits excluded whom.
        why: String,
    },
    /// The goal cannot be reached by any choice of candidates. Move it into the range that is named.
    Infeasible {
        /// What was asked for, and what can be reached.
        goal: String,
    },
    /// The inference engine failed. The prompt was fine; fall back to a fixed candidate.
    Engine {
        /// What was being done.
        stage: String,
        /// The engine's own error.
        source: Cause,
    },
    /// Reading or writing failed.
    Io {
        /// What was being read or written.
        what: String,
        /// The system's own error.
        source: std::io::Error,
    },
}

impl Error {
    /// A stable name for this kind of error: what JavaScript sees as `error.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadArtifact { .. } => "BAD_ARTIFACT",
            Self::Mismatch { .. } => "MISMATCH",
            Self::BadInput { .. } => "BAD_INPUT",
            Self::BadLog { .. } => "BAD_LOG",
            Self::NoEligible { .. } => "NO_ELIGIBLE",
            Self::Infeasible { .. } => "INFEASIBLE",
            Self::Engine { .. } => "ENGINE",
            Self::Io { .. } => "IO",
        }
    }

    pub(crate) fn artifact(section: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::BadArtifact { section: section.into(), problem: problem.to_string() }
    }

    pub(crate) fn input(argument: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::BadInput { argument: argument.into(), problem: problem.to_string() }
    }

    pub(crate) fn engine(stage: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::Engine { stage: stage.into(), source: source.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadArtifact { section, problem } => write!(f, "damaged file, in its {section}: {problem}"),
            Self::Mismatch { part, expected, found } => {
                write!(f, "{part} does not belong here: expected {expected}, found {found}")
            }
            Self::BadInput { argument, problem } => write!(f, "{argument}: {problem}"),
            Self::BadLog { line, problem } => write!(f, "outcome log, line {line}: {problem}"),
            Self::NoEligible { why } => write!(f, "no candidate may answer this prompt: {why}"),
            Self::Infeasible { goal } => write!(f, "this goal cannot be reached: {goal}"),
            Self::Engine { stage, source } => write!(f, "the engine failed while {stage}: {source}"),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Engine { source, .. } => Some(source.as_ref()),
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
