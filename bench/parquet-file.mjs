// Writes the simplest Parquet file of one column of strings: one row group, PLAIN, not compressed. Only for files to measure the reading of.

const MAGIC = Buffer.from('PAR1');

/** Types of Thrift's compact protocol. */
const TYPES = { i32: 5, i64: 6, string: 8, list: 9, struct: 12 };

/**
 * The file as bytes.
 *
 * @param name of the column
 * @param texts its values, none missing
 */
export function parquetFile(name, texts) {
  const values = Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
  const [byteArray, plain, rle, uncompressed, required, utf8] = [6, 0, 3, 0, 0, 0];
  const page = struct([
    [1, 'i32', 0], // a data page
    [2, 'i32', values.length],
    [3, 'i32', values.length],
    [
      5,
      'struct',
      struct([
        [1, 'i32', texts.length],
        [2, 'i32', plain],
        [3, 'i32', rle],
        [4, 'i32', rle],
      ]),
    ],
  ]);
  const size = page.length + values.length;
  const column = struct([
    [1, 'i32', byteArray],
    [2, 'list', list('i32', [integer(plain)])],
    [3, 'list', list('string', [string(name)])],
    [4, 'i32', uncompressed],
    [5, 'i64', texts.length],
    [6, 'i64', size],
    [7, 'i64', size],
    [9, 'i64', MAGIC.length],
  ]);
  const group = struct([
    [
      1,
      'list',
      list('struct', [
        struct([
          [2, 'i64', MAGIC.length],
          [3, 'struct', column],
        ]),
      ]),
    ],
    [2, 'i64', size],
    [3, 'i64', texts.length],
  ]);
  const root = struct([
    [4, 'string', string('schema')],
    [5, 'i32', 1],
  ]);
  const leaf = struct([
    [1, 'i32', byteArray],
    [3, 'i32', required],
    [4, 'string', string(name)],
    [6, 'i32', utf8],
  ]);
  const footer = struct([
    [1, 'i32', 1], // version
    [2, 'list', list('struct', [root, leaf])],
    [3, 'i64', texts.length],
    [4, 'list', list('struct', [group])],
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([MAGIC, page, values, footer, length, MAGIC]);
}

/** Fields [id, type, value] in ascending order, and the end of the structure. */
function struct(fields) {
  let last = 0;
  const parts = fields.map(([id, type, value]) => {
    const header = Buffer.of(((id - last) << 4) | TYPES[type]);
    last = id;
    return Buffer.concat([header, typeof value === 'number' ? integer(value) : value]);
  });
  return Buffer.concat([...parts, Buffer.of(0)]);
}

function list(type, items) {
  return Buffer.concat([Buffer.of((items.length << 4) | TYPES[type]), ...items]);
}

function string(text) {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([variable(BigInt(bytes.length)), bytes]);
}

/** Zigzag, then seven bits a byte. */
function integer(value) {
  return variable(BigInt(value) << 1n);
}

function variable(value) {
  const bytes = [];
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return Buffer.of(...bytes, Number(value));
}
