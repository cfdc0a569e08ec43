import d from 'data:application/json,{"b":2}' with { type: 'json' };
console.log(d.b);
