//! Parquet files, row by row: tables as in [`super::wide`], or `query` with `scores` and `costs` as maps or structs.

use super::wide::{Cell, Wide};
use indicatif::ProgressBar;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use pointsman::error::Error;
use pointsman::train::Entry;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fs::File;

/// Columns of the nested form.
const NESTED: [&str; 7] = ["query", "dataset", "task", "split", "scores", "costs", "tok_out"];

/// Calls `visit` with the one-based number of every row and what it holds.
pub fn read(file: File, bar: &ProgressBar, visit: &mut dyn FnMut(usize, Entry) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (bytes, start) = (file.metadata().map_or(0, |metadata| metadata.len()), bar.position());
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let metadata = reader.metadata().file_metadata();
    let total = metadata.num_rows().unsigned_abs().max(1);
    let (columns, wide) = plan(metadata.schema())?;
    let mut number = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(broken)?;
        for row in group.get_row_iter(Some(columns.clone())).map_err(broken)? {
            number += 1;
            bar.set_position(start + bytes * number as u64 / total);
            let row = row.map_err(broken)?;
            let entry = match &wide {
                Some(wide) => {
                    let columns = row.into_columns();
                    wide.entry(number, |i| cell(&columns[i].1))?
                }
                None => Entry::from_value(number, Value::Object(members(row)))?,
            };
            visit(number, entry)?;
        }
    }
    Ok(())
}

/// The columns to read, and where things are in them unless they are nested.
fn plan(schema: &Type) -> anyhow::Result<(Type, Option<Wide>)> {
    let fields = schema.get_fields();
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let group = |name: &str| fields.iter().any(|field| field.name() == name && field.is_group());
    let nested = group("scores") && group("costs");
    let used: Vec<usize> = if nested { vec![] } else { Wide::of(1, &names)?.used() };
    let kept: Vec<usize> = (0..names.len()).filter(|i| if nested { NESTED.contains(&names[*i]) } else { used.contains(i) }).collect();
    let wide = if nested { None } else { Some(Wide::of(1, &kept.iter().map(|&i| names[i]).collect::<Vec<_>>())?) };
    let columns = kept.iter().map(|&i| fields[i].clone()).collect();
    Ok((Type::group_type_builder(schema.name()).with_fields(columns).build().map_err(broken)?, wide))
}

/// The file itself is at fault, and not a row of it.
fn broken(error: parquet::errors::ParquetError) -> anyhow::Error {
    Error::Io { what: "cannot read it as Parquet".into(), source: std::io::Error::other(error) }.into()
}

fn cell(field: &Field) -> Cell<'_> {
    match field {
        Field::Null => Cell::Missing,
        Field::Bool(is) => Cell::Flag(*is),
        Field::Str(text) => Cell::Text(Cow::Borrowed(text)),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).map_or(Cell::Other("bytes"), |text| Cell::Text(Cow::Borrowed(text))),
        Field::ListInternal(list) => match list.elements() {
            [only] => cell(only),
            _ => Cell::Other("a list"),
        },
        field => number(field).map_or(Cell::Other("of another type"), Cell::Number),
    }
}

fn number(field: &Field) -> Option<f64> {
    Some(match field {
        Field::Byte(n) => (*n).into(),
        Field::Short(n) => (*n).into(),
        Field::Int(n) => (*n).into(),
        Field::Long(n) => *n as f64,
        Field::UByte(n) => (*n).into(),
        Field::UShort(n) => (*n).into(),
        Field::UInt(n) => (*n).into(),
        Field::ULong(n) => *n as f64,
        Field::Float(n) => (*n).into(),
        Field::Double(n) => *n,
        _ => return None,
    })
}

/// A member of an object, where it has a value.
fn named((name, field): (String, Field)) -> Option<(String, Value)> {
    json(field).map(|value| (name, value))
}

fn json(field: Field) -> Option<Value> {
    match field {
        Field::Group(row) => Some(Value::Object(members(row))),
        Field::MapInternal(map) => {
            let pairs = map.entries().iter().filter_map(|(key, value)| match key {
                Field::Str(key) => named((key.clone(), value.clone())),
                _ => None,
            });
            Some(Value::Object(pairs.collect()))
        }
        field => match cell(&field) {
            Cell::Missing => None,
            Cell::Flag(is) => Some(Value::from(u8::from(is))),
            Cell::Text(text) => Some(Value::String(text.into_owned())),
            Cell::Number(number) => serde_json::Number::from_f64(number).map(Value::Number),
            Cell::Other(kind) => Some(Value::String(kind.into())),
        },
    }
}

fn members(row: Row) -> Map<String, Value> {
    row.into_columns().into_iter().filter_map(named).collect()
}
