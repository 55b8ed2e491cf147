import { promisify } from 'node:util';
import { gunzip as gunzipInPool } from 'node:zlib';
import { tooLargeOr } from './too-large.ts';

export async function gunzip(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await promisify(gunzipInPool)(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw tooLargeOr(error);
  }
}
