#![no_main]

libfuzzer_sys::fuzz_target!(|edits: Vec<pointsman_fuzz::graph::Edit>| pointsman_fuzz::graph::run(&edits));
