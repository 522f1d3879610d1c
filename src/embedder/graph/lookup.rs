//! The rule for the embed op: three table lookups, their sum, and its normalisation; or one lookup that is all there is.

use super::super::file::Bytes;
use super::super::ops::{Embed, Norm, Place, Table};
use super::super::stencil::spell;
use super::gather::CheckedGather;
use super::pattern::Pattern;
use super::rules::{Context, replace};
use super::{Input, Inputs};
use tract_core::ops::{array::Slice, cast::Cast, change_axes::AxisOp, math::Mul};
use tract_core::prelude::*;

/// What chooses a table's rows.
#[derive(Clone, Copy, PartialEq)]
enum Index {
    Token(Input),
    /// 0, 1, 2, ... to the text's length
    Position,
}

/// norm(word + type + position), or where the graph ends there, word
pub(super) fn embed(context: &Context, inputs: &Inputs, p: &Pattern, outlet: OutletId) -> TractResult<Option<TypedModelPatch>> {
    let last = p.model.output_outlets()?.contains(&outlet);
    match read(p, inputs, outlet).or_else(|| read_static(p, inputs, outlet).filter(|_| last)) {
        Some((ids, op)) => replace(p, outlet, op, &[ids, context.segments]),
        None => Ok(None),
    }
}

fn read(p: &Pattern, inputs: &Inputs, outlet: OutletId) -> Option<(OutletId, Embed)> {
    let (norm, node) = p.op::<Norm>(outlet)?;
    let terms: Vec<OutletId> = node.inputs.iter().flat_map(|input| p.terms(*input)).collect();
    let read: Vec<(Table, Index)> = terms.iter().map(|term| lookup(p, inputs, *term)).collect::<Option<_>>()?;
    let table = |wanted: Index| read.iter().find(|(_, index)| *index == wanted).map(|(table, _)| table.clone());
    let (words, positions) = (table(Index::Token(Input::Ids))?, table(Index::Position)?);
    let Table::Float(kinds) = table(Index::Token(Input::Segment))? else { return None };
    let kind = kinds[..norm.width()].into();
    let place = Place { positions: positions.into(), kind, norm: norm.clone() };
    let embed = Embed { words: words.into(), width: norm.width(), place: Some(place) };
    (read.len() == 3).then_some((ids(inputs)?, embed))
}

fn read_static(p: &Pattern, inputs: &Inputs, outlet: OutletId) -> Option<(OutletId, Embed)> {
    let (words, index) = lookup(p, inputs, outlet)?;
    let embed = Embed { words: words.into(), width: p.width(outlet)?, place: None };
    (index == Index::Token(Input::Ids)).then_some((ids(inputs)?, embed))
}

fn ids(inputs: &Inputs) -> Option<OutletId> {
    inputs.iter().find(|(input, _)| *input == Input::Ids).map(|(_, outlet)| *outlet)
}

/// float rows, or int8 rows or signs times a scale per row
fn lookup(p: &Pattern, inputs: &Inputs, outlet: OutletId) -> Option<(Table, Index)> {
    // Rows of [tokens, width] get their first axis where they are added.
    let outlet = match p.op::<AxisOp>(outlet) {
        Some((AxisOp::Add(0), node)) => node.inputs[0],
        _ => outlet,
    };
    let Some((a, b)) = p.binary::<Mul>(outlet) else {
        let (table, index) = rows(p, inputs, outlet)?;
        return Some((Table::Float(p.table(table)?), index));
    };
    let (values, scales) = if p.width(b) == Some(1) { (a, b) } else { (b, a) };
    let (scale, other) = rows(p, inputs, scales)?;
    let scale = p.table(scale)?;
    if let Some((bits, index)) = signs(p, inputs, values) {
        return (index == other).then_some((Table::Signs { bits, scale }, index));
    }
    let (_, cast) = p.op::<Cast>(values)?;
    let (values, index) = rows(p, inputs, cast.inputs[0])?;
    let table = Table::Int8 { values: p.bytes(values)?, scale };
    (index == other).then_some((table, index))
}

/// bytes, each spelt out as eight signs by a table of all bytes
fn signs(p: &Pattern, inputs: &Inputs, outlet: OutletId) -> Option<(Bytes, Index)> {
    let (AxisOp::Reshape(2, from, to), node) = p.op::<AxisOp>(outlet)? else { return None };
    let (_, node) = p.op::<CheckedGather>(node.inputs[0]).filter(|(gather, _)| gather.axis == 0)?;
    let spelling: Vec<f32> = (0..=255u8).flat_map(spell).collect();
    let eights = from.len() == 2 && to.len() == 1 && from[1] == 8.to_dim();
    if !eights || p.floats(node.inputs[0])? != spelling {
        return None;
    }
    let (_, cast) = p.op::<Cast>(node.inputs[1])?;
    let (bits, index) = rows(p, inputs, cast.inputs[0])?;
    Some((p.bits(bits)?, index))
}

/// A table and what chooses its rows.
fn rows(p: &Pattern, inputs: &Inputs, outlet: OutletId) -> Option<(OutletId, Index)> {
    if let Some((slice, node)) = p.op::<Slice>(outlet) {
        return (slice.axis == 0 && prefix(p, outlet)).then(|| (node.inputs[0], Index::Position));
    }
    let (_, node) = p.op::<CheckedGather>(outlet).filter(|(gather, _)| gather.axis == 0)?;
    let (table, index) = (node.inputs[0], node.inputs[1]);
    if let Some((input, _)) = inputs.iter().find(|(_, outlet)| *outlet == index) {
        return Some((table, Index::Token(*input)));
    }
    counts(p, index).then_some((table, Index::Position))
}

/// The beginning of a constant, as much of it as there are tokens.
fn prefix(p: &Pattern, outlet: OutletId) -> bool {
    let whole = |slice: &Slice| slice.start == 0.to_dim() && slice.end.to_i64().is_err();
    p.op::<Slice>(outlet).is_some_and(|(slice, _)| whole(slice))
}

/// 0, 1, 2, ...: a prefix of a constant that counts.
fn counts(p: &Pattern, outlet: OutletId) -> bool {
    let read = || {
        let (_, node) = p.op::<Slice>(outlet)?;
        let all = p.konst(node.inputs[0])?;
        let numbers = all.try_as_plain_ram().ok()?.as_slice::<i64>().ok()?;
        Some(prefix(p, outlet) && numbers.iter().copied().eq(0..numbers.len() as i64))
    };
    read().unwrap_or(false)
}
