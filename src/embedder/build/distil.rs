//! A transformer becomes a table: each token's row is what the encoder makes of that token alone, and a text is the
//! weighted mean of its rows (the idea of Model2Vec, Tulkens and van Dongen 2024).
//!
//! Rows are turned to their principal directions, and of each number only its sign is kept: by the mean over a text, most
//! of what one bit loses comes back, and a linear head gains from the many directions that the room of a few whole numbers
//! pays for, as the weak ones then count as much as the strong. A row weighs as little as its token is frequent,
//! a / (a + p) (smooth inverse frequency, Arora, Liang and Ma 2017). Vocabularies list words by falling frequency, so Zipf's
//! law gives p from a token's place.

use super::source::Folder;
use super::writer::Writer;
use crate::embedder::file::{self, EmbedderFile, Metadata};
use crate::embedder::{Activations, Embedder, Embedding, GraphEmbedder, Pooling, stencil};
use crate::error::{Error, Result};
use crate::tokenizer::Tokens;
use prost::Message;

/// a of the smooth inverse frequency.
const SMOOTH: f64 = 1e-3;
/// Single characters stand before all words; they are about as frequent as the word of this rank.
const CHARACTER_RANK: f64 = 50.0;
/// Long enough for most documents: a row costs next to nothing.
const MAX_TOKENS: usize = 2048;
/// Rounds of Jacobi's method: each squares what is left beside the diagonal.
const ROUNDS: usize = 12;
/// What `[CLS]` weighs, so that a text of nothing known still has a direction.
const FAINT: f64 = 1e-3;

/// Distils the folder's transformer into rows of `width` signs. The same folder and width give the same bytes.
///
/// # Errors
/// [`Error::BadInput`] where `width` is no multiple of 8 from 16 on, or more than the encoder's; else as [`build`](super::build()).
pub fn distil(folder: &Folder, width: usize) -> Result<Vec<u8>> {
    let teacher = EmbedderFile::parse(super::build(folder, Activations::Bits14)?)?;
    let metadata = teacher.metadata().clone();
    if width < 16 || !width.is_multiple_of(8) || width > metadata.width {
        return Err(Error::input("width", format!("{width} is no multiple of 8 from 16 to {}, the encoder's", metadata.width)));
    }
    let tokens: Vec<String> = metadata.vocabulary().map(Into::into).collect();
    let weights = weights(&tokens);
    let rows = project(rows(&GraphEmbedder::new(teacher)?, &tokens, &weights)?, width);
    let bits: Vec<u8> = rows.iter().flat_map(|row| row.chunks(8).map(byte)).collect();
    let scales: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
    let mut out = Writer::default();
    out.u8("token_bits", &[tokens.len(), width / 8], bits);
    out.f32("token_scale", &[tokens.len(), 1], &scales);
    out.add(stencil::static_constants(width));
    let metadata = Metadata {
        max_tokens: MAX_TOKENS,
        width,
        pooling: Pooling::Mean,
        weights: "signs".into(),
        activations: Activations::Float,
        ..metadata
    };
    Ok(file::write(out.finish(stencil::static_nodes(), stencil::STATIC_INPUTS, stencil::STATIC_ROWS, width).encode_to_vec(), &metadata))
}

/// Eight signs, the lowest bit first.
fn byte(signs: &[f32]) -> u8 {
    signs.iter().enumerate().map(|(k, x)| u8::from(*x > 0.0) << k).sum()
}

/// By token: 0 for those that text never holds.
fn weights(tokens: &[String]) -> Vec<f64> {
    let is_word = |token: &str| token.trim_start_matches("##").chars().nth(1).is_some();
    let words = tokens.iter().filter(|token| is_word(token)).count() as f64;
    // Zipf: p of rank r is 1 / (r H), with H about ln n + γ.
    let harmonic = libm::log(words.max(2.0)) + 0.577;
    let mut rank = 0.0;
    let weight = |token: &String| match token.as_str() {
        "[CLS]" => FAINT,
        special if special.starts_with('[') && special.ends_with(']') && special.len() > 2 && special != "[UNK]" => 0.0,
        token => {
            rank += f64::from(u8::from(is_word(token)));
            let rank = if is_word(token) { rank } else { CHARACTER_RANK };
            SMOOTH / (SMOOTH + 1.0 / (rank * harmonic))
        }
    };
    tokens.iter().map(weight).collect()
}

/// What the encoder makes of each token alone; zeros where it never stands in a text.
fn rows(teacher: &GraphEmbedder, tokens: &[String], weights: &[f64]) -> Result<Vec<Vec<f32>>> {
    let place = |name: &str| tokens.iter().position(|token| token == name).unwrap_or(0) as u32;
    let (first, last) = (place("[CLS]"), place("[SEP]"));
    let alone = |id: usize| Tokens { ids: vec![first, id as u32, last], total: 3, ..Tokens::default() };
    let asked: Vec<usize> = (0..tokens.len()).filter(|&id| weights[id] > 0.0).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let run = |ids: &[usize]| teacher.embed_batch(&ids.iter().map(|&id| alone(id)).collect::<Vec<_>>());
    let parts: Vec<Result<Vec<Embedding>>> = std::thread::scope(|scope| {
        let running: Vec<_> = asked.chunks(asked.len().div_ceil(threads).max(1)).map(|ids| scope.spawn(|| run(ids))).collect();
        let stopped = || Err(Error::engine("distilling", "a thread stopped"));
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| stopped())).collect()
    });
    let mut rows = vec![vec![0.0; teacher.width()]; tokens.len()];
    let embeddings = parts.into_iter().collect::<Result<Vec<_>>>()?.concat();
    asked.iter().zip(embeddings).for_each(|(&id, embedding)| rows[id] = embedding.as_slice().to_vec());
    Ok(rows)
}

/// Centred rows along their directions of greatest variance. Written out, in one order and in f64, because the file must
/// have the same bytes on every machine, and matrix libraries choose their order by processor.
fn project(rows: Vec<Vec<f32>>, width: usize) -> Vec<Vec<f32>> {
    let used: Vec<&Vec<f32>> = rows.iter().filter(|row| row.iter().any(|x| *x != 0.0)).collect();
    let inputs = rows[0].len();
    let mean: Vec<f64> = (0..inputs).map(|j| used.iter().map(|row| f64::from(row[j])).sum::<f64>() / used.len() as f64).collect();
    let mut covariance = vec![vec![0.0; inputs]; inputs];
    for row in &used {
        let centred: Vec<f64> = row.iter().zip(&mean).map(|(x, m)| f64::from(*x) - m).collect();
        for (line, x) in covariance.iter_mut().zip(&centred) {
            line.iter_mut().zip(&centred).for_each(|(sum, y)| *sum += x * y);
        }
    }
    let axes = principal(covariance, width);
    let along =
        |row: &Vec<f32>, axis: &Vec<f64>| row.iter().zip(&mean).zip(axis).map(|((x, m), a)| (f64::from(*x) - m) * a).sum::<f64>() as f32;
    let project = |row: &Vec<f32>| {
        let used = row.iter().any(|x| *x != 0.0);
        axes.iter().map(|axis| if used { along(row, axis) } else { 0.0 }).collect()
    };
    rows.iter().map(project).collect()
}

/// The eigenvectors of a symmetric matrix's greatest eigenvalues, by Jacobi's method.
fn principal(mut matrix: Vec<Vec<f64>>, count: usize) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let mut axes: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..ROUNDS {
        for p in 0..n {
            for q in p + 1..n {
                turn(&mut matrix, &mut axes, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| matrix[b][b].total_cmp(&matrix[a][a]));
    order[..count].iter().map(|&i| axes[i].clone()).collect()
}

/// The turn of axes p and q that makes the matrix's entry between them zero.
fn turn(matrix: &mut [Vec<f64>], axes: &mut [Vec<f64>], p: usize, q: usize) {
    let between = matrix[p][q];
    if between == 0.0 {
        return;
    }
    let ratio = (matrix[q][q] - matrix[p][p]) / (2.0 * between);
    let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    let turned = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for row in matrix.iter_mut() {
        (row[p], row[q]) = turned(row[p], row[q]);
    }
    for rows in [matrix, axes] {
        let (head, tail) = rows.split_at_mut(q);
        for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
            (*x, *y) = turned(*x, *y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_tokens_weigh_little_and_special_ones_nothing() {
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "!", "the", "cat", "##ing"].map(String::from);
        let weights = weights(&tokens);
        assert_eq!((weights[0], weights[2]), (0.0, FAINT));
        assert!(weights[4] < weights[5] && weights[5] < weights[6] && weights[6] < weights[3], "{weights:?}");
    }

    #[test]
    fn directions_of_variance_are_kept_and_centred() {
        let rows: Vec<Vec<f32>> = (0..40).map(|i| vec![(i % 8) as f32 + 1.0, 5.0, ((i / 8) % 2) as f32 * 0.1 + 1.0]).collect();
        let projected = project(rows.clone(), 1);
        for (row, one) in rows.iter().zip(&projected) {
            assert!((one[0].abs() - (row[0] - 4.5).abs()).abs() < 1e-2, "{row:?} {one:?}");
        }
    }
}
