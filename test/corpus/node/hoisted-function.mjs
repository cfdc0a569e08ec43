main();
async function main() { console.log('main'); }
export {};
