// The development server must leave the package in place, beside the files that it loads.
export default { optimizeDeps: { exclude: ['pointsman'] } };
