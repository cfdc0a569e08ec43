await null;
console.log('awaited');
