import { AvroDecoder } from '../../src/decode/avro/avro-decoder.ts';
import { ColumnarDecoder } from '../../src/decode/columnar/columnar-decoder.ts';
import { describeMessageDecoder } from './conformance.ts';

describeMessageDecoder('the reference decoder', (schemas) => new AvroDecoder(schemas));

describeMessageDecoder(
  'the columnar decoder, with the reference for what it declines',
  (schemas) => new ColumnarDecoder(schemas, new AvroDecoder(schemas)),
);
