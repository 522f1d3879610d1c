import { createRouter } from 'pointsman';

const form = document.querySelector('form');
const result = document.querySelector('pre');
const router = await createRouter();
result.textContent = 'Ready';

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  result.textContent = JSON.stringify(await router.route(form.elements.prompt.value), null, 2);
});
