// What the build puts in: text imports and the version.
declare module '*?raw' {
  const text: string;
  export default text;
}
declare const __VERSION__: string;
