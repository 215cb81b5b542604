/** Small ONNX files made by hand for tests of teachers: any operators, any input types, numbers inside or beside the file. */
import onnxProto from 'onnx-proto';

const { ModelProto, TensorProto, AttributeProto } = onnxProto.onnx;
export const TYPES = TensorProto.DataType;

export interface SmallNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers, or lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export interface SmallModel {
  /** Element type and sizes; a string is a run-time size, an empty one without a name. */
  readonly inputs: Readonly<Record<string, readonly [number, readonly (number | string)[]]>>;
  readonly outputs: Readonly<Record<string, readonly [number, readonly (number | string)[]]>>;
  readonly weights?: Readonly<Record<string, readonly [Float32Array, readonly number[]]>>;
  readonly nodes: readonly SmallNode[];
  /** A file beside the model that holds the weights, one after another. */
  readonly external?: string;
}

/** The bytes of the model, and those of the file beside it. */
export function smallOnnx(model: SmallModel): { readonly bytes: Uint8Array; readonly beside: Uint8Array } {
  const { inputs, outputs, weights = {}, nodes, external } = model;
  const info = ([name, [elemType, dims]]: [string, readonly [number, readonly (number | string)[]]]) => ({
    name,
    type: {
      tensorType: {
        elemType,
        shape: { dim: dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
      },
    },
  });
  let offset = 0;
  const beside: Buffer[] = [];
  const initializer = Object.entries(weights).map(([name, [data, dims]]) => {
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const tensor = { name, dims: [...dims], dataType: TYPES.FLOAT };
    if (external === undefined) return { ...tensor, rawData: raw };
    beside.push(raw);
    offset += raw.length;
    return {
      ...tensor,
      dataLocation: TensorProto.DataLocation.EXTERNAL,
      externalData: Object.entries({ location: external, offset: offset - raw.length, length: raw.length }).map(
        ([key, value]) => ({ key, value: `${value}` }),
      ),
    };
  });
  const graph = {
    name: 'small',
    input: Object.entries(inputs).map(info),
    output: Object.entries(outputs).map(info),
    initializer,
    node: nodes.map(({ op, inputs: from, outputs: to, attributes = {} }) => ({
      opType: op,
      input: [...from],
      output: [...to],
      attribute: Object.entries(attributes).map(([name, value]) =>
        typeof value === 'number'
          ? { name, type: AttributeProto.AttributeType.INT, i: value }
          : { name, type: AttributeProto.AttributeType.INTS, ints: [...value] },
      ),
    })),
  };
  const bytes = ModelProto.encode({ irVersion: 8, opsetImport: [{ version: 17 }], graph }).finish();
  return { bytes: new Uint8Array(bytes), beside: new Uint8Array(Buffer.concat(beside)) };
}
