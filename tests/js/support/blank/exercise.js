/** Does all that a router can do with text that must not stay, and gives back all that it hands out. Runs anywhere. */

/** Words that no file of the package holds, one for each place that text can be in. */
export const CANARIES = {
  prompt: 'Canaryprompt Zwölfton Quixotic9417',
  system: 'Canarysystem Mandragora Vexing5023',
  chat: 'Canarychat Peregrine Übermut8831',
  role: 'Canaryrole-Bassoon-6174',
  name: 'Canaryname-Ocelot-2718',
  session: 'Canarysession-Tamarind-3141',
  need: 'Canaryneed-Wisteria-1618',
  id: 'Canaryid-Marzipan-1414',
  receipt: 'Canaryreceipt-Gondola-1732',
};

/** Of a kind that the router knows, so that it is judged, and learned from, as most are. */
const QUESTION = 'A train travels 120 miles in 2 hours and then 180 miles in 3 hours. '
  + 'What is its average speed for the whole trip, in miles per hour? Explain step by step how you reach the answer.';
const CHAT = [
  { role: 'system', content: `Be brief. ${CANARIES.system}` },
  { role: CANARIES.role, name: CANARIES.name, content: 'What was said before.' },
  {
    role: 'user',
    name: CANARIES.name,
    content: [{ type: 'text', text: `${QUESTION} The name of the file is ${CANARIES.chat}.` }, { type: 'image', image: CANARIES.name }],
  },
];
const PROMPT = `${QUESTION} The name of the file is ${CANARIES.prompt}.`;
export const LEARN = { dimensions: 8, shared: true };

/**
 * @param {object} entry of the package
 * @param {object} [options] of the router
 * @param {() => unknown} [loaded] called when the files are there
 * @returns {Promise<Record<string, string>>} texts as they are, bytes in hexadecimal digits
 */
export async function exercise({ createRouter, mergeStates, explain }, options = {}, loaded = () => {}) {
  const told = [];
  const router = await createRouter({ learn: LEARN, budgetUsd: 10, seed: 1, onDecision: (decision) => { told.push(decision); }, ...options });
  await loaded();
  const decisions = await decide(router);
  const receipts = await Promise.all(decisions.map(({ id }) => router.receipt(id)));
  await teach(router, decisions, receipts);
  const refused = await refuse(router);
  const [state, drained] = [await router.exportState(), await router.drainState()];
  const given = () => [state, drained].map((bytes) => bytes.slice()); // a thread takes what it is given
  if (mergeStates) Object.assign(refused, { merged: hex(await mergeStates(given())) });
  await router.mergeState(given()[0]);
  await router.replaceState(given()[1]);
  const later = await router.route(PROMPT);
  return {
    ...refused,
    state: hex(state),
    drained: hex(drained),
    after: hex(await router.exportState()),
    receipts: receipts.map(hex).join(' '),
    decisions: JSON.stringify([...decisions, later, told]),
    explained: [...decisions, later].map(explain).join('\n'),
    stats: JSON.stringify(await router.stats()),
    candidates: JSON.stringify(router.candidates),
  };
}

async function decide(router) {
  const decisions = [
    await router.route(PROMPT, { session: CANARIES.session }),
    await router.route(CHAT, { session: CANARIES.session, caution: 0.5, inputTokens: 900, maxOutputTokens: 100 }),
  ];
  await router.rank(PROMPT, { costWeight: 1 });
  await router.embed([PROMPT, CHAT]);
  const { picks } = await router.assign([PROMPT, CHAT], { budgetUsd: 1 });
  return [...decisions, ...picks];
}

/** Two decisions are heard by their id, the others by their receipt. */
async function teach(router, decisions, receipts) {
  for (const [i, { id, usd }] of decisions.entries()) await router.feedback(i < 2 ? id : receipts[i], { score: i % 2, usd });
}

/** What is refused is forgotten, too; of what the caller is told then, only how it ends is given back. */
async function refuse(router) {
  const calls = [
    () => router.route(PROMPT, { needs: [CANARIES.need] }),
    () => router.route(PROMPT, { allow: [CANARIES.id] }),
    () => router.feedback(CANARIES.id, { score: 1 }),
    () => router.feedback(new TextEncoder().encode(CANARIES.receipt), { score: 1 }),
    () => router.receipt(CANARIES.id),
    () => router.mergeState(new TextEncoder().encode(CANARIES.receipt)),
  ];
  const ends = await Promise.all(calls.map(async (call) => {
    try {
      await call();
      return 'taken';
    } catch (error) {
      return error.code;
    }
  }));
  return { refused: ends.join(' ') };
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
