//! The `pointsman` command.

#![warn(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if cli::reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pointsman: {}", cli::describe(&error));
            ExitCode::from(cli::exit_code(&error))
        }
    }
}
