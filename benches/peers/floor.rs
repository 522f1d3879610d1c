//! The least time that MiniLM-L6's linear layers can take: their multiply-adds for a number of tokens, in the real shapes, with
//! packed int8 weights that are streamed once per call. No quantisation of activations, no attention, norms or GELU: a floor, no model.
//!
//! Every function takes the number of tokens, a multiple of 4, and returns how many of the sums it checked were wrong.
//! Compiled by setup.sh with `rustc`, once with simd128 and once with relaxed-simd.

use core::arch::wasm32::*;

const LAYERS: usize = 6;
/// Inputs and outputs of one layer's matrices: query, key and value as one, attention's output, and the two of the feed-forward part.
const SHAPES: [(usize, usize); 4] = [(384, 1152), (384, 384), (384, 1536), (1536, 384)];
const WIDEST: usize = 1536;
const MOST_TOKENS: usize = 128;
/// One block: so many tokens times so many columns, which is 8 accumulators of 4 lanes.
const ROWS: usize = 4;
const COLUMNS: usize = 8;

/// How two blocks of columns are multiplied and added. Weights are int8 in memory, packed as
/// [panel of 8 columns][group of rows][column][row].
trait Arithmetic {
    type Activation: From<i8> + Copy;
    /// What one step reads of 4 columns, or of one token for all of them.
    type Operand: Copy;
    /// How many rows lie side by side in memory, and how many such groups one step takes.
    const GROUP: usize;
    const GROUPS: usize = 1;
    /// Weights are -LIMIT to LIMIT; activations always 0 to 127.
    const LIMIT: i32;
    /// # Safety: a step's weights follow.
    unsafe fn weights(from: *const i8) -> Self::Operand;
    /// # Safety: a step's activations follow.
    unsafe fn activations(from: *const Self::Activation) -> Self::Operand;
    fn add(sum: v128, weights: Self::Operand, activations: Self::Operand) -> v128;
}

/// The same numbers on every run. Their order is of no importance, only their ranges are.
fn weight<A: Arithmetic>(matrix: usize, row: usize, column: usize) -> i8 {
    let mixed = (matrix.wrapping_mul(31) ^ row.wrapping_mul(2654435761) ^ column.wrapping_mul(40503)) >> 7;
    ((mixed % (2 * A::LIMIT as usize + 1)) as i32 - A::LIMIT) as i8
}

fn activation(index: usize) -> i8 {
    (index.wrapping_mul(40503) >> 3 & 127) as i8
}

struct Buffers<A: Arithmetic> {
    weights: Vec<i8>,
    activations: Vec<A::Activation>,
    sums: Vec<i32>,
}

impl<A: Arithmetic> Buffers<A> {
    fn new() -> Self {
        let mut weights = Vec::with_capacity(LAYERS * SHAPES.iter().map(|(inputs, outputs)| inputs * outputs).sum::<usize>());
        for matrix in 0..LAYERS * SHAPES.len() {
            let (inputs, outputs) = SHAPES[matrix % SHAPES.len()];
            for panel in (0..outputs).step_by(COLUMNS) {
                for group in (0..inputs).step_by(A::GROUP) {
                    let columns = (panel..panel + COLUMNS).flat_map(|column| (group..group + A::GROUP).map(move |row| (row, column)));
                    weights.extend(columns.map(|(row, column)| weight::<A>(matrix, row, column)));
                }
            }
        }
        let activations = (0..MOST_TOKENS * WIDEST).map(|i| activation(i).into()).collect();
        Self { weights, activations, sums: vec![0; MOST_TOKENS * WIDEST] }
    }

    /// All matrices, one after the other.
    fn run(&mut self, tokens: usize) -> usize {
        assert!(tokens % ROWS == 0 && tokens <= MOST_TOKENS);
        let mut weights = self.weights.as_ptr();
        let mut wrong = 0;
        for matrix in 0..LAYERS * SHAPES.len() {
            let (inputs, outputs) = SHAPES[matrix % SHAPES.len()];
            // Safety: the buffers hold every matrix, and the widest rows of the most tokens.
            weights = unsafe { multiply::<A>(weights, self.activations.as_ptr(), self.sums.as_mut_ptr(), tokens, (inputs, outputs)) };
            wrong += usize::from(!self.right(matrix, tokens - 1, outputs - 3));
        }
        wrong
    }

    /// Compares one sum with that of plain arithmetic.
    fn right(&self, matrix: usize, token: usize, column: usize) -> bool {
        let (inputs, outputs) = SHAPES[matrix % SHAPES.len()];
        let terms = (0..inputs).map(|row| i32::from(activation(token * inputs + row)) * i32::from(weight::<A>(matrix, row, column)));
        self.sums[token * outputs + column] == terms.sum::<i32>()
    }
}

/// One matrix. Returns where the next one's weights begin.
unsafe fn multiply<A: Arithmetic>(
    mut weights: *const i8,
    activations: *const A::Activation,
    sums: *mut i32,
    tokens: usize,
    (inputs, outputs): (usize, usize),
) -> *const i8 {
    unsafe {
        for panel in (0..outputs).step_by(COLUMNS) {
            for row in (0..tokens).step_by(ROWS) {
                let block = block::<A>(weights, activations.add(row * inputs), inputs);
                for (i, [left, right]) in block.into_iter().enumerate() {
                    let to = sums.add((row + i) * outputs + panel) as *mut v128;
                    v128_store(to, left);
                    v128_store(to.add(1), right);
                }
            }
            weights = weights.add(inputs * COLUMNS);
        }
        weights
    }
}

#[inline(always)]
unsafe fn block<A: Arithmetic>(mut weights: *const i8, activations: *const A::Activation, inputs: usize) -> [[v128; 2]; ROWS] {
    unsafe {
        let mut sums = [[i32x4_splat(0); 2]; ROWS];
        let mut step = 0;
        while step < inputs {
            let left = A::weights(weights);
            let right = A::weights(weights.add(COLUMNS / 2 * A::GROUP));
            for (i, sum) in sums.iter_mut().enumerate() {
                let x = A::activations(activations.add(i * inputs + step));
                *sum = [A::add(sum[0], left, x), A::add(sum[1], right, x)];
            }
            weights = weights.add(COLUMNS * A::GROUP * A::GROUPS);
            step += A::GROUP * A::GROUPS;
        }
        sums
    }
}

/// Exports an arithmetic under a name. Its first call packs the weights in its order.
macro_rules! export {
    ($name:ident, $arithmetic:ty) => {
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(tokens: usize) -> usize {
            static mut BUFFERS: Option<Buffers<$arithmetic>> = None;
            // Safety: a wasm instance without threads.
            let buffers = unsafe { &mut *core::ptr::addr_of_mut!(BUFFERS) };
            buffers.get_or_insert_with(Buffers::new).run(tokens)
        }
    };
}

#[cfg(not(target_feature = "relaxed-simd"))]
mod plain {
    use super::*;

    /// Weights widened to i16 as they are loaded, products added in pairs.
    pub struct I16;
    impl Arithmetic for I16 {
        type Activation = i16;
        type Operand = v128;
        const GROUP: usize = 2;
        const LIMIT: i32 = 127;
        #[inline(always)]
        unsafe fn weights(from: *const i8) -> v128 {
            unsafe { i16x8_load_extend_i8x8(from) }
        }
        #[inline(always)]
        unsafe fn activations(from: *const i16) -> v128 {
            unsafe { v128_load32_splat(from as *const u32) }
        }
        #[inline(always)]
        fn add(sum: v128, weights: v128, activations: v128) -> v128 {
            i32x4_add(sum, i32x4_dot_i16x8(weights, activations))
        }
    }
    export!(i16_dot_widened, I16);
}

#[cfg(target_feature = "relaxed-simd")]
mod relaxed {
    use super::*;

    /// The three that read four i8 a column and step differ in how they add.
    macro_rules! i8_arithmetic {
        ($name:ident, $limit:expr, |$sum:ident, $weights:ident, $activations:ident| $add:expr) => {
            pub struct $name;
            impl Arithmetic for $name {
                type Activation = i8;
                type Operand = v128;
                const GROUP: usize = 4;
                const LIMIT: i32 = $limit;
                #[inline(always)]
                unsafe fn weights(from: *const i8) -> v128 {
                    unsafe { v128_load(from as *const v128) }
                }
                #[inline(always)]
                unsafe fn activations(from: *const i8) -> v128 {
                    unsafe { v128_load32_splat(from as *const u32) }
                }
                #[inline(always)]
                fn add($sum: v128, $weights: v128, $activations: v128) -> v128 {
                    $add
                }
            }
        };
    }
    // One instruction for 16 products, where the engine has one (VNNI).
    i8_arithmetic!(DotAdd, 127, |sum, w, a| i32x4_relaxed_dot_i8x16_i7x16_add(w, a, sum));
    export!(i8_dot_add, DotAdd);
    // Pairs of products in i16, which two of 127 * 127 cannot overflow; widened as they are added.
    i8_arithmetic!(Pairwise, 127, |sum, w, a| i32x4_add(sum, i32x4_extadd_pairwise_i16x8(i16x8_relaxed_dot_i8x16_i7x16(w, a))));
    export!(i8_dot_pairwise, Pairwise);

    /// Weights of 7 bits leave room for four products in i16, which halves the widening.
    pub struct Weights7;
    impl Arithmetic for Weights7 {
        type Activation = i8;
        type Operand = [v128; 2];
        const GROUP: usize = 4;
        const GROUPS: usize = 2;
        const LIMIT: i32 = 63;
        #[inline(always)]
        unsafe fn weights(from: *const i8) -> [v128; 2] {
            unsafe { [v128_load(from as *const v128), v128_load(from.add(COLUMNS * Self::GROUP) as *const v128)] }
        }
        #[inline(always)]
        unsafe fn activations(from: *const i8) -> [v128; 2] {
            unsafe { [v128_load32_splat(from as *const u32), v128_load32_splat((from as *const u32).add(1))] }
        }
        #[inline(always)]
        fn add(sum: v128, weights: [v128; 2], activations: [v128; 2]) -> v128 {
            let [low, high] = [0, 1].map(|i| i16x8_relaxed_dot_i8x16_i7x16(weights[i], activations[i]));
            i32x4_add(sum, i32x4_extadd_pairwise_i16x8(i16x8_add(low, high)))
        }
    }
    export!(i8_weights7_pairwise, Weights7);
}
