/** What a program that is WebAssembly writes into its files, while it writes it. */

/** The descriptors before this one are the standard input, output and error. */
const FIRST_FILE = 3;

type Instantiate = (source: unknown, imports: Imports) => unknown;
type Write = (file: number, vectors: number, count: number, written: number) => number;

/** What a program of WASI imports: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md */
interface Imports {
  readonly env: { readonly memory: { readonly buffer: ArrayBuffer } };
  readonly wasi_snapshot_preview1: { readonly fd_write: Write };
}

/** TypeScript knows it as a browser's only. */
const assembly: { instantiate: Instantiate } = Reflect.get(globalThis, "WebAssembly");

/**
 * Has programs that start from now on write into nothing: their files stay empty. The library that has pg_dump gives the
 * file that it wrote only when it has ended, after it has copied it several times.
 *
 * @param take gets the bytes; they are the program's memory, and another's when it returns
 * @returns what has to be called when no further program is to be watched
 */
export function watchWrites(take: (bytes: Uint8Array) => void): () => void {
  const { instantiate } = assembly;
  assembly.instantiate = (source, imports) => {
    const { env, wasi_snapshot_preview1: wasi } = imports;
    const write: Write = (file, vectors, count, written) => {
      if (file < FIRST_FILE) return wasi.fd_write(file, vectors, count, written);
      const memory = new DataView(env.memory.buffer);
      let length = 0;
      for (let vector = vectors; vector < vectors + count * VECTOR_BYTES; vector += VECTOR_BYTES) {
        const bytes = new Uint8Array(
          env.memory.buffer,
          memory.getUint32(vector, true),
          memory.getUint32(vector + 4, true),
        );
        take(bytes);
        length += bytes.length;
      }
      memory.setUint32(written, length, true);
      return 0;
    };
    return instantiate(source, { ...imports, wasi_snapshot_preview1: { ...wasi, fd_write: write } });
  };
  return () => {
    assembly.instantiate = instantiate;
  };
}

/** An address and a length. */
const VECTOR_BYTES = 8;
