/** Loads a module of bench/, which is JavaScript: the test says what it exports. */
export async function benchModule<Exports>(name: string): Promise<Exports> {
  return (await import(new URL(`../../bench/${name}`, import.meta.url).href)) as Exports;
}
