/** What callers ask, by chance: most of it proper, some of it nothing that anybody should send. */

import { chance } from './chance.mjs';

/** In every prompt, and nowhere else: it must not turn up in a log. */
export const CANARY = 'canary';
const WORDS = ['which', 'enzyme', 'unwinds', 'the', 'double', 'helix', 'prove', 'that', 'there', 'are', 'many', 'primes', 'name', 'a', 'capital', 'of', 'x'];

/**
 * @typedef {object} Plan one request
 * @property {number} id
 * @property {string} path
 * @property {any} body the text or bytes that go out, where `isOdd`; else the object
 * @property {boolean} isOdd
 * @property {boolean} isLimited
 * @property {boolean} isRouted whether a running budget pays for it
 * @property {string} method
 * @property {Record<string, string>} headers
 * @property {number} [abortAfterMs]
 * @property {ReturnType<typeof chance>} draw for what the caller decides
 */

/**
 * @param {number} seed
 * @param {number} id
 * @param {readonly string[]} models
 * @param {boolean} isLimited whether every request sets a limit for its answer
 * @returns {Plan}
 */
export function planOf(seed, id, models, isLimited) {
  const draw = chance(seed, 'request', id);
  const json = { 'content-type': 'application/json' };
  const common = { id, isLimited, method: 'POST', headers: json, draw, ...(draw.is(0.04) && { abortAfterMs: draw.below(40) }) };
  const named = draw.is(0.06) ? draw.pick([...models, 'nobody', 'gpt-unheard']) : 'auto';
  const isResponses = draw.is(0.12);
  const path = isResponses ? '/responses' : '/chat/completions';
  const body = { model: named, ...(isResponses ? responses(id, draw, isLimited) : chat(id, draw, isLimited)), ...(draw.is(0.4) && { stream: true }) };
  const plan = { ...common, path, body, isOdd: false, isRouted: named === 'auto' };
  return draw.is(0.08) ? { ...plan, ...odd(plan), isOdd: true } : plan;
}

/** A prompt that names its request. */
export function promptOf(id, draw) {
  const length = draw.is(0.001) ? 12_000 : draw.is(0.02) ? 1500 : 3 + draw.below(40);
  return `Request ${id}: ${CANARY} ${words(length, draw)}`;
}

function words(count, draw) {
  return Array.from({ length: count }, () => draw.pick(WORDS)).join(' ');
}

function chat(id, draw, isLimited) {
  const messages = [{ role: 'user', content: promptOf(id, draw) }];
  if (draw.is(0.2)) messages.unshift({ role: 'system', content: words(60, draw) });
  if (draw.is(0.1)) messages[messages.length - 1].content = /** @type {any} */ ([{ type: 'text', text: messages.at(-1).content }, { type: 'text', text: words(5, draw) }]);
  if (draw.is(0.06)) messages.push(.../** @type {any[]} */ (errand(draw)));
  return { messages, ...limits(draw, isLimited), ...(draw.is(0.08) && { tools: [toolOf(draw)] }), ...(draw.is(0.05) && { response_format: { type: 'json_object' } }) };
}

function limits(draw, isLimited) {
  const limit = () => 1 + draw.below(draw.is(0.1) ? 4000 : 300);
  const name = draw.weighed({ max_tokens: 5, max_completion_tokens: 4, both: 1, none: isLimited ? 0 : 3 });
  const given = name === 'both' ? { max_tokens: limit(), max_completion_tokens: limit() } : name === 'none' ? {} : { [name]: limit() };
  return { ...given, ...(draw.is(0.05) && name !== 'none' && { n: 2 + draw.below(3) }) };
}

/** What an agent's request ends with: a tool called, and what it brought. */
function errand(draw) {
  const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: JSON.stringify({ what: words(80, draw) }) } };
  return [{ role: 'assistant', content: null, tool_calls: [call] }, { role: 'tool', tool_call_id: 'c1', content: words(200, draw) }];
}

function toolOf(draw) {
  return { type: 'function', function: { name: 'look', description: words(200, draw), parameters: { type: 'object', properties: { what: { type: 'string', description: words(50, draw) } } } } };
}

function responses(id, draw, isLimited) {
  const prompt = promptOf(id, draw);
  const instructions = draw.is(0.5) ? { instructions: words(150, draw) } : {};
  const limit = isLimited || draw.is(0.6) ? { max_output_tokens: 1 + draw.below(300) } : {};
  if (draw.is(0.6)) return { input: prompt, ...instructions, ...limit };
  const called = { type: 'function_call', call_id: 'c1', name: 'look', arguments: JSON.stringify({ what: words(80, draw) }) };
  const brought = { type: 'function_call_output', call_id: 'c1', output: words(150, draw) };
  return { input: [{ role: 'user', content: prompt }, ...(draw.is(0.5) ? [called, brought] : [])], ...instructions, ...limit };
}

const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Values of the wrong kind, for a place where a text, a number or a list belongs. */
const WRONG = ['5', 'null', 'true', '{}', '[]', '[null]', '{"toString":1}', '{"length":3}', '{"__proto__":{"role":"user"}}', '"\\ud83d"', '-1', '1e308', '"many"', nested(5000)];
const PLACES = {
  messages: (value, said) => `"messages":${value},"note":${said}`,
  message: (value, said) => `"messages":[{"role":"user","content":${said}},${value}]`,
  role: (value, said) => `"messages":[{"role":${value},"content":${said}}]`,
  content: (value, said) => `"messages":[{"role":"user","content":${said}},{"role":"user","content":${value}}]`,
  part: (value, said) => `"messages":[{"role":"user","content":[{"type":"text","text":${said}},${value}]}]`,
  text: (value, said) => `"messages":[{"role":"user","content":[{"type":"text","text":${said}},{"type":"text","text":${value}}]}]`,
  type: (value, said) => `"messages":[{"role":"user","content":[{"type":"text","text":${said}},{"type":${value},"mediaType":${value}}]}]`,
  output: (value, said) => `"messages":[{"role":"user","content":${said}},{"role":"tool","content":[{"output":{"value":${value}}}]}]`,
  calls: (value, said) => `"messages":[{"role":"user","content":${said}},{"role":"assistant","tool_calls":${value}}]`,
  tools: (value, said) => `"tools":${value},"messages":[{"role":"user","content":${said}}]`,
  format: (value, said) => `"response_format":${value},"text":${value},"messages":[{"role":"user","content":${said}}]`,
  input: (value, said) => `"input":${value},"instructions":${said}`,
  item: (value, said) => `"input":[${value},{"role":"user","content":${said}}],"instructions":${value}`,
  limit: (value, said) => `"max_tokens":${value},"n":${value},"messages":[{"role":"user","content":${said}}]`,
  session: (value, said) => `"prompt_cache_key":${value},"stream":${value},"messages":[{"role":"user","content":${said}}]`,
};

const BODIES = {
  cut: ({ text, draw }) => ({ body: text.slice(0, draw.below(text.length)) }),
  scalar: ({ draw }) => ({ body: draw.pick(['null', '7', '"auto"', '[]', '[{"model":"auto"}]', '']) }),
  bytes: ({ text }) => ({ body: new Uint8Array([...new TextEncoder().encode(text).slice(0, -3), 0xff, 0xfe, 0x00]) }),
  deep: ({ said, draw }) => ({ body: `{"model":"auto","messages":${draw.pick([`[{"role":"user","content":${said}},${nested(50_000)}]`, nested(50_000)])},"x":${nested(50_000)}}` }),
  huge: ({ said }) => ({ body: `{"model":"auto","filling":"${'x'.repeat(220_000)}","messages":[{"role":"user","content":${said}}]}` }),
  surrogate: ({ said }) => ({ body: `{"model":"auto","messages":[{"role":"user","content":${said.slice(0, -1)} \\ud83d"}]}` }),
  model: ({ said, draw }) => ({ body: `{"model":${draw.pick(WRONG)},"messages":[{"role":"user","content":${said}}]}` }),
  method: ({ draw }) => ({ method: draw.pick(['GET', 'DELETE', 'OPTIONS']), body: undefined }),
  put: ({ text }) => ({ method: 'PUT', body: text }),
  path: ({ text, draw }) => ({ path: draw.pick(['/embeddings', '/chat', '/chat/completions/7', '//chat/completions', '/%ff', '/responses/../x']), body: text }),
  type: ({ text, draw }) => ({ headers: { 'content-type': draw.pick(['text/plain', 'multipart/form-data', 'application/jsonx']) }, body: text }),
  wrong: ({ said, draw }) => ({ body: `{"model":"auto",${draw.pick(Object.values(PLACES))(draw.pick(WRONG), said)}}` }),
};

function odd({ id, draw, body }) {
  const name = draw.weighed(Object.fromEntries(Object.keys(BODIES).map((key) => [key, { wrong: 12, huge: 0.3, deep: 1 }[key] ?? 1])));
  const said = JSON.stringify(`Request ${id}: ${CANARY} of an odd kind`);
  return { isRouted: true, path: '/chat/completions', ...BODIES[name]({ text: JSON.stringify({ ...body, model: 'auto' }), said, draw }) };
}
