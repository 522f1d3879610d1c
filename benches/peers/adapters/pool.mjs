/** From hidden states to unit vectors: the mean over the tokens of each text, none of which is padding. */
export function meanPool(hidden, [texts, tokens]) {
  const width = hidden.length / texts / tokens;
  const vectors = new Float32Array(texts * width);
  for (let text = 0; text < texts; text++) {
    const vector = vectors.subarray(text * width, (text + 1) * width);
    for (let token = 0; token < tokens; token++) {
      const start = (text * tokens + token) * width;
      for (let i = 0; i < width; i++) vector[i] += hidden[start + i];
    }
    const length = Math.hypot(...vector);
    for (let i = 0; i < width; i++) vector[i] /= length;
  }
  return vectors;
}
