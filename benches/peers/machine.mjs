/** What a figure depends on besides the code: the machine and the versions. */

import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, version } from 'node:os';
import { join } from 'node:path';

/** Instructions that decide how fast integer dot products are. */
const TELLING = ['avx2', 'avx_vnni', 'avx512_vnni', 'asimddp'];
const PEERS = ['onnxruntime-web', '@huggingface/transformers'];

/** @param {Record<string, string>} mounts */
export function machine(mounts) {
  return {
    date: new Date().toISOString(),
    processor: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    instructions: TELLING.filter((name) => flags().includes(name)),
    memoryBytes: totalmem(),
    system: `${distribution()}, kernel ${release()}`,
    load: loadavg(),
    versions: versions(mounts),
  };
}

function flags() {
  const found = read('/proc/cpuinfo').match(/^(?:flags|Features)\s*:(.*)$/m);
  return found?.[1].trim().split(' ') ?? [];
}

function distribution() {
  return read('/etc/os-release').match(/^PRETTY_NAME="(.*)"$/m)?.[1] ?? version();
}

function versions({ ours, npm }) {
  const manifest = (folder) => JSON.parse(read(join(folder, 'package.json')) || '{}').version ?? 'not installed';
  const peers = PEERS.map((name) => [name, manifest(join(npm, name))]);
  return { pointsman: manifest(ours), ...Object.fromEntries(peers) };
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
