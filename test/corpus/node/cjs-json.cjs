const { name } = JSON.parse('{"name":"x"}');
exports.name = name;
console.log(name);
