export class W { #n = 1; static { this.x = 2; } get n() { return this.#n ?? 0; } }
console.log(new W().n, W.x);
