import { createRouter } from 'bench-package';
import wasm from 'bench-wasm';
import { face } from '../../adapters/ours.mjs';
import { serve } from './serve.mjs';

export default serve(async () => face(await createRouter(wasm ? { wasm } : {})));
