export {};
console.log('end')