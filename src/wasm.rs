//! The JavaScript face: converts, forwards, decides nothing.
