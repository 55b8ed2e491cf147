/** The part of Avro's schema language that schemas/*.avsc use. */
export type AvroSchema = string | AvroSchema[] | AvroMapSchema | AvroRecordSchema;

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
  /** Absent when a writer must always give the field: the Python model has no default either. */
  default?: null | boolean | number | string | Record<string, never>;
  doc: string;
}
