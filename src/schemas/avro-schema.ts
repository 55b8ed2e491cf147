/** The part of Avro's schema language that schemas/*.avsc use. */
export type AvroSchema = string | AvroSchema[] | AvroArraySchema | AvroMapSchema | AvroRecordSchema;

interface AvroArraySchema {
  type: 'array';
  items: AvroSchema;
}

interface AvroMapSchema {
  type: 'map';
  values: AvroSchema;
}

export interface AvroRecordSchema {
  type: 'record';
  name: string;
  namespace: string;
  doc: string;
  fields: AvroField[];
}

export interface AvroField {
  name: string;
  type: AvroSchema;
  /** Absent for a required field, which has no default in the Python model either. */
  default?: null | boolean | number | string | Record<string, never>;
  doc: string;
}
