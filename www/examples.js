/** Prompts of different kinds and difficulty, to start from. */

export const EXAMPLES = [
  { title: 'Word problem', text: 'A tank fills in 12 minutes and leaks in 30. How long until it is full?' },
  { title: 'Hard proof', text: 'Prove that the sum of the reciprocals of the primes diverges.' },
  { title: 'Trivia', text: 'What is the capital of France?' },
  { title: 'Code', text: 'Write a Rust function that merges overlapping intervals in O(n log n), with unit tests.' },
  { title: 'Riddle', text: 'A farmer has 17 sheep and all but 9 run away. He then buys twice as many as he has left. How many sheep does he own?' },
  { title: 'Chemistry', text: 'Which of these salts gives a basic aqueous solution: NH4Cl, NaCN, KNO3 or AlCl3? Explain with equilibria.' },
  { title: 'Law', text: 'A contract for goods is silent on delivery. Under the UCC, when and where must the seller tender them?' },
  { title: 'Español', text: 'Resume en tres frases la trama de Don Quijote.' },
];
