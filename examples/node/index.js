// npm start -- "your prompt"
import { createRouter } from 'pointsman';

const router = await createRouter();
const prompt = process.argv[2] ?? 'Prove that there are infinitely many primes.';
console.log(JSON.stringify(await router.route(prompt), null, 2));
