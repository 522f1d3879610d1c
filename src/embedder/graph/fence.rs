//! What a hostile file may ask for. A few lines of ONNX can double a tensor forty times; whoever computes first and
//! measures later has no memory left. So everything is measured when it is read, and nothing is computed before.

use tract_core::internal::*;

/// BERT-large has some 2,000 nodes when it is written out in full.
const MOST_NODES: usize = 10_000;
/// Numbers in one value: what BERT-large's widest has at 512 tokens, sixteen times.
const MOST_NUMBERS: i64 = 1 << 26;
/// With so many tokens of text they are counted: an attention's scores grow with the square, and a longer text is the
/// caller's own.
const LONGEST: usize = 512;
/// Axes of a value.
const MOST_AXES: usize = 8;

/// Looks at every node from the `first` on.
pub(super) fn check(graph: &TypedModel, first: usize, longest: usize) -> TractResult<()> {
    ensure!(graph.nodes().len() <= MOST_NODES, "more than {MOST_NODES} nodes");
    let longest = longest.min(LONGEST);
    let lengths =
        graph.symbols.all_symbols().into_iter().fold(SymbolValues::default(), |values, symbol| values.with(&symbol, longest as i64));
    let facts = graph.nodes().iter().skip(first).flat_map(|node| node.outputs.iter().map(move |output| (node, &output.fact)));
    for (node, fact) in facts {
        ensure!(fact.rank() <= MOST_AXES, "{} has {} axes", node.name, fact.rank());
        let numbers = fact.shape.iter().try_fold(1, |numbers: i64, dim| {
            let dim = dim.eval(&lengths).to_i64().ok().filter(|dim| *dim >= 0)?;
            numbers.checked_mul(dim).filter(|numbers| *numbers <= MOST_NUMBERS)
        });
        ensure!(numbers.is_some(), "{} is of shape {:?}, with {longest} tokens of text", node.name, fact.shape);
    }
    Ok(())
}

/// Looks at a shape that is asked for, before tract multiplies its axes.
pub(super) fn check_axes(axes: &[TDim]) -> TractResult<()> {
    let mut known = axes.iter().filter_map(|axis| axis.to_i64().ok());
    let numbers =
        known.try_fold(1, |numbers: i64, axis| numbers.checked_mul(axis.checked_abs()?.max(1)).filter(|all| *all <= MOST_NUMBERS));
    ensure!(numbers.is_some(), "a shape of {axes:?} is asked for");
    Ok(())
}

/// Whether rows so wide can be computed of a text as long as any that a file allows.
pub(super) fn fits(width: usize, longest: usize) -> bool {
    width.checked_mul(longest.min(LONGEST)).is_some_and(|numbers| numbers as i64 <= MOST_NUMBERS)
}
