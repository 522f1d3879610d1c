/** Stands where a peer has no such file. */
export default undefined;
