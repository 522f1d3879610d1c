import relaxed from 'bench-relaxed';
import simd128 from 'bench-simd128';
import { face } from '../../adapters/floor.mjs';
import { serve } from './serve.mjs';

export default serve(() => face({ simd128, relaxed }), { floor: true });
