/** The Worker's variables and secrets, read and checked once: a typo is an answer that names it, not an odd routing. */

import { badConfig } from './errors.js';

/**
 * @typedef {object} Upstream where a candidate answers
 * @property {string} baseUrl what stands before `/chat/completions`
 * @property {string} [model] its name there
 * @property {string} [keyName] the secret that holds its key
 *
 * @typedef {object} Config
 * @property {Map<string, Upstream>} upstreams by candidate
 * @property {Map<string, Upstream>} byName the same by the upstream's name of the model
 * @property {Record<string, string>} models the upstream's name by candidate
 * @property {Upstream} [others] where every other model's requests go
 * @property {'full' | 'static'} tier
 * @property {object} policy
 * @property {object} learn
 * @property {object[]} [candidates]
 * @property {number} [budgetUsd]
 * @property {number} fallback
 * @property {{ bodyBytes: number, answerBytes: number, timeoutMs: number, idleMs: number }} limits
 */

let [known, config] = [];

/** @returns {Config} */
export function readConfig(env) {
  if (known !== env) [known, config] = [env, parse(env)];
  return config;
}

const EXAMPLE = '{ "gpt-4o": { "baseUrl": "https://api.openai.com/v1", "keyName": "OPENAI_API_KEY" } }';

function parse(env) {
  const given = Object.entries(json(env, 'UPSTREAMS', {}));
  const upstreams = new Map(given.map(([id, about]) => [id, upstreamOf(`UPSTREAMS["${id}"]`, { model: id, ...about }, env)]));
  if (upstreams.size === 0) throw badConfig(`UPSTREAMS: expected upstreams by candidate, such as ${EXAMPLE}`);
  const byName = new Map([...upstreams.values()].map((upstream) => [upstream.model, upstream]));
  if (byName.size < upstreams.size) throw badConfig('UPSTREAMS: two candidates have the same `model`; a request could not tell them apart');
  if (!['full', 'static'].includes(env.TIER ?? 'full')) throw badConfig(`TIER: expected full or static, not ${env.TIER}`);
  return {
    upstreams,
    byName,
    models: Object.fromEntries([...upstreams].map(([id, { model }]) => [id, model])),
    others: env.OTHERS && upstreamOf('OTHERS', json(env, 'OTHERS'), env),
    tier: env.TIER ?? 'full',
    policy: json(env, 'POLICY', {}),
    learn: { dimensions: 64, ...json(env, 'LEARN', {}), shared: true },
    candidates: json(env, 'CANDIDATES'),
    budgetUsd: env.BUDGET_USD === undefined ? undefined : number(env, 'BUDGET_USD'),
    fallback: number(env, 'FALLBACK', 2),
    limits: {
      bodyBytes: number(env, 'MAX_BODY_BYTES', 4e6),
      answerBytes: number(env, 'MAX_ANSWER_BYTES', 8e6),
      timeoutMs: 1000 * number(env, 'UPSTREAM_SECONDS', 60),
      idleMs: 1000 * number(env, 'UPSTREAM_IDLE_SECONDS', 60),
    },
  };
}

function upstreamOf(place, { baseUrl, model, keyName, ...rest }, env) {
  if (Object.keys(rest).length > 0) throw badConfig(`${place}: unknown key "${Object.keys(rest)[0]}"; known are baseUrl, model, keyName`);
  if (!/^https?:\/\//.test(baseUrl)) throw badConfig(`${place}: baseUrl must be a URL such as https://api.openai.com/v1`);
  if (keyName !== undefined && !env[keyName]) throw badConfig(`${place}: the secret ${keyName} is missing; run wrangler secret put ${keyName}`);
  return { baseUrl: baseUrl.replace(/\/+$/, ''), model, keyName };
}

/** A variable that wrangler hands over as an object, or that somebody wrote as text. */
function json(env, name, otherwise) {
  const value = env[name] ?? otherwise;
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw badConfig(`${name}: not JSON: ${cause.message}`);
  }
}

export function number(env, name, otherwise) {
  const value = Number(env[name] ?? otherwise);
  if (value >= 0 && Number.isFinite(value)) return value;
  throw badConfig(`${name}: expected a number from 0 up, not ${env[name]}`);
}

/** A secret that must not be guessed. */
export function secret(env, name) {
  if (typeof env[name] === 'string' && env[name].length >= 16) return env[name];
  throw badConfig(`${name}: this secret is missing or shorter than 16 characters; run openssl rand -hex 32 | wrangler secret put ${name}`);
}
