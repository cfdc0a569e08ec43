const { default: d } = await import('data:application/json,{"a":1}', { with: { type: 'json' } });
console.log(d.a);
