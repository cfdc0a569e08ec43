;(async () => {
  const { sep } = await import('node:path');
  console.log(sep);
})();
