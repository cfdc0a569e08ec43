export const a = 1;
export default function run() {}
console.log(a);
