const n = await Promise.resolve(3);
console.log(n);
