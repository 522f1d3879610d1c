/** scripts/supply-chain.sh fails on what it finds, and says so where it could not look. The tools are stubs here. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { env } from 'node:process';
import { test } from 'node:test';
import { ROOT, temporaryFolder } from './support/paths.mjs';

const [, VERSION] = readFileSync(join(ROOT, 'scripts/lib.sh'), 'utf8').match(/^deny_version=(.+)$/m);
const REPORT = { auditReportVersion: 2, vulnerabilities: {} };
const REFUSAL = { message: '405 Method Not Allowed', statusCode: 405 };
const WELL = { bans: 0, database: 0, advisories: 0, audit: 0, answer: REPORT };

/** A failure of each part, by the exit code of its tool. */
const FAILURES = {
  'a crate that deny.toml does not allow': { bans: 4 },
  'a crate with a known fault': { advisories: 1 },
  'an npm package with a known fault': { audit: 1 },
};

for (const [name, failure] of Object.entries(FAILURES)) {
  test(`${name} fails`, () => {
    assert.notEqual(check(failure).status, 0);
  });
}

test('where nothing is wrong, it passes and has skipped nothing', () => {
  const { status, stderr } = check({});
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /SKIPPED/);
});

for (const [name, failure, said] of /** @type {const} */ ([
  ['the RustSec database', { database: 1, advisories: 1 }, /SKIPPED: known faults of crates/],
  ['npm audit', { audit: 1, answer: REFUSAL }, /SKIPPED: known faults of the npm packages of tests\/js\/nodes/],
])) {
  test(`without ${name} it says what it skips, and fails where that is required`, () => {
    const { status, stderr } = check(failure);
    assert.equal(status, 0, stderr);
    assert.match(stderr, said);
    assert.notEqual(check(failure, { ADVISORIES: 'required' }).status, 0);
  });
}

function check(behaviour, more = {}) {
  const { bans, database, advisories, audit, answer } = { ...WELL, ...behaviour };
  const cache = temporaryFolder();
  script(join(cache, `cargo-deny-${VERSION}`, 'bin', 'cargo-deny'), `case $* in *fetch*) exit ${database} ;; *bans*) exit ${bans} ;; *advisories*) exit ${advisories} ;; esac`);
  script(join(cache, 'bin', 'npm'), `case $* in *--json*) echo '${JSON.stringify(answer)}' ;; esac; exit ${audit}`);
  const stubbed = { ...env, PATH: `${join(cache, 'bin')}:${env.PATH}`, POINTSMAN_CACHE: cache, ADVISORIES: '', ...more };
  return spawnSync(join(ROOT, 'scripts/supply-chain.sh'), { env: stubbed, encoding: 'utf8' });
}

function script(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}
