import model from 'bench-model';
import module from 'bench-wasm';
import { face } from '../../adapters/rten.mjs';
import { serve } from './serve.mjs';

export default serve(() => face(module, new Uint8Array(model)));
