/** examples/worker learns: whatever isolate hears of an outcome, whatever gets lost on the way, it counts once. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Share } from '../../examples/worker/share.js';
import { TOKEN_DAYS, Tokens } from '../../examples/worker/token.js';
import { createRouter } from '../../pkg/node.js';
import { temporaryFolder } from './support/paths.mjs';
import { startUpstream } from './support/upstream.mjs';
import { TOKEN_SECRET, filesOf, startExample, startLearner } from './support/worker-example.mjs';

const LEARN = { shared: true, dimensions: 64 };
const UPSTREAMS = ['gpt-4o-2024-05-13', 'llama-3.1-70b-instruct', 'deepseek-chat'];
/** Long enough that nobody is taken for gone while the machine is busy. */
const ORPHAN_SECONDS = 4;
const PROMPTS = [
  'Which enzyme unwinds the DNA double helix?', 'Name the capital of Australia.', 'What is the boiling point of ethanol?',
  'Who wrote The Brothers Karamazov?', 'What is the derivative of x squared?', 'Which planet has the most moons?',
];

const varsFor = (url) => ({ UPSTREAMS: Object.fromEntries(UPSTREAMS.map((id) => [id, { baseUrl: url }])) });
const chat = (content) => ({ model: 'auto', messages: [{ role: 'user', content }] });
const tokenOf = (response) => response.headers.get('x-pointsman-decision');
const codeOf = async (response) => [response.status, (await response.json()).error?.code];
const qualities = async (router) => {
  const scores = await router.rank(PROMPTS[0]);
  return scores.map(({ model, quality, usd }) => [model, quality.toFixed(5), usd.toFixed(9)]).sort();
};

/** A router in this process, and what it makes of these sums. */
async function judging(state) {
  const router = await createRouter({ learn: LEARN });
  if (state) router.mergeState(state);
  return qualities(router);
}

describe('two isolates', () => {
  const folder = temporaryFolder();
  const ends = [];
  let [upstream, example, given] = [];
  const start = async () => { example = await startExample({ vars: varsFor(upstream.url), isolates: ['a', 'b'], persist: folder }); };
  before(async () => {
    upstream = await startUpstream(/** @type {any} */ ({ after: (end) => ends.push(end) }));
    await start();
  });
  after(() => Promise.all([example.stop(), ...ends.map((end) => end())]));

  test('feedback at whichever isolate adds up to what one router learns that hears it all', async () => {
    given = [];
    for (const [at, prompt] of [...PROMPTS, ...PROMPTS].entries()) {
      const [asked, told] = at % 3 === 0 ? ['a', 'a'] : at % 3 === 1 ? ['a', 'b'] : ['b', 'a'];
      const token = tokenOf(await example.askAt(asked, '/v1/chat/completions', chat(prompt)));
      const outcome = { score: at % 2, usd: 0.001 * at };
      assert.deepEqual(await (await example.askAt(told, '/v1/feedback', { id: token, ...outcome })).json(), { heard: true });
      given.push({ token, outcome });
    }
    const { feedbacks, refused } = await example.settled();
    assert.deepEqual([feedbacks, refused], [given.length, 0]);

    const one = await createRouter({ learn: LEARN });
    const tokens = new Tokens(TOKEN_SECRET, await filesOf('full'));
    for (const { token, outcome } of given) one.feedback((await tokens.open(token)).receipt, outcome);
    const merged = new Uint8Array(await (await example.ask('/state')).arrayBuffer());
    const learned = await judging(merged);
    assert.deepEqual(learned, await qualities(one));
    assert.notDeepEqual(learned, await judging());
    assert.ok(!PROMPTS.some((prompt) => Buffer.from(merged).includes(prompt.slice(0, 12))));
  });

  test('a token is taken once, by whichever isolate', async () => {
    const token = tokenOf(await example.askAt('a', '/v1/chat/completions', chat(PROMPTS[0])));
    const heard = await Promise.all(['a', 'b', 'a', 'b'].map((isolate) => example.askAt(isolate, '/v1/feedback', { id: token, score: 1 })));
    assert.deepEqual(heard.map(({ status }) => status).sort(), [200, 409, 409, 409]);
    assert.deepEqual(await codeOf(heard.find(({ status }) => status === 409)), [409, 'REDEEMED']);
    given.push({ token });
  });

  test('what is no token, and what is no outcome, is refused, and then heard once it is right', async () => {
    const token = tokenOf(await example.ask('/v1/chat/completions', chat(PROMPTS[1])));
    const tell = async (body) => codeOf(await example.askAt('b', '/v1/feedback', body));
    const other = token[20] === 'A' ? 'B' : 'A';
    const strange = new Tokens('another secret than this one', await filesOf('full'));
    const changed = token.slice(0, 20) + other + token.slice(21);
    const forged = [changed, token.slice(0, -1), `${token}A`, 'x', 7, undefined, await strange.issue(new Uint8Array(300))];
    for (const id of forged) assert.deepEqual(await tell({ id, score: 1 }), [400, 'BAD_TOKEN'], `${id}`);
    for (const outcome of [{}, { score: 2 }, { score: '1' }, { usd: -1 }]) assert.deepEqual(await tell({ id: token, ...outcome }), [400, 'BAD_INPUT']);
    assert.equal((await example.ask('/v1/feedback', { id: token, score: 1 })).status, 200);
    given.push({ token });
  });

  test('all of it outlives a restart, and a new isolate begins with it', async () => {
    assert.equal((await example.settled()).feedbacks, given.length);
    const before = new Uint8Array(await (await example.ask('/state')).arrayBuffer());
    await example.stop();
    await start();
    assert.deepEqual(new Uint8Array(await (await example.ask('/state')).arrayBuffer()), before);
    for (const { token } of given) assert.deepEqual(await codeOf(await example.askAt('b', '/v1/feedback', { id: token, score: 1 })), [409, 'REDEEMED']);
    const stats = await (await example.askAt('b', '/stats')).json();
    assert.deepEqual([stats.learner.feedbacks, stats.isolate.version], [given.length, stats.learner.version]);
    assert.ok(stats.isolate.version > 0);
  });
});

describe('on the way to the Learner', () => {
  let learners;
  before(async () => { learners = await startLearner({ ORPHAN_SECONDS }); });
  after(() => learners.stop());

  /** A router, its share, and a decision of which an outcome can be heard. */
  async function isolate(seed) {
    const router = await createRouter({ seed, learn: LEARN });
    const decide = async (prompt) => ({ key: `${seed}-${prompt}`, receipt: router.receipt((await router.route(prompt)).id) });
    return { router, share: new Share(router), decide };
  }

  /** The same learner, but some of its calls fail: before they arrive, or after, when only their answer is lost. */
  function failing(learner, call, when) {
    return new Proxy(learner, {
      get: (_, name) => async (...values) => {
        if (name === call && when === 'before') throw new Error('lost on the way there');
        const result = await learner[name](...values);
        if (name === call) throw new Error('lost on the way back');
        return result;
      },
    });
  }

  for (const when of ['before', 'after']) {
    test(`a delivery that is lost ${when} it arrives is made again, and counts once`, async () => {
      const learner = await learners.open(`push ${when}`);
      const { share, decide } = await isolate(1);
      await share.hear(learner, await decide(PROMPTS[0]), { score: 1 });
      for (const _ of [1, 2]) await assert.rejects(share.trade(failing(learner, 'push', when)), /lost/);
      await share.hear(learner, await decide(PROMPTS[1]), { score: 0 });
      assert.equal(share.stats().undelivered, 2);
      for (const _ of [1, 2]) await share.trade(learner);
      assert.equal(share.stats().undelivered, 0);
      const { feedbacks, refused } = await learners.settled(learner);
      assert.deepEqual([feedbacks, refused], [2, 0]);
    });
  }

  test('a learner out of reach is said, and nothing is half heard', async () => {
    const learner = await learners.open('redeem');
    const { share, decide } = await isolate(1);
    const decision = await decide(PROMPTS[0]);
    await assert.rejects(share.hear(failing(learner, 'redeem', 'before'), decision, { score: 1 }), { status: 503, code: 'IO' });
    await share.hear(learner, decision, { score: 1 });
    await share.trade(learner);
    assert.equal((await learners.settled(learner)).feedbacks, 1);
  });

  test('what an isolate took along to its end is learned by another, and not again should it come back', async () => {
    const learner = await learners.open('orphans');
    const [gone, heir] = [await isolate(1), await isolate(2)];
    const decision = await gone.decide(PROMPTS[0]);
    await gone.share.hear(learner, decision, { score: 1, usd: 0.002 });
    await heir.share.trade(learner);
    assert.equal(heir.share.stats().undelivered, 0); // it may still be alive
    await new Promise((resolve) => setTimeout(resolve, 1000 * ORPHAN_SECONDS + 200));
    await heir.share.trade(learner);
    await gone.share.trade(learner);
    const { feedbacks, open, refused } = await learners.settled(learner);
    assert.deepEqual([feedbacks, open, refused], [1, 0, 0]);
    assert.equal(gone.share.stats().undelivered, 0);
    const one = await createRouter({ learn: LEARN });
    one.feedback(decision.receipt, { score: 1, usd: 0.002 });
    assert.deepEqual(await judging(await learner.state()), await qualities(one));
  });

  test('an outcome whose isolate never heard that it was entered is not lost', async () => {
    const learner = await learners.open('entered');
    const [deaf, heir] = [await isolate(1), await isolate(2)];
    const decision = await deaf.decide(PROMPTS[0]);
    await assert.rejects(deaf.share.hear(failing(learner, 'redeem', 'after'), decision, { score: 1 }), { status: 503 });
    await assert.rejects(deaf.share.hear(learner, decision, { score: 1 }), { status: 409 });
    await new Promise((resolve) => setTimeout(resolve, 1000 * ORPHAN_SECONDS + 200));
    for (const { share } of [deaf, heir, deaf]) await share.trade(learner);
    const { feedbacks, open } = await learners.settled(learner);
    assert.deepEqual([feedbacks, open], [1, 0]);
  });

  test('what others learned replaces what was learned here, and nothing that was not delivered', async () => {
    const learner = await learners.open('replace');
    const [a, b] = [await isolate(1), await isolate(2)];
    await a.share.hear(learner, await a.decide(PROMPTS[0]), { score: 1 });
    await a.share.trade(learner);
    await learners.settled(learner);
    await b.share.hear(learner, await b.decide(PROMPTS[1]), { score: 0 });
    await b.share.trade(learner);
    await learners.settled(learner);
    for (const { share } of [a, b]) await share.trade(learner);
    const all = await judging(await learner.state());
    assert.deepEqual([await qualities(a.router), await qualities(b.router)], [all, all]);
  });

  test('what the router cannot learn from is not left in the journal', async () => {
    const learner = await learners.open('release');
    const { share } = await isolate(1);
    await assert.rejects(share.hear(learner, { key: 'k', receipt: new Uint8Array(300) }, { score: 1 }), { code: 'BAD_INPUT' });
    assert.equal((await learners.settled(learner)).open, 0);
  });

  test('bytes that are no state do not block what comes behind them', async () => {
    const learner = await learners.open('garbage');
    for (const key of ['g', 'h']) await learner.redeem(key, 'nobody', new Uint8Array(1), { score: 1 });
    await assert.rejects(learner.push('nobody', ['g'], new Uint8Array(1.95e6))); // more than a row holds
    assert.equal(await learner.push('nobody', ['g', 'h'], new Uint8Array(1.8e6)), true);
    const { share, decide } = await isolate(1);
    await share.hear(learner, await decide(PROMPTS[0]), { score: 1 });
    await share.trade(learner);
    const { refused, version } = await learners.settled(learner);
    assert.deepEqual([refused, version], [1, 1]);
  });
});

test('a token ends after a week, and belongs to one set of files', async () => {
  const receipt = crypto.getRandomValues(new Uint8Array(300));
  const tokens = new Tokens(TOKEN_SECRET, 'these files');
  const [now, week] = [Date.now(), TOKEN_DAYS * 86_400_000];
  const token = await tokens.issue(receipt, now);
  assert.match(token, /^[\w-]+$/);
  assert.deepEqual((await tokens.open(token, now + week - 2000)).receipt, receipt);
  await assert.rejects(tokens.open(token, now + week + 2000), { status: 410, code: 'EXPIRED' });
  await assert.rejects(new Tokens(TOKEN_SECRET, 'those files').open(token, now), { status: 400, code: 'BAD_TOKEN' });
});
