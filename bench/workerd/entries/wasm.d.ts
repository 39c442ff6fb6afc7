// WebAssembly arrives compiled: Workers may not compile it at run time.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
